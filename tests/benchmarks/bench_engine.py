"""How long the engine takes, and how that grows. Budgets are in README.md; the clock informs, it does not judge."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import pytest
from conformance_vectors import load, regions_of
from planning import guest

from planner.model.address import Sbdf
from planner.model.edits import Assign, Release
from planner.model.guest import Guest, Passthrough, RdmPolicy
from planner.model.host import Bar, DeviceScope, Host, PciDevice, ReservedRegion, Sources
from planner.model.plan import Plan
from planner.session import Session
from planner.xen import hypervisor, vtd
from planner.xen.build import build
from planner.xen.hypervisor import Iommu
from planner.xen.release import DEFAULT

_BAR = (Bar(index=0, kind="mem32", start=0xF0000000, size=1 << 20),)


def _host(devices: int, regions: int = 4) -> Host:
    addresses = [Sbdf(0, number >> 3 & 0xFF, number & 7, number >> 11 & 7) for number in range(8, devices + 8)]
    return Host(
        iommu="intel",
        sources=Sources(regions="made for measuring"),
        devices=tuple(
            PciDevice(address=address, id="8086:1521", class_code="0200", bars=_BAR) for address in addresses
        ),
        regions=tuple(
            ReservedRegion(
                start=0x9000_0000 + number * 0x10_0000,
                end=0x9000_0FFF + number * 0x10_0000,
                scopes=(DeviceScope(device=addresses[number % devices]),),
            )
            for number in range(regions)
        ),
    )


def _cases() -> list[tuple[Guest, Host, Iommu]]:
    """The HVM vectors as hosts and guests of ours."""
    cases = []
    for given in (vector["input"] for vector in load("rdm") if vector["input"]["type"] == "hvm"):
        regions = regions_of(given)
        addresses = dict.fromkeys(Sbdf.parse(device["sbdf"]) for device in given["pci"])
        host = Host(
            iommu="intel",
            hap=given["hap"],
            regions=regions,
            devices=tuple(PciDevice(address=a, bars=_BAR) for a in addresses),
        )
        pci = tuple(
            Passthrough(
                address=Sbdf.parse(device["sbdf"]),
                policy=RdmPolicy(device["rdm_policy"]) if device["rdm_policy"] else None,
            )
            for device in given["pci"]
        )
        one = Guest(name="vm", type="hvm", memory=given["max_memkb"] // 1024, pci=pci)
        cases.append((one, host, Iommu(True, tuple(vtd.register(regions)))))
    return cases


def test_build_over_the_vectors(benchmark: Any) -> None:
    """Median of one build, all stages, warm: at most 150 µs."""
    cases = _cases()
    for one, host, iommu in cases:
        build(one, host, iommu, DEFAULT)

    def each() -> list[float]:
        times = []
        for one, host, iommu in cases:
            start = time.perf_counter()
            build(one, host, iommu, DEFAULT)
            times.append(time.perf_counter() - start)
        return times

    times = benchmark(each)
    benchmark.extra_info["median_us"] = round(median(times) * 1e6, 1)
    print(f"\n  median of one build: {median(times) * 1e6:.1f} µs over {len(times)} vectors")


@pytest.mark.parametrize("devices", [1, 16, 256, 4096])
def test_build_against_the_number_of_devices(benchmark: Any, devices: int) -> None:
    host = _host(devices)
    iommu = hypervisor.boot(host, DEFAULT)
    one = guest(str(host.devices[0].address))
    benchmark(build, one, host, iommu, DEFAULT)


@pytest.mark.parametrize("regions", [1, 8, 64])
def test_build_against_the_number_of_regions(benchmark: Any, regions: int) -> None:
    host = _host(64, regions)
    iommu = hypervisor.boot(host, DEFAULT)
    one = guest(*(str(device.address) for device in host.devices[: min(regions, 20)]))
    benchmark(build, one, host, iommu, DEFAULT)


@pytest.mark.parametrize("devices", [16, 256, 4096])
def test_one_toggle(benchmark: Any, devices: int) -> None:
    """Assign and release in a session of eight guests: one guest is built again, twice."""
    host = _host(devices)
    session = Session(Plan(host=host, guests=tuple(guest(name=f"vm{number}") for number in range(8))))
    address = host.devices[-1].address

    def toggle() -> None:
        session.do(Assign("vm3", address))
        session.do(Release("vm3", address))

    benchmark(toggle)
