"""The chosen guest's findings, then the host's."""

from __future__ import annotations

from planner.policy.findings import Finding
from planner.report.words import GLYPHS
from planner.tui.glyphs import MOVED
from planner.tui.text import Piece, Row, cut, wrap
from planner.tui.view import Subject, View
from planner.tui.widgets.blocks import Blocks
from planner.tui.widgets.lines import entitle

_INDENT = "  "


class Problems(Blocks):
    """Findings, worst first: those of one rule about one device together, in as many lines as there is room for."""

    chosen = False
    """Whether somebody put the cursor where it is, on a problem that is still there."""
    _ignored = 0

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays on its problem, or else at its place. What is new is seen."""
        old, self.view = self.view, view
        if old is None or old.guest != view.guest:
            self.cursor = self.top = 0
            self.chosen = False
        elif old.snapshot is not view.snapshot:
            self._follow(old)
            self.bring_into_view()
            self._bring_news()
        if view.snapshot.report.ignored != self._ignored:
            self._ignored = view.snapshot.report.ignored
            entitle(self, f"Problems · {self._ignored} ignored" if self._ignored else "Problems")
        self.redraw()

    def _follow(self, old: View) -> None:
        """Keep the cursor on the problem that it stands on, if somebody put it there."""
        mine = _about(old.problems[self.cursor][0]) if self.chosen and self.cursor < len(old.problems) else None
        found = next((at for at, group in enumerate(self._groups) if mine in [_about(one) for one in group]), None)
        self.chosen = found is not None
        self.cursor = found if found is not None else max(0, min(self.cursor, len(self._groups) - 1))

    def _bring_news(self) -> None:
        """Scroll to the worst that the last step brought, unless the cursor is what somebody looks at."""
        new = next((at for at in range(len(self._groups)) if self._is_new(at)), None)
        if new is not None and not self._focused and self.scrolls:
            self.top = max(new - self.page + 1, min(self.top, new))

    def _is_new(self, index: int) -> bool:
        return self.view is not None and any(id(one) in self.view.new_findings for one in self._groups[index])

    def move(self, index: int, *, silently: bool = False) -> None:
        """Put the cursor there."""
        self.chosen = True
        super().move(index, silently=silently)

    def beyond(self, step: int) -> int:
        """The problem so many steps on, round and round; the one at the cursor while nobody chose it."""
        here = self.cursor if self.chosen or self._focused or step < 0 else self.cursor - 1
        return (here + step) % len(self._groups)

    @property
    def _groups(self) -> tuple[tuple[Finding, ...], ...]:
        return self.view.problems if self.view is not None else ()

    def count(self) -> int:
        """How many groups; one line says that there are none."""
        return max(1, len(self._groups))

    def subject(self) -> Subject:
        """The first finding of the group under the cursor."""
        return self._groups[self.cursor][0] if self.cursor < len(self._groups) else None

    def block(self, index: int, width: int, most: int) -> list[Row]:
        """One group, cut where `most` lines do not hold it."""
        if not self._groups:
            return [Row((("✔ ", "ok"), ("no problem with this guest or the host", "dim")))]
        finding, *others = self._groups[index]
        pieces: list[Piece] = [
            (MOVED if self._is_new(index) else "", finding.standing),
            (f"{GLYPHS[finding.standing]} {finding.rule.id} ", finding.standing),
            (f"×{len(others) + 1} " if others else "", "strong"),
            ("host: " if finding.guest is None else "", "dim"),
            (f"({finding.acknowledged}) " if finding.acknowledged is not None else "", "dim"),
            (_where(finding), "dim"),
            (finding.message, ""),
        ]
        if most == 1:
            return [Row(cut(pieces, width))]
        if others and finding.region is not None:
            pieces.append((f"; also {', '.join(str(one.region) for one in others)}", "dim"))
        lines = wrap([pieces], width - len(_INDENT))
        if len(lines) > most:
            rest = (*lines[most - 1].pieces, *lines[most].pieces)
            last = cut(rest, width - len(_INDENT))
            lines = [*lines[: most - 1], Row(last)]
        return [lines[0], *(Row(((_INDENT, ""), *line.pieces)) for line in lines[1:])]


def _where(finding: Finding) -> str:
    """Where its region begins, unless the message says it: several may have one message."""
    start = f"{finding.region.start:#x}" if finding.region is not None else ""
    return f"{start} " if start and start not in finding.message else ""


def _about(finding: Finding) -> tuple[object, ...]:
    """What makes a finding the same one after a step."""
    return (finding.rule.id, finding.guest is None, finding.device, finding.region)
