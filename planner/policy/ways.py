"""What might clear a finding: changes to try, taken from the geometry of the guest's map, each kind smallest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, Release, SetPassthrough, SetPolicy, SetSize
from planner.model.errors import InputError
from planner.model.guest import ConfigFile, Guest, RdmPolicy
from planner.model.host import PciDevice
from planner.model.plan import Profile
from planner.model.span import GIB4, KIB, MIB, Span
from planner.pci import isolation
from planner.policy.assignable import why_blocked
from planner.policy.evaluate import Report
from planner.policy.findings import Finding, Severity
from planner.policy.owners import SPLIT, is_set_aside
from planner.xen import qemu
from planner.xen.build import Build, without_passthrough
from planner.xen.libxl import DEFAULT_MMIO_HOLE
from planner.xen.xl import DEFAULT_BOUNDARY_KIB, MMIO_HOLE_MAX, MMIO_HOLE_MIN

_LAYOUT = ("RDM", "MEM", "BAR", "CFG", "HOT", "MIG")
_ABOUT_DEVICES = ("RDM", "MEM", "BAR", "GRP", "PCI")
# What no size or policy changes: who shares a region, whose it is, that it lies below 1 MiB; other keys of the config.
_GIVEN = (
    *("RDM103", "RDM104", "RDM105", "RDM107", "RDM114", "RDM115", "RDM117", "RDM119", "MIG801"),
    *("MEM205", "MEM207", "MEM208", "MEM217", "BAR304", "BAR306", "BAR310", "HOT702"),
    *("CFG601", "CFG602", "CFG603", "CFG606", "CFG607", "CFG608", "CFG609", "CFG613", "CFG614", "CFG615"),
)
_COSTS = ("RDM109", "RDM120")  # what regions cost in low RAM: a hole would cost the same and only say less
_LADDER = range(512, MMIO_HOLE_MAX + 1, 256)
_LEAST_MEMORY = 64  # MiB: less is no guest
_TRIES = 24
_STORAGE = "01"
_WITHOUT = ("PCI508",)  # besides errors: what a guest without the device is a fair answer to


@dataclass(frozen=True, slots=True)
class Way:
    """One kind of change and the values to try, smallest change first.

    `needs` is what only a person can answer for, `risk` what stays wrong with it; None: nothing. `reason_for`: whose
    reason that answer is kept as, where it is kept. `title` says it where the edits themselves would say too much.
    """

    kind: str
    tries: tuple[tuple[Edit, ...], ...]
    title: str | None = None
    needs: str | None = None
    risk: str | None = None
    reason_for: str | None = None


def ways(report: Report, finding: Finding) -> Iterator[Way]:
    """Every kind of change that may clear a guest's `finding`, the cheapest kind first."""
    build = report.build(finding.guest) if finding.guest is not None else None
    if build is None:
        return
    family = finding.rule.id[:3]
    given = finding.rule.id in _GIVEN
    yield from _passthrough(build, finding)
    if family in _LAYOUT:
        yield from _as_the_file(build.guest)
    if family in _LAYOUT and not given and finding.rule.id not in _COSTS:
        yield from settings(report, build, finding)
    if finding.rule.id == "RDM118":
        yield from _same_policy(report, build.guest, finding)
    if family == "GRP" or finding.rule.id in SPLIT:
        yield from _gather(report, build.guest, finding)
    if family in _ABOUT_DEVICES:
        yield from _other_devices(report, build.guest, finding)
    if finding.rule.id in ("MEM204", "MEM218"):
        most, now = build.domain.max_kib // KIB, build.domain.target_kib // KIB
        yield Way("memory", ((SetSize(build.guest.name, "memory", most),),))
        yield Way("memory", ((SetSize(build.guest.name, "maxmem", now),),))
    elif family in ("RDM", "MEM", "BAR") and not given:
        yield Way("memory", _memory(report, build, finding))
    if family in ("RDM", "MEM") and report.plan.profile is Profile.XEN:
        yield from _relaxed(build.guest, finding)
    yield from _release(report, build.guest, finding)


def _passthrough(build: Build, finding: Finding) -> Iterator[Way]:
    """The mode with which a device can join later, or none where libxl refuses the one that is said."""
    if finding.rule.id == "HOT701" and without_passthrough(build.domain):
        yield Way("passthrough", ((SetPassthrough(build.guest.name, "enabled"),),))
    elif finding.rule.id == "MEM208":
        yield Way("passthrough", ((SetPassthrough(build.guest.name, None),),))


def settings(report: Report, build: Build, finding: Finding) -> Iterator[Way]:
    """The kinds that cost no RAM and no device: `mmio_hole`, `rdm_mem_boundary`, and saying `strict`."""
    regions = _regions(report, build, finding)
    holes = (_matching_hole(build), _holes(build, regions), _LADDER)
    yield Way("mmio_hole", _sizes(build.guest, "mmio_hole", DEFAULT_MMIO_HOLE // MIB, *holes))
    yield Way(
        "rdm_mem_boundary",
        _sizes(build.guest, "rdm_mem_boundary", DEFAULT_BOUNDARY_KIB // KIB, _boundaries(regions)),
    )
    unclear = [
        device.address
        for item, device in zip(build.guest.pci, build.domain.devices, strict=True)
        if device.address is not None and item.policy is not RdmPolicy.STRICT
    ]
    mine = [address for address in unclear if address == finding.device] if finding.device is not None else unclear
    if mine:
        strict = tuple(SetPolicy(build.guest.name, address, RdmPolicy.STRICT) for address in mine)
        yield Way("rdm_policy", (strict,))


def _regions(report: Report, build: Build, finding: Finding) -> tuple[Span, ...]:
    """The regions that shape this guest, the finding's own first."""
    spans = [finding.region] if finding.region is not None else []
    spans += [entry.span for entry in build.layout.regions] if build.layout is not None else []
    for address in report.plan.candidates.get(build.guest.name, ()):
        spans += [rdm.span for rdm in report.iommu.regions_of(address)]
    return tuple(dict.fromkeys(span for span in spans if span.size))


def _sizes(guest: Guest, key: str, default: int, *groups: Iterable[int]) -> tuple[tuple[Edit, ...], ...]:
    """One edit a value: each group nearest to the present one first, before them no such setting where there is one."""
    now: int | None = getattr(guest, key)
    here = default if now is None else now
    values: list[int] = []
    for group in groups:
        values += sorted({*group} - {here, default}, key=lambda value: (abs(value - here), value))
    wanted = [*([None] if now is not None else []), *dict.fromkeys(values)]
    return tuple((SetSize(guest.name, key, value),) for value in wanted[:_TRIES])


def _matching_hole(build: Build) -> Iterator[int]:
    """Where libxl, hvmloader and QEMU agree on the present layout."""
    hole = qemu.matching_hole(build.layout) if build.layout is not None else None
    if hole is not None:
        yield hole


def _holes(build: Build, regions: tuple[Span, ...]) -> Iterator[int]:
    """Holes in MiB with which low RAM ends where a region starts, or high RAM below one above 4 GiB."""
    layout = build.layout
    for span in regions:
        if span.start < GIB4:
            hole = -(-(GIB4 - span.start) // MIB)
        elif layout is not None:
            ram = layout.low_end + Span(GIB4, layout.high_end).size
            hole = (span.start - ram) // MIB
        else:
            continue
        if MMIO_HOLE_MIN < hole <= MMIO_HOLE_MAX:
            yield hole


def _boundaries(regions: tuple[Span, ...]) -> Iterator[int]:
    """Boundaries in MiB: just below each region, so that RAM moves out of its way; just above, so that none does."""
    for span in regions:
        if MIB <= span.start < GIB4:
            yield (span.start - 1) // MIB
            yield -(-span.start // MIB)


def _memory(report: Report, build: Build, finding: Finding) -> tuple[tuple[Edit, ...], ...]:
    """Sizes with which RAM, or what QEMU parks behind it, ends below a region or starts above it."""
    guest, layout, domain = build.guest, build.layout, build.domain
    if layout is None:
        return ()
    video = domain.video_kib * KIB
    parked = build.qemu.parked if build.qemu is not None else ()
    scratch = parked[-1].end - parked[0].start if parked else 0
    wanted = [layout.mmio_start, _LEAST_MEMORY * MIB]
    for span in _regions(report, build, finding):
        if span.start < GIB4:
            wanted += [span.start, span.start - scratch, span.end + MIB - 1]
        else:
            above = span.start - GIB4 + layout.mmio_start
            wanted += [above, above - scratch]
    now = domain.max_kib // KIB
    sizes = {(ram + video) // MIB for ram in wanted} - {now}
    keys = [key for key in ("memory", "maxmem") if getattr(guest, key) is not None] or ["memory"]
    return tuple(
        tuple(SetSize(guest.name, key, size) for key in keys)
        for size in sorted(sizes, key=lambda size: (size > now, abs(size - now)))[:_TRIES]
        if size >= _LEAST_MEMORY
    )


def _other_devices(report: Report, guest: Guest, finding: Finding) -> Iterator[Way]:
    """A free device of the same class in place of the finding's: one of the same make before others."""
    item = guest.device(finding.device) if finding.device is not None else None
    old = report.plan.host.by_address.get(finding.device) if finding.device is not None else None
    if item is None or old is None:
        return
    nearest = sorted(_alike(report, old), key=lambda device: (device.id != old.id, device.address))
    free = (device for device in nearest if _why_not(report, device) is None)
    for device in islice(free, 2):
        edits = (Release(guest.name, old.address), Assign(guest.name, device.address, item.policy))
        cabled = f"{device.address.short} is cabled for this"
        if _in_dom0(device):
            needs = f"dom0 can do without {device.address.short}, and it is cabled for this"
            yield Way("device", (edits,), needs=needs, reason_for=str(device.address))
        else:
            yield Way("device", (edits,), needs=cabled)


def why_no_device(report: Report, finding: Finding) -> str:
    """Why no other device may stand in for the finding's, in words; "" where it is about none."""
    old = report.plan.host.by_address.get(finding.device) if finding.device is not None else None
    if old is None or finding.rule.id[:3] not in _ABOUT_DEVICES:
        return ""
    if (old.class_code or "").startswith(_STORAGE):
        return "another storage controller has other disks"
    others = _alike(report, old)
    if not others:
        return f"the host has no other {old.class_name or 'device of its class'}"
    why: dict[str, list[str]] = {}
    for device in others:
        why.setdefault(_why_not(report, device) or "does not help either", []).append(device.address.short)
    named = (f"{', '.join(names[:4])}{', …' if len(names) > 4 else ''} ({reason})" for reason, names in why.items())
    return f"no other device will do: {', '.join(named)}"


def _in_dom0(device: PciDevice) -> bool:
    """Whether a driver of dom0's has the device."""
    return device.driver is not None and not is_set_aside(device)


def _alike(report: Report, old: PciDevice) -> list[PciDevice]:
    """The other devices that do what `old` does. No other disk does: the data is on that one."""
    code = (old.class_code or "")[:4]
    if not code or code.startswith(_STORAGE) or old.is_bridge:
        return []
    return [
        device
        for device in report.plan.host.devices
        if (device.class_code or "")[:4] == code and device.address != old.address
    ]


def _why_not(report: Report, device: PciDevice) -> str | None:
    """Why a device is not free to be given, in words; None where it is."""
    owner = next(iter(report.plan.owners(device.address)), None)
    if owner is not None:
        return f"in {owner.name}"
    if device.in_use:
        return f"dom0 needs it: {device.in_use}"
    if why_blocked(report.plan, report.iommu, device.address) is None:
        return None
    shares = any(rdm.is_shared for rdm in report.iommu.regions_of(device.address))
    return "reserved memory shared too" if shares else "not assignable"


def _gather(report: Report, guest: Guest, finding: Finding) -> Iterator[Way]:
    """All that belongs together in one guest: the others come here, or this one's go to the other owner."""
    plan = report.plan
    unit = next((unit for unit in isolation.units(plan.host) if finding.device in unit.devices), None)
    if unit is None:
        return
    owners = {address: plan.owners(address) for address in unit.devices}
    for target in dict.fromkeys([guest.name, *(owner.name for found in owners.values() for owner in found)]):
        edits = _moves(report, target, owners)
        losers = dict.fromkeys(edit.guest for edit in edits if isinstance(edit, Release))
        if losers:
            kept = {edit.address for edit in edits if isinstance(edit, Assign)}
            kept |= {address for address, found in owners.items() if any(one.name == target for one in found)}
            title = f"{', '.join(address.short for address in owners if address in kept)} for {target} alone"
            lost = ", ".join(dict.fromkeys(edit.address.short for edit in edits if isinstance(edit, Release)))
            yield Way("unit", (edits,), title, needs=f"{', '.join(losers)} can do without {lost}")
    at_home = [address for address, found in owners.items() if not found]
    known = [plan.host.by_address[address] for address in at_home]
    if known and all(_why_not(report, device) is None and not device.is_bridge for device in known):
        taken = tuple(Assign(guest.name, address) for address in at_home)
        missed = [device.address.short for device in known if _in_dom0(device)]
        spare = f"dom0 can do without {', '.join(missed)}"
        wanted = f"{guest.name} may have {', '.join(address.short for address in at_home)} too"
        edits = (*_moves(report, guest.name, owners), *taken)
        yield Way("unit", (edits,), needs=spare if missed else wanted)


def _moves(report: Report, target: str, owners: Mapping[Sbdf, Sequence[Guest]]) -> tuple[Edit, ...]:
    """Take each device that a guest has from its other owners and see that `target` has it, where it may.

    A device keeps its policy. Where the profile forbids to give it to `target`, it is nobody's then.
    """
    edits: list[Edit] = []
    for address, found in owners.items():
        others = [owner for owner in found if owner.name != target]
        edits += [Release(owner.name, address) for owner in others]
        if others and len(others) == len(found) and why_blocked(report.plan, report.iommu, address) is None:
            item = others[0].device(address)
            edits.append(Assign(target, address, item.policy if item else None))
    return tuple(edits)


def _relaxed(guest: Guest, finding: Finding) -> Iterator[Way]:
    item = guest.device(finding.device) if finding.device is not None else None
    if item is None or item.policy is RdmPolicy.RELAXED or item.address is None:
        return
    shared = finding.rule.id == "RDM103"
    risk = (
        "the guest reaches firmware memory that other devices use too"
        if shared
        else "the device may do DMA into the guest's own RAM"
    )
    edit = SetPolicy(guest.name, item.address, RdmPolicy.RELAXED)
    needs = "somebody writes down why: Xen then only warns"
    yield Way("relaxed", ((edit,),), needs=needs, risk=risk, reason_for=guest.name)


def _as_the_file(guest: Guest) -> Iterator[Way]:
    """Each size that was changed, as the guest's file has it."""
    known = _read(guest.file) if guest.file is not None and guest.file.on_disk else None
    for key in SetSize.KEYS if known is not None else ():
        said: int | None = getattr(known, key)
        if said != getattr(guest, key):
            title = f"{f'{key} = {said}' if said is not None else f'drop {key}'}, as the file has it"
            yield Way("file", ((SetSize(guest.name, key, said),),), title)


@lru_cache(maxsize=16)
def _read(file: ConfigFile) -> Guest | None:
    try:
        return read(file.text, file.path)
    except InputError:  # a plan may go on with a file that is no config any more
        return None


def _same_policy(report: Report, guest: Guest, finding: Finding) -> Iterator[Way]:
    """One policy for all of the guest's devices that have the finding's region."""
    start = finding.region.start if finding.region is not None else None
    mine = [
        item
        for item in guest.pci
        if item.address is not None and any(rdm.span.start == start for rdm in report.iommu.regions_of(item.address))
    ]
    for policy in (RdmPolicy.STRICT, RdmPolicy.RELAXED):
        edits = tuple(
            SetPolicy(guest.name, item.address, policy)
            for item in mine
            if item.policy is not policy and item.address is not None
        )
        relaxed = policy is RdmPolicy.RELAXED
        needs = "somebody writes down why: Xen then only warns" if relaxed else None
        yield Way("relaxed" if relaxed else "rdm_policy", (edits,), needs=needs, reason_for=guest.name)


def _release(report: Report, guest: Guest, finding: Finding) -> Iterator[Way]:
    """The last resort: a guest without the device. Where two guests list it, the others may do without it as well."""
    if finding.rule.id not in _WITHOUT and finding.severity is not Severity.ERROR:
        return
    if finding.rule.id == "MEM205":
        gone = [item.address for item in guest.pci if item.address is not None]
    else:
        gone = [finding.device] if finding.device is not None and guest.device(finding.device) is not None else []
    if not gone:
        return
    owners = [[guest.name]]
    if finding.rule.id == "PCI508":
        owners += [[owner.name for owner in report.plan.owners(gone[0]) if owner.name != guest.name]]
    named = ", ".join(address.short for address in gone)
    for losers in filter(None, owners):
        edits = tuple(Release(name, address) for name in losers for address in gone)
        needs = f"{', '.join(losers)} can do without {named}"
        yield Way("release", (edits,), f"take {named} out of {', '.join(losers)}", needs=needs)
