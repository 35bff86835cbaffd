"""The sizes that a person can turn, with what holds where none is said and how far each goes."""

from __future__ import annotations

from typing import NamedTuple

from planner.model.edits import SetSize
from planner.model.host import Host
from planner.model.span import GIB4, KIB, MIB
from planner.xen.build import Build
from planner.xen.xl import DEFAULT_BOUNDARY_KIB, MMIO_HOLE_MAX, MMIO_HOLE_MIN

_MOST_MEMORY = 32 << 10  # MiB; where nobody has said how much RAM the host has


class Size(NamedTuple):
    """One size of a guest in MiB: `said` in its config or None, `effective` what Xen goes by, and its range."""

    key: str
    said: int | None
    effective: int
    least: int
    most: int
    step: int
    about: str

    def moved(self, steps: int) -> int:
        """The value so many steps on, on the grid of steps and within the range."""
        below, above = self.effective // self.step, -(-self.effective // self.step)
        value = ((below if steps > 0 else above) + steps) * self.step
        return max(self.least, min(value, self.most))


def sizes(build: Build, host: Host) -> tuple[Size, ...]:
    """The four sizes of a guest, in the order of `SetSize.KEYS`; ranges are those that xl takes."""
    guest, domain, layout = build.guest, build.domain, build.layout
    memory = domain.target_kib // KIB
    maximum = domain.max_kib // KIB
    hole = domain.mmio_hole_kib // KIB if domain.mmio_hole_kib is not None else 0
    if not hole:
        hole = (GIB4 - layout.mmio_start) // MIB if layout is not None else MMIO_HOLE_MIN
    boundary = (domain.boundary_kib or DEFAULT_BOUNDARY_KIB) // KIB
    most = host.memory // MIB if host.memory else max(_MOST_MEMORY, 2 * maximum)
    memory_step = 256 if max(memory, maximum) < 16384 else 1024
    return (
        Size(SetSize.KEYS[0], guest.memory, memory, 32, max(most, memory), memory_step, "RAM at start"),
        Size(
            SetSize.KEYS[1], guest.maxmem, maximum, max(32, memory), max(most, maximum), memory_step,
            "RAM that it may grow to; the layout goes by it",
        ),
        Size(
            SetSize.KEYS[2], guest.mmio_hole, hole, MMIO_HOLE_MIN, MMIO_HOLE_MAX, 64,
            "room below 4 GiB for BARs; low RAM ends where it begins",
        ),
        Size(
            SetSize.KEYS[3], guest.rdm_mem_boundary, boundary, 64, 4032, 64,
            "regions above it lower RAM, regions below it conflict",
        ),
    )  # fmt: skip
