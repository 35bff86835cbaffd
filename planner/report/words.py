"""Words for a terminal: names from devices, configs and logs are data, and never steer it."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable

Style = Callable[[str, str], str]
"""Colours a text by a role: error, warning, notice, dim, bold, or a segment kind."""

GLYPHS = {"error": "✖", "warning": "▲", "notice": "•", "acknowledged": "✓"}
_REPLACEMENT = "�"
ASCII = str.maketrans("█▒▓╳░·▚┄▌▐┃▾▸│└‹›…–→×✖▲•✔✓Δ≠●├─┤←", "#=+X:.%-><|v>|`<>~->xEWN*A^!o+-+<") | {
    ord("⏎"): "enter",
    ord("␣"): "spc",
}
"""Our glyphs' twins for where there is ASCII only."""


def printable(text: str) -> str:
    """`text` on one line without control, format or surrogate characters, so that it cannot move a cursor or hide."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _REPLACEMENT if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else letter
        for letter in text
    )


def to_ascii(text: str) -> str:
    """`text` in ASCII only: our glyphs have a twin each, other letters become "?"."""
    return text.translate(ASCII).encode("ascii", "replace").decode()


def plural(count: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def plain(text: str, role: str) -> str:
    """No colour at all."""
    return text


def wrap(
    text: str, width: int, indent: str, style: Style = plain, role: str = "", *, hanging: bool = False
) -> list[str]:
    """`text` in lines of at most `width`, each indented and coloured; a word is never broken."""
    lines = textwrap.wrap(
        text,
        max(20, width),
        initial_indent=indent,
        subsequent_indent=indent + "  " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [style(line, role) if role else line for line in lines]
