"""BAR: whether every base address register finds a place."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.span import format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen.build import Build


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
    """BARs that hvmloader could not place."""
    for bar in build.firmware.bars if build.firmware is not None and build.firmware.stage > 0 else ():
        if not bar.assigned:
            owner = bar.host.short if bar.host is not None else f"the emulated device {bar.slot}"
            yield context.finding(
                rule,
                build.guest,
                f"BAR {bar.number} of {owner} ({format_size(bar.size)}) finds no place and stays unmapped",
                device=bar.host,
                xen_says="no space for resource!",
                help="a larger mmio_hole",
                keys=("mmio_hole", "pci"),
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
