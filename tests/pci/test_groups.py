"""Groups from facts, against the rule and against kernels that made groups of the same machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import at, function

from planner.formats import host_toml
from planner.model.host import Acs, AcsControl, Host, PciDevice, PortType
from planner.pci.acs import isolates
from planner.pci.groups import Cause, differences, grouping
from planner.pci.sets import AddressSets

SAMPLES = Path(__file__).resolve().parents[2] / "sample-hosts"
CONTROLS = tuple(AcsControl(word) for word in ("SV", "RR", "CR", "UF"))
ON, OFF = Acs(capable=CONTROLS, enabled=CONTROLS), Acs(capable=CONTROLS)


def groups(*devices: PciDevice, **facts: Any) -> list[list[str]]:
    """The groups of more than one function."""
    host = Host(devices=devices, **facts)
    sets = AddressSets(host.by_address)
    for link in grouping(host).links:
        sets.join((link.one, link.other))
    return [[address.short for address in members] for members in sets.sets().values() if len(members) > 1]


def test_a_port_with_acs_keeps_what_is_behind_it_apart() -> None:
    one = function("00:01.0", "root-port", ON, behind=("01", "01"))
    other = function("00:01.1", "root-port", ON, behind=("02", "02"))
    assert groups(one, other, function("01:00.0"), function("02:00.0")) == []


def test_ports_of_one_slot_without_acs_tie_all_behind_them() -> None:
    one = function("00:01.0", "root-port", behind=("01", "01"))
    other = function("00:01.1", "root-port", OFF, behind=("02", "02"))
    assert groups(one, other, function("01:00.0"), function("02:00.0")) == [
        ["00:01.0", "00:01.1", "01:00.0", "02:00.0"]
    ]


def test_a_switch_without_acs_ties_its_downstream_ports() -> None:
    tree = (
        function("00:01.0", "root-port", ON, behind=("01", "04")),
        function("01:00.0", "upstream-port", behind=("02", "04")),
        function("02:08.0", "downstream-port", behind=("03", "03")),
        function("02:10.0", "downstream-port", behind=("04", "04")),
        function("03:00.0"),
        function("04:00.0"),
    )
    assert groups(*tree) == [["02:08.0", "02:10.0", "03:00.0", "04:00.0"]]
    half = (*tree[:2], function("02:08.0", "downstream-port", ON, behind=("03", "03")), *tree[3:])
    assert groups(*half) == [["02:08.0", "02:10.0", "04:00.0"]]


def test_all_behind_a_root_port_without_acs_belong_to_it() -> None:
    tree = (
        function("00:01.0", "root-port", behind=("01", "04")),
        function("01:00.0", "upstream-port", behind=("02", "04")),
        function("02:08.0", "downstream-port", ON, behind=("03", "03")),
        function("02:10.0", "downstream-port", ON, behind=("04", "04")),
        function("03:00.0"),
        function("04:00.0"),
    )
    assert groups(*tree) == [["00:01.0", "01:00.0", "02:08.0", "02:10.0", "03:00.0", "04:00.0"]]


def test_a_bridge_to_conventional_pci_merges_ids() -> None:
    tree = (
        function("00:1c.0", "root-port", ON, behind=("01", "02")),
        function("01:00.0", "pcie-to-pci-bridge", behind=("02", "02")),
        function("02:04.0", "conventional"),
        function("02:05.0", "conventional"),
    )
    assert groups(*tree) == [["01:00.0", "02:04.0", "02:05.0"]]
    assert {link.cause for link in grouping(Host(devices=tree)).links} == {Cause.REQUESTER}
    forwarding = Host(devices=(tree[0], tree[1].changed(id="1a03:1150"), *tree[2:]))
    assert {link.cause for link in grouping(forwarding).links} == {Cause.PORT}


def test_functions_without_acs_go_together_and_those_with_it_do_not() -> None:
    empty = Acs(capable=())
    assert groups(function("01:00.0"), function("01:00.1")) == [["01:00.0", "01:00.1"]]
    assert groups(function("01:00.0", acs=empty), function("01:00.1", acs=empty)) == []
    assert groups(function("01:00.0", id="8086:1521"), function("01:00.1", id="8086:1521")) == []
    assert groups(function("01:00.0"), function("01:00.1", physfn="0000:01:00.0")) == []
    assert groups(function("00:02.0", "integrated-endpoint", id="8086:5912"), function("00:02.1", "conventional")) == []


def test_what_is_not_known_ties_nothing_and_is_named() -> None:
    unknown = function("00:1c.0", None, behind=("01", "01"))
    found = grouping(Host(devices=(unknown, function("01:00.0"), function("02:00.0"))))
    assert found.links == ()
    assert found.unknown == {at("00:1c.0"), at("01:00.0")}


@pytest.mark.parametrize(
    ("found", "amd", "answer"),
    [
        (function("00:1c.0", "root-port", id="8086:8c10"), False, True),
        (function("00:1c.0", "root-port", OFF, id="8086:a110"), False, True),
        (function("00:1c.0", "root-port", OFF, id="8086:7a38"), False, False),
        (function("00:1c.0", "root-port", Acs(capable=CONTROLS[:1], enabled=CONTROLS[:1])), False, True),
        (function("00:14.0", "conventional", id="1002:4385"), True, True),
        (function("00:14.0", "conventional", id="1002:4385"), False, False),
        (function("00:1c.0", None), False, None),
        (function("00:1c.0", "root-port").changed(acs=None), False, None),
    ],
)
def test_quirks_and_missing_facts(found: PciDevice, amd: bool, answer: bool | None) -> None:
    assert isolates(found, multifunction=True, on_root_bus=True, amd=amd) is answer


@pytest.mark.parametrize(("site", "count"), [("fujitsu-d3401-h2", 7), ("mechrevo-wujie14xa", 30)])
def test_our_groups_are_the_kernels_own(site: str, count: int) -> None:
    host = host_toml.parse((SAMPLES / site / "host.toml").read_text())
    assert len({device.iommu_group for device in host.devices} - {None}) == count
    assert grouping(host).unknown == set()
    assert differences(host) == ()


def test_differences_go_both_ways() -> None:
    apart = Host(devices=(function("01:00.0", iommu_group=1), function("01:00.1", iommu_group=2)))
    (found,) = differences(apart)
    assert (found.together, found.kernel) == (False, (1, 2))
    assert "01:00.0, 01:00.1" in found.words
    together = Host(devices=(function("01:00.0", iommu_group=1), function("02:00.0", iommu_group=1)))
    (found,) = differences(together)
    assert found.together
    assert "IOMMU group 1" in found.words


@given(
    st.lists(
        st.builds(
            lambda bus, slot, part, port, controls, low, high: function(
                f"{bus:02x}:{slot:02x}.{part}", port, controls, behind=(f"{low:02x}", f"{high:02x}")
            ),
            st.integers(0, 4), st.integers(0, 1), st.integers(0, 2), st.sampled_from([*PortType, None]),
            st.sampled_from([None, ON, OFF]), st.integers(0, 5), st.integers(0, 9),
        ),
        unique_by=lambda one: one.address,
        max_size=10,
    )
)  # fmt: skip
def test_no_arrangement_of_bridges_is_too_much(devices: list[PciDevice]) -> None:
    host = Host(devices=tuple(devices))
    found = grouping(host)
    assert {link.one for link in found.links} | {link.other for link in found.links} <= set(host.by_address)
    assert found.unknown <= set(host.by_address)
    assert differences(host) == ()


def test_controls_are_named_as_the_specification_does() -> None:
    assert [str(control) for control in AcsControl] == ["SV", "TB", "RR", "CR", "UF", "EC", "DT"]
