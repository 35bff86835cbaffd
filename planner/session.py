"""A planning session: one plan, its history, and the report that goes with it. No files, no Textual."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, apply
from planner.model.errors import EditError
from planner.model.plan import Plan
from planner.policy.assignable import why_blocked
from planner.policy.evaluate import Report, evaluate


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The state of a session that a screen shows. Compare by identity: each change makes a new one.

    `last` names the edit that led here, `undo` and `redo` name what those would do; None where there is nothing.
    """

    plan: Plan
    report: Report
    last: str | None = None
    undo: str | None = None
    redo: str | None = None
    dirty: bool = False


class Session:
    """Whole plans on two stacks: undo and redo move between them, so there is no inverse edit to get wrong."""

    def __init__(self, plan: Plan) -> None:
        self._done: list[tuple[str, Report]] = []
        self._undone: list[tuple[str, Report]] = []
        self._report = evaluate(plan)
        self._saved = plan
        self._last: str | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        return Snapshot(
            plan=self._report.plan,
            report=self._report,
            last=self._last,
            undo=self._done[-1][0] if self._done else None,
            redo=self._undone[-1][0] if self._undone else None,
            dirty=not self._report.plan.decides_the_same(self._saved),
        )

    def do(self, edit: Edit) -> Snapshot:
        """Make an edit. EditError, and nothing changed, where it makes no sense or the profile blocks it."""
        plan = self._report.plan
        if isinstance(edit, Assign):
            reason = why_blocked(plan, self._report.iommu, edit.address)
            if reason is not None:
                raise EditError(reason)
        return self._move(evaluate(apply(plan, edit), self._report), edit.label)

    def undo(self) -> Snapshot:
        """Take the last edit back; without one, nothing changes."""
        if self._done:
            label, report = self._done.pop()
            self._undone.append((label, self._report))
            self._report, self._last = report, f"undo {label}"
        return self.snapshot

    def redo(self) -> Snapshot:
        """Make the last undone edit again; without one, nothing changes."""
        if self._undone:
            label, report = self._undone.pop()
            self._done.append((label, self._report))
            self._report, self._last = report, label
        return self.snapshot

    def mark_saved(self) -> Snapshot:
        """What is there now is on disk."""
        self._saved = self._report.plan
        return self.snapshot

    def why_blocked(self, address: Sbdf) -> str | None:
        """Why the profile forbids giving that device to any guest, or None."""
        return why_blocked(self._report.plan, self._report.iommu, address)

    def _move(self, report: Report, label: str) -> Snapshot:
        self._done.append((label, self._report))
        self._undone.clear()
        self._report, self._last = report, label
        return self.snapshot
