"""The panes' common ground: rows of text, redrawn only where they changed, and a cursor among them.

A pane never scrolls a virtual area and never asks for a layout: it computes the rows that are visible, compares them
with those on the screen, and has the different ones painted. A toggle so costs a few hundred bytes on the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from planner.tui import styles
from planner.tui.commands import Where, bindings
from planner.tui.messages import Opened
from planner.tui.text import Row, cells, clean, fit, to_ascii
from planner.tui.view import Subject, View

_BAR = "┃"


class Lines(Widget):
    """Draws `rows(width, height)`, a pure function of its state; `redraw` after the state changed."""

    ALLOW_SELECT = False

    view: View | None = None

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Row, ...] = ()
        self._shown_size = Size(0, 0)
        self._styles: Mapping[str, Style] | None = None
        self._base: Style | None = None

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The visible rows; missing ones are blank."""
        raise NotImplementedError

    def show(self, view: View) -> None:
        """Take a new view and paint what differs."""
        self.view = view
        self.redraw()

    def redraw(self) -> None:
        """Compute the rows anew and have those that changed painted."""
        size = self.size
        if not size.area or size != self._shown_size:
            self._shown_size = Size(0, 0)
            self.refresh()
            return
        new = self._rows(size)
        rows = enumerate(zip(self._shown, new, strict=True))
        changed = [Region(0, y, size.width, 1) for y, (old, row) in rows if old != row]
        self._shown = new
        if changed:
            self.refresh(*changed)

    def _rows(self, size: Size) -> tuple[Row, ...]:
        rows = tuple(self.rows(size.width, size.height))[: size.height]
        return rows + (Row(),) * (size.height - len(rows))

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        if self._shown_size != self.size:
            self._shown_size = self.size
            self._shown = self._rows(self.size)
        row = self._shown[y] if y < len(self._shown) else Row()
        if self._base is None:  # it is worked out from all that the widget is in: not for each line
            self._base = self.rich_style
        base = self._base + self._named(row.mark) if row.mark else self._base
        ascii_only = self.app.has_class("-ascii")
        segments: list[Segment] = []
        blank = ""
        for raw, name in row.pieces:
            text = to_ascii(clean(raw)) if ascii_only else clean(raw)
            style = base + self._named(name) if name else base
            if text.isspace() and (_plain(style, base) or base.reverse):
                blank += text
            elif text:
                segments += _joined(blank, segments, Segment(text, style), base)
                blank = ""
        if blank:
            segments.append(Segment(blank, base))
        return Strip(segments).simplify().adjust_cell_length(self.size.width, base)

    def _named(self, name: str) -> Style:
        if self._styles is None:
            self._styles = styles.make(self.app)
        return self._styles[name]

    def notify_style_update(self) -> None:
        """The theme, perhaps, changed."""
        self._styles = self._base = None
        super().notify_style_update()


def _plain(style: Style | None, base: Style) -> bool:
    """Whether blanks look the same in `style` as in `base`."""
    return style is not None and style.bgcolor == base.bgcolor and not style.reverse


def _joined(blank: str, before: list[Segment], text: Segment, base: Style) -> list[Segment]:
    """`text` with the blanks in front of it, in the style of a neighbour: a change of style costs 40 bytes."""
    if not blank:
        return [text]
    if before and _plain(before[-1].style, base):
        return [Segment(blank, before[-1].style), text]
    if _plain(text.style, base):
        return [Segment(blank + text.text, text.style)]
    return [Segment(blank, base), text]


class Scroller(Lines, can_focus=True):
    """A pane over more rows than fit. `top` is the first visible one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.LIST)

    top = 0

    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def subject(self) -> Subject:
        """What the cursor stands on; a plain text has none."""
        return None

    def shift(self, lines: int) -> None:
        """Scroll by that many rows, as far as there are any."""
        top = max(0, min(self.top + lines, self.count() - self.page))
        if top != self.top:
            self.top = top
            self.redraw()

    @property
    def page(self) -> int:
        """How many rows fit."""
        return max(1, self.size.height)

    def with_bar(self, rows: list[Row], width: int, height: int) -> list[Row]:
        """The rows with a scroll bar in their last cell, where not all fit."""
        total = self.count()
        if total <= height or height < 1:
            return rows
        length = max(1, height * height // total)
        first = round(self.top * (height - length) / max(1, total - height))
        out = []
        for y, row in enumerate(rows):
            bar = _BAR if first <= y < first + length else "│"
            used = cells(row.pieces)
            fill = (" " * max(0, width - 1 - used), "")
            out.append(Row((*row.pieces, fill, (bar, "bar")), row.mark))
        return out

    def action_step(self, lines: int) -> None:
        """One line up or down."""
        self.shift(lines)

    def action_page(self, direction: int) -> None:
        """One page up or down."""
        self.shift(direction * max(1, self.page - 1))

    def action_edge(self, direction: int) -> None:
        """To the first or last line."""
        self.shift(direction * self.count())

    def action_fold(self, fold: bool) -> None:
        """Close or open the group under the cursor; most panes have none."""

    def action_fold_all(self) -> None:
        """Close all groups, or open them; most panes have none."""

    def action_open(self) -> None:
        """Open what the cursor stands on; a plain text has nothing to open."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll on."""
        event.stop()
        self.shift(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        event.stop()
        self.shift(-3)


class Picker(Scroller):
    """A scroller with a cursor. It says what the cursor stands on whenever that changes."""

    KEEPS_MARK = True
    """Whether the cursor's place is marked while another pane has the focus."""

    cursor = 0
    quiet = False
    """Whether the pane is to say nothing when it next gets the focus."""
    listener: Callable[[Subject], None] | None = None
    """Is told what the cursor stands on: at once, so that both are painted in one frame."""
    follower: Callable[[], None] | None = None
    """Is told that another size may have put something else under the cursor."""
    _focused = False
    _height = 0

    def on_resize(self) -> None:
        """Work out the rows for the new size at once: what the cursor stands on may depend on it."""
        if self.size.area and self._shown_size != self.size:
            self._shown, self._shown_size = self._rows(self.size), self.size
        if self._focused and self.follower is not None:
            self.follower()

    def row(self, index: int, width: int) -> Row:
        """Row number `index`, without its cursor."""
        raise NotImplementedError

    def subject(self) -> Subject:
        """What the cursor stands on."""
        raise NotImplementedError

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The rows from `top` on, the cursor's marked, with a scroll bar where they do not all fit."""
        total = self.count()
        if height != self._height:  # another size must not lose the cursor
            self._height = height
            self.top = max(self.cursor - height + 1, min(self.top, self.cursor))
        self.top = max(0, min(self.top, total - height))
        inner = width - 1 if total > height else width
        visible = range(self.top, min(total, self.top + height))
        return self.with_bar([self.marked(self.row(index, inner - 1), index) for index in visible], width, height)

    def marked(self, row: Row, index: int) -> Row:
        """The row with the cursor in front, where it stands there."""
        here = index == self.cursor
        focused = self._focused
        mark = ("▌", "accent" if focused else "dim") if here and (focused or self.KEEPS_MARK) else (" ", "")
        return Row((mark, *row.pieces), "cursor" if here and focused else row.mark)

    def move(self, index: int, *, silently: bool = False) -> None:
        """Put the cursor there, scroll so that it is seen, and say what it stands on (unless `silently`)."""
        self.cursor = max(0, min(index, self.count() - 1))
        self.bring_into_view()
        self.redraw()
        if not silently:
            self.tell()

    def tell(self) -> None:
        """Say what the cursor stands on."""
        if self.listener is not None:
            self.listener(self.subject())

    def bring_into_view(self) -> None:
        """Scroll so that the cursor is seen."""
        self.top = max(self.cursor - self.page + 1, min(self.top, self.cursor))

    def action_step(self, lines: int) -> None:
        """One line up or down."""
        self.move(self.cursor + lines)

    def action_edge(self, direction: int) -> None:
        """To the first or last line."""
        self.move(0 if direction < 0 else self.count() - 1)

    def action_page(self, direction: int) -> None:
        """One page up or down."""
        self.move(self.cursor + direction * max(1, self.page - 1))

    def action_open(self) -> None:
        """Ask for all about what the cursor stands on."""
        self.post_message(Opened(self.subject()))

    def on_focus(self) -> None:
        """Show the cursor."""
        self._focused = True
        self.redraw()
        if not self.quiet:
            self.tell()
        self.quiet = False

    def on_blur(self) -> None:
        """Hide the cursor."""
        self._focused = False
        self.redraw()

    def index_at(self, y: int) -> int | None:
        """The row at line `y` of the pane."""
        index = self.top + y
        return index if index < self.count() else None

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points."""
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is not None and index is not None:
            again = index == self.cursor
            self.move(index)
            self.clicked(offset.x)
            if again:
                self.clicked_again()

    def clicked(self, x: int) -> None:
        """The row under the cursor was clicked at cell `x`."""

    def clicked_again(self) -> None:
        """The row that was clicked had the cursor already: a list to choose from takes it for a choice."""


def columns(*parts: tuple[str, int, str]) -> tuple[tuple[str, str], ...]:
    """Pieces from (text, cells, style): each cut or filled to its cells, negative cells aligned right."""
    return tuple((fit(text, abs(width), right=width < 0), style) for text, width, style in parts)


def entitle(widget: Widget, title: str, subtitle: str | None = None) -> None:
    """Set a widget's border titles: plain text, whatever it holds. Costs a repaint of all of the widget."""
    ascii_only = widget.app.has_class("-ascii")
    widget.border_title = Content(to_ascii(clean(title)) if ascii_only else clean(title))
    if subtitle is not None:
        widget.border_subtitle = Content(to_ascii(clean(subtitle)) if ascii_only else clean(subtitle))
