"""A planning session: one plan, its history, and the report that goes with it. No files, no Textual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from planner.formats.xlcfg.guest import as_read
from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, SetCandidate, SetSize, Together, apply
from planner.model.errors import EditError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.policy.assignable import why_blocked
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding
from planner.policy.suppress import as_told


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step did to the findings: which came, and which went."""

    came: tuple[Finding, ...] = ()
    went: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The state of a session that a screen shows. Compare by identity: each change makes a new one.

    `last` names the edit that led here, `undo` and `redo` name what those would do; None where there is nothing.
    `before` is the report that the last step started from, None at the beginning.
    """

    plan: Plan
    report: Report
    last: str | None = None
    undo: str | None = None
    redo: str | None = None
    dirty: bool = False
    before: Report | None = None
    effect: Effect = Effect()


class Session:
    """Whole plans on two stacks: undo and redo move between them, so there is no inverse edit to get wrong.

    `judge` takes in what somebody decided to live with; `report` is without that.
    """

    def __init__(self, plan: Plan, judge: Callable[[Report], Report] = as_told) -> None:
        self._done: list[tuple[Edit, Report]] = []
        self._undone: list[tuple[Edit, Report]] = []
        self.report = evaluate(plan)
        self._judge = judge
        self._told = judge(self.report)
        self._before: Report | None = None
        self._saved = plan
        self._last: str | None = None
        self._turning = False

    @property
    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        return Snapshot(
            plan=self.report.plan,
            report=self._told,
            last=self._last,
            undo=self._done[-1][0].label if self._done else None,
            redo=self._undone[-1][0].label if self._undone else None,
            dirty=not says_the_same(self.report.plan, self._saved),
            before=self._before,
            effect=effect(self._before, self._told),
        )

    @property
    def history(self) -> tuple[str, ...]:
        """The steps that undo would take back, oldest first."""
        return tuple(edit.label for edit, _ in self._done)

    @property
    def undone(self) -> tuple[str, ...]:
        """The steps that redo would make again, the next one first."""
        return tuple(edit.label for edit, _ in reversed(self._undone))

    def do(self, edit: Edit, *, merge: bool = False) -> Snapshot:
        """Make an edit. EditError, and nothing changed, where it makes no sense or the profile blocks it.

        With `merge`, sizes that were the last thing changed, with it too, are changed on as the same step: a slider is
        one step, an exact value another.
        """
        plan = self.report.plan
        for address in _given(edit):
            reason = why_blocked(plan, self.report.iommu, address)
            if reason is not None:
                raise EditError(reason)
        report = evaluate(apply(plan, edit), self.report)
        judged = self._judge(report)
        if merge and self._turning and _sizes(self._done[-1][0]) == _sizes(edit):
            self._done[-1] = (edit, self._done[-1][1])
        else:
            self._done.append((edit, self.report))
        self._undone.clear()
        return self._move(report, judged, edit.label, turning=merge)

    def undo(self) -> Snapshot:
        """Take the last edit back; without one, nothing changes."""
        if not self._done:
            return self.snapshot
        edit, report = self._done.pop()
        self._undone.append((edit, self.report))
        return self._move(report, self._judge(report), f"undo {edit.label}")

    def redo(self) -> Snapshot:
        """Make the last undone edit again; without one, nothing changes."""
        if not self._undone:
            return self.snapshot
        edit, report = self._undone.pop()
        self._done.append((edit, self.report))
        return self._move(report, self._judge(report), f"redo {edit.label}")

    def mark_saved(self) -> Snapshot:
        """What is there now is on disk."""
        self._saved = self.report.plan
        return self.snapshot

    def why_blocked(self, address: Sbdf) -> str | None:
        """Why the profile forbids giving that device to any guest, or None."""
        return why_blocked(self.report.plan, self.report.iommu, address)

    def _move(self, report: Report, judged: Report, label: str, *, turning: bool = False) -> Snapshot:
        self._before, self._told, self.report = self._told, judged, report
        self._last, self._turning = label, turning
        return self.snapshot


def effect(before: Report | None, after: Report) -> Effect:
    """Which findings `after` has and `before` had not, and the other way round; nothing without a `before`.

    A guest that has another name now is the same guest. A finding about a region that is told of another device of the
    guest now is the same too.
    """
    if before is None:
        return Effect()
    old_names = renamed(before.plan, after.plan)
    return Effect(
        came=tuple(_beyond(after.findings, old_names, before.findings, {})),
        went=tuple(_beyond(before.findings, {}, after.findings, old_names)),
    )


def says_the_same(plan: Plan, saved: Plan) -> bool:
    """Whether nothing is to be saved: no difference that a person made, but perhaps files that others changed."""
    if plan.decides_the_same(saved):
        return True
    return (
        len(plan.guests) == len(saved.guests)
        and all(map(is_same, plan.guests, saved.guests))
        and plan.decides_the_same(replace(saved, guests=plan.guests))
    )


def is_same(guest: Guest, other: Guest) -> bool:
    """Whether a plan keeps the same of both: each is as one file has it, whatever that said at the time."""
    return guest == other or (
        guest.file is not None
        and other.file is not None
        and guest.file.path == other.file.path
        and guest.file.on_disk
        and other.file.on_disk
        and as_read(guest.file) == guest
        and as_read(other.file) == other
    )


def renamed(before: Plan, after: Plan) -> dict[str, str]:
    """The old name of each guest that has a new one: the guest of its file, or with no file the one in its place."""
    gone = {guest.name: guest for guest in before.guests if after.guest(guest.name) is None}
    new = {guest.name: guest for guest in after.guests if before.guest(guest.name) is None}
    of_files = {guest.file.path: name for name, guest in gone.items() if guest.file is not None and guest.file.on_disk}
    found: dict[str, str] = {}
    for name, guest in new.items():
        if guest.file is not None and guest.file.on_disk:
            if guest.file.path in of_files:
                found[name] = of_files[guest.file.path]
        elif len(before.guests) == len(after.guests):
            was = before.guests[after.guests.index(guest)]
            if was.name in gone and not (was.file is not None and was.file.on_disk):
                found[name] = was.name
    return found


def _beyond(
    these: Iterable[Finding], names: Mapping[str, str], those: Iterable[Finding], their_names: Mapping[str, str]
) -> Iterator[Finding]:
    """The findings that those lack; `names` and `their_names` are what to call guests for the comparison."""
    known = Counter(_identity(finding, their_names) for finding in those)
    unknown = []
    for finding in these:
        identity = _identity(finding, names)
        known[identity] -= 1
        if known[identity] < 0:
            unknown.append((finding, identity))
    elsewhere: Counter[tuple[object, ...]] = Counter()
    for (*about, region, _), count in known.items():
        elsewhere[*about, region] += max(0, count) if region is not None else 0
    for finding, (*about, region, _) in unknown:
        elsewhere[*about, region] -= 1
        if elsewhere[*about, region] < 0:
            yield finding


def _identity(finding: Finding, names: Mapping[str, str]) -> tuple[object, ...]:
    guest = names.get(finding.guest, finding.guest) if finding.guest is not None else None
    return (finding.rule.id, finding.severity, guest, finding.region, finding.device)


def _given(edit: Edit) -> Iterator[Sbdf]:
    """The devices that a guest would get, at its start or while it runs."""
    if isinstance(edit, Together):
        for one in edit.edits:
            yield from _given(one)
    elif isinstance(edit, Assign) or (isinstance(edit, SetCandidate) and edit.wanted):
        yield edit.address


def _sizes(edit: Edit) -> tuple[tuple[str, str], ...]:
    """Which sizes an edit changes."""
    edits = edit.edits if isinstance(edit, Together) else (edit,)
    return tuple((one.guest, one.key) for one in edits if isinstance(one, SetSize))
