"""The chosen guest's address space, from 0 to its top, in as many lines as the pane has."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.model.span import KIB, format_size
from planner.policy.findings import Finding, Severity
from planner.report.memory_map import why_no_map
from planner.report.ranges import never_reached
from planner.report.troubles import HARMS, Trouble, sign, word
from planner.report.words import GLYPHS
from planner.tui.bands import (
    Band,
    bands,
    brief_size,
    heights,
    moved,
    moved_briefly,
    squeeze,
    within,
)
from planner.tui.glyphs import MOVED, drawn, legend, short
from planner.tui.text import Piece, Row, cells, cut, wrap
from planner.tui.view import Heading, Subject, View
from planner.tui.widgets.addressed import Addressed
from planner.tui.widgets.lines import columns
from planner.xen.build import STAGES, Build
from planner.xen.segments import SegmentKind

_WIDE = 46
_DIGITS = 9  # as many for every map up to 64 GiB, so that lines stay where they are when high RAM comes and goes


class MemoryMap(Addressed):
    """Bands from 0 up; under them whether the guest starts, and what the last edit moved."""

    KEEPS_MARK = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._bands: tuple[Band, ...] = ()
        self._found: tuple[Band, ...] = ()
        self._found_for: tuple[object, ...] = ()
        self._drawn_for: tuple[int, ...] = ()
        self._lines: list[tuple[int, bool]] = []
        self._first = 0
        self._here = 0

    def count(self) -> int:
        """Bands, as many as are drawn."""
        return len(self._bands)

    def subject(self) -> Subject:
        """The band under the cursor; of a guest without a map, why it has none."""
        if self.cursor < len(self._bands):
            return self._bands[self.cursor]
        build = self.view.build if self.view is not None else None
        return Heading(why_no_map(build), build.error or "") if build is not None and build.layout is None else None

    def show(self, view: View) -> None:
        """Take a new view; another guest's map starts with its first band, else the cursor stays at its address."""
        if self.view is not None and self.view.guest != view.guest:
            self._here, self._drawn_for = 0, ()
        super().show(view)

    def go_to(self, address: int, *, silently: bool = False) -> None:
        """Put the cursor on the band that has this byte of the guest, now or once there are bands."""
        index = next((index for index, band in enumerate(self._bands) if address in band.span), 0)
        self.move(index, silently=silently)
        self._here = address

    @property
    def merges(self) -> bool:
        """Whether a line stands for several ranges."""
        return any(band.parts for band in self._bands)

    def move(self, index: int, *, silently: bool = False) -> None:
        """Put the cursor on a band, and keep it at its address when the bands change."""
        super().move(index, silently=silently)
        self._here = self._bands[self.cursor].span.start if self._bands else 0

    def shift(self, lines: int) -> None:
        """Nothing scrolls here: all of it is always shown."""

    def index_at(self, y: int) -> int | None:
        """The band at line `y`."""
        y -= self._first
        return self._lines[y][0] if 0 <= y < len(self._lines) else None

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The map from 0 up, then its foot. Blank rows of the foot go to ranges that would have to share a line."""
        view = self.view
        if view is None or height < 1:
            return []
        roomy = height >= 14 and width >= _WIDE
        head = _head(view, width)
        if view.build is None or view.build.layout is None:
            self._bands, self._lines, self._drawn_for = (), [], ()
            foot = self._foot(view, width, roomy, height - 3)[: max(0, height - 3)]
            words = wrap([((no_map(view.build), "dim"),)], width - 2)[:2]
            top = [Row(((" ", ""), *row.pieces)) for row in words]
            return [*top, *(Row() for _ in range(height - len(top) - len(foot))), *foot]
        self._find(view, view.build)
        left = height - len(head) - roomy
        foot = self._foot(view, width, roomy, left - len(self._found))[: max(0, height - 3)]
        body = left - len(foot)
        self._first = len(head)
        self._arrange(body)
        drawn = [self.marked(self._line(band, first, width - 1), band) for band, first in self._lines]
        key = [Row(cut(legend(width, self._glyphs()), width))] if roomy else []
        return [*head, *drawn, *(Row() for _ in range(body - len(drawn))), *foot, *key]

    def _find(self, view: View, build: Build) -> None:
        """The ranges to draw, worked out once for a build."""
        wanted = (build, view.before, view.stage, view.zoom)
        if self._found_for != wanted:
            self._found_for, self._drawn_for = wanted, ()
            self._found = within(bands(build, view.stage, view.before), view.zoom)

    def _arrange(self, lines: int) -> None:
        if self._drawn_for == (lines,):
            return
        self._drawn_for = (lines,)
        self._bands = squeeze(self._found, lines)
        self.cursor = next((index for index, band in enumerate(self._bands) if self._here in band.span), 0)
        self._lines = [
            (index, line == 0) for index, height in enumerate(heights(self._bands, lines)) for line in range(height)
        ]

    def _glyphs(self) -> set[str]:
        return {drawn(band.kind, band.trouble)[0] for band in self._bands} | {
            MOVED for band in self._bands if band.moved
        }

    def _line(self, index: int, first: bool, width: int) -> Row:
        band = self._bands[index]
        wide = width >= _WIDE
        glyph, style = drawn(band.kind, band.trouble)
        digits = max(_DIGITS, len(f"{self._bands[-1].span.start:x}"))
        size_width = 10 if wide else 7
        bar_width = max(4, (width - digits) // 5) if wide else 5
        label_width = max(0, width - digits - bar_width - size_width - 3)
        bar = glyph * _bar_length(band, bar_width)
        if not first:
            return Row(columns(("", digits + 1, ""), (bar, bar_width, style)))
        size = format_size(band.size) if wide else brief_size(band.size)
        label, tone = _label(band, wide)
        return Row(
            columns(
                (f"{band.told.start:x}", -digits, "dim"),
                (MOVED if band.moved else "", 1, "accent"),
                (bar, bar_width, style),
                ("", 1, ""),
                (short(label, label_width), label_width, tone),
                ("", 1, ""),
                (size, -size_width, ""),
            )
        )

    def _foot(self, view: View, width: int, roomy: bool, spare: int) -> list[Row]:
        """Whether the guest starts, then what the last edit moved, which gives way where there is no room for both.

        As many lines every time, so that nothing else moves, where the ranges leave `spare` enough.
        """
        verdict = _verdict_rows(view, width)
        words = []
        if view.before is not None and view.build is not None:
            words = moved(view.before, view.build) if roomy else [moved_briefly(view.before, view.build)]
        words = [word for word in words if word]
        least = 4 if roomy else 2
        wanted = len(verdict) + len(words)
        usual = 5 if roomy else max(least, wanted)
        total = max(len(verdict), min(least, wanted), min(usual, spare))
        room = total - len(verdict)
        words = words if len(words) <= room else [*words[: room - 1], "; ".join(words[room - 1 :])][:room]
        last = [f"{'      ' if index else 'last: '}{word}" for index, word in enumerate(words)]
        rows = [*verdict, *(Row(cut(((" ", ""), (text, "accent")), width)) for text in last)]
        return [*rows, *[Row()] * (total - len(rows))]


def _head(view: View, width: int) -> list[Row]:
    """At a stage: which one, and whether the build came to it."""
    if view.stage is None:
        return []
    missed = never_reached(view.build, view.stage) if view.build is not None else ""
    told = [Row(cut(((f" {missed}", "warning"),), width))] if missed else []
    return [Row(_stages(view.stage, width)), *told]


def _stages(now: str, width: int) -> tuple[Piece, ...]:
    """The stages, the one shown marked and always seen: others give way, those before it first, none is cut."""
    here = STAGES.index(now)
    spans = [(first, last) for last in range(len(STAGES), here, -1) for first in range(here + 1)]
    for first, last in spans:
        pieces: list[Piece] = [(" … › " if first else " ", "dim")]
        for index, name in enumerate(STAGES[first:last]):
            pieces += [(" › ", "dim")] if index else []
            pieces.append((f"▌{name}▐", "tab") if name == now else (name, "dim"))
        pieces += [(" › …", "dim")] if last < len(STAGES) else []
        if cells(pieces) <= width:
            return tuple(pieces)
    return cut(((f"▌{now}▐", "tab"),), width)


def _verdict_rows(view: View, width: int) -> list[Row]:
    """The verdict in two lines where it can be said in two, in three at most."""
    sign, style, texts = _verdict(view)
    for text in texts:
        rows = wrap([((text, style),)], width - 3)
        if len(rows) <= 2:
            break
    if len(rows) > 3:
        rest = " ".join("".join(piece for piece, _ in row.pieces).strip() for row in rows[2:])
        rows[2:] = [Row(cut(((rest, style),), width - 3))]
    return [Row(((f" {' ' if index else sign} ", style), *row.pieces)) for index, row in enumerate(rows)]


def _verdict(view: View) -> tuple[str, str, tuple[str, ...]]:
    """Whether the guest starts: what stops it, or the worst finding about it. Sign, style, words, and fewer words."""
    build = view.build
    if build is None:
        return " ", "", ("",)
    if not build.ok:
        return "✖", "error", (f"does not start: {build.error}",)
    mine = (one for one in view.findings if one.guest is not None and one.standing != Severity.NOTICE)
    worst: Finding | None = next(mine, None)  # the acknowledged ones come last
    if worst is not None:
        text = f"{worst.rule.id}: {worst.rule.title}"
        return GLYPHS[worst.standing], worst.standing, (f"starts, but {text}", f"but {text}", text)
    return "✔", "ok", (f"starts · {format_size(build.domain.max_kib * KIB)}",)


def no_map(build: Build | None) -> str:
    """Why there is no map."""
    return why_no_map(build) if build is not None else "no guest"


def _bar_length(band: Band, width: int) -> int:
    """By the logarithm of the size: 4 KiB is one cell, 4 GiB and more the whole width."""
    steps = max(0.0, math.log2(max(1, band.size)) - 12)
    return max(1, min(width, round(1 + steps / 20 * (width - 1))))


def _label(band: Band, wide: bool) -> tuple[str, str]:
    """What a line says of its range: in a narrow pane the trouble or whose it is, whichever nobody could guess."""
    tone = "error" if band.trouble in HARMS else "conflict" if band.kind is SegmentKind.CONFLICT else ""
    if band.trouble in (Trouble.BLOCKED, Trouble.UNMAPPED) and not wide:
        return f"{sign(band.trouble)}{band.label}", tone
    if band.trouble is not None:
        return word(band.trouble) if band.parts and not wide else band.name, tone
    if band.kind is SegmentKind.CONFLICT:
        return f"✖ {band.label}", tone
    return band.label, "reserved" if band.kind is SegmentKind.RESERVED else ""
