"""Xen's answers: JSON Lines made by running Xen's own C code (see tests/conformance/README.md)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy, RdmStrategy
from planner.model.host import DeviceScope, ReservedRegion
from planner.xen.hypervisor import Iommu, register
from planner.xen.xl import Domain, DomainDevice

FOLDER = Path(__file__).parent / "conformance"


def load(kind: str) -> list[dict[str, Any]]:
    """All vectors of a kind: "rdm", "hvmloader" or "xlcfg"."""
    with gzip.open(FOLDER / f"{kind}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def domain_of(given: dict[str, Any]) -> Domain:
    """The domain of an `rdm` vector's input."""
    return Domain(
        type=given["type"],
        max_kib=given["max_memkb"],
        target_kib=given["target_memkb"],
        video_kib=given["video_memkb"],
        mmio_hole_kib=given["mmio_hole_memkb"],
        boundary_kib=given["rdm_mem_boundary_memkb"],
        hap=given["hap"],
        strategy=RdmStrategy(given["strategy"]),
        policy=RdmPolicy(given["policy"] or "invalid"),
        devices=tuple(
            DomainDevice(Sbdf.parse(device["sbdf"]), RdmPolicy(device["rdm_policy"] or "invalid"))
            for device in given["pci"]
        ),
        acpi_modules=tuple((address, length) for address, length in given.get("acpi_modules", ())),
    )


def iommu_of(given: dict[str, Any]) -> Iommu:
    """The regions of an `rdm` vector's input, taken as already registered."""
    regions = (
        ReservedRegion(
            start=rmrr["base"],
            end=rmrr["end"],
            segment=rmrr["seg"],
            scopes=tuple(DeviceScope(device=Sbdf.parse(text)) for text in rmrr["scope"]),
        )
        for rmrr in given["rmrrs"]
    )
    return Iommu(True, tuple(register(regions)))
