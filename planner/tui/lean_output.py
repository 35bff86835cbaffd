"""Fewer bytes for the same screen: only cells that change are sent, and of their style only what is not on already.

Textual sends a changed row from the left edge of its widget, every segment with its whole style (40 bytes in true
colour) and a reset behind it. Over ssh most of what a change costs would be cells and colours that are there anyway.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from rich.cells import cell_len

_ESCAPES = re.compile(
    r"\x1b\[(?P<style>[0-9;]*)m"
    r"|\x1b\[(?P<row>[0-9]*)(?:;(?P<column>[0-9]*))?H"
    r"|(?P<harmless>\x1b\[\?(?:25|2026)[hl]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\))"  # cursor, frames; title, clipboard
    r"|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[\]]?"
    r"|(?P<newline>\n)"
    r"|[\x00-\x1a\x1c-\x1f\x7f]"
)
_COLOURS = {"38": "fg", "48": "bg"}
_DEFAULTS = {"39": "fg", "49": "bg"}
_INK = {"fg", "1", "2", "3"}
"""Parts of a style that a blank does not show: foreground, bold, dim, italic."""

_OFF = {"fg": "39", "bg": "49", "1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""What puts a part off by itself; 22 is for bold and dim alike."""

_GAP = 4
"""So many cells in between are sent again rather than stepped over: a step takes four to six bytes."""

_UNKNOWN = "\0"
"""Stands for a letter of which nothing is known: no text has it."""

Parts = tuple[tuple[str, str], ...]
"""A style: places and what they hold, sorted by place."""


@lru_cache(maxsize=4096)  # a screen has a few dozen styles, and they come again with every write
def _styled(parts: Parts, codes: str) -> Parts:
    """The style, as parts that go on by themselves (colours by place, attributes by number), after one SGR sequence."""
    style = dict(parts)
    numbers = codes.split(";")
    index = 0
    while index < len(numbers):
        number = numbers[index]
        index += 1
        if number in ("", "0"):
            style = {}
        elif number in _DEFAULTS:
            style.pop(_DEFAULTS[number], None)
        elif number in _COLOURS:
            length = 4 if numbers[index : index + 1] == ["2"] else 2
            style[_COLOURS[number]] = ";".join((number, *numbers[index : index + length]))
            index += length
        else:
            style[_place(number)] = number
    return tuple(sorted(style.items()))


@lru_cache(maxsize=4096)
def _on_blank(style: Parts) -> Parts:
    """What is seen of a style on a blank."""
    return tuple(part for part in style if part[0] == "bg") if {place for place, _ in style} <= _INK | {"bg"} else style


@lru_cache(maxsize=4096)
def _change(on: Parts | None, style: Parts) -> str:
    """The sequence from what is on (None: unknown) to a style."""
    wanted = dict(style)
    if style == on:
        return ""
    if not wanted:
        return "\x1b[m"
    gone = [place for place, _ in on or () if place not in wanted]
    if on is None or any(place not in _OFF for place in gone):
        return f"\x1b[0;{';'.join(wanted.values())}m"
    off = sorted({_OFF[place] for place in gone})
    new = [part for place, part in wanted.items() if (place, part) not in on or _OFF.get(place) in off]
    return f"\x1b[{';'.join((*off, *new))}m"


def _place(number: str) -> str:
    value = int(number)
    if value in (*range(30, 38), *range(90, 98)):
        return "fg"
    if value in (*range(40, 48), *range(100, 108)):
        return "bg"
    return number


class Shown:
    """A row of the terminal: its letters, and the style that is seen of each."""

    __slots__ = ("letters", "styles")

    def __init__(self) -> None:
        self.letters = ""
        self.styles: list[Parts] = []

    def put(self, start: int, text: str, styles: list[Parts]) -> list[int]:
        """Write over cells, and say which of them differ from what was there."""
        end = start + len(text)
        if end > len(self.letters):
            self.styles += [()] * (end - len(self.letters))
            self.letters = self.letters.ljust(end, _UNKNOWN)
        letters, before = self.letters[start:end], self.styles[start:end]
        if letters == text and before == styles:
            return []
        self.letters = self.letters[:start] + text + self.letters[end:]
        self.styles[start:end] = styles
        cells = enumerate(zip(letters, text, before, styles, strict=True), start)
        return [column for column, (old, new, style, other) in cells if old != new or style != other]

    def lose(self, start: int) -> None:
        """Nothing is known of what is there from a cell on."""
        self.letters = self.letters[:start]
        del self.styles[start:]


class Lean:
    """A filter over what goes to a terminal, which remembers what the terminal shows.

    `resize` it whenever the terminal has another size: what a program still draws for the size before would run over
    the edges and be pressed into the last column and row.

    It knows what a full-screen program of Textual's kind sends: styles, cursor moves, text that ends before the edge.
    After anything else it takes nothing for known. What one write changes goes out style by style: a style's sequence
    takes twenty to forty bytes, a cursor move eight at most.
    """

    def __init__(self) -> None:
        self._wanted: Parts = ()
        self._on: Parts | None = ()
        self._rows: dict[int, Shown] = defaultdict(Shown)
        self._at: tuple[int, int] | None = None
        self._cursor: tuple[int, int] | None = None
        self._waiting: list[tuple[Parts, tuple[int, int], str]] = []
        self._written = (0, 0)
        self._size: tuple[int, int] | None = None

    def resize(self, columns: int, lines: int) -> None:
        """The terminal's size: of what lies outside nothing is sent. With another size it may show anything."""
        if self._size != (columns, lines):
            self._size = (columns, lines)
            self.forget()

    def forget(self) -> None:
        """The terminal may show, and have on, something else: everything is sent again."""
        self._rows.clear()
        self._on = self._cursor = None

    def __call__(self, data: str) -> str:
        """`data` with less to send."""
        out: list[str] = []
        position = 0
        for found in _ESCAPES.finditer(data):
            self._put(data[position : found.start()], out)
            position = found.end()
            if found["style"] is not None:
                self._wanted = _styled(self._wanted, found["style"])
            elif found["row"] is not None:
                self._at = (max(1, int(found["row"] or 1)), max(1, int(found["column"] or 1)))
            elif found["newline"] and self._at is not None:  # a raw terminal stays in the column
                self._at = (self._at[0] + 1, self._at[1])
            elif found["harmless"]:
                self._send(out)
                out.append(found[0])
            else:
                self._send_as_it_is(found[0], out)
                self._at = None
                self.forget()
        self._put(data[position:], out)
        self._send(out)
        self._go(self._at, out)
        return "".join(out)

    def _put(self, text: str, out: list[str]) -> None:
        if not text:
            return
        if self._at is None or not (text.isascii() or all(map(_is_narrow, text))):
            self._send_as_it_is(text, out)
            self._lose()
            return
        y, x = self._at
        self._at = (y, x + len(text))
        if self._size is not None:
            text = text[: max(0, self._size[0] + 1 - x)] if y <= self._size[1] else ""
        if (y, x) < self._written:  # a cell may be written twice: in that order
            self._send(out)
        ink, blank = self._wanted, _on_blank(self._wanted)
        styles = [blank if letter == " " else ink for letter in text] if ink != blank else [ink] * len(text)
        for start, end in _runs(self._rows[y].put(x, text, styles)):
            self._waiting.append((ink, (y, start), text[start - x : end - x]))
            self._written = (y, end)

    def _send(self, out: list[str]) -> None:
        """Send what waits, first what goes in the style that is on."""
        order = {self._on: 0}
        for style, _, _ in self._waiting:
            order.setdefault(style, len(order))
        for style, (y, x), text in sorted(self._waiting, key=lambda one: order[one[0]]):
            self._go((y, x), out)
            out += (self._switch(style), text)
            self._cursor = (y, x + len(text))
        self._waiting, self._written = [], (0, 0)

    def _send_as_it_is(self, text: str, out: list[str]) -> None:
        self._send(out)
        self._go(self._at, out)
        out += (self._switch(self._wanted), text)

    def _lose(self) -> None:
        """Terminals disagree about the cells of what was just written: the rest of the row is unknown."""
        if self._at is None:
            self._rows.clear()
        else:
            y, x = self._at
            self._rows[y].lose(x)
        self._at = self._cursor = None

    def _go(self, place: tuple[int, int] | None, out: list[str]) -> None:
        if place is None or place == self._cursor:
            return
        y, x = place
        if self._cursor is not None and self._cursor[0] == y and self._cursor[1] < x:
            step = x - self._cursor[1]
            out.append(f"\x1b[{step if step > 1 else ''}C")
        else:
            out.append(f"\x1b[{y};{x}H")
        self._cursor = place

    def _switch(self, style: Parts) -> str:
        change = _change(self._on, style)
        self._on = style
        return change


@cache
def _is_narrow(letter: str) -> bool:
    return cell_len(letter) == 1


def _runs(columns: Sequence[int]) -> Iterator[tuple[int, int]]:
    """From and to (not included) of what is sent in one go for these cells."""
    start = end = -1
    for column in columns:
        if start >= 0 and column - end <= _GAP:
            end = column + 1
            continue
        if start >= 0:
            yield start, end
        start, end = column, column + 1
    if start >= 0:
        yield start, end
