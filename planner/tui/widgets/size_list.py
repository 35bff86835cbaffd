"""What if: the chosen guest's sizes as sliders."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from planner.policy.sizes import Size
from planner.tui.commands import key_of, keymap_of
from planner.tui.messages import ExactSizeAsked, SizeAsked, StepsAsked
from planner.tui.text import Row, wrap
from planner.tui.view import Subject, View
from planner.tui.widgets.blocks import Blocks
from planner.tui.widgets.lines import columns

_COARSE = 8
_KEY, _VALUE = 17, 14
_WIDE = 60
_NOTES = 4  # lines below the sliders without which these do not get two each


class SizeList(Blocks):
    """One size a line, or two where the pane is narrow; left and right change the one under the cursor."""

    def show(self, view: View) -> None:
        """Take a new view; the cursor is on the size that the keys change."""
        self.cursor = view.size
        super().show(view)

    @property
    def _sizes(self) -> tuple[Size, ...]:
        return self.view.sizes if self.view is not None else ()

    def count(self) -> int:
        """Sizes."""
        return len(self._sizes)

    def subject(self) -> Subject:
        """The size under the cursor."""
        return self._sizes[self.cursor] if self.cursor < len(self._sizes) else None

    def room(self, height: int) -> int:
        """Two lines each, if the notes still have some."""
        return self.count() * (2 if height >= 2 * self.count() + _NOTES else 1)

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The sliders, then the keys that the key line has no room for, and how far the chosen one goes."""
        if not self._sizes or self.view is None:
            return [Row(((" no guest", "dim"),))]
        size = self._sizes[min(self.cursor, len(self._sizes) - 1)]
        keys = keymap_of(self.app)
        file = self.view.in_file
        in_file = getattr(file, size.key) if file is not None else None
        mark = f"; │ is the file's {in_file} MiB" if in_file not in (None, size.effective) else ""
        notes = wrap(
            [
                (),
                (
                    (key_of(keys, "list.page_up"), "key"), (" ", ""), (key_of(keys, "list.page_down"), "key"),
                    (f" {_COARSE} steps   ", "dim"),
                    (key_of(keys, "size.file"), "key"), (" as in the file", "dim"),
                ),
                ((f"{size.key}: {size.least} to {size.most} MiB, {size.step} a step{mark}.", "dim"),),
            ],
            width - 2,
        )  # fmt: skip
        return [*super().rows(width, height), *(Row(((" ", ""), *row.pieces)) for row in notes)][:height]

    def block(self, index: int, width: int, most: int) -> list[Row]:
        """A slider; its value in brackets where the plan does not say it."""
        size = self._sizes[index]
        tone = "" if size.said is not None else "dim"
        value = f"{size.effective} MiB" if size.said is not None else f"({size.effective} MiB)"
        start, length = self._rail(width, most)
        rail = self._drawn(size, length)
        if start == 0:
            return [Row(columns((size.key, width - _VALUE, ""), (value, -_VALUE, tone))), Row(rail)]
        return [Row((*columns((size.key, _KEY, "")), *rail, *columns((value, -_VALUE, tone))))]

    def _rail(self, width: int, most: int) -> tuple[int, int]:
        """Where a slider's rail begins, and its cells; 0: on a line of its own."""
        return (0, width) if most > 1 and width < _WIDE else (_KEY, max(5, width - _KEY - _VALUE))

    def _drawn(self, size: Size, length: int) -> tuple[tuple[str, str], ...]:
        """The rail: the value's place on it, and the file's where that is another."""
        cells = ["├", *"─" * (length - 2), "┤"]
        file = getattr(self.view.in_file, size.key, None) if self.view is not None else None
        if file is not None and size.least <= file <= size.most:
            cells[_place(size, file, length)] = "│"
        here = _place(size, size.effective, length)
        return ("".join(cells[:here]), "dim"), ("●", "accent"), ("".join(cells[here + 1 :]), "dim")

    def on_click(self, event: events.Click) -> None:
        """Set the size to the place on its rail that was clicked."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None:
            return
        inner = self.size.width - 1
        most = self.room(self.size.height) // self.count()
        start, length = self._rail(inner, most)
        on_its_line = start > 0 or offset.y % 2 == 1
        x = offset.x - 1 - start
        if on_its_line and 0 < x < length - 1:
            size = self._sizes[index]
            share = (x - 1) / max(1, length - 3)
            self.post_message(SizeAsked(index, size.on_grid(size.least + round(share * (size.most - size.least)))))

    def action_fold(self, fold: bool) -> None:
        """A step less or more."""
        self.post_message(StepsAsked(-1 if fold else 1))

    def action_page(self, direction: int) -> None:
        """Eight steps; page up is more."""
        self.post_message(StepsAsked(-direction * _COARSE))

    def action_open(self) -> None:
        """Ask for an exact value."""
        self.post_message(ExactSizeAsked())


def _place(size: Size, value: int, length: int) -> int:
    """The cell of a value on a rail of that length, between its ends."""
    share = (value - size.least) / max(1, size.most - size.least)
    return 1 + round(max(0.0, min(1.0, share)) * (length - 3))
