"""The chosen guest's address space, from 0 to its top, in as many lines as the pane has."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.model.span import KIB, format_size
from planner.policy.findings import Finding, Severity
from planner.tui.bands import (
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
from planner.tui.glyphs import MOVED, drawn, legend, short
from planner.tui.text import Piece, Row, cells, cut, wrap
from planner.tui.troubles import Trouble, word
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Picker, columns
from planner.xen.build import STAGES, Build
from planner.xen.segments import SegmentKind

_WIDE = 46
_LAST = 3  # lines about the last edit, in a roomy pane
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
        self._here = 0

    def count(self) -> int:
        """Bands, as many as are drawn."""
        return len(self._bands)

    def subject(self) -> Subject:
        """The band under the cursor."""
        return self._bands[self.cursor] if self.cursor < len(self._bands) else None

    def show(self, view: View) -> None:
        """Take a new view; another guest's map starts with its first band, else the cursor stays at its address."""
        if self.view is not None and self.view.guest != view.guest:
            self._here, self._drawn_for = 0, ()
        super().show(view)

    def go_to(self, address: int, *, silently: bool = False) -> None:
        """Put the cursor on the band that has this byte of the guest."""
        index = next((index for index, band in enumerate(self._bands) if address in band.span), 0)
        self.move(index, silently=silently)

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
        """The map from 0 up, then its foot."""
        view = self.view
        if view is None or height < 1:
            return []
        roomy = height >= 14 and width >= _WIDE
        key = [Row(cut(legend(width), width))] if roomy else []
        head = [Row(_stages(view.stage, width))] if view.stage is not None else []
        foot = [*self._foot(view, width, roomy=roomy)[: max(0, height - 3)], *key]
        if view.build is None or view.build.layout is None:
            self._bands, self._lines, self._drawn_for = (), [], ()
            return [Row(((f" {_no_map(view.build)}", "dim"),)), *(Row() for _ in range(height - 1 - len(foot))), *foot]
        body = height - len(foot) - len(head)
        self._first = len(head)
        self._arrange(view, view.build, body)
        drawn = [self.marked(self._line(band, first, width - 1), band) for band, first in self._lines]
        return [*head, *drawn, *(Row() for _ in range(body - len(drawn))), *foot]

    def _arrange(self, view: View, build: Build, lines: int) -> None:
        wanted = (build, view.before, view.stage, view.zoom, lines)
        if self._drawn_for == wanted:
            return
        self._drawn_for = wanted
        found = within(bands(build, view.stage, view.before), view.zoom)
        self._bands = squeeze(found if len(found) <= lines else without_emulated(found), lines)
        self.cursor = next((index for index, band in enumerate(self._bands) if self._here in band.span), 0)
        self._lines = [
            (index, line == 0) for index, height in enumerate(heights(self._bands, lines)) for line in range(height)
        ]

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

    def _foot(self, view: View, width: int, *, roomy: bool) -> list[Row]:
        """Whether the guest starts, and what the last edit moved: always as many lines, so that nothing else moves."""
        if view.build is None:
            return [Row()] * (1 + roomy)
        words = []
        if view.before is not None:
            words = moved(view.before, view.build) if roomy else [moved_briefly(view.before, view.build)]
            words = words if len(words) <= _LAST else [*words[: _LAST - 1], "; ".join(words[_LAST - 1 :])]
        last = [
            f"{'last: ' if not index else '      '}{word}" for index, word in enumerate(word for word in words if word)
        ]
        total = 1 + _LAST if roomy else 2
        room = total - len(last)
        verdict = [row.pieces for row in wrap([_verdict(view)], width - 3)]
        if len(verdict) > room:
            rest = " ".join("".join(text for text, _ in row).strip() for row in verdict[room - 1 :])
            verdict[room - 1 :] = [cut(((rest, verdict[-1][-1][1]),), width - 3)]
        rows = [Row(((" " if not index else "   ", ""), *row)) for index, row in enumerate(verdict)]
        rows += [Row(cut(((" ", ""), (text, "accent")), width)) for text in last]
        return [*rows, *[Row()] * (total - len(rows))]


def _stages(now: str, width: int) -> tuple[Piece, ...]:
    """The stages, the one shown marked and always seen: those before it give way where they do not all fit."""
    pieces = [(f"▌{name}▐", "tab") if name == now else (name, "dim") for name in STAGES]
    first, last = 0, STAGES.index(now)
    while True:
        shown = [(" … › " if first else " ", "dim")]
        for index, piece in enumerate(pieces[first:]):
            shown += [(" › ", "dim")] if index else []
            shown.append(piece)
        behind = 2 * (last - first) + 2
        if first == last or cells(shown) <= width or cells(shown[:behind]) + 2 * (last + 1 < len(pieces)) <= width:
            return cut(shown, width)
        first += 1


def _verdict(view: View) -> tuple[Piece, ...]:
    """Whether the guest starts: what stops it, or the worst finding about it."""
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
    steps = max(0.0, math.log2(max(1, band.size)) - 12)
    return max(1, min(width, round(1 + steps / 20 * (width - 1))))


def _label(band: Band, wide: bool) -> tuple[str, str]:
    owners = ", ".join(device.short for device in band.devices)
    more = f" +{len(band.parts) - 1}" if band.parts else ""
    if band.trouble is not None:
        return _troubled(band, band.trouble, more, wide), "error" if band.severity == 5 else ""
    if band.kind is SegmentKind.CONFLICT:
        return f"✖ {band.label if wide and not more else owners or band.label}{more}", "conflict"
    if band.kind is SegmentKind.BAR and (more or not wide):
        return f"{owners or 'emulated'}{more}", ""
    return f"{band.label}{more}", "reserved" if band.kind is SegmentKind.RESERVED else ""


def _troubled(band: Band, trouble: Trouble, more: str, wide: bool) -> str:
    """The trouble, and whose range it is where there is room or nobody could guess it."""
    if trouble is Trouble.BLOCKED and not wide:
        return f"✖ {band.label}{more}"
    if trouble is Trouble.DEAD and more and not wide:
        return f"✖ dead{more}"
    ours = wide and not more and trouble not in (Trouble.LOST, Trouble.DISPLACED)
    return f"{word(trouble)}{more}" + (f", {band.label}" if ours else "")
