"""Words for a terminal: names from devices, configs and logs are data, and never steer it."""

from __future__ import annotations

import unicodedata

GLYPHS = {"error": "✖", "warning": "▲", "notice": "•"}
_REPLACEMENT = "�"


def printable(text: str) -> str:
    """`text` on one line without control, format or surrogate characters, so that it cannot move a cursor or hide."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _REPLACEMENT if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else letter
        for letter in text
    )


def plural(count: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
