"""What if: the chosen guest's sizes as sliders."""

from __future__ import annotations

from collections.abc import Sequence

from planner.policy.sizes import Size
from planner.tui.messages import ExactSizeAsked, StepsAsked
from planner.tui.text import Row, wrap
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Picker, columns

_COARSE = 8
_KEY, _VALUE = 17, 13


class SizeList(Picker):
    """One size a line; left and right change the one under the cursor."""

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

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The sliders, then what the chosen one is and the keys that change it."""
        if not self._sizes:
            return [Row(((" no guest", "dim"),))]
        size = self._sizes[min(self.cursor, len(self._sizes) - 1)]
        said = "said in the config" if size.said is not None else "not said: what holds without"
        notes = wrap(
            [
                (),
                ((f"{size.key}: ", "strong"), (f"{size.about}. ", ""), (f"{size.effective} MiB, {said}.", "dim")),
                ((f"{size.least} to {size.most} MiB, {size.step} a step.", "dim"),),
                (),
                (("← →", "key"), (" step   ", "dim"), ("pgup pgdn", "key"), (f" {_COARSE} steps", "dim")),
                (("⏎", "key"), (" exact or none   ", "dim"), ("w", "key"), (" devices again", "dim")),
            ],
            width - 2,
        )
        drawn = [self.marked(self.row(index, width - 1), index) for index in range(self.count())]
        return [*drawn, *(Row(((" ", ""), *row.pieces)) for row in notes)][:height]

    def row(self, index: int, width: int) -> Row:
        """One slider: its place within the range, and its value in brackets where the config does not say it."""
        size = self._sizes[index]
        value = f"{size.effective} MiB" if size.said is not None else f"({size.effective} MiB)"
        room = max(5, width - _KEY - _VALUE - 2)
        share = (size.effective - size.least) / max(1, size.most - size.least)
        place = round(max(0.0, min(1.0, share)) * (room - 3))
        return Row(
            columns(
                (size.key, _KEY, ""),
                ("├" + "─" * place, place + 1, "dim"),
                ("●", 1, "accent"),
                ("─" * (room - 3 - place) + "┤", room - 2 - place, "dim"),
                ("", 1, ""),
                (value, -_VALUE, "" if size.said is not None else "dim"),
            )
        )

    def action_fold(self, fold: bool) -> None:
        """A step less or more."""
        self.post_message(StepsAsked(-1 if fold else 1))

    def action_page(self, direction: int) -> None:
        """Eight steps; page up is more."""
        self.post_message(StepsAsked(-direction * _COARSE))

    def action_open(self) -> None:
        """Ask for an exact value."""
        self.post_message(ExactSizeAsked())
