"""The ranges of a guest's map: who has each, and where QEMU believes otherwise. What the screen and `map` draw."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.guest import RdmStrategy
from planner.model.span import Span
from planner.report.troubles import Trouble, named, of_kind, troubles
from planner.xen import libxl
from planner.xen.build import STAGES, Build
from planner.xen.segments import Segment, SegmentKind, segments


class Range(NamedTuple):
    """A segment, or the part of one of which QEMU believes otherwise."""

    span: Span
    kind: SegmentKind
    label: str
    devices: tuple[Sbdf, ...]
    trouble: Trouble | None

    @property
    def name(self) -> str:
        """What it is, with what is wrong."""
        return self.label if self.trouble is None else named(self.trouble, self.label)


def at_stage(build: Build, stage: str | None) -> tuple[Segment, ...]:
    """The address space as it stood after `stage`; None: at the end."""
    if build.layout is None:
        return ()
    hvm = build.domain.type == "hvm"
    if stage == STAGES[0]:
        alone = build.domain._replace(devices=(), strategy=RdmStrategy.IGNORE)
        return segments(libxl.build(alone, build.iommu, build.release), hvm=hvm)
    return segments(build.layout, hvm=hvm) if stage in STAGES[1:3] else build.segments


def never_reached(build: Build, stage: str | None) -> str:
    """Where the build ended that never came to `stage`; "" where it did."""
    if stage is None or any(one.name == stage for one in build.stages):
        return ""
    ended = next((one.name for one in build.stages if not one.ok), None)
    if ended is None:
        return f"a {build.domain.type.upper()} guest has none"
    return f"never reached: ended in {ended}"


def ranges(build: Build, stage: str | None = None) -> tuple[Range, ...]:
    """The address space in order, RAM cut where QEMU's knowledge of it ends, regions each by itself.

    As it stood after `stage`; None: at the end, with what QEMU parks above the top of RAM. Empty without a layout.
    """
    found = troubles(build) if stage in (None, *STAGES[3:]) else ()
    regions = [entry.span for entry in build.layout.regions] if build.layout is not None else []
    out: list[Range] = []
    for segment in _with_parked(at_stage(build, stage), found):
        here = of_kind(found, segment.kind)
        cuts = [span for span, _ in here]
        if segment.kind in (SegmentKind.RESERVED, SegmentKind.CONFLICT):
            cuts += regions
        inside = {edge for span in cuts for edge in span if segment.span.start < edge < segment.span.end}
        for start, end in pairwise(sorted({*segment.span, *inside})):
            trouble = next((what for span, what in here if span.overlaps(Span(start, end))), None)
            out.append(Range(Span(start, end), segment.kind, segment.label, segment.devices, trouble))
    return tuple(out)


def _with_parked(items: tuple[Segment, ...], found: tuple[tuple[Span, Trouble], ...]) -> tuple[Segment, ...]:
    """What QEMU parks beyond the last segment is no RAM of the guest's, and yet no region can be mapped there."""
    top = items[-1].span.end if items else 0
    beyond = Span(top, max((span.end for span, what in found if what is Trouble.PARKED), default=top))
    return (*items, Segment(beyond, SegmentKind.FREE, "free")) if beyond.size else items
