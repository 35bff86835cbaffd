"""The chosen guest's findings, then the host's."""

from __future__ import annotations

from planner.policy.findings import Finding
from planner.report.words import GLYPHS
from planner.tui.glyphs import MOVED
from planner.tui.text import Row, cut
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Picker


class Problems(Picker):
    """One finding a line, worst first."""

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays where it was as long as there are that many."""
        if self.view is not None and self.view.guest != view.guest:
            self.cursor = self.top = 0
        self.cursor = max(0, min(self.cursor, len(view.findings) - 1))
        super().show(view)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is listed."""
        return self.view.findings if self.view is not None else ()

    def count(self) -> int:
        """How many findings; one line says that there are none."""
        return max(1, len(self.findings))

    def subject(self) -> Subject:
        """The finding under the cursor."""
        return self.findings[self.cursor] if self.cursor < len(self.findings) else None

    def row(self, index: int, width: int) -> Row:
        """One finding."""
        if not self.findings:
            return Row((("✔ ", "ok"), ("no problem with this guest or the host", "dim")))
        finding = self.findings[index]
        new = self.view is not None and id(finding) in self.view.new_findings
        pieces = (
            (MOVED if new else "", finding.severity),
            (f"{GLYPHS[finding.severity]} {finding.rule.id} ", finding.severity),
            ("host: " if finding.guest is None else "", "dim"),
            (_where(finding), "dim"),
            (finding.message, ""),
        )
        return Row(cut(pieces, width))


def _where(finding: Finding) -> str:
    """Where its region begins, unless the message says it: several may have one message."""
    start = f"{finding.region.start:x}" if finding.region is not None else ""
    return f"{start} " if start and start not in finding.message else ""
