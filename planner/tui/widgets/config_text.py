"""The chosen guest's xl.cfg as it would be written now, with what that changes: beside the map where there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.policy.evaluate import Report
from planner.report.words import plural
from planner.tui.commands import keymap_of, with_keys
from planner.tui.messages import ExportAsked
from planner.tui.text import Row, cut
from planner.tui.view import View
from planner.tui.widgets.lines import Scroller

_STYLES = {"+": "ok", "-": "error"}
_ABOVE = 2
"""Lines that are shown above the first change."""


class ConfigText(Scroller):
    """A line about the whole, then the file's lines; it follows every edit to the first line that changes."""

    def __init__(self, before: Callable[[Guest], str | None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._before = before
        self._of: tuple[Report, int, str | None] | None = None
        self._head: tuple[str, str] = ("", "")
        self._lines: list[tuple[str, str]] = []
        self.text = ""

    @property
    def page(self) -> int:
        """The rows under the heading."""
        return max(1, self.size.height - 1)

    def count(self) -> int:
        """Lines of the file, those that go included."""
        return len(self._lines)

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The heading, then the lines from `top` on."""
        view = self.view
        if view is None or height < 2:
            return []
        old = self._before(view.current) if view.current is not None else None
        if self._of != (view.snapshot.report, view.guest, old):  # an export changes the file and no report
            self._of = (view.snapshot.report, view.guest, old)
            self._follow(view, old)
        self.top = max(0, min(self.top, self.count() - height + 1))
        inner = width - 2
        shown = [
            Row(((f"{sign} ", _STYLES.get(sign, "")), *cut(((line.expandtabs(), _STYLES.get(sign, "")),), inner - 1)))
            for sign, line in self._lines[self.top : self.top + height - 1]
        ]
        return [Row(cut((self._head,), width)), *self.with_bar(shown, width, height - 1)]

    def action_open(self) -> None:
        """To the preview, where it can be written."""
        self.post_message(ExportAsked())

    def _follow(self, view: View, old: str | None) -> None:
        """Take what would be written for the view's guest, whose file holds `old`."""
        from planner.export import shipping
        from planner.tui.differences import line_by_line

        self._lines, self.text = [], ""
        guest = view.current
        if guest is None:
            self._head = ("no guest", "dim")
            return
        shipment = shipping.ship(view.snapshot.report)
        try:
            self.text = shipment.text(guest.name)
        except InputError as error:
            self._head = (f"✖ {error}", "error")
            return
        self._lines = line_by_line(old, self.text)
        changed = [index for index, (sign, _) in enumerate(self._lines) if sign != " "]
        self.top = max(0, changed[0] - _ABOVE) if changed else 0
        blocking = shipment.refusals(guest.name)
        if blocking:
            rules = " ".join(dict.fromkeys(finding.rule.id for finding in blocking))
            self._head = (f"✖ {rules} in the way of writing it", "error")
        elif old is None:
            self._head = ("a new file", "ok")
        elif changed:
            signs = [self._lines[index][0] for index in changed]
            counts = f"{plural(signs.count('+'), 'line')} new, {signs.count('-')} gone"
            more = guest.name in shipment.notes
            why = with_keys("{guest.export} says why", keymap_of(self.app))
            self._head = (f"▲ {counts}, beyond the plan: {why}", "warning") if more else (counts, "accent")
        else:
            self._head = ("as read, byte for byte", "dim")
