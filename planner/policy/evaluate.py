"""`evaluate`: the one function that screen and scripts ask."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from planner.model.plan import Plan
from planner.policy import rules
from planner.policy.findings import GUEST_CHECKS, HOST_CHECKS, Context, Finding, Severity
from planner.xen import hypervisor
from planner.xen import release as releases
from planner.xen.build import Build, build
from planner.xen.hypervisor import Iommu
from planner.xen.release import Release

__all__ = ["Report", "evaluate", "rules"]


@dataclass(frozen=True, eq=False)
class Report:
    """What would happen to a plan: one build a guest, in the plan's order, and the findings, worst place first.

    `ignored` counts what a suppression took out of the findings (`suppress.as_told`).
    """

    plan: Plan
    release: Release
    iommu: Iommu
    builds: tuple[Build, ...]
    findings: tuple[Finding, ...]
    ignored: int = 0

    @cached_property
    def counts(self) -> Counter[Severity]:
        """How many findings of each severity that nobody has acknowledged."""
        return Counter(finding.severity for finding in self.findings if finding.acknowledged is None)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that forbid an export."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def build(self, guest: str) -> Build | None:
        """The build of the guest of that name."""
        return next((build for build in self.builds if build.guest.name == guest), None)


def evaluate(plan: Plan, previous: Report | None = None) -> Report:
    """Replay every guest of `plan` and apply every rule. InputError for a Xen release that we do not replay.

    With the report of a `previous` plan on the same host, guests that did not change, nor their files, are not built
    again.
    """
    release = releases.find(plan.release)
    same_host = previous is not None and previous.plan.host is plan.host
    reuse = previous if previous is not None and same_host and previous.release is release else None
    iommu = reuse.iommu if reuse is not None else hypervisor.boot(plan.host, release)
    known = {}
    if reuse is not None and reuse.plan.rdm_as_documented == plan.rdm_as_documented:
        known = {build.guest.name: build for build in reuse.builds}
    builds = []
    for guest in plan.guests:
        old = known.get(guest.name)
        if old is None or old.guest != guest or old.guest.file is not guest.file:
            old = build(guest, plan.host, iommu, release, as_documented=plan.rdm_as_documented)
        builds.append(old)
    context = Context(plan, iommu, tuple(builds))
    findings = [finding for rule, check in HOST_CHECKS for finding in check(context, rule)]
    findings += [finding for one in builds for rule, check in GUEST_CHECKS for finding in check(context, rule, one)]
    order = {one.guest.name: number for number, one in enumerate(builds)}
    errors = {one.guest.name: one.error for one in builds}
    ending: set[tuple[str | None, str]] = {
        (one.guest, one.rule.id) for one in findings if one.guest is not None and one.ends(errors.get(one.guest))
    }
    findings.sort(key=lambda finding: _sort_key(finding, order, ending))
    return Report(plan, release, iommu, tuple(builds), tuple(findings))


def _sort_key(finding: Finding, order: dict[str, int], ending: set[tuple[str | None, str]]) -> tuple[object, ...]:
    """Host first, then guests in the plan's order; within one the worst first, then by device, rule and region.

    Of the worst, the rule that says why the build ends comes first; then what concerns the map, before what concerns
    a device alone.
    """
    return (
        order.get(finding.guest, len(order)) if finding.guest is not None else -1,
        finding.severity.rank,
        (finding.guest, finding.rule.id) not in ending,
        finding.region is None,
        finding.device or (),
        finding.rule.id,
        finding.region or (),
        finding.message,
    )
