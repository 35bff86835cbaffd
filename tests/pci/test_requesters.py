from __future__ import annotations

import pytest
from planning import at, function

from planner.model.host import Host
from planner.pci.requesters import phantoms, requesters


def test_a_conventional_device_sends_as_the_bridge_above_it() -> None:
    host = Host(
        devices=(
            function("00:1c.0", "root-port", behind=("03", "04")),
            function("03:00.0", "pcie-to-pci-bridge", behind=("04", "04")),
            function("04:05.0", "conventional"),
            function("00:1e.0", "conventional", behind=("05", "05")),
            function("05:02.0", "conventional"),
        )
    )
    assert requesters(host, at("04:05.0")) == (at("04:05.0"), at("04:00.0"))
    assert requesters(host, at("05:02.0")) == (at("05:02.0"), at("05:00.0"), at("00:1e.0"))
    assert requesters(host, at("03:00.0")) == (at("03:00.0"),)


def test_marvells_controllers_send_as_function_1() -> None:
    assert requesters(Host(devices=(function("06:00.0", id="1b4b:9230"),)), at("06:00.0")) == (
        at("06:00.0"),
        at("06:00.1"),
    )


@pytest.mark.parametrize(
    ("option", "address", "expected"),
    [
        ("pci-phantom=04:00,4", "04:00.0", ["04:00.4"]),
        ("console=vga pci-phantom=04:00,4 iommu=verbose", "04:00.3", ["04:00.7"]),
        ("pci-phantom=0001:04:00,2", "0001:04:00.1", ["0001:04:00.3", "0001:04:00.5", "0001:04:00.7"]),
        ("pci-phantom=04:00,4", "04:00.4", []),
        ("pci-phantom=04:00,3", "04:00.0", []),
        ("pci-phantom=04:01,1", "04:00.0", []),
        ("no-pci-phantom=04:00,1", "04:00.0", []),
    ],
)
def test_phantom_functions_of_the_command_line(option: str, address: str, expected: list[str]) -> None:
    found = phantoms(Host(xen_command_line=option), at(address))
    assert found == tuple(at(text) for text in expected)
