"""The cheapest config changes that clear a finding, each proved by building every guest again.

A change is offered only if the finding is then gone and nothing of the same or a higher severity is new, on any
guest. `ways` says what is worth a try; here it is tried, judged, put into words and ranked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from planner.formats.xlcfg import pci_spec
from planner.model.edits import Edit, SetPolicy, SetSize, Together, apply
from planner.model.errors import EditError
from planner.model.plan import Plan, Profile
from planner.policy import fix_words as words
from planner.policy import ways
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding, Severity

_SETTINGS = ("mmio_hole", "rdm_mem_boundary", "rdm_policy", "memory")
_BUDGET = 96  # trials a finding: far more than an ordinary guest takes


@dataclass(frozen=True, slots=True)
class Fix:
    """One way out, proved. `needs` is what a person must answer for first; None: it can be made unasked.

    `reason_for` says whose reason the plan keeps that word as, where it keeps one: a guest's, or the address of a
    device that dom0 loses. `settings` are the config keys that change, with their new values (None: removed), by guest;
    `pci` is the whole new list.
    """

    title: str
    edits: tuple[Edit, ...]
    cost: str
    needs: str | None = None
    reason_for: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)

    @property
    def edit(self) -> Edit:
        """The whole fix as one undoable step."""
        return self.edits[0] if len(self.edits) == 1 else Together(self.edits, self.title)


@dataclass(frozen=True, slots=True)
class Fixes:
    """The fixes of one finding, cheapest first; `reason` says why there is none that leaves the guest its device.

    `takes_xen`: the xen profile and a written reason would let it pass.
    """

    found: tuple[Fix, ...] = ()
    reason: str | None = None
    takes_xen: bool = False


_Rank = tuple[bool, bool, bool, bool, int, int, int, int]


def fixes(report: Report, finding: Finding) -> Fixes:
    """Ways to clear a finding of `report`: no RAM lost before RAM lost, smaller changes first.

    Last come a relaxed policy, and a guest without the device.
    """
    if finding.guest is None:
        why = (
            "which guest gives is for you to say" if finding.setting else "no guest's setting changes what the host is"
        )
        return Fixes(reason=f"{why}: {words.lower(finding.rule.remedy)}")
    search = _Search(report, finding)
    ranked = sorted(search.run(), key=lambda item: item[0])
    found = tuple(fix for _, fix in ranked)
    if any(not rank[0] for rank, _ in ranked):
        return Fixes(found)
    takes_xen = finding.rule.id in ("RDM103", "RDM107") and report.plan.profile is Profile.DEFAULT
    return Fixes(found, search.why_none(takes_xen=takes_xen), takes_xen)


@dataclass(frozen=True, slots=True)
class _Near:
    """A change that clears the finding and brings others."""

    edits: tuple[Edit, ...]
    report: Report
    brings: tuple[Finding, ...]


class _Search:
    """Each kind of change once, then settings in pairs: where one clears the finding, another clears what it brings."""

    def __init__(self, report: Report, finding: Finding) -> None:
        self.report, self.finding = report, finding
        self.regions = {rdm.span for rdm in report.iommu.regions}
        self.left = _BUDGET
        self.tried: set[str] = set()
        self.near: list[_Near] = []
        self.found: list[tuple[_Rank, Fix]] = []

    def run(self) -> list[tuple[_Rank, Fix]]:
        for way in ways.ways(self.report, self.finding):
            # A boundary lowers RAM behind QEMU's back: no use where a hole does it.
            if way.kind != "rdm_mem_boundary" or not self.found:
                self._first(way)
        if not any(not any(rank[:4]) for rank, _ in self.found):
            for near in tuple(self.near):
                self._repair(near)
        return self.found

    def why_none(self, *, takes_xen: bool) -> str:
        """The nearest miss, else what stands in the way and the rule's own remedy."""
        if self.near:
            near = self.near[0]
            worst = near.brings[0]
            return f"{words.title(near.edits)} would clear it, but then {worst.rule.id}: {worst.message}"
        tried = [kind for kind in ("mmio_hole", "rdm_mem_boundary", "memory") if kind in self.tried]
        given = "no size changes that" if takes_xen else "no size or policy changes that"
        said = [f"no {' or '.join(tried)} clears it"] if tried else [given]
        said += [why for why in (ways.why_no_device(self.report, self.finding),) if why]
        if takes_xen:
            said.append("rdm_policy=relaxed lets it pass, which takes the xen profile and a written reason")
        remedy = self.finding.help if self.finding.help and not tried else self.finding.rule.remedy
        return "; ".join([*said, words.lower(remedy)])

    def _first(self, way: ways.Way) -> bool:
        """Try one kind until a value does it for every finding of the rule on this guest, else take the first."""
        self.tried.add(way.kind)
        good: _Near | None = None
        for edits in way.tries:
            if self.left <= 0:
                break
            near = self._try(edits)
            if near is None:
                continue
            if near.brings:
                if way.kind in _SETTINGS:
                    self.near.append(near)
                continue
            good = good or near
            if not self._same_rule(near.report):
                good = near
                break
        return good is not None and self._prove(good.edits, way)

    def _same_rule(self, report: Report) -> bool:
        """Whether the guest still has a finding of the same rule."""
        return any(one.rule is self.finding.rule and one.guest == self.finding.guest for one in report.findings)

    def _repair(self, near: _Near) -> None:
        """Clear the first thing that `near` brings with one more setting."""
        worst = near.brings[0]
        build = near.report.build(worst.guest) if worst.guest is not None else None
        if build is None:
            return
        for way in ways.settings(near.report, build, worst):
            both = tuple(_merged(near.edits, edits) for edits in way.tries)
            if self._first(replace(way, tries=tuple(edits for edits in both if edits != near.edits))):
                return

    def _try(self, edits: tuple[Edit, ...]) -> _Near | None:
        """What the edits do to the guests that they touch; None where the finding stays."""
        self.left -= 1
        try:
            plan = apply(self.report.plan, Together(edits, ""))
        except EditError:  # a device that two guests list, or one guest twice
            return None
        touched = [new for new, old in zip(plan.guests, self.report.plan.guests, strict=True) if new != old]
        after = evaluate(replace(plan, guests=tuple(touched)), self.report)
        return _Near(edits, after, self._brings(after)) if self._is_gone(after) else None

    def _prove(self, edits: tuple[Edit, ...], way: ways.Way) -> bool:
        """Build every guest with it, and keep it if it holds."""
        after = evaluate(apply(self.report.plan, Together(edits, "")), self.report)
        if not self._is_gone(after) or self._brings(after) or self._loses_data(after):
            return False
        cost, lost, moved = words.cost(self.report, after, edits, way, self.finding.guest)
        if any(fix.edits == edits for _, fix in self.found):
            return True
        changed = _changed(self.report.plan, after.plan)
        fix = Fix(way.title or words.title(edits), edits, cost, way.needs, way.reason_for, changed)
        errors = after.counts[Severity.ERROR]
        last = (way.kind == "release", way.kind == "relaxed")
        rank = (*last, lost > 0, way.needs is not None, errors, lost, len(edits), abs(moved))
        self.found.append((rank, fix))
        return True

    def _is_gone(self, after: Report) -> bool:
        """Whether the guest has the finding no more, and nobody got it instead: it may move with its device."""
        mine = self._subject(self.finding)
        same = [other for other in after.findings if self._subject(other) == mine]
        known = sum(self._subject(other) == mine for other in self.report.findings)
        return len(same) < known and all(other.guest != self.finding.guest for other in same)

    def _loses_data(self, after: Report) -> bool:
        """Whether QEMU now misses RAM of a guest that something else still stops: MEM212 as soon as that is mended."""
        build, old = after.build(self.finding.guest or ""), self.report.build(self.finding.guest or "")
        lost = build is not None and build.qemu is not None and bool(build.qemu.lost)
        return lost and not (old is not None and old.qemu is not None and bool(old.qemu.lost))

    def _brings(self, after: Report) -> tuple[Finding, ...]:
        """What is new in `after`, which may hold some of the guests only, and as bad as the finding, worst first."""
        guests = {None, *(guest.name for guest in after.plan.guests)}
        before = Counter(key for one in self.report.findings if one.guest in guests for key in self._identities(one))
        counts = Counter(key for one in after.findings for key in self._identities(one))
        new = {key for key, count in counts.items() if count > before[key]}
        limit = self.finding.severity.rank
        found = [one for one in after.findings if new & {*self._identities(one)} and one.severity.rank <= limit]
        return tuple(sorted(found, key=lambda one: one.severity.rank))

    def _identities(self, one: Finding) -> Iterator[tuple[object, ...]]:
        """What makes two findings of two reports the same, a worse severity being another, a milder one not.

        That a region is shared is one matter, whether Xen refuses the device for it or warns.
        """
        rule, *rest = self._subject(one)
        for severity in list(Severity)[one.severity.rank :]:
            yield ("shared" if rule in ("RDM103", "RDM104") else rule, *rest, severity)

    def _subject(self, one: Finding) -> tuple[object, ...]:
        """What a finding is about: a device's own ones go with it from guest to guest.

        A range counts only where it is a region of the host: others follow from the layout.
        """
        region = one.region if one.region in self.regions else None
        return (one.rule.id, one.guest if one.device is None else None, one.device, region)


@dataclass(frozen=True, slots=True)
class Repair:
    """What came of clearing findings one after the other: the fixes made, the report then, and what is left and why."""

    report: Report
    made: tuple[tuple[Finding, Fix], ...]
    left: tuple[tuple[Finding, Fixes], ...]


def repair(report: Report, wanted: Callable[[Finding], bool]) -> Repair:
    """Make the cheapest fix of each `wanted` finding that needs nobody's word, until none is left or none helps.

    It ends: a fix brings nothing as bad as what it clears, so errors, then warnings, then notices only become fewer.
    """
    made: list[tuple[Finding, Fix]] = []
    left: dict[Finding, Fixes] = {}
    while finding := next((one for one in report.findings if wanted(one) and one not in left), None):
        ways_out = fixes(report, finding)
        fix = next((one for one in ways_out.found if one.needs is None), None)
        if fix is None:
            left[finding] = ways_out
            continue
        made.append((finding, fix))
        report = evaluate(apply(report.plan, fix.edit), report)
        touched = {name for name, _ in words.by_guest(fix.edits)}
        left = {one: kept for one, kept in left.items() if one.guest not in touched}
    now = [one for one in report.findings if wanted(one)]
    return Repair(report, tuple(made), tuple((one, left[one]) for one in now))


def _merged(first: tuple[Edit, ...], second: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Both, where a later size or policy replaces an earlier one of the same setting."""
    again = {_target(edit) for edit in second}
    return (*(edit for edit in first if _target(edit) not in again), *second)


def _target(edit: Edit) -> tuple[object, ...]:
    match edit:
        case SetSize(guest=guest, key=key):
            return guest, key
        case SetPolicy(guest=guest, address=address):
            return guest, address
        case _:
            return (edit,)


def _changed(before: Plan, after: Plan) -> dict[str, dict[str, Any]]:
    """The config keys that differ, by guest."""
    found: dict[str, dict[str, Any]] = {}
    for old, new in zip(before.guests, after.guests, strict=True):
        settings = (*SetSize.KEYS, "passthrough")
        keys = {key: getattr(new, key) for key in settings if getattr(new, key) != getattr(old, key)}
        keys |= {"pci": [pci_spec.render(item) for item in new.pci]} if new.pci != old.pci else {}
        if keys:
            found[new.name] = keys
    return found
