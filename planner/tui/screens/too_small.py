"""What is shown in a terminal in which nothing fits. Whatever was there keeps its cursor and comes back."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

MIN_WIDTH, MIN_HEIGHT = 60, 15


def fits(size: Size) -> bool:
    """Whether the planner fits in a terminal of that size."""
    return size.width >= MIN_WIDTH and size.height >= MIN_HEIGHT


class TooSmall(Screen[None]):
    """One line that says so; it goes when the terminal grows."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static()

    def on_resize(self) -> None:
        """Another size of the terminal."""
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """On top, perhaps after a dialog that somebody closed meanwhile."""
        size = self.app.size
        if not self.is_current:
            return
        if fits(size):
            self.dismiss(None)
            return
        text = f"terminal too small (have {size.width}x{size.height}, need {MIN_WIDTH}x{MIN_HEIGHT})"
        self.query_one(Static).update(Content(text))
