"""RDM: what reserved regions cost, and what to think of before they bite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from planner.model.guest import RdmPolicy, RdmStrategy
from planner.model.span import GIB4, KIB, MIB, Span, format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen import libxl
from planner.xen.build import Build

_MUCH = 256 * MIB


@guest_rule(
    Rule(
        "RDM109",
        "Much RAM moves above 4 GiB for a region",
        Severity.NOTICE,
        by="nobody",
        why="libxl puts all RAM from the region on above 4 GiB; a 32-bit guest without PAE never sees it there.",
        remedy="Nothing to do for a 64-bit guest; for a 32-bit one give less memory or another device.",
        source="libxl_dm.c:468-670",
    )
)
def much_ram_moves(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Low RAM that ends at a region, more than 256 MiB below where it would: by libxl, or by a hole made for it."""
    layout = build.layout
    if layout is None or not layout.ok:
        return
    ram = (build.domain.max_kib - build.domain.video_kib) * KIB
    cut = min(ram, max(layout.mmio_start, GIB4 - libxl.DEFAULT_MMIO_HOLE)) - layout.low_end
    here = Span(layout.low_end, layout.low_end + 2 * MIB)  # libxl rounds down to whole superpages, a hole to MiB
    entry = min((one for one in layout.regions if one.span.start in here), key=lambda one: one.span, default=None)
    if cut > _MUCH and entry is not None:
        yield context.finding(
            rule,
            build.guest,
            f"low RAM ends at {layout.low_end:#x} for region {entry.span}: {format_size(cut)} move above 4 GiB",
            device=entry.devices[0] if entry.devices else None,
            region=entry.span,
            keys=("memory", "maxmem"),
        )


@guest_rule(
    Rule(
        "RDM116",
        "Integrated graphics without its reserved memory",
        Severity.WARNING,
        by="device",
        why="The driver of Intel's integrated graphics always touches its reserved memory and crashes without it.",
        remedy="Policy strict, and a layout that keeps the region: Xen then refuses instead.",
        source="xl.cfg(5): rdm_policy",
    )
)
def graphics_without_region(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """An Intel display device with regions whose policy is relaxed, or whose region libxl masked."""
    masked = {
        device
        for entry in (build.layout.regions if build.layout is not None else ())
        if entry.policy is RdmPolicy.INVALID
        for device in entry.devices
    }
    for item in build.domain.devices:
        device = context.plan.host.by_address.get(item.address) if item.address is not None else None
        if device is None or not (device.class_code or "").startswith("03") or not (device.id or "").startswith("8086"):
            continue
        regions = context.iommu.regions_of(device.address)
        if regions and (item.policy is RdmPolicy.RELAXED or device.address in masked):
            what = "is hidden from the guest" if device.address in masked else "may be left out without an error"
            yield context.finding(
                rule,
                build.guest,
                f"{device.address.short} is integrated graphics, and its region {regions[0].span} {what}",
                device=device.address,
                region=regions[0].span,
                help="rdm_policy=strict on the device",
            )


@guest_rule(
    Rule(
        "RDM118",
        "Two devices of one region with different policies",
        Severity.WARNING,
        by="nobody",
        why="libxl knows regions by their start alone, and the policy of the last device in the list wins.",
        remedy="Give both devices the same rdm_policy.",
        source="libxl_dm.c:555-568; xl.cfg(5) says that strict wins, and it does not",
    )
)
def policies_differ(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Pairs of one guest's devices with regions of the same start, and another effective policy or size."""
    devices = [device for device in build.domain.devices if device.address is not None]
    for first, last in combinations(devices, 2):
        if first.address is None or last.address is None:
            continue
        policies = _said(first.policy), _said(last.policy)
        ends = {rdm.span.start: rdm.span for rdm in context.iommu.regions_of(last.address)}
        same = [rdm.span for rdm in context.iommu.regions_of(first.address) if rdm.span.start in ends]
        split = [span for span in same if policies[0] != policies[1] or ends[span.start] != span]
        if split:
            more = f" and {len(split) - 1} more" if len(split) > 1 else ""
            yield context.finding(
                rule,
                build.guest,
                f"{first.address.short} ({policies[0]}) and {last.address.short} ({policies[1]}) share the region "
                f"at {split[0].start:#x}{more}: libxl goes by {policies[1]}, the last one's",
                device=last.address,
                region=split[0],
                help=rule.remedy,
            )


def _said(policy: RdmPolicy | None) -> str:
    """A policy as it takes effect: not said means strict."""
    if policy is None:
        return "undefined"
    return RdmPolicy.STRICT.value if policy is RdmPolicy.INVALID else policy.value


@guest_rule(
    Rule(
        "RDM120",
        "strategy=host costs low RAM",
        Severity.NOTICE,
        by="nobody",
        why="Every region of the host is reserved, those of devices that the guest never gets included.",
        remedy="Reserve so only where devices are to be attached later; else drop rdm=.",
        source="libxl_dm.c:468-670, xl.cfg(5): rdm",
    )
)
def host_strategy_costs(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Low RAM that regions without a device of the guest cut."""
    layout = build.layout
    if layout is None or build.domain.strategy is not RdmStrategy.HOST:
        return
    alone = libxl.build(build.domain._replace(strategy=RdmStrategy.IGNORE), build.iommu, build.release)
    cost = alone.low_end - layout.low_end
    if cost > 0:
        spans = [entry.span for entry in layout.regions if not entry.devices and entry.span.start < alone.low_end]
        lowest = min(spans, default=None)
        yield context.finding(
            rule,
            build.guest,
            f"regions of devices that the guest does not have move {format_size(cost)} of its RAM above 4 GiB"
            + (f", the lowest being {lowest}" if lowest is not None else ""),
            region=lowest,
            keys=("rdm",),
        )
