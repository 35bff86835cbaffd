"""RDM: reserved regions against guest RAM, and regions with several owners."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.address import Sbdf
from planner.model.guest import Guest, RdmPolicy
from planner.model.host import Host
from planner.model.plan import Plan, Profile
from planner.model.span import GIB4, MIB, Span, format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.policy.owners import used_by_dom0
from planner.xen import hypervisor
from planner.xen.build import Build
from planner.xen.libxl import Layout, ReservedEntry
from planner.xen.rdm import Rdm
from planner.xen.xl import MMIO_HOLE_MAX, MMIO_HOLE_MIN

ERROR, WARNING = Severity.ERROR, Severity.WARNING
_USB, _INPUT = "0c03", "09"


@guest_rule(
    Rule(
        "RDM101",
        "A region collides with low RAM and the policy is strict",
        ERROR,
        by="libxl",
        why="libxl moves RAM out of the way only for regions that start above rdm_mem_boundary.",
        remedy=(
            "Set mmio_hole so that low RAM ends before the region, give less memory, or choose another device. A lower "
            "rdm_mem_boundary moves RAM too, but behind QEMU's back (MEM212)."
        ),
        source="libxl_dm.c:468-670 (25652f232c)",
    )
)
def low_ram_strict(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Strict entries that still overlap [1 MiB, low RAM end)."""
    for layout, entry in _conflicts(build):
        if _is_strict(entry) and entry.span.start >= MIB and entry.span.start < layout.low_end:
            yield _conflict(
                context,
                rule,
                build,
                entry,
                f"guest RAM reaches {layout.low_end:#x}, and {_owner(entry)} region {entry.span} lies at or below "
                f"rdm_mem_boundary ({layout.boundary // MIB} MiB), where libxl does not make room",
                f"RDM conflict at {entry.span.start:#x}.",
                _make_room(layout, entry.span),
            )


@guest_rule(
    Rule(
        "RDM102",
        "A region collides with RAM and the policy lets it pass",
        WARNING,
        by="libxl",
        why="libxl hides the region from the guest; the device may still do DMA there, into the guest's own RAM.",
        remedy=(
            "Set mmio_hole so that low RAM ends before the region, give less memory, or choose another device; or make "
            "the policy strict, so that libxl refuses instead."
        ),
        source="libxl_dm.c:468-670, xl.cfg(5)",
    )
)
def ram_relaxed(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Entries that overlap RAM without being strict."""
    for layout, entry in _conflicts(build):
        if not _is_strict(entry):
            low = entry.span.start < layout.low_end
            yield _conflict(
                context,
                rule,
                build,
                entry,
                f"libxl only warns and hides {_owner(entry)} region {entry.span}, which lies in guest RAM: "
                "the device may do DMA into the guest's memory and crash it",
                f"Ignoring RDM conflict at {entry.span.start:#x}.",
                _make_room(layout, entry.span) if low and entry.span.start >= MIB else None,
            )


@guest_rule(
    Rule(
        "RDM103",
        "A device shares its RMRR and the policy is strict",
        ERROR,
        by="Xen",
        why="Whoever owns one of the devices reaches the memory of all; Xen refuses, even if all go to one guest.",
        remedy="Use another controller or slot, or have the host's firmware drop the region.",
        source="vtd/iommu.c:2871-2887 (6457dae996)",
    )
)
def shared_strict(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices with a shared RMRR whose policy is not relaxed."""
    yield from _shared(context, rule, build, strict=True)


@guest_rule(
    Rule(
        "RDM104",
        "A device shares its RMRR and the policy is relaxed",
        ERROR,
        xen=WARNING,
        by="Xen",
        why="Xen only warns: the guest reaches firmware memory, and so does whoever has another device of the region.",
        remedy="All devices of the region in one trusted guest, in the xen profile, with a written reason.",
        source="vtd/iommu.c:2871-2887 (3848058e7d)",
    )
)
def shared_relaxed(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices with a shared RMRR whose policy is relaxed."""
    yield from _shared(context, rule, build, strict=False)


@host_rule(
    Rule(
        "RDM105",
        "Devices that share a region have different owners",
        ERROR,
        xen=WARNING,
        by="nobody",
        why="The owners can read and change each other's device memory: there is no isolation between them.",
        remedy=(
            "Leave the others without a guest and without a driver in dom0. All of them in one guest takes "
            "rdm_policy=relaxed on each, the xen profile and a written reason: strict is refused (RDM103)."
        ),
        source="vtd/iommu.c (the comment above the shared RMRR test), SUPPORT.md",
    )
)
def sharers_split(context: Context, rule: Rule) -> Iterator[Finding]:
    """Shared regions whose devices sit in two guests, or in a guest and in use by dom0."""
    plan = context.plan
    for rdm in context.iommu.regions:
        if not rdm.is_shared:
            continue
        owners = [(guest, device) for device in dict.fromkeys(rdm.devices) for guest in plan.owners(device)]
        for guest in dict.fromkeys(guest.name for guest, _ in owners):
            mine = [(owner, device) for owner, device in owners if owner.name == guest]
            first = mine[0][1]
            same = dict.fromkeys(owner.name for owner, device in owners if owner.name != guest and device == first)
            others = [f"{', '.join(same)} (with {first.short} too)"] if same else []
            others += [
                f"{device.short} in {owner.name}" for owner, device in owners if owner.name != guest and device != first
            ]
            others += [f"{device.short} in dom0" for device in rdm.devices if used_by_dom0(plan, device)]
            if others:
                named = ", ".join(dict.fromkeys(others))
                message = f"{first.short} shares {rdm.span} with {named}: no isolation between the owners"
                yield context.finding(rule, mine[0][0], message, device=first, region=rdm.span)


@guest_rule(
    Rule(
        "RDM106",
        "A region above 4 GiB collides with high RAM and the policy is strict",
        ERROR,
        by="libxl",
        why="libxl never moves RAM for a region above 4 GiB.",
        remedy="Give the guest less memory.",
        source="libxl_dm.c:468-670 (25652f232c)",
    )
)
def high_ram_strict(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Strict entries that overlap [4 GiB, high RAM end) alone."""
    for layout, entry in _conflicts(build):
        if _is_strict(entry) and entry.span.start >= layout.low_end:
            below = max(0, entry.span.start - GIB4) + layout.mmio_start + build.domain.video_kib * 1024
            hint = f"maxmem at most {below // MIB} MiB" if entry.span.start > GIB4 else None
            yield _conflict(
                context,
                rule,
                build,
                entry,
                f"high RAM reaches {layout.high_end:#x} over {_owner(entry)} region {entry.span}, "
                "and libxl never makes room above 4 GiB",
                f"RDM conflict at {entry.span.start:#x}.",
                hint,
            )


@guest_rule(
    Rule(
        "RDM107",
        "A region below 1 MiB, and the policy is strict",
        ERROR,
        by="libxl",
        why="The first MiB belongs to every guest's BIOS and VGA, so a strict reservation there always fails.",
        remedy=(
            "Have the host's firmware drop the region: for a USB controller by disabling legacy USB or PS/2 emulation, "
            "for other devices by a setting of the vendor's management, where there is one."
        ),
        source="5005714929 removed the exception that older releases made",
    )
)
def below_one_mib(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Strict entries that start below 1 MiB and overlap what libxl takes for RAM."""
    for _, entry in _conflicts(build):
        if _is_strict(entry) and entry.span.start < MIB:
            yield _conflict(
                context,
                rule,
                build,
                entry,
                f"{_owner(entry)} region {entry.span} lies in the guest's BIOS area, so strict always fails",
                f"RDM conflict at {entry.span.start:#x}.",
                _drop(context.plan.host, _first(entry)),
            )


@guest_rule(
    Rule(
        "RDM108",
        "A region starts exactly at the boundary",
        WARNING,
        by="libxl",
        why="libxl moves RAM for regions that start above the boundary; one that starts at it counts as below.",
        remedy="Set rdm_mem_boundary one MiB lower.",
        source="libxl_dm.c:468-670",
    )
)
def at_boundary(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Entries whose start equals the boundary, where RAM reaches them; RAM that ends below needs no moving."""
    layout = build.layout
    for entry in layout.regions if layout is not None else ():
        if layout is not None and entry.span.start == layout.boundary < layout.low_end:
            yield context.finding(
                rule,
                build.guest,
                f"{_owner(entry)} region {entry.span} starts exactly at rdm_mem_boundary, which counts as below it",
                device=_first(entry),
                region=entry.span,
                help=f"rdm_mem_boundary = {max(0, layout.boundary // MIB - 1)}",
                keys=("rdm_mem_boundary",),
            )


def _drop(host: Host, address: Sbdf | None) -> str:
    """How the host's firmware may be told to leave a region out, by the class of the device that has it."""
    device = host.by_address.get(address) if address is not None else None
    code = (device.class_code or "") if device is not None else ""
    if not code or code.startswith((_USB, _INPUT)):
        return "disable legacy USB or PS/2 emulation in the host's firmware"
    return "have the host's firmware drop the region, where its vendor's management has a setting for that"


def sharers(host: Host, rdm: Rdm, address: Sbdf) -> list[str]:
    """The other owners of a shared region in words: absent functions, bridges and unresolved scopes are named too."""
    words: list[str] = []
    for scope in rdm.declared.scopes:
        if scope.device == address:
            continue
        if scope.device is None:
            words.append(f"{scope.path or scope.kind} (unresolved)")
        elif host.devices and scope.device not in host.by_address:
            words.append(f"{scope.device.short} (absent)")
        else:
            words.append(scope.device.short + (f" ({scope.kind})" if scope.kind != "endpoint" else ""))
    return words or [f"{address.short} again"]


def _shared(context: Context, rule: Rule, build: Build, *, strict: bool) -> Iterator[Finding]:
    for device in build.domain.devices:
        if device.address is None or (device.policy is not RdmPolicy.RELAXED) != strict:
            continue
        shared = [rdm for rdm in context.iommu.regions_of(device.address) if rdm.is_shared]
        for number, rdm in enumerate(shared):
            others = ", ".join(sharers(context.plan.host, rdm, device.address))
            consequence = (
                "Xen refuses to assign it, also when all owners go to one guest"
                if strict
                else f"the guest can reach that firmware memory, and {_who_else(context.plan, build.guest, rdm)}"
            )
            yield context.finding(
                rule,
                build.guest,
                f"{device.address.short} shares RMRR {rdm.span} ({format_size(rdm.span.size)}) "
                f"with {others}: {consequence}{_word(context.plan, build.guest) if not strict else ''}",
                device=device.address,
                region=rdm.span,
                # Strict stops at the first shared region; relaxed warns about each.
                xen_says=hypervisor.shared_line(device.address, rdm, strict=strict)
                if not strict or number == 0
                else None,
                help=_drop(context.plan.host, device.address) if strict else _why_relaxed(context.plan, build.guest),
            )


def _word(plan: Plan, guest: Guest) -> str:
    """The written reason that counts, to end a sentence with."""
    reason = plan.reasons.get(guest.name) if plan.profile is Profile.XEN else None
    return f" (the reason: {reason})" if reason else ""


def _who_else(plan: Plan, guest: Guest, rdm: Rdm) -> str:
    """Who reaches a region besides `guest`, to go on with in a sentence."""
    if any(guest.device(device) is None for device in rdm.devices):
        return "the other owners keep it"
    others = any(owner.name != guest.name for device in rdm.devices for owner in plan.owners(device))
    return "so can other guests, which list its devices too" if others else "all its owners are in this guest"


def _why_relaxed(plan: Plan, guest: Guest) -> str | None:
    """What it takes to let a relaxed device of a shared region pass; None once somebody wrote down why."""
    if plan.profile is Profile.DEFAULT:
        return "the default profile blocks it; the xen profile takes a written reason"
    return None if plan.reasons.get(guest.name) else f"write down why {guest.name} may have it"


def _conflicts(build: Build) -> Iterator[tuple[Layout, ReservedEntry]]:
    layout = build.layout
    if layout is None:
        return
    low, high = Span(0, layout.low_end), Span(GIB4, layout.high_end)
    for entry in layout.regions:
        if entry.span.overlaps(low) or (layout.high_end and entry.span.overlaps(high)):
            yield layout, entry


def _is_strict(entry: ReservedEntry) -> bool:
    """Whether the entry is judged as strict. Masked ones have been let pass; those never reached keep their policy."""
    return entry.policy is RdmPolicy.STRICT


def _conflict(
    context: Context, rule: Rule, build: Build, entry: ReservedEntry, message: str, says: str, hint: str | None
) -> Finding:
    return context.finding(
        rule,
        build.guest,
        message,
        device=_first(entry),
        region=entry.span,
        xen_says=says,
        help=hint,
        keys=("rdm", "memory", "maxmem"),
    )


def _first(entry: ReservedEntry) -> Sbdf | None:
    return entry.devices[0] if entry.devices else None


def _owner(entry: ReservedEntry) -> str:
    return f"{entry.devices[0].short}'s" if entry.devices else "the host's"


def _make_room(layout: Layout, region: Span) -> str | None:
    """The setting that ends low RAM before `region`: a hole, since a boundary does so behind QEMU's back."""
    hole = -(-(GIB4 - region.start) // MIB)
    if MMIO_HOLE_MIN <= hole <= MMIO_HOLE_MAX:
        return f"mmio_hole at least {hole}"
    if layout.boundary >= region.start:
        return f"rdm_mem_boundary at most {(region.start - 1) // MIB}"
    return None
