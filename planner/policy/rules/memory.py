"""MEM: the guest's own memory settings, and what they do once a device is there."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.guest import RdmPolicy
from planner.model.span import GIB4, MIB, PAGE, Span, format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen import qemu
from planner.xen.build import Build
from planner.xen.libxl import Layout
from planner.xen.xl import MMIO_HOLE_MAX, MMIO_HOLE_MIN

ERROR = Severity.ERROR
_POD = "IOMMU required for device passthrough but not supported together with PoD"
_PVH = "passthrough not yet supported for x86 PVH guests"


@guest_rule(
    Rule(
        "MEM202",
        "mmio_hole out of range",
        ERROR,
        by="xl",
        why="xl accepts 256 to 3840 MiB and exits for anything else.",
        remedy="Choose a size in that range, or drop the setting.",
        source="xl_parse.c:1981",
    )
)
def hole_out_of_range(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """An HVM guest's `mmio_hole` that xl refuses."""
    guest = build.guest
    if guest.type == "hvm" and guest.mmio_hole is not None and not MMIO_HOLE_MIN <= guest.mmio_hole <= MMIO_HOLE_MAX:
        yield context.finding(
            rule,
            guest,
            f"mmio_hole is {guest.mmio_hole} MiB; xl takes {MMIO_HOLE_MIN} to {MMIO_HOLE_MAX} and exits otherwise",
            xen_says=f'ERROR: invalid value {guest.mmio_hole} for "mmio_hole"',
            keys=("mmio_hole",),
        )


@guest_rule(
    Rule(
        "MEM204",
        "Populate on demand with a passed-through device",
        ERROR,
        by="libxl",
        why="memory below maxmem means RAM is filled in on first touch, which a device's DMA cannot wait for.",
        remedy="Set memory and maxmem to the same size.",
        source="libxl_create.c:1187-1202",
    )
)
def populate_on_demand(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`memory` below `maxmem`, not PV, with devices."""
    domain = build.domain
    if build.error == _POD:
        yield context.finding(
            rule,
            build.guest,
            f"memory ({domain.target_kib // 1024} MiB) is less than maxmem ({domain.max_kib // 1024} MiB), "
            "and a guest with devices cannot grow into its RAM",
            xen_says=_POD,
            help=f"memory = {domain.max_kib // 1024}",
            keys=("memory", "maxmem"),
        )


@guest_rule(
    Rule(
        "MEM205",
        "A PVH guest with PCI devices",
        ERROR,
        by="libxl",
        why="Xen does not pass PCI devices through to PVH guests on x86.",
        remedy='type = "hvm"',
        source="libxl_x86.c:848-854",
    )
)
def pvh_with_devices(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices in a PVH guest."""
    if build.error == _PVH:
        yield context.finding(
            rule,
            build.guest,
            "PVH guests cannot have PCI devices on x86",
            xen_says=_PVH,
            help='type = "hvm"',
            keys=("type", "pci"),
        )


@guest_rule(
    Rule(
        "MEM208",
        "A passthrough mode that libxl refuses",
        ERROR,
        by="libxl",
        why='"disabled" contradicts a list of devices, and "share_pt" shares page tables that only hap has.',
        remedy="Drop the setting: libxl then chooses what works.",
        source="libxl_create.c:1170",
    )
)
def passthrough_disabled(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`passthrough="disabled"` with devices, `share_pt` without hap."""
    error = build.error or ""
    if error == "passthrough disabled but devices are specified":
        message = 'passthrough = "disabled", but pci lists devices'
        yield context.finding(rule, build.guest, message, xen_says=error, keys=("passthrough",))
    elif error.startswith('passthrough="share_pt"'):
        message = 'passthrough = "share_pt" needs an HVM guest with hap'
        yield context.finding(rule, build.guest, message, xen_says=error, keys=("passthrough",))


@guest_rule(
    Rule(
        "MEM209",
        "Too many e820 entries",
        ERROR,
        by="libxl",
        why="libxl's memory map holds at most 127 entries.",
        remedy="Reserve fewer regions: give devices one by one instead of strategy=host.",
        source="libxl_x86.c:679-782",
    )
)
def too_many_entries(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A layout that failed in the e820 stage for its length."""
    line = "Ooops! Too many entries in the memory map!"
    if build.layout is not None and build.layout.error == line:
        count = len(build.layout.regions)
        yield context.finding(
            rule, build.guest, f"{count} regions do not fit the guest's e820", xen_says=line, keys=("rdm", "pci")
        )


@guest_rule(
    Rule(
        "MEM212",
        "Silent data loss: QEMU is not told that low RAM was lowered",
        ERROR,
        by="QEMU",
        why=(
            "libxl lowers low RAM for a region and tells QEMU nothing. Emulated 64-bit disks and network cards then "
            "lose what they move above QEMU's idea of RAM, without an error anywhere, and QEMU's video RAM displaces "
            "guest RAM."
        ),
        remedy="Set the mmio_hole that makes libxl, hvmloader and QEMU agree: same layout, nothing lost.",
        source="libxl_dm.c:1573-1583 (what QEMU is told of RAM); seen on a real Xen 4.17: 48 of 48 writes above QEMU's "
        "RAM zeroed, and healed by the matching mmio_hole",
    )
)
def lowered_behind_qemu(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Guest RAM where QEMU knows none."""
    view, layout = build.qemu, build.layout
    if view is None or layout is None or not layout.ok or not view.lost:
        return
    lost = ", ".join(str(span) for span in view.lost)
    message = (
        f"silent data loss in {lost} ({format_size(sum(span.size for span in view.lost))}): low RAM ends at "
        f"{layout.low_end:#x}, QEMU believes {view.low_end:#x}, and emulated disks and network cards lose what they "
        "move there"
    )
    if view.displaced:
        message += f", and QEMU's video RAM displaces guest RAM at {view.displaced[0]}"
    lowering = next((entry for entry in layout.regions if entry.span.start >= layout.low_end), None)
    yield context.finding(
        rule,
        build.guest,
        message,
        device=lowering.devices[0] if lowering is not None and lowering.devices else None,
        region=lowering.span if lowering is not None else None,
        help=_matching_hole(layout) or "no mmio_hole matches; give less memory or another device",
        keys=("mmio_hole", "memory", "maxmem"),
    )


@guest_rule(
    Rule(
        "MEM213",
        "A region lies in QEMU's scratch range",
        ERROR,
        by="Xen",
        why=(
            "QEMU parks video RAM and the boot ROMs of emulated cards right behind what it takes for the guest's RAM, "
            "and Xen cannot map a region there. Strict is refused; relaxed starts without the map (a warning), and "
            "only xl dmesg says so."
        ),
        remedy="Another memory size or mmio_hole, so that QEMU's RAM ends elsewhere.",
        source="seen on real runs: cannot map reserved region [bf800000,bf800fff]: -16",
    )
)
def in_qemu_scratch(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices' regions in the scratch range that touch no guest RAM (other rules report those)."""
    view, layout = build.qemu, build.layout
    if view is None or layout is None or build.domain.max_kib <= build.domain.video_kib:
        return
    for device in build.domain.devices:
        relaxed = device.policy is RdmPolicy.RELAXED
        for rdm in context.iommu.regions_of(device.address) if device.address is not None else ():
            parked = next((span for span in view.parked if rdm.mapped and span.overlaps(rdm.span)), None)
            if parked is None or any(rdm.span.overlaps(span) for span in layout.ram):
                continue
            page = max(rdm.span.start, parked.start) // PAGE
            what = "its video RAM" if parked == view.scratch else "the boot ROM of an emulated card"
            subject = device.address.short if device.address is not None else ""
            yield context.finding(
                rule,
                build.guest,
                f"{subject}'s region {rdm.span} lies where QEMU parks {what} ({parked}), "
                + ("so the region is not mapped for the device" if relaxed else "so Xen refuses the device"),
                severity=Severity.WARNING if relaxed else None,
                device=device.address,
                region=rdm.span,
                xen_says=f"Cannot setup identity map dN:{page:x}, gfn already mapped",
                help="another memory size, or an mmio_hole that ends QEMU's RAM below the region",
                keys=("memory", "maxmem", "mmio_hole"),
            )


@guest_rule(
    Rule(
        "MEM216",
        "More boot ROMs than QEMU has memory for",
        ERROR,
        by="QEMU",
        why=(
            "QEMU takes guest memory for the boot ROM of each emulated network card (256 KiB), and libxl leaves it "
            "1 MiB for them: with the fifth card the device model does not start."
        ),
        remedy='Cards that no guest boots from: vif = ["type=vif"] has no emulated side and no ROM.',
        source="seen on real runs: four cards start, five and six do not",
    )
)
def too_many_roms(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A guest whose emulated cards leave QEMU without memory."""
    if build.qemu is not None and build.qemu.error is not None:
        roms = build.qemu.roms
        size = format_size(sum(rom.size for rom in roms))
        message = f"the boot ROMs of {len(roms)} emulated network cards need {size}, which QEMU does not get"
        yield context.finding(
            rule,
            build.guest,
            message,
            xen_says=build.qemu.error,
            help="type=vif for the cards that the guest does not boot from",
            keys=("vif",),
        )


@guest_rule(
    Rule(
        "MEM215",
        "hvmloader gives up: the guest crashes as it starts",
        ERROR,
        by="hvmloader",
        why=(
            "hvmloader allocates its own pages in 0xfc100000-0xfdffffff and needs 2 MiB of low RAM; libxl checks "
            "neither, so xl reports success and the guest dies."
        ),
        remedy="Do not expose the region that lies there, or raise rdm_mem_boundary so that low RAM keeps 2 MiB.",
        source="hvmloader/e820.c:44-54, e820.c:264; run on the vectors",
    )
)
def firmware_crash(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A guest that libxl builds and hvmloader crashes; or whose low RAM has no place for hvmloader at all."""
    if build.error is not None and build.error.startswith("xc_dom_build_image"):
        message = "low RAM ends below 1 MiB, so libxl cannot even load hvmloader"
        yield context.finding(
            rule,
            build.guest,
            message,
            xen_says=build.error,
            speaker="libxl",
            keys=("rdm_mem_boundary", "memory"),
        )
    if build.firmware is not None and not build.firmware.ok:
        message = "the guest is created and crashes before its BIOS starts"
        yield context.finding(
            rule, build.guest, message, xen_says=build.firmware.error, keys=("rdm_mem_boundary", "pci", "memory")
        )


@guest_rule(
    Rule(
        "MEM201",
        "BARs hidden behind RAM that only QEMU believes in",
        ERROR,
        by="QEMU",
        why=(
            "hvmloader places BARs where low RAM was taken away; QEMU still has RAM there, so every access reads all "
            "ones: the guest starts and its devices are dead."
        ),
        remedy="Set the mmio_hole that makes libxl, hvmloader and QEMU agree: same addresses, and they answer.",
        source="libxl_dm.c:1573-1583 (what QEMU is told of RAM), hvmloader/pci.c; seen on a real Xen 4.17, and healed "
        "there by the matching mmio_hole",
    )
)
def dead_bars(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Memory BARs below QEMU's end of low RAM."""
    dead = [item for item in build.disagreements if item.kind == "dead_bar"]
    if dead and build.layout is not None and build.qemu is not None:
        where = Span(dead[0].span.start, max(item.span.end for item in dead))
        some = ", ".join(item.label for item in dead[:4]) + (", …" if len(dead) > 4 else "")
        yield context.finding(
            rule,
            build.guest,
            f"the BARs in {where} ({len(dead)}) are hidden behind RAM that QEMU believes to reach "
            f"{build.qemu.low_end:#x}: they read all ones ({some})",
            region=where,
            help=_matching_hole(build.layout) or "no mmio_hole matches; another memory size or device",
            keys=("mmio_hole", "memory", "maxmem"),
        )


def _matching_hole(layout: Layout) -> str | None:
    """The hole that makes all agree, and where its figure comes from."""
    hole = qemu.matching_hole(layout)
    if hole is None:
        return None
    return f"mmio_hole = {hole} (MiB): {GIB4 // MIB} less the {GIB4 // MIB - hole} MiB where low RAM ends"


@guest_rule(
    Rule(
        "MEM214",
        "Video RAM does not fit",
        ERROR,
        by="libxl",
        why="Each emulated graphics card needs a minimum of video RAM, and it is taken out of the guest's memory.",
        remedy="Drop videoram where it is too little for the card; else raise memory.",
        source="libxl_create.c:266-302, libxl_dom.c:1087-1244",
    )
)
def videoram(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Too little video RAM for the card, or so much that no RAM is left."""
    guest, domain = build.guest, build.domain
    if build.layout is None and build.error is not None and "videoram" in build.error:
        message = f"videoram = {guest.videoram} is too little for vga = {guest.vga!r}"
        yield context.finding(
            rule, guest, message, xen_says=build.error, help="drop videoram", keys=("videoram", "vga")
        )
    elif build.layout is not None and domain.max_kib <= domain.video_kib:
        video = format_size(domain.video_kib // 1024 * MIB)
        message = f"{domain.max_kib // 1024} MiB of memory leave nothing beside {video} of video RAM"
        yield context.finding(rule, guest, message, xen_says=build.layout.error, keys=("memory", "maxmem"))
