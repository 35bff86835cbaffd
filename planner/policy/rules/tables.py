"""RDM, the host's side: firmware tables that Xen refuses, corrects or ignores."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.host import RegionKind
from planner.model.span import PAGE
from planner.policy.findings import Context, Finding, Rule, Severity, host_rule

_FIRMWARE = "Update the host's firmware."


@host_rule(
    Rule(
        "RDM110",
        "Two reserved regions overlap",
        Severity.ERROR,
        by="Xen",
        why="Xen gives up on the whole table: the IOMMU stays off, and no device can be assigned to any guest.",
        remedy=_FIRMWARE,
        source="vtd/dmar.c:619-674, amd/iommu_acpi.c; seen on a real Xen 4.17",
    )
)
def overlapping_regions(context: Context, rule: Rule) -> Iterator[Finding]:
    """A table refused for an overlap."""
    error = context.iommu.error or ""
    if "verlap" in error:
        message = f"Xen refuses the firmware's table and switches the IOMMU off: {error.strip()}"
        yield context.host_finding(rule, message, xen_says=error.strip(), help=rule.remedy)


@host_rule(
    Rule(
        "RDM111",
        "A reserved region that the firmware did not reserve",
        Severity.ERROR,
        by="Xen",
        why="Xen may use the memory itself; before 4.19 it only warns, since 4.19 RAM there switches VT-d off.",
        remedy=_FIRMWARE,
        source="x86/iommu.c: iommu_unity_region_ok (a185f88e98); the warning seen on real runs",
    )
)
def region_not_reserved(context: Context, rule: Rule) -> Iterator[Finding]:
    """Regions outside reserved memory; a warning where Xen goes on."""
    error = context.iommu.error or ""
    if "can't be converted" in error:
        message = f"Xen switches VT-d off: {error}"
        yield context.host_finding(rule, message, xen_says=error, help=rule.remedy)
        return
    for step in context.iommu.steps:
        if step.log and "reserved memory" in step.log:
            message = "a region lies outside the memory that the host's firmware reserved"
            yield context.host_finding(rule, message, severity=Severity.WARNING, xen_says=step.log, help=rule.remedy)


@host_rule(
    Rule(
        "RDM112",
        "A region whose bounds make no sense",
        Severity.ERROR,
        by="Xen",
        why="An end before the start switches VT-d off; an end that begins a page loses that page.",
        remedy=_FIRMWARE,
        source="vtd/dmar.c: register_one_rmrr, dmar.c:1170-1171; run on the vectors",
    )
)
def region_bounds(context: Context, rule: Rule) -> Iterator[Finding]:
    """RMRRs that end before they start, or off a page's last byte (a warning)."""
    error = context.iommu.error or ""
    if "is incorrect" in error:
        message = f"Xen refuses the firmware's table and switches VT-d off: {error.strip()}"
        yield context.host_finding(rule, message, xen_says=error.strip(), help=rule.remedy)
    for region in context.plan.host.regions:
        if region.kind is RegionKind.RMRR and region.start <= region.end and region.end % PAGE == 0:
            message = f"RMRR {region.span} ends on the first byte of a page, and Xen leaves that page out"
            yield context.host_finding(rule, message, severity=Severity.WARNING, region=region.span, help=rule.remedy)


@host_rule(
    Rule(
        "RDM113",
        "A region that Xen ignores",
        Severity.NOTICE,
        by="Xen",
        why="None of the devices in its scope is there, so Xen does not register it.",
        remedy="Nothing to do, unless the device is switched off in the firmware and will come back.",
        source="vtd/dmar.c: register_one_rmrr; seen on a real run",
    )
)
def region_ignored(context: Context, rule: Rule) -> Iterator[Finding]:
    """RMRRs without a live device."""
    for step in context.iommu.steps:
        if step.log and step.log.lstrip().startswith("Ignore RMRR"):
            yield context.host_finding(rule, step.text, xen_says=step.log.strip())
