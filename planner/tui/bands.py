"""The map as bands that fit a fixed number of lines: what the map pane draws, without the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from planner.model.address import Sbdf
from planner.model.span import GIB4, MIB, Span, format_size
from planner.report.memory_map import at_stage
from planner.xen.build import STAGES, Build
from planner.xen.libxl import Layout
from planner.xen.segments import SegmentKind

_RAM = (SegmentKind.LOW_RAM, SegmentKind.HIGH_RAM)
_TALL = 16 * MIB
LOST = "lost"
DISPLACED = "displaced"


@dataclass(frozen=True, slots=True)
class Band:
    """A range with one owner, or several small ones in one line (`parts`).

    `qemu` is LOST for guest RAM that QEMU does not know, DISPLACED for RAM that lies under what QEMU parks. `moved`:
    the last step made it what it is.
    """

    span: Span
    kind: SegmentKind
    label: str
    devices: tuple[Sbdf, ...] = ()
    qemu: str = ""
    parts: tuple[Band, ...] = ()
    moved: bool = False

    @property
    def severity(self) -> int:
        """How much it matters that it is seen: 4 for conflicts and lost RAM, 0 for free space."""
        if self.kind is SegmentKind.CONFLICT or self.qemu:
            return 4
        return 3 if self.kind is SegmentKind.RESERVED else int(self.kind in _RAM or bool(self.devices))


def bands(build: Build, stage: str | None = None, before: Build | None = None) -> tuple[Band, ...]:
    """The guest's address space in order, RAM cut where QEMU's knowledge of it ends. Empty without a layout.

    As it stood after `stage`, None for the last one; what the build `before` had otherwise is marked as moved.
    """
    found = _bands(build, stage)
    if before is None or before.layout is None:
        return found
    old = {(band.span, band.kind, band.label) for band in _bands(before, stage)}
    return tuple(replace(band, moved=(band.span, band.kind, band.label) not in old) for band in found)


def _bands(build: Build, stage: str | None) -> tuple[Band, ...]:
    view = build.qemu if stage in (None, *STAGES[3:]) else None
    unknown: list[tuple[Span, str]] = []
    if view is not None:
        unknown = [*((span, DISPLACED) for span in view.displaced), *((span, LOST) for span in view.lost)]
    out: list[Band] = []
    for segment in at_stage(build, stage):
        inside = {edge for span, _ in unknown for edge in span if segment.span.start < edge < segment.span.end}
        edges = sorted({*segment.span, *inside}) if segment.kind in _RAM else list(segment.span)
        for start, end in pairwise(edges):
            trouble = next((what for span, what in unknown if span.overlaps(Span(start, end))), "")
            if segment.kind not in _RAM:
                trouble = ""
            out.append(Band(Span(start, end), segment.kind, segment.label, segment.devices, trouble))
    return tuple(out)


def within(items: Sequence[Band], span: Span | None) -> tuple[Band, ...]:
    """What of the bands lies in `span`; None: all of them."""
    if span is None:
        return tuple(items)
    return tuple(
        replace(band, span=Span(max(band.span.start, span.start), min(band.span.end, span.end)))
        for band in items
        if band.span.overlaps(span)
    )


def without_emulated(items: Sequence[Band]) -> tuple[Band, ...]:
    """The bands with neighbouring BARs of emulated devices put together: a short map has better uses for its lines."""
    out: list[Band] = []
    for band in items:
        if out and _is_emulated(out[-1]) and _is_emulated(band):
            out[-1] = _join(out[-1], band)
        else:
            out.append(band)
    return tuple(out)


def squeeze(items: Sequence[Band], limit: int) -> tuple[Band, ...]:
    """At most `limit` bands (and at least one): the smallest neighbours that matter least are put together."""
    out = list(items)
    costs = [_cost(first, second) for first, second in pairwise(out)]
    while len(out) > max(1, limit):
        index = min(range(len(costs)), key=costs.__getitem__)
        out[index : index + 2] = [_join(out[index], out[index + 1])]
        del costs[index]
        if index > 0:
            costs[index - 1] = _cost(out[index - 1], out[index])
        if index < len(costs):
            costs[index] = _cost(out[index], out[index + 1])
    return tuple(out)


def heights(items: Sequence[Band], lines: int) -> list[int]:
    """How many of `lines` each band gets: one at least, the rest by the logarithm of their sizes above 16 MiB."""
    weights = [max(0.0, math.log2(max(1, band.span.size) / _TALL)) for band in items]
    total = sum(weights)
    spare = max(0, lines - len(items))
    if not total:
        return [1] * len(items)
    shares = [spare * weight / total for weight in weights]
    out = [1 + int(share) for share in shares]
    by_rest = sorted(range(len(items)), key=lambda index: (int(shares[index]) - shares[index], index))
    for index in by_rest[: len(items) + spare - sum(out)]:
        out[index] += 1
    return out


def moved(old: Layout | None, new: Layout | None) -> list[str]:
    """What a change did to the ends of RAM, a line each; empty where there is nothing to compare."""
    if old is None or new is None:
        return []
    ends = [("low", old.low_end, new.low_end), ("high", old.high_end, new.high_end)]
    lines = [
        f"{name} RAM ended at {_end(before)}, now {_end(after)}" for name, before, after in ends if before != after
    ]
    return lines or ["no RAM moved"]


def moved_briefly(old: Layout | None, new: Layout | None) -> str:
    """The same for a narrow pane: amounts of RAM instead of addresses."""
    if old is None or new is None:
        return ""
    if old.low_end == new.low_end:
        return "no RAM moved" if old.high_end == new.high_end else f"high RAM to {_end(new.high_end)}"
    grown = _above(new) - _above(old)
    return f"low to {new.low_end:#x}, high {'+' if grown >= 0 else '-'}{brief_size(abs(grown))}"


def brief_size(size: int) -> str:
    """A size in at most seven characters: "1.4 GiB" is "1.4G"."""
    return format_size(size).replace("iB", "").replace(" ", "")


def _above(layout: Layout) -> int:
    return sum(span.size for span in layout.ram if span.start >= GIB4)


def _is_emulated(band: Band) -> bool:
    return str(band.kind) == "bar" and not band.devices


def _end(address: int) -> str:
    return f"{address:#x}" if address else "none"


def _cost(first: Band, second: Band) -> float:
    return math.log2(max(2, first.span.size + second.span.size)) + 2 * max(first.severity, second.severity)


def _join(first: Band, second: Band) -> Band:
    parts = (*(first.parts or (first,)), *(second.parts or (second,)))
    worst = max(parts, key=lambda part: (part.severity, part.span.size))
    devices = tuple(dict.fromkeys(device for part in parts for device in part.devices))
    moved = any(part.moved for part in parts)
    return Band(Span(first.span.start, second.span.end), worst.kind, worst.label, devices, worst.qemu, parts, moved)
