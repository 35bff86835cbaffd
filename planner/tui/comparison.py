"""Several address spaces in one table: what libxl, hvmloader and QEMU believe of a guest, or the maps of all guests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planner.model.span import Span
from planner.policy.evaluate import Report
from planner.report.troubles import HARMS, WARNS, Trouble, troubles
from planner.tui.bands import Band, bands
from planner.xen import views
from planner.xen.build import Build
from planner.xen.segments import SegmentKind
from planner.xen.views import Belief, Claim

ACTORS = ("libxl", "hvmloader", "QEMU")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one column has: `kind` is a segment's, or a claim's that means the same; QEMU believes otherwise of it."""

    kind: str
    label: str
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A range over which each column has one thing (None: nothing); `trouble` is why they cannot all be right."""

    span: Span
    columns: tuple[str, ...]
    cells: tuple[Cell | None, ...]
    trouble: Trouble | None = None

    @property
    def sign(self) -> str:
        """✖ where a guest loses something, ▲ where it would once something is put there."""
        found = {self.trouble, *(cell.trouble for cell in self.cells if cell is not None)}
        if found & {*HARMS} or any(cell.kind == SegmentKind.CONFLICT for cell in self.cells if cell is not None):
            return "✖"
        return "▲" if found & {*WARNS} else ""


_KINDS = {
    Claim.RAM: "low_ram",
    Claim.RESERVED: "reserved",
    Claim.DEVICE: "bar",
    Claim.SCRATCH: "firmware",
    Claim.CONFLICT: "conflict",
}


def of_views(build: Build | None) -> tuple[Line, ...]:
    """What the three actors take each address for. Empty where hvmloader and QEMU play no part."""
    if build is None or build.layout is None or build.firmware is None or build.qemu is None:
        return ()
    beliefs = (
        views.libxl(build.layout),
        views.hvmloader(build.firmware, build.names),
        views.qemu(build.qemu, build.firmware, build.names),
    )
    edges = {edge for column in beliefs for belief in column for edge in belief.span}
    found = troubles(build)
    edges |= {edge for span, _ in found for edge in span}

    def trouble(piece: Span, cells: tuple[Cell | None, ...]) -> Trouble | None:
        here = [what for span, what in found if span.overlaps(piece)]
        harm = next((what for what in HARMS if what in here), None)
        ram = any(cell is not None and cell.kind == SegmentKind.LOW_RAM for cell in cells[:2])
        return harm or (Trouble.BELIEVED if Trouble.BELIEVED in here and not ram else None)

    return _lines(ACTORS, edges, [_believed(column) for column in beliefs], trouble)


def of_guests(report: Report) -> tuple[Line, ...]:
    """The maps of all guests that have one, on common addresses; free space is nothing."""
    shown = [build for build in report.builds if build.layout is not None]
    maps = [bands(build) for build in shown]
    edges = {edge for column in maps for band in column for edge in band.span}
    names = tuple(build.guest.name for build in shown)
    return _lines(names, edges, [_mapped(column) for column in maps], lambda piece, cells: None)


def _believed(beliefs: Sequence[Belief]) -> Callable[[Span], Cell | None]:
    def at(piece: Span) -> Cell | None:
        belief = views.believed(beliefs, piece)
        return Cell(_KINDS[belief.claim], belief.label) if belief is not None else None

    return at


def _mapped(column: Sequence[Band]) -> Callable[[Span], Cell | None]:
    starts = [band.span.start for band in column]

    def at(piece: Span) -> Cell | None:
        index = bisect_right(starts, piece.start) - 1
        band = column[index] if index >= 0 else None
        if band is None or not band.span.overlaps(piece) or (band.kind is SegmentKind.FREE and band.trouble is None):
            return None
        return Cell(band.kind, band.label, band.trouble)

    return at


def _lines(
    columns: tuple[str, ...],
    edges: set[int],
    cells_at: Sequence[Callable[[Span], Cell | None]],
    trouble: Callable[[Span, tuple[Cell | None, ...]], Trouble | None],
) -> tuple[Line, ...]:
    out: list[Line] = []
    for start, end in pairwise(sorted(edges)):
        piece = Span(start, end)
        cells = tuple(at(piece) for at in cells_at)
        if not any(cells):
            continue
        clash = trouble(piece, cells)
        if out and out[-1].span.end == start and (out[-1].cells, out[-1].trouble) == (cells, clash):
            piece = Span(out.pop().span.start, end)
        out.append(Line(piece, columns, cells, clash))
    return tuple(out)
