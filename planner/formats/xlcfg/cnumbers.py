"""How the C library reads numbers, where Xen's parsers lean on it."""

from __future__ import annotations

import re

LONG_MAX = (1 << 63) - 1
LONG_MIN = -(1 << 63)

_MAX_DIGITS = 4000  # beyond any number that fits, and short enough for int() to take

_STRTOL = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)\Z")
_ATOI = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_SCANF_HEX = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]*)|([0-9a-fA-F]+))")


def strtol(text: str) -> int | None:
    """`strtol(text, &end, 0)` where all of `text` must be the number; None if it is not, or does not fit a long."""
    match = _STRTOL.match(text)
    if match is None:
        return None
    digits = match[2]
    if len(digits) > _MAX_DIGITS and digits.strip("0"):
        return None
    if digits[:2] in ("0x", "0X"):
        value = int(digits, 16)
    elif digits.startswith("0"):
        if digits.strip("01234567"):
            return None
        value = int(digits, 8)
    else:
        value = int(digits)
    value = -value if match[1] == "-" else value
    return value if LONG_MIN <= value <= LONG_MAX else None


def atoi(text: str) -> int:
    """`atoi(text)`: the number it starts with, cut to 32 bits; 0 where there is none."""
    match = _ATOI.match(text)
    if match is None:
        return 0
    digits = match[1].lstrip("+-").lstrip("0")
    sign = "-" if match[1].startswith("-") else ""
    clamped = max(LONG_MIN, min(LONG_MAX, int(sign + (digits[:_MAX_DIGITS] or "0"))))
    return (clamped + (1 << 31)) % (1 << 32) - (1 << 31)


def scan_hex(text: str, position: int) -> tuple[int, int] | None:
    """`sscanf("%x")` into an unsigned int from `position`: the value and where it ends; None if nothing matches."""
    match = _SCANF_HEX.match(text, position)
    if match is None:
        return None
    value = min(int(match[2] or match[3] or "0", 16), (1 << 64) - 1)
    value = -value if match[1] == "-" else value
    return value % (1 << 32), match.end()
