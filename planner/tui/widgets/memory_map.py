"""The chosen guest's address space, from 0 to its top, in as many lines as the pane has."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.model.span import KIB, format_size
from planner.policy.findings import Finding, Severity
from planner.tui.bands import (
    DISPLACED,
    LOST,
    Band,
    bands,
    brief_size,
    heights,
    moved,
    moved_briefly,
    squeeze,
    within,
    without_emulated,
)
from planner.tui.glyphs import DRAWN, LOST_RAM, MOVED, legend
from planner.tui.text import Piece, Row, cut
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Picker, columns
from planner.xen.build import STAGES, Build
from planner.xen.segments import SegmentKind

_WORDS = {
    LOST: ("data lost", "unknown to QEMU"),
    DISPLACED: ("QEMU's own", "QEMU's own memory"),
}
_WIDE, _TALL = 46, 14
_DIGITS = 9  # as many for every map up to 64 GiB, so that lines stay where they are when high RAM comes and goes


class MemoryMap(Picker):
    """Bands from 0 up; under them whether the guest starts, and what the last edit moved."""

    KEEPS_MARK = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._bands: tuple[Band, ...] = ()
        self._drawn_for: tuple[object, ...] = ()
        self._lines: list[tuple[int, bool]] = []
        self._first = 0

    def count(self) -> int:
        """Bands, as many as are drawn."""
        return len(self._bands)

    def subject(self) -> Subject:
        """The band under the cursor."""
        return self._bands[self.cursor] if self.cursor < len(self._bands) else None

    def show(self, view: View) -> None:
        """Take a new view; another guest's map, stage or part of it starts with its first band."""
        old = self.view
        if old is not None and (old.guest, old.zoom) != (view.guest, view.zoom):
            self.cursor = 0
        super().show(view)

    def go_to(self, address: int, *, silently: bool = False) -> None:
        """Put the cursor on the band that has this byte of the guest."""
        index = next((index for index, band in enumerate(self._bands) if address in band.span), 0)
        self.move(index, silently=silently)

    def shift(self, lines: int) -> None:
        """Nothing scrolls here: all of it is always shown."""

    def index_at(self, y: int) -> int | None:
        """The band at line `y`."""
        y -= self._first
        return self._lines[y][0] if 0 <= y < len(self._lines) else None

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The map from 0 up, then its foot."""
        view = self.view
        if view is None or height < 1:
            return []
        roomy = height >= 14 and width >= _WIDE
        key = [Row(cut(legend(width), width))] if roomy else []
        head = [Row(cut(_stages(view.stage), width))] if view.stage is not None else []
        foot = [*self._foot(view, width, roomy=roomy)[: max(0, height - 3)], *key]
        if view.build is None or view.build.layout is None:
            self._bands, self._lines, self._drawn_for = (), [], ()
            return [Row(((f" {_no_map(view.build)}", "dim"),)), *(Row() for _ in range(height - 1 - len(foot))), *foot]
        body = height - len(foot) - len(head)
        self._first = len(head)
        self._arrange(view, view.build, body)
        self.cursor = min(self.cursor, max(0, len(self._bands) - 1))
        drawn = [self.marked(self._line(band, first, width - 1), band) for band, first in self._lines]
        return [*head, *drawn, *(Row() for _ in range(body - len(drawn))), *foot]

    def _arrange(self, view: View, build: Build, lines: int) -> None:
        wanted = (build, view.before, view.stage, view.zoom, lines)
        if self._drawn_for == wanted:
            return
        self._drawn_for = wanted
        found = within(bands(build, view.stage, view.before), view.zoom)
        whole = lines >= _TALL or view.zoom is not None
        self._bands = squeeze(found if whole else without_emulated(found), lines)
        self._lines = [
            (index, line == 0) for index, height in enumerate(heights(self._bands, lines)) for line in range(height)
        ]

    def _line(self, index: int, first: bool, width: int) -> Row:
        band = self._bands[index]
        wide = width >= _WIDE
        glyph, style = DRAWN[LOST_RAM if band.qemu else band.kind]
        digits = max(_DIGITS, len(f"{self._bands[-1].span.start:x}"))
        size_width = 10 if wide else 7
        bar_width = max(4, (width - digits) // 5) if wide else 5
        label_width = max(0, width - digits - bar_width - size_width - 3)
        bar = glyph * _bar_length(band, bar_width)
        if not first:
            return Row(columns(("", digits + 1, ""), (bar, bar_width, style)))
        size = format_size(band.span.size) if wide else brief_size(band.span.size)
        label, tone = _label(band, wide)
        return Row(
            columns(
                (f"{band.span.start:x}", -digits, "dim"),
                (MOVED if band.moved else "", 1, "accent"),
                (bar, bar_width, style),
                ("", 1, ""),
                (label, label_width, tone),
                ("", 1, ""),
                (size, -size_width, ""),
            )
        )

    def _foot(self, view: View, width: int, *, roomy: bool) -> list[Row]:
        """Whether the guest starts, and what the last edit moved: always as many lines, so that nothing else moves."""
        rows = [Row(cut(((" ", ""), *_verdict(view)), width))] if view.build is not None else []
        words = [""]
        if view.before is not None and view.build is not None:
            old, new = view.before.layout, view.build.layout
            words = (moved(old, new) if roomy else [moved_briefly(old, new)]) or [""]
        texts = [f"last: {words[0]}" if words[0] else "", *(f"      {word}" for word in words[1:])]
        texts += [""] * (1 + roomy - len(texts))
        return [*rows, *(Row(cut(((" ", ""), (text, "accent")), width)) for text in texts)]


def _stages(now: str) -> tuple[Piece, ...]:
    """The stages, the one shown marked."""
    pieces: list[Piece] = [(" ", "")]
    for number, name in enumerate(STAGES):
        pieces += [(" › ", "dim")] if number else []
        pieces += [(f"▌{name}▐", "tab")] if name == now else [(name, "dim")]
    return tuple(pieces)


def _verdict(view: View) -> tuple[tuple[str, str], ...]:
    """Whether the guest starts, in one line: what stops it, or the worst finding about it."""
    build = view.build
    if build is not None and not build.ok:
        return (("✖ ", "error"), (build.error or "", "error"))
    worst: Finding | None = min(view.findings, key=lambda one: (one.guest is None, one.severity.rank), default=None)
    if worst is not None and worst.guest is not None and worst.severity is not Severity.NOTICE:
        sign, style = ("✖ ", "error") if worst.severity is Severity.ERROR else ("▲ ", "warning")
        return ((sign, style), (f"starts, but {worst.rule.id}: {worst.rule.title}", style))
    size = build.domain.max_kib * KIB if build is not None else 0
    return (("✔ ", "ok"), (f"starts · {format_size(size)}", "ok"))


def _no_map(build: Build | None) -> str:
    if build is None:
        return "no guest"
    return "no map for a PV guest" if build.domain.type == "pv" else "no map: xl refuses the config"


def _bar_length(band: Band, width: int) -> int:
    """By the logarithm of the size: 4 KiB is one cell, 4 GiB and more the whole width."""
    steps = max(0.0, math.log2(max(1, band.span.size)) - 12)
    return max(1, min(width, round(1 + steps / 20 * (width - 1))))


def _label(band: Band, wide: bool) -> tuple[str, str]:
    owners = ", ".join(device.short for device in band.devices)
    more = f" +{len(band.parts) - 1}" if band.parts else ""
    if band.qemu:
        return f"✖ {_WORDS[band.qemu][wide]}{more}", "error"
    if band.kind is SegmentKind.CONFLICT:
        return f"✖ {band.label if wide and not more else owners or band.label}{more}", "conflict"
    if str(band.kind) == "bar" and (more or not wide):
        return f"{owners or 'emulated'}{more}", ""
    return f"{band.label}{more}", "reserved" if band.kind is SegmentKind.RESERVED else ""
