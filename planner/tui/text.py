"""Rows of styled text, cut and wrapped to cells.

All text on the screen goes through here as plain text: nothing is ever read as markup, and no control character of a
device's, guest's or file's name reaches the terminal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from planner.report.words import ASCII, printable

Piece = tuple[str, str]
"""A text and the name of its style ("" for plain): see `styles.NAMES`."""

_ELLIPSIS = "…"
_TOKENS = re.compile(r"\s+|\S+")
_NO_WIDTH = ("Mn", "Me")  # combining marks: terminals disagree about their cells


class Row(NamedTuple):
    """One line of a pane; `mark` styles all of it."""

    pieces: tuple[Piece, ...] = ()
    mark: str = ""


Paragraph = Sequence[Piece]


class Hung(tuple[Piece, ...]):
    """A paragraph that is one line of a file after a sign: where it goes on it has the sign again, and says so."""

    __slots__ = ()


@lru_cache(maxsize=4096)  # the same texts come with every step
def clean(text: str) -> str:
    """`text` on one line, without what could move the cursor, hide, or be taken for a cell of its own."""
    if text.isascii():
        return printable(text)
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", printable(text))
        if unicodedata.category(letter) not in _NO_WIDTH
    )


def width_of(text: str) -> int:
    """How many cells a clean text takes."""
    return len(text) if text.isascii() else cell_len(text)


def to_ascii(text: str) -> str:
    """`text` for a terminal that has ASCII only: our glyphs have a twin each, other letters become "?"."""
    if text.isascii():
        return text
    text = text.translate(ASCII)
    return "".join(letter if letter.isascii() else "?" * cell_len(letter) for letter in text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: cut with an ellipsis, or filled up on the right (`right`: on the left)."""
    text = clean(text)
    length = width_of(text)
    if length > width:
        return set_cell_size(text, width - 1) + _ELLIPSIS if width > 0 else ""
    return " " * (width - length) + text if right else text + " " * (width - length)


def shortened(name: str, names: Iterable[str], width: int) -> str:
    """`name` in at most `width` cells: its beginning, or both its ends where another of `names` begins alike."""
    if width_of(clean(name)) <= width:
        return clean(name)
    short = fit(name, width)
    tail = (width - 1) // 2
    if tail < 1 or all(other == name or fit(other, width) != short for other in names):
        return short
    return fit(name, width - tail) + clean(name)[-tail:]


def pinched(name: str, width: int) -> str:
    """`name` in exactly `width` cells: a last word with a digit ("#1") tells it from its like and stays."""
    text = clean(name)
    head, _, last = text.rpartition(" ")
    room = width - 1 - width_of(last)
    if width_of(text) <= width or room < 4 or not any(letter.isdigit() for letter in last):
        return fit(text, width)
    return f"{fit(head, room)} {last}"


def cells(pieces: Iterable[Piece]) -> int:
    """How many cells the pieces take."""
    return sum(width_of(clean(text)) for text, _ in pieces)


def cut(pieces: Iterable[Piece], width: int) -> tuple[Piece, ...]:
    """The pieces in at most `width` cells, with an ellipsis where something is left out."""
    items = [(clean(text), style) for text, style in pieces]
    if sum(width_of(text) for text, _ in items) <= width:
        return tuple(items)
    out: list[Piece] = []
    left = width - 1
    for text, style in items:
        length = width_of(text)
        if length > left:
            out.append((set_cell_size(text, left) + _ELLIPSIS if width > 0 else "", style))
            break
        out.append((text, style))
        left -= length
    return tuple(out)


def text_of(paragraphs: Iterable[Paragraph]) -> str:
    """The paragraphs without their styles, a line each."""
    return "".join("".join(text for text, _ in paragraph) + "\n" for paragraph in paragraphs)


def wrap(paragraphs: Iterable[Paragraph], width: int) -> list[Row]:
    """The paragraphs as rows of at most `width` cells, broken at spaces, words that are too long anywhere."""
    rows: list[Row] = []
    for paragraph in paragraphs:
        again: list[Piece] = [(f"{paragraph[0][0]} … ", paragraph[0][1])] if isinstance(paragraph, Hung) else []
        indent = cells(again)
        line: list[Piece] = []
        used = 0
        for text, style in paragraph:
            for token in _TOKENS.findall(clean(text)):
                for part in _break(token, width - indent):
                    length = width_of(part)
                    if used + length > width and used:
                        rows.append(Row(tuple(line)))
                        line, used = [*again], indent
                        if part.isspace():
                            continue
                    line.append((part, style))
                    used += length
        rows.append(Row(tuple(line)))
    return rows


def _break(token: str, width: int) -> Iterable[str]:
    while width_of(token) > width > 0:
        head = set_cell_size(token, width).rstrip(" ") or token[:1]
        yield head
        token = token[len(head) :]
    yield token
