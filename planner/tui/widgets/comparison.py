"""The three views of a guest, or all guests' maps, side by side on the same addresses."""

from __future__ import annotations

from collections.abc import Sequence

from planner.tui import comparison
from planner.tui.bands import brief_size
from planner.tui.comparison import Cell, Line
from planner.tui.glyphs import DRAWN
from planner.tui.text import Piece, Row, cut, fit
from planner.tui.view import Look, Subject, View
from planner.tui.widgets.lines import Picker, columns

_NARROWEST = 12


class Comparison(Picker):
    """One line a range; where the columns clash, ✖ stands in front."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._of: tuple[object, ...] = ()
        self._seek = False
        self._columns = (0, 0, 0)

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays at its address."""
        here = self._lines[self.cursor].span.start if self.cursor < len(self._lines) else 0
        wanted = (view.look, view.snapshot.report, view.guest if view.look is Look.VIEWS else None)
        if self._of != wanted:
            report = view.snapshot.report
            same = self._of[:1] == wanted[:1]
            self._lines = comparison.of_guests(report) if view.look is Look.GUESTS else comparison.of_views(view.build)
            self._of = wanted
            self.cursor = self._index(here) if same else self._index_of_clash()
            self._seek = True
        super().show(view)

    def _index(self, address: int) -> int:
        return max((index for index, line in enumerate(self._lines) if line.span.start <= address), default=0)

    def _index_of_clash(self) -> int:
        return next((index for index, line in enumerate(self._lines) if line.clash), 0)

    @property
    def page(self) -> int:
        """The rows under the heading."""
        return max(1, self.size.height - 1)

    def count(self) -> int:
        """Ranges."""
        return len(self._lines)

    def subject(self) -> Subject:
        """The range under the cursor."""
        return self._lines[self.cursor] if self.cursor < len(self._lines) else None

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """A heading, then the ranges from `top` on."""
        view = self.view
        if view is None or height < 2:
            return []
        if not self._lines:
            text = (
                " hvmloader and QEMU play no part in this guest" if view.look is Look.VIEWS else " no guest has a map"
            )
            return [Row(((text, "dim"),))]
        if self._seek:
            self._seek = False
            self.bring_into_view()
        first, last, room = self._columns = self._window(view, width)
        names = self._lines[0].columns
        heading: list[Piece] = [(fit(f"‹{first}" if first else "", self._lead - 1, right=True), "dim"), (" ", "")]
        for index in range(first, last):
            here = view.look is Look.GUESTS and view.current is not None and names[index] == view.current.name
            heading.append((fit(names[index], room), "tab" if here else "strong"))
        heading.append((f" {len(names) - last}›" if last < len(names) else "", "dim"))
        return [Row(cut(heading, width)), *super().rows(width, height - 1)]

    @property
    def _lead(self) -> int:
        digits = max(8, len(f"{self._lines[-1].span.start:x}"))
        return 1 + 2 + digits + 1 + 7 + 1

    def _window(self, view: View, width: int) -> tuple[int, int, int]:
        """Which columns are shown, around the chosen guest, and how many cells each has."""
        names = self._lines[0].columns
        left = width - self._lead - 2
        narrowest = _NARROWEST if view.look is Look.GUESTS else 1
        fitting = max(1, min(len(names), left // narrowest))
        first = 0
        if view.look is Look.GUESTS and view.current is not None and view.current.name in names:
            first = max(0, min(names.index(view.current.name) - fitting // 2, len(names) - fitting))
        return first, first + fitting, left // fitting

    def row(self, index: int, width: int) -> Row:
        """One range."""
        line = self._lines[index]
        first, last, room = self._columns
        digits = self._lead - 12
        parts = [
            ("✖" if line.clash else "", 2, "error"),
            (f"{line.span.start:x}", -digits, "error" if line.clash else "dim"),
            ("", 1, ""),
            (brief_size(line.span.size), -7, ""),
            ("", 1, ""),
        ]
        for cell in line.cells[first:last]:
            parts += _cell(cell, room)
        return Row(columns(*parts))

    def index_at(self, y: int) -> int | None:
        """The range at line `y`, below the heading."""
        return super().index_at(y - 1) if y > 0 else None


def _cell(cell: Cell | None, room: int) -> list[tuple[str, int, str]]:
    if cell is None:
        return [("", room, "")]
    glyph, style = DRAWN[cell.kind]
    tone = style if cell.kind in ("conflict", "lost", "reserved") else ""
    return [(glyph * 2, 2, style), ("", 1, ""), (cell.label, room - 4, tone), ("", 1, "")]
