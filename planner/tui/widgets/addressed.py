"""What the map and the comparisons have in common: their rows are ranges of memory, and the cursor is at an address."""

from __future__ import annotations

from planner.tui.bands import Band
from planner.tui.comparison import Line
from planner.tui.widgets.lines import Picker


class Addressed(Picker):
    """A picker among ranges of memory."""

    @property
    def address(self) -> int | None:
        """Where the cursor was put; None on the first range, where it is at the start."""
        subject = self.subject()
        if not self.cursor or not isinstance(subject, Band | Line):
            return None
        return (subject.told if isinstance(subject, Band) else subject.span).start

    def go_to(self, address: int, *, silently: bool = False) -> None:
        """Put the cursor on the range that has this byte."""
        raise NotImplementedError
