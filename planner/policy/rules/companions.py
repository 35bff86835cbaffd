"""MEM: settings and sums that do not go with passed-through devices, or do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.span import KIB, MIB, Span, format_size
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule, host_rule
from planner.xen import libxl
from planner.xen.build import Build
from planner.xen.xl import MMIO_HOLE_MIN


@guest_rule(
    Rule(
        "MEM203",
        "mmio_hole of the default size",
        Severity.WARNING,
        by="nobody",
        why=(
            "A hole of 256 MiB moves no RAM, for that is the default; but hvmloader then neither grows the hole for "
            "large BARs nor moves it out of a region's way."
        ),
        remedy="Drop the setting, or choose a larger hole.",
        source="libxl_dom.c:1087-1244, libxl_create.c:500-508; run on the vectors",
    )
)
def hole_without_effect(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`mmio_hole = 256` on an HVM guest."""
    if build.guest.type == "hvm" and build.guest.mmio_hole == MMIO_HOLE_MIN:
        message = f"mmio_hole = {MMIO_HOLE_MIN} moves no RAM and keeps hvmloader from growing the hole"
        yield context.finding(rule, build.guest, message, help=rule.remedy, keys=("mmio_hole",))


@guest_rule(
    Rule(
        "MEM206",
        "A PV guest's RAM lies where a device's BAR is",
        Severity.WARNING,
        by="nobody",
        why="A PV guest sees BARs at the host's addresses, and pcifront cannot claim those where its memory is.",
        remedy="Less memory, or an HVM guest.",
        source="reports of pcifront's BAR claim failures under e820_host; not run",
    )
)
def pv_ram_over_bar(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A PV guest with a device whose memory BAR begins below the end of the guest's memory."""
    if build.guest.type != "pv":
        return
    ram = Span(0, build.domain.max_kib * KIB)
    for item in build.guest.pci:
        device = context.plan.host.by_address.get(item.address) if item.address is not None else None
        for bar in device.bars if device is not None else ():
            if device is None or bar.kind == "io" or bar.start is None:
                continue
            span = Span.sized(bar.start, bar.size)
            if span.overlaps(ram):
                yield context.finding(
                    rule,
                    build.guest,
                    f"BAR {bar.index} of {device.address.short} is at {span}, and the guest's memory reaches to "
                    f"{format_size(ram.end)}",
                    device=device.address,
                    region=span,
                    help=f"memory at most {bar.start // MIB}",
                )
                break


@guest_rule(
    Rule(
        "MEM207",
        "altp2m with passed-through devices",
        Severity.WARNING,
        by="nobody",
        why="Alternate page tables change what the guest sees, not what its devices reach; Xen supports no such pair.",
        remedy="Drop altp2m, or the devices.",
        source="SUPPORT.md: PCI passthrough; nothing in libxl refuses it",
    )
)
def altp2m(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`altp2m` on an HVM guest with devices."""
    guest = build.guest
    if guest.altp2m and guest.pci and guest.type == "hvm":
        message = "altp2m is on, and Xen supports no passed-through device beside it"
        yield context.finding(rule, guest, message, help=rule.remedy, keys=("altp2m", "altp2mhvm"))


@guest_rule(
    Rule(
        "MEM210",
        "Virtual NUMA nodes do not follow RAM that moves",
        Severity.WARNING,
        by="nobody",
        why="vnuma lays its nodes over RAM as it was asked for, and a region then moves RAM above 4 GiB.",
        remedy="Set the mmio_hole that makes low RAM end there in the first place, or drop vnuma.",
        source="libxl_vnuma.c (a2b82221dc), read and not run",
    )
)
def vnuma(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`vnuma` on a guest whose low RAM a region lowered."""
    layout = build.layout
    if layout is None or not build.guest.vnuma:
        return
    asked = min((build.domain.max_kib - build.domain.video_kib) * KIB, layout.mmio_start)
    if layout.low_end < asked:
        message = f"vnuma counts on low RAM up to {asked:#x}, and it ends at {layout.low_end:#x}"
        yield context.finding(rule, build.guest, message, help=rule.remedy, keys=("vnuma",))


@guest_rule(
    Rule(
        "MEM217",
        "More RAM than the host has",
        Severity.ERROR,
        by="libxl",
        why="The guest's RAM is filled in before it starts, and Xen and dom0 have their share of the host's already.",
        remedy="Less memory.",
        source="seen on a real run: with autoballoon off libxl ends the build, with it xl fails to free memory for the "
        "domain",
    )
)
def more_than_the_host(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A guest that alone asks for all of the host's memory or more."""
    memory = context.plan.host.memory
    failure = libxl.out_of_memory(build.domain, memory)
    if failure is not None and memory is not None:
        wanted = min(build.domain.target_kib, build.domain.max_kib) * KIB
        message = f"it asks for {format_size(wanted)}, and the host has {format_size(memory)} in all"
        yield context.finding(
            rule, build.guest, message, xen_says=failure.log, help=rule.remedy, keys=("memory", "maxmem")
        )


@guest_rule(
    Rule(
        "MEM218",
        "memory above maxmem",
        Severity.WARNING,
        by="nobody",
        why="libxl builds the guest with maxmem and fills in no more, whatever memory says; nothing is logged.",
        remedy="Set memory and maxmem to the same size.",
        source="seen on a real run: memory = 2000 with maxmem = 1000 gave a guest of 1000 MiB",
    )
)
def memory_above_maximum(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`memory` that is never reached."""
    target, maximum = build.domain.target_kib // KIB, build.domain.max_kib // KIB
    if target > maximum:
        message = f"memory ({target} MiB) is more than maxmem: the guest gets {maximum} MiB"
        yield context.finding(rule, build.guest, message, help=rule.remedy, keys=("memory", "maxmem"))


@host_rule(
    Rule(
        "MEM211",
        "The guests together ask for more RAM than the host has",
        Severity.NOTICE,
        by="nobody",
        why="A guest with devices has all its RAM from the start and gives none back, so they cannot all run at once.",
        remedy="Less memory, or guests that do not run together.",
        source="SUPPORT.md: no populate-on-demand with passthrough",
    )
)
def more_than_the_host_has(context: Context, rule: Rule) -> Iterator[Finding]:
    """The sum of maxmem above the host's memory, where a guest has devices."""
    total = sum(build.domain.max_kib for build in context.builds) * KIB
    memory = context.plan.host.memory
    several = len(context.builds) > 1  # one alone has a finding of its own
    if several and memory is not None and total > memory and any(build.guest.pci for build in context.builds):
        message = f"{len(context.builds)} guests ask for {format_size(total)}, and the host has {format_size(memory)}"
        yield context.host_finding(rule, message, setting="memory")
