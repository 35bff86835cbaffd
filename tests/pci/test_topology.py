from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import lspci, values
from planner.formats.acpi import parse_table
from planner.model.address import Sbdf
from planner.model.host import Bridge, DeviceScope, Host, PciDevice, ReservedRegion, ScopeKind
from planner.pci.topology import (
    Resolution,
    absent_scopes,
    parent_bridge,
    path_to_root,
    resolve,
    resolve_scopes,
    scope_path,
    upstream_bridges,
)

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_data = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the reference data is not here")


def bridge(address: str, secondary: int, subordinate: int | None = None) -> PciDevice:
    behind = Bridge(secondary=secondary, subordinate=secondary if subordinate is None else subordinate)
    return values.read(PciDevice, {"address": address, "class": "0604", "bridge": behind})


def function(address: str, code: str = "0200") -> PciDevice:
    return values.read(PciDevice, {"address": address, "class": code})


def host(*devices: PciDevice, scopes: tuple[DeviceScope, ...] = (), segment: int = 0) -> Host:
    region = ReservedRegion(start=0x1000, end=0x1FFF, segment=segment, scopes=scopes)
    return Host(regions=(region,) if scopes else (), devices=devices)


def at(text: str) -> Sbdf:
    return Sbdf.parse(text)


TREE = (
    bridge("00:01.0", 1, 4),
    bridge("01:00.0", 2, 4),
    bridge("02:08.0", 4),
    function("04:00.0"),
    bridge("00:1c.0", 0),
    function("00:1d.0", "0c03"),
    function("00:1e.0", "0604"),
    bridge("0001:00:01.0", 9),
)


@pytest.mark.parametrize(
    ("path", "segment", "expected"),
    [
        ("00:1d.0", 0, "00:1d.0"),
        ("00:1f.5", 0, "00:1f.5"),
        ("80:05.4", 0, "80:05.4"),
        ("00:01.0/00.0/08.0/00.0", 0, "04:00.0"),
        ("00:01.0/00.0/08.0/1f.7", 0, "04:1f.7"),
        ("02:08.0/00.0", 0, "04:00.0"),
        ("00:01.0/00.0", 1, "0001:09:00.0"),
    ],
)
def test_paths_lead_through_secondary_buses(path: str, segment: int, expected: str) -> None:
    assert resolve(path, segment, host(*TREE).by_address) == Resolution(at(expected))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("00:1c.7/00.0", "no bridge at 0000:00:1c.7 in the device listing, so what stands behind it is unknown"),
        ("00:01.0/01.0/00.0", "no bridge at 0000:01:01.0 in the device listing"),
        ("00:1d.0/00.0", "0000:00:1d.0 is not a bridge"),
        ("00:1e.0/00.0", "does not say which bus is behind the bridge 0000:00:1e.0"),
        ("00:1c.0/00.0", "the bridge 0000:00:1c.0 has no secondary bus number"),
        ("00:20.0", "20.0 is no device and function"),
        ("00:1f.8", "1f.8 is no device and function"),
        ("00:01.0/ff.ff/00.0", "ff.ff is no device and function"),
    ],
)
def test_why_a_path_leads_nowhere(path: str, words: str) -> None:
    found = resolve(path, 0, host(*TREE).by_address)
    assert found.device is None
    assert words in (found.problem or "")


def test_without_a_listing_only_single_hops_resolve() -> None:
    assert resolve("00:1d.0", 0, {}).device == at("00:1d.0")
    assert "there is no device listing" in (resolve("00:01.0/00.0", 0, {}).problem or "")


def test_a_path_through_a_circle_of_bridges_ends() -> None:
    circle = host(bridge("00:01.0", 1), bridge("01:00.0", 1)).by_address
    assert resolve("00:01.0" + "/00.0" * 1000, 0, circle).device == at("01:00.0")


def test_scopes_are_filled_and_keep_their_kind() -> None:
    scopes = (
        DeviceScope(path="00:01.0/00.0/08.0/00.0"),
        DeviceScope(path="00:1f.5"),
        DeviceScope(path="00:1c.7/00.0"),
        DeviceScope(path="f0:1f.7", kind=ScopeKind.IOAPIC, enumeration_id=8),
        DeviceScope(path="00:01.0/01.0", kind=ScopeKind.NAMESPACE),
        DeviceScope(path="00:1d.0", kind=ScopeKind.UNKNOWN),
        DeviceScope(kind=ScopeKind.ALL),
    )
    before = host(*TREE, scopes=scopes)
    after = resolve_scopes(before)
    found = after.regions[0].scopes
    assert [scope.device for scope in found] == [
        at("04:00.0"), at("00:1f.5"), None, at("f0:1f.7"), at("01:01.0"), None, None,
    ]  # fmt: skip
    assert [scope.problem is not None for scope in found] == [False, False, True, False, False, True, False]
    assert [(scope.kind, scope.path) for scope in found] == [(scope.kind, scope.path) for scope in scopes]
    assert resolve_scopes(after) == after
    assert before.regions[0].scopes == scopes
    assert absent_scopes(after) == ((after.regions[0], at("00:1f.5")),)


def test_scopes_follow_their_region_s_segment() -> None:
    resolved = resolve_scopes(host(*TREE, scopes=(DeviceScope(path="00:01.0/00.0"),), segment=1))
    assert resolved.regions[0].scopes[0].device == at("0001:09:00.0")


def test_a_device_found_earlier_is_kept_where_the_listing_cannot_tell() -> None:
    scope = DeviceScope(path="00:1c.7/00.0", device=at("01:00.0"))
    assert resolve_scopes(host(*TREE, scopes=(scope,))).regions[0].scopes == (scope,)


def test_a_problem_goes_away_when_the_bridge_is_found() -> None:
    scope = DeviceScope(path="00:01.0/00.0", problem="no device listing")
    assert resolve_scopes(host(*TREE, scopes=(scope,))).regions[0].scopes[0].problem is None


def test_nothing_is_absent_without_a_listing() -> None:
    assert absent_scopes(resolve_scopes(host(scopes=(DeviceScope(path="00:1f.5"),)))) == ()


def test_bridges_above_a_function() -> None:
    machine = host(*TREE)
    assert path_to_root(machine, at("04:00.0")) == (at("00:01.0"), at("01:00.0"), at("02:08.0"))
    assert path_to_root(machine, at("00:1d.0")) == ()
    assert path_to_root(machine, at("0001:09:00.0")) == (at("0001:00:01.0"),)
    assert parent_bridge(machine, at("02:08.0")) == at("01:00.0")
    assert parent_bridge(machine, at("00:1d.0")) is None
    assert parent_bridge(machine, at("0002:04:00.0")) is None


def test_a_bus_of_virtual_functions_belongs_to_the_innermost_bridge_around_it() -> None:
    machine = host(bridge("00:01.0", 1, 9), bridge("01:00.0", 4, 6), bridge("01:01.0", 7))
    assert [parent_bridge(machine, at(f"{bus:02x}:10.0")) for bus in (1, 3, 4, 5, 6, 7, 9, 10)] == [
        at("00:01.0"), at("00:01.0"), at("01:00.0"), at("01:00.0"), at("01:00.0"), at("01:01.0"), at("00:01.0"), None,
    ]  # fmt: skip


def test_of_two_bridges_that_claim_a_bus_the_lower_wins() -> None:
    assert parent_bridge(host(bridge("00:02.0", 5), bridge("00:01.0", 5)), at("05:00.0")) == at("00:01.0")


@given(
    st.lists(
        st.builds(
            lambda bus, device, low, high: bridge(f"{bus:02x}:{device:02x}.0", low, high),
            st.integers(0, 5), st.integers(0, 3), st.integers(0, 5), st.integers(0, 255),
        ),
        unique_by=lambda device: device.address,
        max_size=12,
    ),
    st.integers(0, 6),
    st.lists(st.integers(0, 3), min_size=1, max_size=6),
)  # fmt: skip
def test_no_arrangement_of_bridges_makes_a_loop(bridges: list[PciDevice], bus: int, hops: list[int]) -> None:
    machine = host(*bridges)
    path = path_to_root(machine, Sbdf(0, bus, 0, 0))
    assert len(set(path)) == len(path) <= len(bridges)
    assert path == path_to_root(machine, Sbdf(0, bus, 0, 0), upstream_bridges(machine))
    if path:
        assert path[-1] == parent_bridge(machine, Sbdf(0, bus, 0, 0))
    found = resolve(f"{bus:02x}:" + "/".join(f"{hop:02x}.0" for hop in hops), 0, machine.by_address)
    assert (found.device is None) == (found.problem is not None)


@needs_data
def test_a_real_server_whose_regions_lie_behind_bridges() -> None:
    data = SHARED / "data"
    table = parse_table((data / "dmar" / "server-hp-proliant-dl380e-gen8-cb0557.bin").read_bytes())
    devices = lspci.parse((data / "lspci" / "hp-dl380e-gen8.lspci-nn-condensed.txt").read_text())
    machine = resolve_scopes(Host(regions=table.regions, devices=devices))

    truth: dict[str, str] = {}
    for row in (data / "lspci" / "hp-dl380e-gen8.rmrr-resolution.md").read_text().splitlines():
        if cells := re.match(r"\| ([0-9a-f]{2}\.\S.*?) \| (\S.*?) \|", row):
            paths, targets = expand(cells[1]), expand(cells[2])
            truth |= {f"00:{path}": target for path, target in zip(paths, targets or [""], strict=True)}
    assert len(truth) == 13

    scopes = [scope for region in machine.regions for scope in region.scopes]
    assert len(machine.regions) == 9
    assert len(scopes) == 2 + 3 + 7 * 10
    assert {scope.path for scope in scopes} == truth.keys()
    for scope in scopes:
        assert scope.path is not None
        assert scope.device == at(truth[scope.path] or "00:1f.5")
        assert scope.problem is None
    absent = absent_scopes(machine)
    assert {device for _, device in absent} == {at("00:1f.5")}
    assert [region for region, _ in absent] == list(machine.regions[2:])
    assert not any(region.covers(at("01:00.1")) for region in machine.regions)
    assert sum(region.covers(at("02:00.3")) for region in machine.regions) == 7


def expand(cell: str) -> list[str]:
    """Addresses of a table cell: "1a.0, 1d.0", "1c.7/00.0 .2 .4" and "02:00.0-3" shorten; "none" is none."""
    found: list[str] = []
    for word in cell.split():
        if run := re.fullmatch(r"(\S+\.)([0-7])-([0-7])", word):
            found += [f"{run[1]}{part}" for part in range(int(run[2]), int(run[3]) + 1)]
        elif word.startswith("."):
            found.append(found[-1][:-2] + word)
        elif word != "none":
            found.append(word.rstrip(","))
    return found


@pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")
def test_the_dom0_of_the_recorded_runs() -> None:
    dom0 = SHARED / "xen-runs" / "s00-host" / "dom0"
    table = parse_table((dom0 / "RMAD.bin").read_bytes())
    machine = resolve_scopes(Host(regions=table.regions, devices=lspci.parse((dom0 / "lspci-nnvv.txt").read_text())))
    # As xen-runs/README.md has it: 1c.0 leads to bus 1, 1c.1 to bus 2, and the device there is 00.0.
    buses = {"1c.0/0.0": "01:00.0", "1c.1/0.0": "02:00.0", "1c.2/0.0": "03:00.0"}
    observed = json.loads((SHARED / "xen-runs" / "observed.json").read_text())
    (plain,) = [run for run in observed if run["run"] == "s01-plain" and run["guest"] == "plain512"]
    assert [(region.start, region.end, [scope.device for scope in region.scopes]) for region in machine.regions] == [
        (item["start"], item["end_incl"], [at(buses.get(path, f"00:{path}")) for path in item["dmar_paths"]])
        for item in plain["host_rmrrs"]
    ]
    # The table names an EHCI at 1d.0; this dom0 shows one.
    assert [str(device) for _, device in absent_scopes(machine)] == []
    assert path_to_root(machine, at("01:00.0")) == (at("00:1c.0"),)


def test_segments_that_linux_numbers_above_ffff_have_a_tree_of_their_own() -> None:
    """What stands behind a VMD controller: bus numbers that the first segment has as well."""
    machine = host(*TREE, bridge("10000:00:01.0", 2), function("10000:02:00.0", "0108"), function("0000:02:00.0"))
    assert path_to_root(machine, at("10000:02:00.0")) == (at("10000:00:01.0"),)
    assert scope_path(machine, at("10000:02:00.0")) == "00:01.0/00.0"
    assert resolve("00:01.0/00.0", 0x10000, machine.by_address) == Resolution(at("10000:02:00.0"))
    assert path_to_root(machine, at("02:00.0")) == (at("00:01.0"), at("01:00.0"))
