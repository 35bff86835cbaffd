"""All about what the cursor stands on, as much as fits; and the same as a text to scroll."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import events
from textual.geometry import Size

from planner.tui.commands import key_of, keymap_of
from planner.tui.describe import describe
from planner.tui.messages import Opened
from planner.tui.text import Paragraph, Row, cells, cut, text_of, wrap
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Lines, Scroller

_FEW = 4  # lines in which the first paragraph must leave room for the second, which says why a device is blocked


class Details(Lines):
    """The details pane."""

    subject: Subject = None
    _cut = False

    def show(self, view: View, subject: Subject = None) -> None:
        """Take a new view and what to tell about."""
        self.subject = subject
        super().show(view)

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The description from its beginning; a sign at the end where it goes on."""
        if self.view is None or width < 4:
            return []
        paragraphs = list(describe(self.view, self.subject))
        lines = wrap(paragraphs, width - 2)
        if height <= _FEW and len(lines) > height:
            lines = wrap([cut(paragraphs[0], width - 2), *paragraphs[1:]], width - 2)
        rows = [Row(((" ", ""), *row.pieces)) for row in lines]
        self._cut = len(rows) > height > 0
        if self._cut:
            more = (f"  {key_of(keymap_of(self.app), 'details')}: more", "key")
            last = cut(rows[height - 1].pieces, width - cells((more,)) - 1)
            rows[height - 1] = Row((*last, (" " * (width - cells(last) - cells((more,)) - 1), ""), more))
        return rows[:height]

    async def on_click(self, event: events.Click) -> None:
        """The last line, where there is more: all of it."""
        offset = event.get_content_offset(self)
        if self._cut and offset is not None and offset.y == self.size.height - 1:
            await self.screen.run_action("details")


class Reader(Scroller):
    """A text to scroll through."""

    def __init__(self, paragraphs: Iterable[Paragraph] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._paragraphs = list(paragraphs)
        self._wrapped: tuple[int, list[Row]] = (-1, [])

    @property
    def text(self) -> str:
        """All of it, a line a paragraph."""
        return text_of(self._paragraphs)

    def set_text(self, paragraphs: Iterable[Paragraph]) -> None:
        """Show another text, from its beginning."""
        self._paragraphs = list(paragraphs)
        self._wrapped = (-1, [])
        self.top = 0
        self.redraw()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the text has, for a dialog that fits it."""
        return len(wrap(self._paragraphs, max(8, width - 2)))

    def action_open(self) -> None:
        """It is read: a dialog may close."""
        self.post_message(Opened(None))

    def count(self) -> int:
        """Lines after wrapping."""
        width = self.size.width - 2
        if self._wrapped[0] != width:
            self._wrapped = (width, wrap(self._paragraphs, max(8, width)))
        return len(self._wrapped[1])

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The lines from `top` on."""
        self.top = max(0, min(self.top, self.count() - height))
        return self.with_bar(self._wrapped[1][self.top : self.top + height], width, height)
