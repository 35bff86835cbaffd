"""The map as bands that fit a fixed number of lines: what the map pane draws, without the drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from planner.model.address import Sbdf
from planner.model.span import GIB4, MIB, Span, format_size
from planner.report.ranges import ranges
from planner.report.troubles import HARMS, Trouble, named
from planner.report.words import plural
from planner.xen.build import Build
from planner.xen.libxl import Layout
from planner.xen.segments import SegmentKind

_RAM = (SegmentKind.LOW_RAM, SegmentKind.HIGH_RAM)
_TALL = 16 * MIB
_LOSS = 100.0  # more than any size makes up for


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
    def name(self) -> str:
        """What it is, with what is wrong; of several parts that are lost, how many."""
        if self.trouble is None:
            return self.label
        name = named(self.trouble, self.label)
        return f"{name} +{len(self.parts) - 1}" if self.parts and self.label not in name else name

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
        """The span that a line shows: from the first to the last of the parts that it speaks of."""
        seen = _to_be_seen(self.parts) if self.parts else (self,)
        return Span(seen[0].span.start, seen[-1].span.end)

    @property
    def size(self) -> int:
        """The bytes of what a line speaks of."""
        return sum(part.span.size for part in _to_be_seen(self.parts)) if self.parts else self.span.size


def bands(build: Build, stage: str | None = None, before: Build | None = None) -> tuple[Band, ...]:
    """The guest's address space in order (`report.ranges`). Empty without a layout.

    As it stood after `stage`, None for the last one; what the build `before` had otherwise is marked as moved.
    """
    found = ranges(build, stage)
    if before is None or before.layout is None:
        return tuple(Band(*one) for one in found)
    old = {one[:3] for one in ranges(before, stage)}
    return tuple(Band(*one, moved=one[:3] not in old) for one in found)


def within(items: Sequence[Band], span: Span | None) -> tuple[Band, ...]:
    """What of the bands lies in `span`; None: all of them."""
    if span is None:
        return tuple(items)
    return tuple(
        replace(band, span=Span(max(band.span.start, span.start), min(band.span.end, span.end)))
        for band in items
        if band.span.overlaps(span)
    )


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
    lines = [f"{name} RAM {_ends(was, now)}" for name, was, now in ends if was != now]
    return [*lines, *_other_moves(old, new)] or ["no RAM and no BAR moved"]


def moved_briefly(old: Build, new: Build) -> str:
    """The same for a narrow pane: amounts of RAM instead of addresses."""
    if old.layout is None or new.layout is None:
        return ""
    before, after = old.layout, new.layout
    words = [f"low to {after.low_end:#x}"] if before.low_end != after.low_end else []
    grown = _above(after) - _above(before)
    if grown:
        words.append(f"high {'+' if grown > 0 else '-'}{brief_size(abs(grown))}")
    return ", ".join(words or _other_moves(old, new)) or "no RAM and no BAR moved"


def _other_moves(old: Build, new: Build) -> list[str]:
    """Which BARs went elsewhere, and whether QEMU came to know RAM that it did not, or the other way round."""
    was, now = _places(old), _places(new)
    count = sum(was[key] != place for key, place in now.items() if key in was)
    words = [f"{plural(count, 'BAR')} moved"] if count else []
    if len(now) != len(was):
        words.append(f"{'+' if len(now) > len(was) else '-'}{plural(abs(len(now) - len(was)), 'BAR')}")
    lost = [sum(span.size for span in build.qemu.lost) if build.qemu is not None else 0 for build in (old, new)]
    if lost[0] != lost[1]:
        words.append("lost RAM " + " ▸ ".join(brief_size(size) if size else "none" for size in lost))
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


def _ends(was: int, now: int) -> str:
    if was and now:
        return f"to {was:#x} ▸ {now:#x}"
    return f"none ▸ to {now:#x}" if now else f"to {was:#x} ▸ none"


def _cost(first: Band, second: Band) -> float:
    """What is lost when two neighbours share a line: nearly nothing for BARs that QEMU emulates, most for RAM."""
    size = math.log2(max(2, first.span.size + second.span.size))
    return size + _LOSS * _loss(first, second)


def _loss(first: Band, second: Band) -> int:
    """In ascending order what had better keep a line of its own."""
    kinds = {first.kind, second.kind}
    alike = (first.kind, first.trouble) == (second.kind, second.trouble)
    if first.span.end == GIB4:
        return 13
    if {first.trouble, second.trouble} <= {Trouble.LOST, Trouble.DISPLACED}:
        return 7
    if kinds & {*_RAM}:
        return 12
    if kinds & {SegmentKind.RESERVED, SegmentKind.CONFLICT}:
        labels = {(band.parts or (band,))[0].label for band in (first, second)}
        return 7 if alike and len(labels) == 1 else 10
    if Trouble.DEAD in (first.trouble, second.trouble) and not alike:
        return 9
    if kinds == {SegmentKind.BAR}:
        if not alike or first.devices != second.devices:
            return 4
        return 1 if first.devices else 0
    if kinds <= {SegmentKind.MMIO_HOLE, SegmentKind.FIRMWARE}:
        return 3
    if kinds == {SegmentKind.BAR, SegmentKind.MMIO_HOLE}:
        return 5
    return 8 if SegmentKind.LEGACY in kinds or Trouble.BELIEVED in (first.trouble, second.trouble) else 6


def _join(first: Band, second: Band) -> Band:
    """Both in one line. It is drawn as its first part, or as the worst ones where those must be seen."""
    parts = (*(first.parts or (first,)), *(second.parts or (second,)))
    seen = _to_be_seen(parts)
    devices = tuple(dict.fromkeys(device for part in seen for device in part.devices))
    moved = any(part.moved for part in parts)
    span = Span(first.span.start, second.span.end)
    return Band(span, seen[0].kind, _named(seen, len(parts)), devices, seen[0].trouble, parts, moved)


def _to_be_seen(parts: tuple[Band, ...]) -> tuple[Band, ...]:
    """The parts that a line speaks of: regions and what does harm, as bad as any of them; without such, all."""
    worst = max(part.severity for part in parts)
    return tuple(part for part in parts if part.severity == worst) if worst > 3 else parts


def _named(seen: tuple[Band, ...], count: int) -> str:
    """What to call `count` parts of which `seen` are spoken of: both where they are two things, else the first."""
    names: list[str] = []
    rest = count
    for is_bar, group in groupby(seen, key=lambda part: part.kind is SegmentKind.BAR):
        some = list(group)
        labels = list(dict.fromkeys(part.label for part in some))
        if is_bar and len(some) > 1:
            owners = {label.rsplit(" BAR", 1)[0].removesuffix(" ROM") for label in labels}
            labels = [f"{owners.pop()} BARs" if len(owners) == 1 else f"{len(some)} BARs"]
        elif len(labels) == 1 < len(some):
            labels = [f"{labels[0]} ×{len(some)}"]
        if not names:
            rest -= len(some) if len(labels) == 1 else 1
        names += labels
    if len(names) == 2 and len(seen) == count:
        return " + ".join(names)
    return names[0] + (f" +{rest}" if rest else "")
