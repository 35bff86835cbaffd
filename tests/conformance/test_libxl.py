"""libxl on 2,000 domains: layout, regions, e820, log lines and failures, for 4.17 and master."""

from __future__ import annotations

from typing import Any

import pytest
from conformance_vectors import domain_of, iommu_of, load

from planner.model.guest import RdmPolicy
from planner.xen import libxl
from planner.xen.release import RELEASES

VECTORS = load("rdm")
_LEVELS = {"error": "ERROR", "warning": "WARN"}


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 2000


@pytest.mark.parametrize("release", ["4.17", "master"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["id"])
def test_rdm(vector: dict[str, Any], release: str) -> None:
    given = vector["input"]
    expect = vector["expect"] if release == "master" else vector.get("expect_4_17", vector["expect"])
    layout = libxl.build(domain_of(given), iommu_of(given), RELEASES[release])

    assert (layout.ok, layout.error) == (expect["ok"], expect.get("error"))
    assert (layout.low_end, layout.high_end) == (expect["lowmem_end"], expect["highmem_end"])
    assert (layout.mmio_start, layout.mmio_size) == (expect["mmio_start"], expect["mmio_size"])
    assert layout.boundary == expect["rdm_mem_boundary"]
    assert layout.policy == expect["global_policy"]
    assert [[_LEVELS[level], message] for level, message in layout.log] == expect["log"]
    assert [[entry.span.start, entry.span.size, entry.policy] for entry in layout.regions] == expect["rdms"]
    if layout.ok:
        assert [list(entry) for entry in layout.e820] == expect["e820"]
    policies = {
        device["sbdf"]: device["rdm_policy"] or (RdmPolicy.STRICT if iommu_of(given).regions_of(address) else "invalid")
        for device, address in zip(given["pci"], [d.address for d in domain_of(given).devices], strict=True)
        if address is not None
    }
    assert policies == expect["device_policies"] or not expect["ok"]
