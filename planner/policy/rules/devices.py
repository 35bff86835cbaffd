"""PCI: facts about single devices."""

from __future__ import annotations

from collections.abc import Iterator

from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen.build import Build, not_assignable


@guest_rule(
    Rule(
        "PCI501",
        "A bridge cannot be given away",
        Severity.ERROR,
        by="Xen",
        why="Other devices stand behind a bridge; Xen refuses a host bridge and makes nothing of the others.",
        remedy="Give the device behind the bridge.",
        source="vtd/iommu.c: domain_context_mapping",
    )
)
def bridge(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices of class 06 in a guest's list."""
    known = context.plan.host.by_address
    for item in build.guest.pci:
        device = known.get(item.address) if item.address is not None else None
        if device is not None and device.is_bridge:
            message = f"{device.address.short} is a bridge ({device.class_name or device.class_code or 'class 06'})"
            yield context.finding(rule, build.guest, message, device=device.address)


@guest_rule(
    Rule(
        "PCI508",
        "A device listed twice",
        Severity.ERROR,
        by="libxl",
        why="The first assignment takes the device off the list of assignable ones, and creation fails at the second.",
        remedy="Drop one of the two items.",
        source="libxl_pci.c:1677, seen on a real run",
    )
)
def listed_twice(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """The same address in two items of one guest."""
    addresses = [item.address for item in build.guest.pci if item.address is not None]
    for address in dict.fromkeys(one for one in addresses if addresses.count(one) > 1):
        says = not_assignable(address)
        message = f"{address.short} is listed {addresses.count(address)} times"
        yield context.finding(rule, build.guest, message, device=address, xen_says=says)
