"""The sizes that a person can turn, with what holds where none is said and how far each goes."""

from __future__ import annotations

import re
from typing import NamedTuple

from planner.model.edits import SetSize
from planner.model.errors import EditError
from planner.model.host import Host
from planner.model.span import GIB4, KIB, MIB
from planner.xen.build import Build
from planner.xen.libxl import DEFAULT_MMIO_HOLE
from planner.xen.xl import DEFAULT_BOUNDARY_KIB, DEFAULT_MEMORY_KIB, MMIO_HOLE_MAX, MMIO_HOLE_MIN

_MOST_MEMORY = 32 << 10  # MiB; where nobody has said how much RAM the host has
_HUGE = (1 << 24) - 1  # MiB; the reader of xl.cfg takes no more
EXAMPLES = "1024, 1G or 0x400"
_TYPED = re.compile(r"(0x[0-9a-f]+|[0-9]+) *(m|mi|mib|g|gi|gib|)", re.ASCII | re.IGNORECASE)


class Size(NamedTuple):
    """One size of a guest in MiB: `said` in the plan or None, `effective` what Xen goes by, `default` without a word.

    `least` to `most` is where it is turned, `limits` what xl takes.
    """

    key: str
    said: int | None
    effective: int
    default: int
    least: int
    most: int
    step: int
    about: str
    limits: tuple[int, int]

    def moved(self, steps: int) -> int:
        """The value so many steps on, on the grid of steps and within the range; one beyond an end never goes back."""
        below, above = self.effective // self.step, -(-self.effective // self.step)
        value = max(self.least, min(((below if steps > 0 else above) + steps) * self.step, self.most))
        return max(value, self.effective) if steps > 0 else min(value, self.effective)

    def on_grid(self, value: int) -> int:
        """The step nearest to a value, within the range."""
        return max(self.least, min(round(value / self.step) * self.step, self.most))

    def typed(self, text: str) -> int | None:
        """The value that was typed, in MiB unless it says GiB; None for nothing. EditError says what xl takes."""
        text = text.strip()
        if not text:
            return None
        low, high = self.limits
        expected = f"expected {low} to {high} MiB in whole numbers, such as {EXAMPLES}"
        found = _TYPED.fullmatch(text)
        if found is None:
            raise EditError(f"{text!r:.30} is no size: {expected}")
        digits, unit = found[1].lower(), found[2].lower()
        value = int(digits, 0) if digits.startswith("0x") else int(digits[:20])
        value *= 1024 if unit.startswith("g") else 1
        if not low <= value <= high:
            raise EditError(f"{text:.20} is not what xl takes for {self.key}: {expected}")
        return value


def sizes(build: Build, host: Host) -> tuple[Size, ...]:
    """The four sizes of a guest, in the order of `SetSize.KEYS`.

    A boundary of 0 is one: libxl's default is another value (libxl_create.c); a hole of 0 is refused (xl_parse.c:1981).
    """
    guest, domain, layout = build.guest, build.domain, build.layout
    memory = domain.target_kib // KIB
    maximum = domain.max_kib // KIB
    pvh_hole = (GIB4 - layout.mmio_start) // MIB if layout is not None and guest.type != "hvm" else None
    unsaid_hole = pvh_hole or DEFAULT_MMIO_HOLE // MIB
    hole = domain.mmio_hole_kib // KIB if domain.mmio_hole_kib is not None else unsaid_hole
    unsaid_boundary = DEFAULT_BOUNDARY_KIB // KIB
    boundary = domain.boundary_kib // KIB if domain.boundary_kib is not None else unsaid_boundary
    most = host.memory // MIB if host.memory else max(_MOST_MEMORY, 1 << (max(memory, maximum) - 1).bit_length())
    step = 256 if max(memory, maximum) < 16384 else 1024
    unsaid = guest.maxmem if guest.maxmem is not None else DEFAULT_MEMORY_KIB // KIB
    return (
        Size(SetSize.KEYS[0], guest.memory, memory, unsaid, 32, max(most, memory), step, "RAM at start", (1, _HUGE)),
        Size(
            SetSize.KEYS[1], guest.maxmem, maximum, memory, max(32, memory), max(most, maximum), step,
            "RAM that it may grow to; the layout goes by it", (1, _HUGE),
        ),
        Size(
            SetSize.KEYS[2], guest.mmio_hole, hole, unsaid_hole, MMIO_HOLE_MIN, MMIO_HOLE_MAX, 64,
            "Room below 4 GiB for BARs; low RAM ends where it begins", (MMIO_HOLE_MIN, MMIO_HOLE_MAX),
        ),
        Size(
            SetSize.KEYS[3], guest.rdm_mem_boundary, boundary, unsaid_boundary, 64, 4032, 64,
            "Regions above it lower RAM, regions below it conflict", (0, _HUGE),
        ),
    )  # fmt: skip
