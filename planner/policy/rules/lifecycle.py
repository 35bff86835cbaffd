"""HOT and MIG: what becomes of a guest with devices once it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy, RdmStrategy
from planner.model.host import Host
from planner.model.span import GIB4, MIB, Span, format_size, round_up
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.xen import hypervisor
from planner.xen.build import Build, hotplug, without_passthrough
from planner.xen.hvmloader import Outcome
from planner.xen.hypervisor import Attach
from planner.xen.xl import MMIO_HOLE_MAX, MMIO_HOLE_MIN

_KEYS = ("pci", "rdm")


def _attaches(context: Context, build: Build) -> Iterator[Attach]:
    """What `xl pci-attach` of each candidate would meet; none for a guest that does not start."""
    if build.ok and build.layout is not None:
        for address in context.plan.candidates.get(build.guest.name, ()):
            if build.guest.device(address) is None:
                yield hotplug(build, address)


def _unreserved(build: Build, attach: Attach) -> list[Span]:
    """The candidate's regions that the guest's e820 does not have."""
    regions = build.layout.regions if build.layout is not None else ()
    told = {entry.span for entry in regions if entry.policy is not RdmPolicy.INVALID}
    return [rdm.span for rdm in build.iommu.regions_of(attach.address) if rdm.span not in told]


@guest_rule(
    Rule(
        "HOT701",
        "A hotplug candidate that Xen would refuse",
        Severity.ERROR,
        by="Xen",
        why="xl pci-attach changes nothing in the guest's memory: what lies in the region's place stays there.",
        remedy=(
            "Make room at creation: an mmio_hole that ends low RAM below the region, or the device in pci=. A guest "
            'that starts without devices needs passthrough = "enabled" besides.'
        ),
        source="p2m.c:1245-1284; refusals seen on real runs",
    )
)
def attach_refused(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Candidates whose attach fails."""
    for attach in _attaches(context, build):
        if not attach.ok:
            reason = next((step.text for step in attach.steps if step.level == "error"), "Xen refuses it")
            spans = [rdm.span for rdm in build.iommu.regions_of(attach.address) if str(rdm.span) in reason]
            yield context.finding(
                rule,
                build.guest,
                f"{attach.address.short} could not be attached while the guest runs: {reason}",
                device=attach.address,
                region=spans[0] if spans else None,
                xen_says=attach.error,
                help=_to_attach(build, attach.address),
                keys=("passthrough", *_KEYS),
            )


def _to_attach(build: Build, address: Sbdf) -> str | None:
    """What this case takes, where the rule's remedy does not fit it."""
    if without_passthrough(build.domain):
        return 'passthrough = "enabled"'
    if any(rdm.is_shared for rdm in build.iommu.regions_of(address)):
        return "its region is shared, which Xen refuses at creation too: another device, or rdm_policy=relaxed"
    return None


@guest_rule(
    Rule(
        "HOT702",
        "A hotplug candidate's region is not reserved ahead",
        Severity.WARNING,
        by="nobody",
        why="The guest's e820 does not list the region, so something else may be there when the device comes.",
        remedy="Give the device at creation and detach it: the region stays reserved. Or rdm=, where xl reads it.",
        source="libxl_dm.c:468-670 runs at creation only; xlu/libxlu_pci.c:259",
    )
)
def not_reserved_ahead(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Candidates that can be attached and whose regions nobody told the guest of."""
    rdm = build.guest.rdm
    dropped = rdm is not None and rdm.as_documented.strategy is RdmStrategy.HOST
    for attach in _attaches(context, build):
        missing = _unreserved(build, attach)
        if attach.ok and missing:
            why = f': xl drops rdm = "{rdm.text}"' if rdm is not None and dropped else ""
            yield context.finding(
                rule,
                build.guest,
                f"{attach.address.short}'s region {missing[0]} is not in the guest's e820{why}",
                device=attach.address,
                region=missing[0],
                help=rule.remedy,
                keys=_KEYS,
            )


@guest_rule(
    Rule(
        "HOT703",
        "No room for a hotplug candidate's BARs",
        Severity.WARNING,
        by="hvmloader",
        why="hvmloader makes the windows for BARs as large as the devices need that are there when the guest starts.",
        remedy="A larger mmio_hole.",
        source="hvmloader/pci.c: pci_setup; what the guest's system does with the room is inferred",
    )
)
def no_room_for_bars(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Candidates whose memory BARs fit no gap that is left."""
    outcome = build.firmware
    if outcome is None or not outcome.ok:
        return
    for address in context.plan.candidates.get(build.guest.name, ()):
        missing = _without_room(context, build, outcome, address)
        if missing and build.guest.device(address) is None:
            yield context.finding(
                rule,
                build.guest,
                f"no gap of {format_size(missing)} is left in the guest's windows for a BAR of {address.short}",
                device=address,
                help="a larger mmio_hole",
                keys=("mmio_hole", *_KEYS),
            )


def _without_room(context: Context, build: Build, outcome: Outcome, address: Sbdf) -> int:
    """The size of the largest BAR of a device that finds no place any more; 0 where all do."""
    device = context.plan.host.by_address.get(address)
    taken = [bar.span for bar in outcome.bars if bar.span is not None and bar.space != "io"]
    taken += [entry.span for entry in (build.layout.regions if build.layout is not None else ())]
    bars = [bar for bar in (device.bars if device is not None else ()) if bar.kind != "io"]
    for bar in sorted(bars, key=lambda bar: bar.size, reverse=True):
        windows = (outcome.mmio_low, outcome.mmio_high) if bar.kind == "mem64" else (outcome.mmio_low,)
        place = next((gap for window in windows if (gap := _gap(window, taken, bar.size)) is not None), None)
        if place is None:
            return bar.size
        taken.append(place)
    return 0


def _gap(window: Span, taken: Sequence[Span], size: int) -> Span | None:
    """The first aligned range of `size` in `window` that nothing has."""
    start = round_up(window.start, size)
    for span in sorted(taken):
        if span.overlaps(Span.sized(start, size)):
            start = round_up(span.end, size)
    return Span.sized(start, size) if start + size <= window.end else None


@guest_rule(
    Rule(
        "BAR309",
        "A 64-bit BAR of a device that comes and goes",
        Severity.WARNING,
        by="nobody",
        why="Before 4.21, and without the patch for XSA-476, what a detach takes back of a 64-bit BAR may be wrong.",
        remedy="The patch for XSA-476, or Xen 4.21.",
        source="421432b822, read; not run",
    )
)
def wide_bar_detached(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Hotplug candidates with a 64-bit BAR on a release without the patch."""
    if build.release.unmaps_wide_bars_whole:
        return
    for address in context.plan.candidates.get(build.guest.name, ()):
        device = context.plan.host.by_address.get(address)
        if device is not None and any(bar.kind == "mem64" for bar in device.bars):
            message = f"{address.short} has a 64-bit BAR, which Xen {build.release} may not take back whole on a detach"
            yield context.finding(rule, build.guest, message, device=address, keys=_KEYS)


@guest_rule(
    Rule(
        "HOT704",
        "A relaxed device that comes back strict",
        Severity.WARNING,
        by="nobody",
        why="Before 4.15 libxl did not keep rdm_policy in xenstore: a device attached again has the default, strict.",
        remedy="Name the policy again with xl pci-attach, or update Xen.",
        source="d8cba539f2, first in 4.15",
    )
)
def policy_forgotten(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Relaxed devices with regions on a release before 4.15."""
    if build.release.remembers_device_policy:
        return
    for item in build.guest.pci:
        if item.policy is RdmPolicy.RELAXED and item.address is not None and build.iommu.regions_of(item.address):
            message = f"{item.address.short} is relaxed, and Xen {build.release} forgets that once it is detached"
            yield context.finding(rule, build.guest, message, device=item.address)


@guest_rule(
    Rule(
        "MIG801",
        "A guest with devices is to move to another host",
        Severity.ERROR,
        by="nobody",
        why="Xen does not track the memory of a guest that has devices, so it cannot be migrated, saved or suspended.",
        remedy="Detach its devices before it moves, and attach others there; or shut it down and start it there.",
        source="SUPPORT.md: PCI passthrough; paging.c:204-214",
    )
)
def not_migratable(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Guests with devices in a plan that names hosts to move to."""
    if build.guest.pci and context.plan.moves_to:
        names = ", ".join(_name(host) for host in context.plan.moves_to.values())
        message = f"cannot be migrated, saved or suspended while it has devices, and is to move to {names}"
        yield context.finding(rule, build.guest, message, help=rule.remedy, keys=("pci",))


@guest_rule(
    Rule(
        "MIG802",
        "RAM lies where another host has reserved memory",
        Severity.WARNING,
        by="nobody",
        why="A guest keeps the memory map that it was created with; on the other host its RAM is in the regions' way.",
        remedy="Create it with an mmio_hole that suits both hosts, or attach no device with such a region there.",
        source="63bc1398ad left this open; libxl_dm.c:468-670 runs at creation only",
    )
)
def regions_elsewhere(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Regions above 1 MiB of a host to move to, over the RAM of a guest that has or may get devices."""
    layout, plan = build.layout, context.plan
    if not build.ok or layout is None or not (build.guest.pci or plan.candidates.get(build.guest.name)):
        return
    for host in plan.moves_to.values():
        regions = hypervisor.boot(host, build.release).regions
        hit = sorted(
            one.span for one in regions if one.base >= MIB and any(one.span.overlaps(ram) for ram in layout.ram)
        )
        if hit:
            hole = -(-(GIB4 - hit[0].start) // MIB)
            yield context.finding(
                rule,
                build.guest,
                f"on {_name(host)} its RAM would lie over {len(hit)} reserved region{'s' * (len(hit) > 1)}, "
                f"the lowest being {hit[0]}",
                region=hit[0],
                help=f"mmio_hole = {hole}" if MMIO_HOLE_MIN <= hole <= MMIO_HOLE_MAX else rule.remedy,
                keys=("mmio_hole", "memory", "maxmem"),
            )


def _name(host: Host) -> str:
    return host.name or "the other host"


@host_rule(
    Rule(
        "MIG803",
        "A release with security advisories about reserved memory",
        Severity.NOTICE,
        by="nobody",
        why="XSA-378, XSA-386 and XSA-400 concern how Xen maps and unmaps reserved regions of guests' devices.",
        remedy="See that the patches are in, or run 4.17 or later.",
        source="xenbits.xen.org/xsa; which patch level has them is not replayed",
    )
)
def advisories(context: Context, rule: Rule) -> Iterator[Finding]:
    """Devices with regions in guests, on a release that came out before the advisories."""
    first = context.builds[0].release if context.builds else None
    if first is None or not first.had_rmrr_advisories:
        return
    given = [
        item.address.short
        for build in context.builds
        for item in build.guest.pci
        if item.address is not None and context.iommu.regions_of(item.address)
    ]
    if given:
        some = ", ".join(dict.fromkeys(given[:4])) + (", …" if len(given) > 4 else "")
        message = f"Xen {first}: XSA-378, XSA-386 and XSA-400 concern devices with reserved memory ({some})"
        yield context.host_finding(rule, message, help=rule.remedy)
