"""Fewer bytes for the same screen: only cells that change are sent, and of their style only what is not on already.

Textual sends a changed row from the left edge of its widget, every segment with its whole style (40 bytes in true
colour) and a reset behind it. Over ssh most of what a change costs would be cells and colours that are there anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

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
_INK = {"fg", "1", "2", "3"}
"""Parts of a style that a blank does not show: foreground, bold, dim, italic."""

_OFF = {"fg": "39", "bg": "49", "1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""What puts a part off by itself; 22 is for bold and dim alike."""

_GAP = 4
"""So many cells in between are sent again rather than stepped over: a step takes four to six bytes."""

Parts = tuple[tuple[str, str], ...]


class Sgr:
    """The style that text is to have, as parts that go on by themselves: colours by place, attributes by number."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}

    def take(self, codes: str) -> None:
        """Follow one SGR sequence."""
        numbers = codes.split(";")
        index = 0
        while index < len(numbers):
            number = numbers[index]
            index += 1
            if number in ("", "0"):
                self.parts = {}
            elif number in _COLOURS:
                length = 4 if numbers[index : index + 1] == ["2"] else 2
                self.parts[_COLOURS[number]] = ";".join((number, *numbers[index : index + length]))
                index += length
            else:
                self.parts[_place(number)] = number

    def looks(self) -> tuple[Parts, Parts]:
        """What is seen of it on a letter, and on a blank."""
        ink = tuple(sorted(self.parts.items()))
        return ink, tuple(part for part in ink if part[0] == "bg") if self.parts.keys() <= _INK | {"bg"} else ink


def _place(number: str) -> str:
    value = int(number)
    if value in (*range(30, 38), *range(90, 98), 39):
        return "fg"
    if value in (*range(40, 48), *range(100, 108), 49):
        return "bg"
    return number


class Lean:
    """A filter over what goes to a terminal, which remembers what the terminal shows.

    It knows what a full-screen program of Textual's kind sends: styles, cursor moves, text that ends before the edge.
    After anything else it takes nothing for known. What one write changes goes out style by style: a style's sequence
    takes twenty to forty bytes, a cursor move eight at most.
    """

    def __init__(self) -> None:
        self._wanted = Sgr()
        self._on: Parts | None = ()
        self._rows: dict[int, dict[int, tuple[str, Parts]]] = {}
        self._at: tuple[int, int] | None = None
        self._cursor: tuple[int, int] | None = None
        self._waiting: list[tuple[Parts, tuple[int, int], str]] = []
        self._written = (0, 0)

    def forget(self) -> None:
        """The terminal may show, and have on, something else: everything is sent again."""
        self._rows = {}
        self._on = self._cursor = None

    def __call__(self, data: str) -> str:
        """`data` with less to send."""
        out: list[str] = []
        position = 0
        for found in _ESCAPES.finditer(data):
            self._put(data[position : found.start()], out)
            position = found.end()
            if found["style"] is not None:
                self._wanted.take(found["style"])
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
        if self._at < self._written:  # a cell may be written twice: in that order
            self._send(out)
        row = self._rows.setdefault(y, {})
        ink, blank = self._wanted.looks()
        cells = [(letter, blank if letter == " " else ink) for letter in text]
        for start, end in _runs([index for index, cell in enumerate(cells, x) if row.get(index) != cell]):
            self._waiting.append((ink, (y, start), text[start - x : end - x]))
            self._written = (y, end)
        row.update(enumerate(cells, x))
        self._at = (y, x + len(text))

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
        out += (self._switch(self._wanted.looks()[0]), text)

    def _lose(self) -> None:
        """Terminals disagree about the cells of what was just written: the rest of the row is unknown."""
        if self._at is None:
            self._rows = {}
        else:
            y, x = self._at
            self._rows[y] = {column: cell for column, cell in self._rows.get(y, {}).items() if column < x}
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
        if style == self._on:
            return ""
        wanted, on = dict(style), self._on
        self._on = style
        if not wanted:
            return "\x1b[m"
        gone = [place for place, _ in on or () if place not in wanted]
        if on is None or any(place not in _OFF for place in gone):
            return f"\x1b[0;{';'.join(wanted.values())}m"
        off = sorted({_OFF[place] for place in gone})
        new = [part for place, part in wanted.items() if (place, part) not in on or _OFF.get(place) in off]
        return f"\x1b[{';'.join((*off, *new))}m"


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
