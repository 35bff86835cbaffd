"""The three views of a guest, or all guests' maps, side by side on the same addresses."""

from __future__ import annotations

from collections.abc import Sequence

from planner.report.memory_map import why_no_views
from planner.report.troubles import HARMS, word
from planner.tui import comparison
from planner.tui.bands import brief_size
from planner.tui.comparison import Cell, Line
from planner.tui.glyphs import drawn, legend, short
from planner.tui.text import Piece, Row, cells, cut, fit, shortened, wrap
from planner.tui.view import Heading, Look, Subject, View
from planner.tui.widgets.addressed import Addressed
from planner.tui.widgets.lines import columns

_NARROWEST = 11
_NARROW = 70  # cells of a pane in which labels need the place of the sizes, which the details have too
_SIZE = 8
_ROOMY = 16  # cells of a column that has room for more than one glyph


class Comparison(Addressed):
    """One line a range; where the columns clash, ✖ stands in front."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._of: tuple[object, ...] = ()
        self._seek = False
        self._columns: tuple[int, list[int]] = (0, [])
        self._aside = 0

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays at its address."""
        here = self._lines[self.cursor].span.start if self.cursor < len(self._lines) else 0
        wanted = (view.look, view.snapshot.report, view.guest if view.look is Look.VIEWS else None)
        if self._of != wanted:
            report = view.snapshot.report
            same = self._of[:1] == wanted[:1]
            self._lines = comparison.of_guests(report) if view.look is Look.GUESTS else comparison.of_views(view.build)
            self._of = wanted
            self.cursor = self._index(here) if same else self._index_of_worst(view.look)
            self._seek = True
        if self.view is not None and self.view.guest != view.guest:
            self._aside = 0
        super().show(view)

    def go_to(self, address: int, *, silently: bool = False) -> None:
        """Put the cursor on the range that has this byte, or on the last one before it."""
        self._seek = True
        self.move(self._index(address), silently=silently)

    def _index(self, address: int) -> int:
        return max((index for index, line in enumerate(self._lines) if line.span.start <= address), default=0)

    def _index_of_worst(self, look: Look) -> int:
        """The largest clash of the views, the first of all guests; without one the first line."""

        def badness(index: int) -> tuple[int, int]:
            line = self._lines[index]
            return ["", "▲", "✖"].index(line.sign), line.span.size if look is Look.VIEWS else 0

        worst = max(range(len(self._lines)), key=badness, default=0)
        return worst if self._lines and self._lines[worst].sign else 0

    @property
    def page(self) -> int:
        """The rows under the heading."""
        return max(1, self.size.height - 1)

    def bring_into_view(self) -> None:
        """Scroll so that the cursor is seen, at first with the clashes beside it, as far as they fit."""
        if self._seek and self._lines:
            first = last = self.cursor
            while first > 0 and self._lines[first - 1].sign:
                first -= 1
            while last + 1 < len(self._lines) and self._lines[last + 1].sign:
                last += 1
            self.top = max(last - self.page + 1, min(self.top, first))
        super().bring_into_view()

    def count(self) -> int:
        """Ranges."""
        return len(self._lines)

    def subject(self) -> Subject:
        """The range under the cursor; where there is none, why."""
        if self.cursor < len(self._lines):
            return self._lines[self.cursor]
        build = self.view.build if self.view is not None and self.view.look is Look.VIEWS else None
        ended = next((stage for stage in build.stages if not stage.ok), None) if build is not None else None
        return ended or Heading(self._why_empty())

    def _why_empty(self) -> str:
        view = self.view
        return why_no_views(view.build) if view and view.look is Look.VIEWS and view.build else "no guest has a map"

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """A heading, then the ranges from `top` on."""
        view = self.view
        if view is None or height < 2:
            return []
        if not self._lines:
            return [Row(((" ", ""), *row.pieces)) for row in wrap([((self._why_empty(), "dim"),)], width - 2)]
        if self._seek:
            self.top = max(0, self.cursor - self.page // 2)
            self.bring_into_view()
            self._seek = False
        first, rooms = self._columns = self._window(view, width)
        last = first + len(rooms)
        names = self._lines[0].columns
        calm = view.look is Look.VIEWS and not any(line.sign for line in self._lines)
        lead = (" ✔ no clash", "ok") if calm else (_unseen(first, len(names) - last), "dim")
        heading: list[Piece] = [(fit(lead[0], self._lead - 1), lead[1]), (" ", "")]
        for index, room in enumerate(rooms, first):
            heading += [*self._head(view, names, index, room - 1), (" ", "")]
        rows = [Row(cut(heading, width)), *super().rows(width, height - 1)]
        spare = height - len(rows) - 1
        if spare < 1:
            return rows
        used = {drawn(cell.kind, cell.trouble)[0] for line in self._lines for cell in line.cells if cell is not None}
        key = legend(width, used, "parked by QEMU" if view.look is Look.VIEWS else "firmware")
        return [*rows, *[Row()] * spare, Row(cut(key, width))]

    def _head(self, view: View, names: Sequence[str], index: int, room: int) -> list[Piece]:
        """What a column is of: a guest that does not start has its sign."""
        if view.look is Look.VIEWS:
            return [(fit(names[index], room), "strong")]
        build = view.snapshot.report.build(names[index])
        sign = "" if build is None or build.ok else "✖"
        here = view.current is not None and names[index] == view.current.name
        name = shortened(names[index], names, room - len(sign))
        return [(sign, "error"), (fit(name, room - len(sign)), "tab" if here else "strong")]

    def action_fold(self, fold: bool) -> None:
        """To the columns on the left or right of those that are seen."""
        self._aside += -1 if fold else 1
        self.redraw()

    @property
    def _lead(self) -> int:
        digits = max(8, len(f"{self._lines[-1].span.start:x}"))
        return 1 + 2 + digits + 1 + (_SIZE if self._sized else 0)

    @property
    def _sized(self) -> bool:
        return self.size.width >= _NARROW or (self.view is not None and self.view.look is Look.GUESTS)

    def _window(self, view: View, width: int) -> tuple[int, list[int]]:
        """The first column that is shown, around the chosen guest, and how many cells each from there on has."""
        names = self._lines[0].columns
        left = width - self._lead - 2
        if view.look is Look.VIEWS:
            return 0, shares([self._needed(index) for index in range(len(names))], left)
        fitting = max(1, min(len(names), left // _NARROWEST))
        here = names.index(view.current.name) if view.current is not None and view.current.name in names else 0
        middle = max(0, min(here - fitting // 2, len(names) - fitting))
        first = max(0, min(middle + self._aside, len(names) - fitting))
        self._aside = first - middle
        return first, [left // fitting] * fitting

    def _needed(self, index: int) -> int:
        """Cells for a column's longest label, with a glyph in front."""
        cells_there = [line.cells[index] for line in self._lines]
        labels = [_label(cell) for cell in cells_there if cell is not None]
        return 3 + max(cells([(label, "")]) for label in (*labels, self._lines[0].columns[index]))

    def row(self, index: int, width: int) -> Row:
        """One range."""
        line = self._lines[index]
        first, rooms = self._columns
        digits = self._lead - 4 - (_SIZE if self._sized else 0)
        parts = [
            (line.sign, 2, "error" if line.sign == "✖" else "warning"),
            (f"{line.span.start:x}", -digits, "error" if line.sign == "✖" else "dim"),
            ("", 1, ""),
            *([(brief_size(line.span.size), 1 - _SIZE, ""), ("", 1, "")] if self._sized else []),
        ]
        for cell, room in zip(line.cells[first:], rooms, strict=False):
            parts += _cell(cell, room)
        return Row(columns(*parts))

    def index_at(self, y: int) -> int | None:
        """The range at line `y`, below the heading."""
        return super().index_at(y - 1) if y > 0 else None


def shares(needs: Sequence[int], room: int) -> list[int]:
    """The room in equal parts; where one part is too small for its need, others give what they do not need."""
    equal = room // len(needs)
    if max(needs) <= equal:
        return [equal] * len(needs)
    found = dict.fromkeys(range(len(needs)), 0)
    for given, index in enumerate(sorted(found, key=lambda one: needs[one])):
        found[index] = min(needs[index], (room - sum(found.values())) // (len(needs) - given))
    return list(found.values())


def _unseen(before: int, after: int) -> str:
    """How many columns are on the left and on the right of those that are seen."""
    if before and after:
        return f" ‹ {before} · {after} more ›"
    return f" ‹ {before} more" if before else f" {after} more ›" if after else ""


def _cell(cell: Cell | None, room: int) -> list[tuple[str, int, str]]:
    if cell is None:
        return [("", room, "")]
    glyph, style = drawn(cell.kind, cell.trouble)
    bar = 2 if room >= _ROOMY else 1
    harmed = cell.trouble in HARMS or cell.kind == "conflict"
    tone = style if harmed or cell.kind == "reserved" else ""
    label = short(_label(cell), room - bar - 2)
    return [(glyph * bar, bar, style), ("", 1, ""), (label, room - bar - 2, tone), ("", 1, "")]


def _label(cell: Cell) -> str:
    if cell.trouble:
        return word(cell.trouble)
    return f"✖ {cell.label}" if cell.kind == "conflict" else cell.label
