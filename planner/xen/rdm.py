"""A reserved region as the hypervisor holds it, and what reading a firmware table came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.host import RegionKind, ReservedRegion
from planner.model.span import Span
from planner.xen.steps import Step


@dataclass(frozen=True, slots=True, eq=False)
class Rdm:
    """A reserved region as Xen holds it: `span` in whole pages; `declared` is what the firmware wrote.

    `devices` are VT-d's scope; `entries` counts what Xen counts there, absent devices, bridges and duplicates
    included. AMD's may name all devices or a range, so ask `covers`; `joined` are further exclusion ranges that
    Xen programmed together with the declared one. An AMD exclusion range is not `mapped`: the IOMMU lets it pass.
    """

    span: Span
    declared: ReservedRegion
    devices: tuple[Sbdf, ...] = ()
    entries: int = 1
    joined: tuple[ReservedRegion, ...] = ()
    mapped: bool = True

    @property
    def base(self) -> int:
        """The first byte as declared, which is what Xen's messages print."""
        return self.declared.start

    @property
    def is_shared(self) -> bool:
        """Whether VT-d treats its devices as sharers: more than one scope entry. AMD has no such test."""
        return self.declared.kind is RegionKind.RMRR and self.entries > 1

    def covers(self, address: Sbdf) -> bool:
        """Whether Xen takes the region to belong to exactly this function."""
        if self.declared.kind is RegionKind.IVMD:
            return any(region.covers(address) for region in (self.declared, *self.joined))
        return address in self.devices


class Table(NamedTuple):
    """The regions that stay, in the order in which Xen lists them; `error` is its line where it gave the table up."""

    regions: tuple[Rdm, ...]
    steps: tuple[Step, ...]
    error: str | None = None


class RefusedError(Exception):
    """The table is given up: Xen's line."""
