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
