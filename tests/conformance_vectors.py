"""Xen's answers: JSON Lines made by running Xen's own C code (see tests/conformance/README.md)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy, RdmStrategy
from planner.model.host import DeviceScope, ReservedRegion
from planner.xen.guest_pci import Function, Register
from planner.xen.hvmloader import Firmware, Inputs
from planner.xen.hypervisor import Iommu
from planner.xen.libxl import E820Entry
from planner.xen.release import Release
from planner.xen.vtd import register
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
    return Iommu(True, tuple(register(regions_of(given))))


def regions_of(given: dict[str, Any]) -> tuple[ReservedRegion, ...]:
    """The regions of an `rdm` vector's input, as a firmware table would have them."""
    return tuple(
        ReservedRegion(
            start=rmrr["base"],
            end=rmrr["end"],
            segment=rmrr["seg"],
            scopes=tuple(DeviceScope(device=Sbdf.parse(text)) for text in rmrr["scope"]),
        )
        for rmrr in given["rmrrs"]
    )


def hvmloader_inputs(given: dict[str, Any], release: Release) -> Inputs:
    """What an `hvmloader` vector gives hvmloader, under a release that has `xen_platform_pci_bar_uc` or not.

    The harness lets hvmloader's setup of the PIIX4 PM function (a 16-bit write at 3c) clear its interrupt pin, which
    is read-only in QEMU, so hvmloader says nothing of that pin there; on real Xen it says "pci dev 01:3 INTA->IRQ10".
    """
    firmware = given["firmware"]
    return Inputs(
        low_pgend=given["low_mem_pgend"],
        high_pgend=given["high_mem_pgend"],
        e820=tuple(E820Entry(*entry) for entry in given["memory_map"]),
        functions=tuple(_function(device) for device in given["devices"]),
        mmio_hole=given["mmio_hole_size"],
        allow_memory_relocate=bool(given["allow_memory_relocate"]),
        platform_bar_uc=None if release.name == "4.17" else bool(given["xen_platform_pci_bar_uc"]),
        phys_bits=given["phys_bits"],
        firmware=Firmware(
            name=firmware["name"],
            bios_image_base=firmware["bios_image_base"],
            lowmem_reserved_base=firmware["lowmem_reserved_base"] or 0xA0000,
            populate_pages=firmware.get("populate_pages", 0),
        ),
        acpi_bytes=given["acpi_bytes"],
        populate_budget=given["populate_budget"],
    )


def _function(device: dict[str, Any]) -> Function:
    slot, function = (int(part, 16) for part in device["slot"].split("."))
    is_pm = (device["vendor"], device["device"]) == (0x8086, 0x7113)
    return Function(
        slot << 3 | function,
        device["vendor"],
        device["device"],
        device["class"],
        tuple(Register(bar["index"], bar["kind"], bar["size"], bar["prefetch"]) for bar in device["bars"]),
        0 if is_pm else device["int_pin"],
    )
