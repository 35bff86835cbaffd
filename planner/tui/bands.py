"""The map as bands that fit a fixed number of lines: what the map pane draws, without the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from planner.model.address import Sbdf
from planner.model.span import GIB4, MIB, Span, format_size
from planner.report.memory_map import at_stage
from planner.tui.troubles import HARMS, Trouble, of_kind, troubles
from planner.xen.build import STAGES, Build
from planner.xen.libxl import Layout
from planner.xen.segments import SegmentKind

_RAM = (SegmentKind.LOW_RAM, SegmentKind.HIGH_RAM)
_TALL = 16 * MIB
_NEVER = 1000.0  # more than any other pair of bands costs


@dataclass(frozen=True, slots=True)
class Band:
    """A range with one owner, or several small ones in one line (`parts`).

    `trouble`: QEMU believes otherwise of it. `moved`: the last edit made it what it is.
    """

    span: Span
    kind: SegmentKind
    label: str
    devices: tuple[Sbdf, ...] = ()
    trouble: Trouble | None = None
    parts: tuple[Band, ...] = ()
    moved: bool = False

    @property
    def severity(self) -> int:
        """How much it matters that it is seen: 5 for conflicts and what does harm, 0 for free space."""
        if self.kind is SegmentKind.CONFLICT or self.trouble in HARMS:
            return 5
        if self.kind is SegmentKind.RESERVED:
            return 4
        if self.trouble is Trouble.BELIEVED:
            return 3
        if self.kind in _RAM or self.devices:
            return 2
        return int(self.kind is SegmentKind.BAR)

    @property
    def told(self) -> Span:
        """The span that a line shows: of a line that holds a conflict or harm, from the first to the last of those."""
        bad = [part.span for part in self.parts if part.severity == 5]
        return Span(bad[0].start, bad[-1].end) if bad else self.span

    @property
    def size(self) -> int:
        """The bytes that a line shows: of a conflict, its own."""
        return sum(part.span.size for part in self.parts if part.severity == 5) or self.span.size


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
    found = troubles(build) if stage in (None, *STAGES[3:]) else ()
    regions = [entry.span for entry in build.layout.regions] if build.layout is not None else []
    out: list[Band] = []
    for segment in at_stage(build, stage):
        here = of_kind(found, segment.kind)
        cuts = [span for span, _ in here]
        if segment.kind in (SegmentKind.RESERVED, SegmentKind.CONFLICT):
            cuts += regions
        inside = {edge for span in cuts for edge in span if segment.span.start < edge < segment.span.end}
        old: Band | None = None
        for start, end in pairwise(sorted({*segment.span, *inside})):
            trouble = next((what for span, what in here if span.overlaps(Span(start, end))), None)
            band = Band(Span(start, end), segment.kind, segment.label, segment.devices, trouble)
            if old is not None and band.trouble in (Trouble.DEAD, Trouble.PARKED) and old.trouble is band.trouble:
                band = replace(band, span=Span(out.pop().span.start, end))
            out.append(band)
            old = band
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


def moved(old: Build, new: Build) -> list[str]:
    """What a change did to the guest's memory, a line each, the ends of RAM first. Empty where one has no map."""
    if old.layout is None or new.layout is None:
        return []
    before, after = old.layout, new.layout
    ends = [("low", before.low_end, after.low_end), ("high", before.high_end, after.high_end)]
    lines = [f"{name} RAM ended at {_end(was)}, now {_end(now)}" for name, was, now in ends if was != now]
    return [*lines, *_other_moves(old, new)] or ["no RAM and no BAR moved"]


def moved_briefly(old: Build, new: Build) -> str:
    """The same for a narrow pane: amounts of RAM instead of addresses."""
    if old.layout is None or new.layout is None:
        return ""
    before, after = old.layout, new.layout
    words = [f"low to {_end(after.low_end)}"] if before.low_end != after.low_end else []
    grown = _above(after) - _above(before)
    if grown:
        words.append(f"high {'+' if grown > 0 else '-'}{brief_size(abs(grown))}")
    return ", ".join(words or _other_moves(old, new)) or "no RAM and no BAR moved"


def _other_moves(old: Build, new: Build) -> list[str]:
    """Which BARs went elsewhere, and whether QEMU came to know RAM that it did not, or the other way round."""
    was, now = _places(old), _places(new)
    count = sum(was[key] != place for key, place in now.items() if key in was)
    words = [f"{count} BAR{'s' * (count != 1)} moved"] if count else []
    if len(now) != len(was):
        words.append(f"{'+' if len(now) > len(was) else '-'}{abs(len(now) - len(was))} BARs")
    lost = [sum(span.size for span in build.qemu.lost) if build.qemu is not None else 0 for build in (old, new)]
    if lost[0] != lost[1]:
        words.append(f"lost RAM {brief_size(lost[1])}" if lost[1] else "no lost RAM")
    return words


def _places(build: Build) -> dict[tuple[object, ...], Span]:
    """Where each memory BAR is, by whose it is."""
    bars = build.firmware.bars if build.firmware is not None else ()
    return {(bar.host or bar.devfn, bar.number): bar.span for bar in bars if bar.span is not None and bar.space != "io"}


def brief_size(size: int) -> str:
    """A size in at most seven characters: "1.4 GiB" is "1.4G"."""
    return format_size(size).replace("iB", "").replace(" ", "")


def _above(layout: Layout) -> int:
    return sum(span.size for span in layout.ram if span.start >= GIB4)


def _is_emulated(band: Band) -> bool:
    return band.kind is SegmentKind.BAR and not band.devices and band.trouble is None


def _end(address: int) -> str:
    return f"{address:#x}" if address else "none"


def _cost(first: Band, second: Band) -> float:
    size = math.log2(max(2, first.span.size + second.span.size))
    bad = (first.severity == 5, second.severity == 5)
    if all(bad):
        return size if (first.kind, first.trouble) == (second.kind, second.trouble) else size + _NEVER / 2
    return size + (_NEVER if any(bad) else 2 * max(first.severity, second.severity))


def _join(first: Band, second: Band) -> Band:
    parts = (*(first.parts or (first,)), *(second.parts or (second,)))
    worst = max(parts, key=lambda part: (part.severity, part.span.size))
    devices = tuple(dict.fromkeys(device for part in parts for device in part.devices))
    moved = any(part.moved for part in parts)
    return Band(Span(first.span.start, second.span.end), worst.kind, worst.label, devices, worst.trouble, parts, moved)
