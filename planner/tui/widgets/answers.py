"""The answers to a question, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from planner.tui.text import Row, cells
from planner.tui.widgets.lines import Lines


class Answers(Lines):
    """The answers to a question, each a key and what it means; each can be clicked."""

    def __init__(self, *answers: tuple[str, str]) -> None:
        super().__init__()
        self._answers = answers

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        return [Row(tuple(piece for key, word in self._answers for piece in ((f" {key}", "key"), (f" {word}   ", ""))))]

    def on_click(self, event: events.Click) -> None:
        """Answer, as the key does."""
        event.stop()
        end = 0
        for key, word in self._answers:
            end += cells(((f" {key} {word}   ", ""),))
            if event.x < end:
                self.app.simulate_key(key)
                return
