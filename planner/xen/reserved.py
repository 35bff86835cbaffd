"""Whether a region of the firmware's lies in memory that the firmware reserved (the host's e820).

Source: x86/iommu.c: iommu_unity_region_ok (both vendors since a185f88e98 in 4.19; AMD's own check before it).
Without a memory map of the host nobody can say, and nothing is said.
"""

from __future__ import annotations

from planner.model.host import Host
from planner.model.span import MIB, PAGE, Span, round_down
from planner.xen.rdm import RefusedError
from planner.xen.steps import Step

_RULE = "x86/iommu.c: iommu_unity_region_ok"
# mfn_valid knows memory by groups of frames; only a page far beyond all RAM was seen refused (run s06).
_FRAME_GROUP = 256 * MIB


def check(table: str, host: Host, first: int, last: int, steps: list[Step]) -> None:
    """Pages `first` to `last` of one region; `table` is "RMRR" or "IVMD". Raises RefusedError for one in RAM."""
    whole = Span(first * PAGE, (last + 1) * PAGE)
    if covered(host, whole):
        return
    line = f"{table}: [{first:#x} ,{last:#x}] is not (entirely) in reserved memory"
    steps.append(Step("the firmware did not reserve all of it: unknown pages are added", _RULE, line, "warning"))
    page = first_in_ram(host, whole)
    if page is not None:
        raise RefusedError(f"{table}: page at {page:#x} can't be converted")


def is_reserved(host: Host, page: int) -> bool:
    """Whether the e820 reserves this page; the first line that has it counts."""
    kind = next((part.type for part in host.memory_map if page * PAGE in part.span), "unknown")
    return kind == "reserved"


def covered(host: Host, whole: Span) -> bool:
    """Whether the e820 reserves all of `whole`, or nobody knows."""
    return not host.memory_map or any(
        part.type == "reserved" and part.span.start <= whole.start and whole.end <= part.span.end
        for part in host.memory_map
    )


def first_in_ram(host: Host, whole: Span) -> int | None:
    """The first page of `whole` that is RAM, which Xen may hand out; None where there is none."""
    ram = next((part for part in host.memory_map if part.type == "ram" and part.span.overlaps(whole)), None)
    return None if ram is None else max(ram.start, whole.start) // PAGE


def has_memory(host: Host, page: int) -> bool:
    """Whether mfn_valid takes this page: some RAM is near it, or nobody knows."""
    start = round_down(page * PAGE, _FRAME_GROUP)
    group = Span.sized(start, _FRAME_GROUP)
    return not host.memory_map or any(part.type == "ram" and part.span.overlaps(group) for part in host.memory_map)
