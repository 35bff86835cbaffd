"""CFG: items of `pci=` that do something else than they look like, or more than is wise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.model.guest import Passthrough, RdmPolicy
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen.build import Build

_DECIMAL_SLOT = re.compile(r"(?:@|vslot=)(1[0-9])(?![0-9a-fA-F])")
_PCIBACK = ("pciback", "xen-pciback")


@guest_rule(
    Rule(
        "CFG604",
        "A device's policy is not the one that rdm= names",
        Severity.WARNING,
        by="nobody",
        why="A device without its own rdm_policy is strict, whatever a policy= says that xl dropped.",
        remedy="Set rdm_policy= on the device.",
        source="libxl_pci.c:1487-1494, xl_parse.c:1704-1729",
    )
)
def policy_not_inherited(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices with regions that take no policy of their own and not the one of `rdm=` either."""
    rdm = build.guest.rdm
    wanted = rdm.as_documented.policy if rdm is not None and rdm.as_documented.accepted else None
    if wanted in (None, RdmPolicy.INVALID):
        return
    for item, device in zip(build.guest.pci, build.domain.devices, strict=True):
        if item.policy is not None or item.address is None or device.policy is None:
            continue
        effective = RdmPolicy.STRICT if device.policy is RdmPolicy.INVALID else device.policy
        if effective != wanted and context.iommu.regions_of(item.address):
            yield context.finding(
                rule,
                build.guest,
                f"{item.address.short} is {effective}, the default: the {wanted} of rdm= never reaches it",
                device=item.address,
                help=f"rdm_policy={wanted} on the device, if that is meant",
            )


@guest_rule(
    Rule(
        "CFG607",
        "A device whose configuration space the guest may write",
        Severity.WARNING,
        by="nobody",
        why="permissive lets the guest write registers that nobody checks: it may harm the host through them.",
        remedy="Only for a guest that is trusted like dom0, and a device that does not work without.",
        source="xl-pci-configuration(5): permissive",
    )
)
def permissive(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Items with `permissive=1`, their own or the guest's default."""
    for item in build.guest.pci:
        if item.permissive if item.permissive is not None else build.guest.pci_permissive:
            yield context.finding(
                rule,
                build.guest,
                f"{item.label} is permissive: the guest may write all of its configuration space",
                device=item.address,
                help=rule.remedy,
                keys=("pci_permissive", "pci"),
            )


@guest_rule(
    Rule(
        "CFG608",
        "A device that is seized from its driver",
        Severity.WARNING,
        by="nobody",
        why="seize takes a device from whatever uses it as the guest starts: dom0's disk or network card as well.",
        remedy="xl pci-assignable-add before, which says what it does, and no seize.",
        source="xl-pci-configuration(5): seize",
    )
)
def seize(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Items with `seize=1` that are not bound to pciback already."""
    for item in build.guest.pci:
        device = context.plan.host.by_address.get(item.address) if item.address is not None else None
        if (item.seize if item.seize is not None else build.guest.pci_seize) and not _is_set_aside(item, context):
            use = device.in_use if device is not None else ""
            driver = device.driver if device is not None else None
            now = f", which dom0 uses ({use})" if use else f" from {driver}" if driver else ""
            yield context.finding(
                rule,
                build.guest,
                f"{item.label} is seized as the guest starts{now}",
                device=item.address,
                help=rule.remedy,
                keys=("pci_seize", "pci"),
            )


def _is_set_aside(item: Passthrough, context: Context) -> bool:
    device = context.plan.host.by_address.get(item.address) if item.address is not None else None
    return device is not None and device.driver in _PCIBACK


@guest_rule(
    Rule(
        "CFG609",
        "A virtual slot is a hexadecimal number",
        Severity.NOTICE,
        by="nobody",
        why="xl reads @10 as slot 0x10, which is the seventeenth.",
        remedy="Write the slot in hexadecimal: @0a is the slot after @09.",
        source="xlu/libxlu_pci.c:11-211; run on 4.17 and master",
    )
)
def slot_in_hexadecimal(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Slots from 10 to 19, which read like decimal ones."""
    for item in build.guest.pci:
        match = _DECIMAL_SLOT.search(item.text or "")
        if match is not None and item.vslot is not None:
            yield context.finding(
                rule,
                build.guest,
                f"{item.label}: slot {match[1]} is hexadecimal, {item.vslot} in decimal",
                device=item.address,
                keys=("pci",),
            )
