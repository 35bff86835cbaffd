"""INV: what the inventory does not know."""

from __future__ import annotations

from collections.abc import Iterator

from planner.policy.findings import Context, Finding, Rule, Severity, host_rule

_IGNORED = ("= is read up to", "is passed over", "left out")
"""How the steps of `xen.boot_options` and `xen.vtd` say that an option's region does not count."""


@host_rule(
    Rule(
        "INV901",
        "The table that the regions come from is damaged",
        Severity.ERROR,
        by="nobody",
        why="Bytes of it changed on the way, so its regions may be others than the firmware's.",
        remedy="Copy the table again, as root and as a binary file.",
        source="ACPI specification, System Description Table Header: all bytes of a table add up to 0",
    )
)
def table_damaged(context: Context, rule: Rule) -> Iterator[Finding]:
    """Inventories whose table had a wrong checksum when it was collected."""
    sources = context.plan.host.sources
    if sources.regions_damage is not None:
        message = f"{sources.regions or 'the table'} is damaged: {sources.regions_damage}"
        yield context.host_finding(rule, message, help=rule.remedy)


@host_rule(
    Rule(
        "INV902",
        "Nobody has looked for reserved regions",
        Severity.WARNING,
        by="nobody",
        why="An inventory without the firmware's table cannot show a conflict, and so cannot rule one out.",
        remedy="Collect /sys/firmware/acpi/tables/RMAD on a Xen dom0, or DMAR or IVRS on bare metal, as root.",
        source="Xen hides the DMAR table from dom0 by renaming it (vtd/dmar.c:922)",
    )
)
def regions_unknown(context: Context, rule: Rule) -> Iterator[Finding]:
    """A host whose regions come from no source."""
    host = context.plan.host
    if host.sources.regions is not None:
        return
    message = None
    if host.sources.regions_from_log is not None:
        message = (
            f"reserved memory was learned from {host.sources.regions_from_log} only: there may be more of it, "
            'so "no conflict" cannot be trusted'
        )
    elif not host.regions:
        message = 'reserved memory is unknown: no table was read, so "no conflict" cannot be trusted'
    if message is not None:
        yield context.host_finding(rule, message, help=rule.remedy)


@host_rule(
    Rule(
        "INV903",
        "A scope that leads nowhere",
        Severity.WARNING,
        by="nobody",
        why="Without the bridge on the way nobody can say which device the region belongs to.",
        remedy="Collect a listing with bus numbers: lspci -vv -nn.",
        source="vtd/dmar.c:307-449 walks the same path",
    )
)
def scope_unresolved(context: Context, rule: Rule) -> Iterator[Finding]:
    """Scopes with a problem."""
    for region in context.plan.host.regions:
        for scope in region.scopes:
            if scope.problem is not None:
                message = f"region {region.span}: scope {scope.path or scope.kind} does not resolve: {scope.problem}"
                yield context.host_finding(rule, message, region=region.span)


@host_rule(
    Rule(
        "INV904",
        "Devices in a segment that Xen cannot name",
        Severity.WARNING,
        by="Xen",
        why="Linux numbers what is behind a VMD controller from segment 10000 on; Xen's segments have four digits.",
        remedy="Switch VMD off in the firmware to give these devices away, or give the VMD controller itself.",
        source="xen/include/xen/pci.h: a segment has 16 bits",
    )
)
def segment_too_large(context: Context, rule: Rule) -> Iterator[Finding]:
    """Hosts with functions in a segment above ffff; one finding, however many."""
    lost = [device.address for device in context.plan.host.devices if not device.address.fits_xen]
    if lost:
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        yield context.host_finding(rule, f"{lost[0]}{more}: Xen has no name for that segment, so no guest can have it")


@host_rule(
    Rule(
        "INV906",
        "A region of Xen's command line that does not count",
        Severity.NOTICE,
        by="Xen",
        why="rmrr= and ivmd= take page numbers in hexadecimal, need the machine's own IOMMU, and give way to the "
        "firmware's regions.",
        remedy="Correct the option, or drop it.",
        source="vtd/dmar.c:1195-1264, docs/misc/xen-command-line",
    )
)
def option_ignored(context: Context, rule: Rule) -> Iterator[Finding]:
    """Regions of `rmrr=` and `ivmd=` that Xen leaves out."""
    for step in context.iommu.steps:
        if any(words in step.text for words in _IGNORED):
            yield context.host_finding(rule, step.text, xen_says=step.log)
