"""The guest's memory as libxl, hvmloader and QEMU each believe it, and where they disagree.

The guest's real RAM is libxl's: Xen's map has it. hvmloader decides where BARs are and what the guest is told; QEMU
answers for every emulated access and every emulated device's DMA. Where their beliefs differ, somebody loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from planner.model.guest import RdmPolicy
from planner.model.span import GIB4, MIB, Span
from planner.xen.hvmloader import Outcome
from planner.xen.libxl import VGA_HOLE, Layout
from planner.xen.qemu import QemuView


class Claim(StrEnum):
    """What an actor takes an address for."""

    RAM = "ram"
    RESERVED = "reserved"
    DEVICE = "device"
    SCRATCH = "scratch"
    CONFLICT = "conflict"


class Belief(NamedTuple):
    """One range of one actor's view; `label` says what is there."""

    span: Span
    claim: Claim
    label: str


class Disagreement(NamedTuple):
    """A range over which two actors differ, `kind` being what that does.

    `lost_ram`: guest RAM that QEMU does not know. `displaced_ram`: guest RAM that what QEMU parks there took away.
    `dead_bar`: a BAR that QEMU hides behind RAM it believes in; the guest reads all ones there.
    """

    span: Span
    kind: str
    label: str


def libxl(layout: Layout) -> tuple[Belief, ...]:
    """RAM as it is populated, the regions the guest is told of, and those that lie in RAM, told of or not."""
    ram = [Belief(span, Claim.RAM, "RAM") for span in layout.ram]
    regions = []
    for entry in layout.regions:
        owners = ", ".join(device.short for device in entry.devices) or "reserved"
        if any(entry.span.overlaps(span) for span in layout.ram):
            regions.append(Belief(entry.span, Claim.CONFLICT, f"{owners} in RAM"))
        elif entry.policy is not RdmPolicy.INVALID and entry.span.size:
            regions.append(Belief(entry.span, Claim.RESERVED, owners))
    return _ordered(ram + regions)


def hvmloader(outcome: Outcome, names: Mapping[int, str]) -> tuple[Belief, ...]:
    """The e820 that the guest's firmware gets, and every memory BAR."""
    table = [
        Belief(entry.span, Claim.RAM, "RAM") if entry.type == "ram" else Belief(entry.span, Claim.RESERVED, entry.type)
        for entry in outcome.e820
    ]
    return _ordered(table + [Belief(span, Claim.DEVICE, label) for span, label in memory_bars(outcome, names)])


def qemu(view: QemuView, outcome: Outcome | None, names: Mapping[int, str]) -> tuple[Belief, ...]:
    """RAM as QEMU has it, what it parked in guest memory, and the BARs that its RAM does not hide."""
    spans = [Span(0, VGA_HOLE.start), Span(VGA_HOLE.end, view.low_end), Span(GIB4, view.high_end)]
    beliefs = [Belief(span, Claim.RAM, "RAM") for span in spans if span.size]
    beliefs.append(Belief(VGA_HOLE, Claim.DEVICE, "VGA"))
    beliefs += [
        Belief(span, Claim.SCRATCH, "parked video RAM" if span == view.scratch else "parked boot ROM")
        for span in view.parked
    ]
    if outcome is not None:
        hidden = dict(dead_bars(view, outcome, names))
        bars = memory_bars(outcome, names)
        beliefs += [Belief(span, Claim.DEVICE, label) for span, label in bars if span not in hidden]
    return _ordered(beliefs)


def memory_bars(outcome: Outcome, names: Mapping[int, str]) -> tuple[tuple[Span, str], ...]:
    """Every memory BAR that has a place, with whose it is."""
    return tuple(
        (bar.span, f"{names.get(bar.devfn, bar.slot)} {bar.name}")
        for bar in outcome.bars
        if bar.span is not None and bar.space != "io"
    )


def dead_bars(view: QemuView, outcome: Outcome, names: Mapping[int, str]) -> tuple[tuple[Span, str], ...]:
    """BARs that lie where QEMU believes RAM is: every access reads all ones (seen on real runs)."""
    ram = (Span(0, view.low_end), Span(GIB4, view.high_end))
    bars = memory_bars(outcome, names)
    return tuple((span, label) for span, label in bars if any(span.overlaps(part) for part in ram))


def disagreements(
    layout: Layout, view: QemuView, outcome: Outcome | None, names: Mapping[int, str]
) -> tuple[Disagreement, ...]:
    """Where the actors' beliefs clash, in order of address."""
    found = [Disagreement(span, "lost_ram", "guest RAM that QEMU does not know") for span in view.lost]
    for span in view.displaced:
        what = "QEMU's video RAM" if span.overlaps(view.scratch) else "an emulated card's boot ROM"
        found.append(Disagreement(span, "displaced_ram", f"{what} in the place of guest RAM"))
    if outcome is not None and layout.ok:
        found += [Disagreement(span, "dead_bar", label) for span, label in dead_bars(view, outcome, names)]
    return tuple(sorted(item for item in found if item.span.start >= MIB))


class Row(NamedTuple):
    """A range over which each actor believes one thing; `cells` are libxl's, hvmloader's and QEMU's, "" for nothing.

    `conflict`: a reserved region and RAM want the same bytes.
    """

    span: Span
    cells: tuple[str, str, str]
    conflict: bool = False


def side_by_side(
    layout: Layout | None, outcome: Outcome | None, view: QemuView | None, names: Mapping[int, str]
) -> tuple[Row, ...]:
    """The three views in one table, in order of address; what nobody claims is left out. Empty without all three."""
    if layout is None or outcome is None or view is None:
        return ()
    columns = (libxl(layout), hvmloader(outcome, names), qemu(view, outcome, names))
    edges = sorted({edge for column in columns for belief in column for edge in belief.span})
    rows: list[Row] = []
    for start, end in pairwise(edges):
        piece = Span(start, end)
        first, second, third = (believed(column, piece) for column in columns)
        cells = (_label(first), _label(second), _label(third))
        if not any(cells):
            continue
        if rows and rows[-1].span.end == start and rows[-1].cells == cells:
            piece = Span(rows.pop().span.start, end)
        rows.append(Row(piece, cells, first is not None and first.claim is Claim.CONFLICT))
    return tuple(rows)


def believed(column: Sequence[Belief], piece: Span) -> Belief | None:
    """What a view has at `piece`: a conflict goes before the RAM that it is with, a device before a reservation."""
    found = [belief for belief in column if belief.span.overlaps(piece)]
    own = (one for one in found if one.claim in (Claim.CONFLICT, Claim.DEVICE))
    return next(own, found[0] if found else None)


def _label(belief: Belief | None) -> str:
    return belief.label if belief is not None else ""


def _ordered(beliefs: list[Belief]) -> tuple[Belief, ...]:
    return tuple(sorted(beliefs))
