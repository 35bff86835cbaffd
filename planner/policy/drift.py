"""What a change of the host breaks: findings that the new inventory has and the old one had not."""

from __future__ import annotations

from dataclasses import replace

from planner.model.host import Host
from planner.model.plan import Plan
from planner.pci.drift import Drift, compare
from planner.pci.identity import pinned
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding


def assess(plan: Plan, new: Host, new_file: str) -> tuple[Drift, Report, tuple[Finding, ...]]:
    """The changes from `plan.host` to `new`, the report of the same guests on `new`, and what is wrong only there.

    The devices that guests have are pinned as the old inventory knows them, so that another device at the address is
    a finding. One that the old report has for the same guest and device is not new, whatever its figures.
    """
    before = evaluate(plan)
    moved = replace(pinned(plan), host=new, host_file=new_file)
    after = evaluate(moved)
    old = {_key(finding) for finding in before.findings}
    fresh = tuple(finding for finding in after.findings if _key(finding) not in old)
    return compare(plan.host, new), after, fresh


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule.id, finding.severity, finding.guest, finding.device
