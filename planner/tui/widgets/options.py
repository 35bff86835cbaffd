"""Something to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.geometry import Size

from planner.tui.text import Piece, Row, cells, cut, wrap
from planner.tui.view import Subject
from planner.tui.widgets.lines import Picker


class Option(NamedTuple):
    """Something to choose: its name, and what there is to say about it."""

    title: str
    about: str = ""
    faint: bool = False


class Options(Picker):
    """The options, one a line; one that is too long for that is told in full below them while the cursor is on it."""

    def __init__(self, options: Sequence[Option]) -> None:
        super().__init__()
        self._options = options

    def show_options(self, options: Sequence[Option]) -> None:
        """Others to choose from, the cursor on the first."""
        self._options = options
        self.cursor = self.top = 0
        self.redraw()

    def count(self) -> int:
        """Options."""
        return len(self._options)

    def subject(self) -> Subject:
        """Nothing that the plan knows."""
        return None

    def needed(self, width: int) -> int:
        """Lines for all of it."""
        return max(1, len(self._options)) + self._below(width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each, and those below."""
        return self.needed(width)

    @property
    def page(self) -> int:
        """The options that fit."""
        return max(1, self.size.height - self._below(self.size.width))

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The options, then all about the one under the cursor."""
        below = self._below(width) if height > self._below(width) else 0
        rows = [*super().rows(width, height - below)]
        if below and self._options:
            rows += [Row()] * (height - below - len(rows))
            told = self._in_full(self.cursor, width) if self._is_cut(self.cursor, width) else []
            rows += [Row(), *(Row(((" ", ""), *row.pieces)) for row in told)]
        return rows

    def _is_cut(self, index: int, width: int) -> bool:
        return cells(self._pieces(self._options[index])) > width - 2

    def _below(self, width: int) -> int:
        """The lines below the options: a blank one and what the longest needs; none where all fit in their line."""
        cut_off = [index for index in range(len(self._options)) if self._is_cut(index, width)]
        if width < 4 or not cut_off:
            return 0
        return 1 + max(len(self._in_full(index, width)) for index in cut_off)

    def _in_full(self, index: int, width: int) -> list[Row]:
        return wrap([self._pieces(self._options[index])], width - 2)

    def _pieces(self, option: Option) -> tuple[Piece, ...]:
        return (option.title, "dim" if option.faint else "strong"), (f"  {option.about}" if option.about else "", "dim")

    def row(self, index: int, width: int) -> Row:
        """One option."""
        return Row(cut(self._pieces(self._options[index]), width))

    def index_at(self, y: int) -> int | None:
        """The option at line `y`; none below them."""
        return super().index_at(y) if y < self.page else None

    def clicked_again(self) -> None:
        """The first click selects, one more chooses: nothing happens by a slip of the hand."""
        self.action_open()
