"""Address ranges and sizes.

The only place where an inclusive end (DMAR limits, lspci, /proc/iomem, Xen's log lines) turns into a half-open one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
PAGE = 4 * KIB
GIB4 = 4 * GIB  # where low memory ends and high memory starts

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SIZE = re.compile(r"\s*(0[xX][0-9a-fA-F]+|[0-9]+)\s*([KMGTPE]?)(?:i?B)?\s*\Z", re.IGNORECASE)


class Span(NamedTuple):
    """The bytes [start, end): half-open, in guest or host physical addresses."""

    start: int
    end: int

    @classmethod
    def inclusive(cls, first: int, last: int) -> Span:
        """The span from its first to its last byte, as firmware tables and logs give it."""
        return cls(first, last + 1)

    @classmethod
    def sized(cls, start: int, size: int) -> Span:
        """`size` bytes from `start`."""
        return cls(start, start + size)

    @property
    def last(self) -> int:
        """Address of the last byte; meaningless for an empty span."""
        return self.end - 1

    @property
    def size(self) -> int:
        """Bytes in the span; 0 when it is empty."""
        return max(0, self.end - self.start)

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a byte; touching is not overlapping."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other: Span) -> Span:
        """The bytes both have; empty (size 0) when there are none."""
        return Span(max(self.start, other.start), min(self.end, other.end))

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.start <= address < self.end

    def __str__(self) -> str:
        return f"{self.start:#x}-{self.last:#x}"


def round_down(value: int, alignment: int) -> int:
    """`value` lowered to a multiple of `alignment` (a power of two)."""
    return value & -alignment


def round_up(value: int, alignment: int) -> int:
    """`value` raised to a multiple of `alignment` (a power of two)."""
    return (value + alignment - 1) & -alignment


def format_size(size: int) -> str:
    """Bytes in binary units: exact where the unit divides, else with one decimal ("96 KiB", "2.8 GiB")."""
    unit = 0
    while unit + 1 < len(_UNITS) and abs(size) >= 1 << 10 * (unit + 1):
        unit += 1
    whole, rest = divmod(size, 1 << 10 * unit)
    return f"{whole} {_UNITS[unit]}" if rest == 0 else f"{size / (1 << 10 * unit):.1f} {_UNITS[unit]}"


def exact_size(size: int) -> str:
    """Bytes in the largest binary unit that divides them, so that `parse_size` gives the same number back."""
    unit = 0
    while unit + 1 < len(_UNITS) and size and size % (1 << 10 * (unit + 1)) == 0:
        unit += 1
    return f"{size >> 10 * unit} {_UNITS[unit]}"


def parse_size(text: str) -> int:
    """Bytes from "64 KiB", "16M", "0x1000" or "4096" (binary units, bare means bytes). ValueError otherwise."""
    match = _SIZE.match(text)
    if match is None:
        raise ValueError(f'expected a size such as "64 KiB", "16 MiB" or "0x1000", found {text!r}')
    number = int(match[1], 16) if match[1][:2].lower() == "0x" else int(match[1])
    return number << 10 * ("BKMGTPE".index(match[2].upper()) if match[2] else 0)
