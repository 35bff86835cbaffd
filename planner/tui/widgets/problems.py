"""The chosen guest's findings, then the host's."""

from __future__ import annotations

from planner.policy.findings import Finding
from planner.report.words import GLYPHS
from planner.tui.glyphs import MOVED
from planner.tui.text import Piece, Row, cut, wrap
from planner.tui.view import Subject, View
from planner.tui.widgets.blocks import Blocks

_INDENT = "  "


class Problems(Blocks):
    """Findings, worst first: those of one rule about one device together, in as many lines as there is room for."""

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays where it was as long as there are that many."""
        if self.view is not None and self.view.guest != view.guest:
            self.cursor = self.top = 0
        self.cursor = max(0, min(self.cursor, len(view.problems) - 1))
        super().show(view)

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
        new = self.view is not None and any(id(one) in self.view.new_findings for one in self._groups[index])
        pieces: list[Piece] = [
            (MOVED if new else "", finding.severity),
            (f"{GLYPHS[finding.severity]} {finding.rule.id} ", finding.severity),
            (f"×{len(others) + 1} " if others else "", "strong"),
            ("host: " if finding.guest is None else "", "dim"),
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
    start = f"{finding.region.start:x}" if finding.region is not None else ""
    return f"{start} " if start and start not in finding.message else ""
