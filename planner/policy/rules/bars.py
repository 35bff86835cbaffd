"""BAR: whether every base address register finds a place."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.span import Span, format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.policy.rules.assigned import assigned
from planner.xen import emulated
from planner.xen.build import Build, without_regions
from planner.xen.hvmloader import PHYS_BITS, Bar
from planner.xen.hvmloader_story import HUGE_BAR, LOW_WINDOW_END, LOW_WINDOW_START


@guest_rule(
    Rule(
        "BAR301",
        "A BAR finds no place",
        Severity.ERROR,
        by="hvmloader",
        why="hvmloader leaves a BAR that does not fit without an address, and the device cannot be used.",
        remedy="A larger mmio_hole, or fewer devices.",
        source="hvmloader/pci.c: no space for resource!",
    )
)
def no_space(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """BARs that hvmloader could not place, for want of room and nothing else."""
    for bar in _unplaced(build):
        if not _beyond_the_width(build, bar) and not _fits_without_regions(build, bar):
            yield context.finding(
                rule,
                build.guest,
                f"{_called(bar)} finds no place and stays unmapped",
                device=bar.host,
                xen_says="no space for resource!",
                help="a larger mmio_hole",
                keys=("mmio_hole", "pci"),
            )


@guest_rule(
    Rule(
        "BAR302",
        "64-bit BARs go above 4 GiB for want of room",
        Severity.WARNING,
        by="hvmloader",
        why="The hole below 4 GiB is too small for all BARs, so some go above RAM, where firmware and guest must be "
        "able to reach them.",
        remedy="A larger mmio_hole, or a guest with 64-bit firmware (OVMF).",
        source="hvmloader/pci.c: pci_setup",
    )
)
def relocated(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """BARs that went high and would not have for their size alone."""
    outcome = build.firmware
    if outcome is None:
        return
    moved = [bar for bar in outcome.bars if bar.space == "high" and bar.size <= HUGE_BAR]
    if moved:
        some = ", ".join(_called(bar) for bar in moved[:3]) + (f" and {len(moved) - 3} more" if len(moved) > 3 else "")
        needed = sum(bar.size for bar in outcome.bars if bar.space == "low" or bar in moved)
        yield context.finding(
            rule,
            build.guest,
            f"the hole below 4 GiB has {format_size(outcome.mmio_low.size)} for BARs that need {format_size(needed)}: "
            f"{some} {'goes' if len(moved) == 1 else 'go'} above",
            device=moved[0].host,
            region=moved[0].span,
            xen_says="Low MMIO hole not large enough for all devices, relocating some BARs to 64-bit",
            help=rule.remedy,
            keys=("mmio_hole", "pci"),
        )


@guest_rule(
    Rule(
        "BAR303",
        "Reserved regions leave no gap for a BAR",
        Severity.ERROR,
        by="hvmloader",
        why="hvmloader places BARs past regions and uses no gap that it skipped, so one that would fit finds no place.",
        remedy="A larger mmio_hole, or a device without the region.",
        source="hvmloader/pci.c (b730fc3e15, ecc607b185)",
    )
)
def fragmented(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """BARs without a place that would have one, were no region in the window."""
    for bar in _unplaced(build):
        if not _beyond_the_width(build, bar) and _fits_without_regions(build, bar):
            window = build.firmware.mmio_low if build.firmware is not None else Span(0, 0)
            regions = [entry.span for entry in (build.layout.regions if build.layout is not None else ())]
            inside = ", ".join(str(span) for span in regions if span.overlaps(window))
            yield context.finding(
                rule,
                build.guest,
                f"{_called(bar)} finds no place in {window} past the reserved {inside}, and stays unmapped",
                device=bar.host,
                xen_says="no space for resource!",
                help="a larger mmio_hole",
                keys=("mmio_hole", "pci"),
            )


@guest_rule(
    Rule(
        "BAR304",
        "A huge BAR on a release that counts it for the hole",
        Severity.WARNING,
        by="hvmloader",
        why="Before 4.17 hvmloader sizes the hole for 64-bit BARs of 2 GiB and more too, and can then get it wrong.",
        remedy="Xen 4.17 or later, or a smaller BAR (Resizable BAR in the host's firmware).",
        source="57acad12a0, which stable-4.17 has",
    )
)
def huge_bar(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """64-bit BARs above 1 GiB on a release without the change."""
    for bar in build.firmware.bars if build.firmware is not None else ():
        if bar.kind == "mem64" and bar.size > HUGE_BAR and not build.release.sends_huge_bars_high:
            message = f"{_called(bar)} counts for the hole below 4 GiB on Xen {build.release}"
            yield context.finding(rule, build.guest, message, device=bar.host, help=rule.remedy, keys=("pci",))


@guest_rule(
    Rule(
        "BAR306",
        "A BAR beyond the guest's address width",
        Severity.WARNING,
        by="hvmloader",
        why="Above 4 GiB there is room up to the width of physical addresses, and no inventory knows the host's.",
        remedy="Fewer devices with such BARs in one guest, or smaller BARs (Resizable BAR in the host's firmware).",
        source="hvmloader/pci.c: high_mem_resource.max; a width of 46 bits is assumed",
    )
)
def beyond_the_width(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Huge 64-bit BARs that found no place above 4 GiB."""
    for bar in _unplaced(build):
        if _beyond_the_width(build, bar):
            yield context.finding(
                rule,
                build.guest,
                f"{_called(bar)} does not fit below 2^{PHYS_BITS}",
                device=bar.host,
                xen_says="no space for resource!",
                help=rule.remedy,
                keys=("pci",),
            )


@guest_rule(
    Rule(
        "BAR308",
        "BARs need more than the usual hole",
        Severity.NOTICE,
        by="nobody",
        why="hvmloader starts with 192 MiB for BARs; what is needed beyond that grows the hole or goes above 4 GiB.",
        remedy="Nothing to do; a later device needs room too.",
        source="hvmloader/pci.c: pci_setup",
    )
)
def bar_total(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Guests with devices whose BARs do not fit the default window."""
    outcome = build.firmware
    if outcome is None or not outcome.ok or not any(bar.host is not None for bar in outcome.bars):
        return
    low = sum(bar.size for bar in outcome.bars if bar.space == "low")
    high = sum(bar.size for bar in outcome.bars if bar.space == "high")
    if low > LOW_WINDOW_END - LOW_WINDOW_START or high:
        message = f"the BARs take {format_size(low)} below 4 GiB" + (f" and {format_size(high)} above" if high else "")
        yield context.finding(rule, build.guest, message, keys=("pci",))


@guest_rule(
    Rule(
        "BAR310",
        "gfx_passthru and the guest's graphics do not fit",
        Severity.ERROR,
        by="libxl",
        why=(
            "Only gfx_passthru lets the guest reach VGA memory at 0xa0000 and the integrated card's OpRegion; libxl "
            "does not start a guest with it that has no card which it knows, unless the kind is said."
        ),
        remedy='gfx_passthru = "igd" for integrated graphics as the guest\'s first card; no gfx_passthru for others.',
        source="libxl_dm.c, hvmloader/pci.c; xl.cfg(5): gfx_passthru; without a card seen on real runs: 1 is refused, "
        '"igd" starts',
    )
)
def graphics(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`gfx_passthru` without an Intel display device, and integrated graphics without `gfx_passthru`."""
    guest = build.guest
    if guest.type != "hvm":
        return
    codes = ("0300", "0380") if build.release.takes_any_display_for_igd else ("0300",)
    known = list(assigned(context, build))
    cards = [device for device in known if (device.class_code or "")[:4] in codes]
    intel = [device for device in cards if (device.id or "").startswith("8086")]
    integrated = [device for device in intel if device.address[1:] == (0, 2, 0)]
    missing = emulated.undetected_graphics(known, any_display=build.release.takes_any_display_for_igd)
    if guest.gfx_passthru and missing is not None:
        yield context.finding(
            rule,
            guest,
            'gfx_passthru = "igd", and no Intel graphics in pci: the guest starts without any'
            if guest.igd
            else "gfx_passthru finds no Intel graphics in pci, and libxl does not start the guest",
            severity=Severity.WARNING if guest.igd else None,
            xen_says=None if guest.igd else missing,
            help="drop gfx_passthru, or give the guest the graphics",
            keys=("gfx_passthru",),
        )
    for device in integrated if not guest.gfx_passthru else ():
        yield context.finding(
            rule,
            guest,
            f"{device.address.short} is integrated graphics: without gfx_passthru the guest has it as a second card at "
            "best, without VGA memory and OpRegion",
            severity=Severity.WARNING,
            device=device.address,
            help=rule.remedy,
        )


def _unplaced(build: Build) -> Iterator[Bar]:
    for bar in build.firmware.bars if build.firmware is not None and build.firmware.stage > 0 else ():
        if not bar.assigned:
            yield bar


def _called(bar: Bar) -> str:
    owner = bar.host.short if bar.host is not None else f"the emulated device {bar.slot}"
    return f"BAR {bar.number} of {owner} ({format_size(bar.size)})"


def _beyond_the_width(build: Build, bar: Bar) -> bool:
    return bar.kind == "mem64" and bar.size > HUGE_BAR and build.release.sends_huge_bars_high


def _fits_without_regions(build: Build, bar: Bar) -> bool:
    """Whether hvmloader would place the BAR if no region were reserved."""
    layout = build.layout
    if layout is None or not layout.regions:
        return False
    other = without_regions(build)
    return other is not None and any(
        (one.devfn, one.number, one.assigned) == (bar.devfn, bar.number, True) for one in other.bars
    )


@guest_rule(
    Rule(
        "BAR311",
        "A 64-bit BAR answers elsewhere than hvmloader says",
        Severity.WARNING,
        by="nobody",
        why=(
            "hvmloader writes only the lower half of a BAR that it places below 4 GiB, and QEMU starts the upper half "
            "with the host's: a card that the host has above 4 GiB is mapped above 4 GiB in the guest too."
        ),
        remedy="Switch Above 4G Decoding off in the host's firmware; the guest's system may also move the BAR itself.",
        source="seen on real runs of Xen 4.17 with 64-bit BARs: line 0xd0000000, mapped at 0x4d0000000",
    )
)
def answers_elsewhere(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """BARs placed low whose host register has an upper half; RAM there makes it worse."""
    outcome, layout = build.firmware, build.layout
    if outcome is None or layout is None:
        return
    for bar in outcome.bars:
        span = bar.span
        if span is None or bar.address is None or span.start == bar.address or bar.host is None:
            continue
        in_ram = any(span.overlaps(ram) for ram in layout.ram)
        yield context.finding(
            rule,
            build.guest,
            f"BAR {bar.number} of {bar.host.short} is placed at {bar.address:#x} and answers at {span}"
            + (", in the middle of the guest's RAM" if in_ram else ""),
            device=bar.host,
            region=span,
            help=rule.remedy,
        )
