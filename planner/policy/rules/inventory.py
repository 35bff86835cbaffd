"""INV: what the inventory does not know."""

from __future__ import annotations

from collections.abc import Iterator

from planner.policy.findings import Context, Finding, Rule, Severity, host_rule


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
