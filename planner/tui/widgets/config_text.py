"""The chosen guest's xl.cfg as it would be written now, with what that changes: beside the map where there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.policy.evaluate import Report
from planner.report.words import plural
from planner.tui.commands import keymap_of, with_keys
from planner.tui.messages import ExportAsked
from planner.tui.text import Hung, Paragraph, Piece, Row, wrap
from planner.tui.view import View
from planner.tui.widgets.lines import Scroller

_STYLES = {"+": "ok", "-": "error"}
_ABOVE = 2
"""Lines that are shown above the first change."""
_HEAD = 2
"""Rows that the words about the whole may take."""


class ConfigText(Scroller):
    """A word about the whole, then the file's lines; it follows every edit to the first line that changes."""

    def __init__(self, before: Callable[[Guest], str | None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._before = before
        self._of: tuple[Report, int, str | None, str | None] | None = None
        self._head: Piece = ("", "")
        self._lines: list[Paragraph] = []
        self._first = 0
        self._wrapped: tuple[int, list[Row]] = (-1, [])
        self.text = ""

    @property
    def page(self) -> int:
        """The rows under the heading."""
        return max(1, self.size.height - len(self._heading(self.size.width)))

    def count(self) -> int:
        """Rows of the file, those that go included."""
        return len(self._body(self.size.width))

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The heading, then the rows from `top` on."""
        view = self.view
        if view is None or height <= _HEAD or width < 8:
            return []
        old = self._before(view.current) if view.current is not None else None
        seen = view.on_disk.get(view.current.name) if view.current is not None else None
        if self._of != (view.snapshot.report, view.guest, old, seen):  # an export changes the file and no report
            self._of = (view.snapshot.report, view.guest, old, seen)
            self._follow(view, old, seen)
            self.top = len(wrap(self._lines[: self._first], width - 2))
        heading, body = self._heading(width), self._body(width)
        height -= len(heading)
        self.top = max(0, min(self.top, len(body) - height))
        return [*heading, *self.with_bar(body[self.top : self.top + height], width, height)]

    def action_open(self) -> None:
        """To the preview, where it can be written."""
        self.post_message(ExportAsked())

    def _heading(self, width: int) -> list[Row]:
        return wrap([(self._head,)], width)[:_HEAD]

    def _body(self, width: int) -> list[Row]:
        if self._wrapped[0] != width:
            self._wrapped = (width, wrap(self._lines, width - 2))
        return self._wrapped[1]

    def _follow(self, view: View, old: str | None, seen: str | None) -> None:
        """Take what would be written for the view's guest, whose file holds `old`, and was `seen` to change."""
        from planner.export import shipping
        from planner.tui.describe import exports
        from planner.tui.differences import line_by_line

        self._lines, self._first, self._wrapped, self.text = [], 0, (-1, []), ""
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
        lines = line_by_line(old, self.text)
        self._lines = [
            Hung(((sign, style), (f" {line.expandtabs()}", style)))
            for sign, line in lines
            for style in (_STYLES.get(sign, ""),)
        ]
        signs = [sign for sign, _ in lines]
        self._first = max(0, next((at for at, sign in enumerate(signs) if sign != " "), 0) - _ABOVE)
        blocking, adds = shipment.refusals(guest.name), exports.added(shipment, guest.name)
        counts = "; ".join(filter(None, (f"{plural(signs.count('+'), 'line')} new, {signs.count('-')} gone", adds)))
        if seen is not None:
            compare = with_keys("{guest.export} tells more", keymap_of(self.app))
            self._head = (f"≠ its file {exports.ON_DISK[seen]}: {compare}", "warning")
        elif blocking:
            self._head = (f"✖ {exports.in_the_way(blocking)}" + (f"; {adds}" if adds else ""), "error")
        elif old is None:
            self._head = ("a new file" + (f"; {adds}" if adds else ""), "ok")
        elif signs.count(" ") < len(signs):
            self._head = (f"▲ {counts}", "warning") if adds else (counts, "accent")
        else:
            self._head = ("the file says just this", "dim")
