"""Fewer bytes for the same screen: of a style's escape sequence only what the terminal does not have on already.

Textual writes every segment with its whole style and a reset behind it, 40 bytes in true colour, most of them the
background that is on anyway. Over ssh that is half of what a change of the screen costs.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[[0-9;]*H|\x1b[^m]?")
_COLOURS = {"38": "fg", "48": "bg"}


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


def _place(number: str) -> str:
    value = int(number)
    if value in (*range(30, 38), *range(90, 98), 39):
        return "fg"
    if value in (*range(40, 48), *range(100, 108), 49):
        return "bg"
    return number


class Lean:
    """A filter over what goes to a terminal: escape sequences other than styles and cursor moves pass with the style
    that they were written under, for some of them use it.
    """  # noqa: D205

    def __init__(self) -> None:
        self._wanted = Sgr()
        self._on: dict[str, str] | None = {}

    def __call__(self, data: str) -> str:
        """`data` with shorter style sequences."""
        out: list[str] = []
        position = 0
        for found in _ESCAPES.finditer(data):
            if found.start() > position:
                out += (self._switch(), data[position : found.start()])
            position = found.end()
            if found[1] is not None:
                self._wanted.take(found[1])
            elif found[0].endswith("H"):
                out.append(found[0])
            else:
                out += (self._switch(), found[0])
        if position < len(data):
            out += (self._switch(), data[position:])
        return "".join(out)

    def _switch(self) -> str:
        wanted, on = self._wanted.parts, self._on
        if wanted == on:
            return ""
        self._on = dict(wanted)
        if on is None or on.keys() - wanted.keys():  # something goes off: from the beginning
            return f"\x1b[0;{';'.join(wanted.values())}m" if wanted else "\x1b[m"
        return f"\x1b[{';'.join(part for place, part in wanted.items() if on.get(place) != part)}m"
