"""The sample sites hold together: inventories parse, guests name devices that exist, facts agree with their sources."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import libxlutil
import pytest

from planner.formats import host_toml
from planner.formats.xlcfg import syntax
from planner.model.address import Sbdf
from planner.model.host import Host, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import MIB
from planner.pci.topology import resolve_scopes

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample-hosts"
SHARED = ROOT.parent / "shared"
SITES = sorted(folder.name for folder in SAMPLES.iterdir() if folder.is_dir())
GUESTS = sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*.cfg"))
RUNS = {
    "xen-lab": ("s01-plain", "s04-assign"),
    "xen-lab-lowered-ram": ("s12-qemu-view",),
    "xen-lab-scratch-range": ("s28-rmrr-in-scratch",),
}
# A string in either quotes or a comment: what may hold brackets and hashes that are not syntax.
_TOKEN = re.compile(r"""'([^']*)'|"([^"]*)"|\#[^\n]*""")


def host(site: str) -> Host:
    return host_toml.parse((SAMPLES / site / "host.toml").read_text())


def hardware_id_of(site: str) -> str:
    """The machine's id at linux-hardware.org, the last word of where its regions are from."""
    return str(host(site).sources.regions).rstrip(")").split()[-1]


def settings(guest: str) -> dict[str, str]:
    """Each statement's value as written, comments dropped; enough for files that xl is known to accept."""
    text = (SAMPLES / guest).read_text()
    bare = _TOKEN.sub(lambda match: "" if match[0].startswith("#") else match[0], text)
    return {key: value.strip() for key, value in re.findall(r"^(\w+)\s*=\s*(\[[^]]*\]|.*)$", bare, re.MULTILINE)}


def strings(value: str) -> list[str]:
    return [single or double for single, double in re.findall(r"""'([^']*)'|"([^"]*)\"""", value)]


def devices_of(guest: str) -> list[Sbdf]:
    return [Sbdf.parse(item.split(",")[0]) for item in strings(settings(guest).get("pci", ""))]


def shared_json(name: str) -> Any:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    return json.loads(path.read_text())


def test_there_are_sites() -> None:
    assert len(SITES) >= 8
    assert len(GUESTS) >= 15


@pytest.mark.parametrize("site", SITES)
def test_inventory_parses_and_renders_to_the_same_value(site: str) -> None:
    inventory = host(site)
    assert host_toml.parse(host_toml.render(inventory)) == inventory
    assert inventory.notes.strip()
    assert inventory.sources.regions
    assert inventory.sources.devices
    addresses = [device.address for device in inventory.devices]
    assert addresses == sorted(addresses)


@pytest.mark.parametrize("site", SITES)
def test_readme_names_the_site_where_it_teaches_and_where_it_is_from(site: str) -> None:
    rows = [line for line in (SAMPLES / "README.md").read_text().splitlines() if line.startswith("|")]
    assert any(row.startswith(f"| [{site}]({site}) |") for row in rows)
    if site in RUNS:
        return
    hardware_id = hardware_id_of(site)
    assert any(row.startswith(f"| {site} | ") and row.count(hardware_id) == 2 for row in rows)
    assert "CC-BY-4.0" in host(site).notes
    assert hardware_id in host(site).notes


@pytest.mark.parametrize("site", SITES)
def test_site_has_guests_of_different_names(site: str) -> None:
    names = [strings(settings(guest)["name"]) for guest in GUESTS if guest.startswith(f"{site}/")]
    assert names
    assert len({name[0] for name in names}) == len(names)


@pytest.mark.parametrize("site", SITES)
def test_every_scope_leads_to_a_device(site: str) -> None:
    inventory = host(site)
    absent = {Sbdf.parse("00:1f.5")} if site == "hp-proliant-dl380e-gen8" else set()
    named: set[Sbdf | None] = set()
    for region in inventory.regions:
        assert region.scopes
        for scope in region.scopes:
            assert scope.problem is None
            if scope.kind is ScopeKind.RANGE:
                assert any(scope.covers(device.address) for device in inventory.devices)
            else:
                named.add(scope.device)
    assert named - inventory.by_address.keys() == absent


@pytest.mark.parametrize("site", SITES)
def test_following_the_paths_again_changes_nothing(site: str) -> None:
    inventory = host(site)
    assert resolve_scopes(inventory) == inventory


@pytest.mark.parametrize("site", SITES)
def test_buses_hang_together(site: str) -> None:
    inventory = host(site)
    bridges = [device.bridge for device in inventory.devices if device.bridge]
    for device in inventory.devices:
        if device.address.bus:
            assert any(bridge.secondary <= device.address.bus <= bridge.subordinate for bridge in bridges)
        if device.physfn is not None:
            assert device.physfn in inventory.by_address
        assert len({bar.index for bar in device.bars}) == len(device.bars)
        for bar in device.bars:
            assert bar.size & bar.size - 1 == 0
            assert bar.start is not None
            assert bar.start % bar.size == 0


@pytest.mark.parametrize("guest", GUESTS)
def test_guest_names_only_devices_of_its_host(guest: str) -> None:
    inventory = host(guest.split("/")[0])
    for address in devices_of(guest):
        assert address in inventory.by_address
        assert not inventory.by_address[address].is_bridge


@pytest.mark.parametrize("guest", GUESTS)
def test_guest_reads_like_an_admins_file(guest: str) -> None:
    text = (SAMPLES / guest).read_text()
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert "\r" not in text
    assert strings(settings(guest)["type"]) == ["hvm"]
    assert {"name", "memory", "vcpus", "vga", "videoram"} <= settings(guest).keys()
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("guest", GUESTS)
def test_xen_accepts_the_guest(guest: str) -> None:
    xen = libxlutil.load()
    meanings = xen.read((SAMPLES / guest).read_text())
    assert meanings is not None
    items = meanings.get("pci", [])
    assert items == strings(settings(guest).get("pci", ""))
    for item, address in zip(items, devices_of(guest), strict=True):
        spec = xen.pci(item)
        assert spec is not None
        assert (spec["domain"], spec["bus"], spec["dev"], spec["func"]) == (
            address.segment,
            address.bus,
            address.device,
            address.function,
        )


@pytest.mark.parametrize("guest", GUESTS)
def test_guest_says_each_setting_once(guest: str) -> None:
    config = syntax.parse((SAMPLES / guest).read_text())
    assert config.settings
    assert len(config.settings) == len(config.latest)


@pytest.mark.parametrize("site", [site for site in SITES if site not in RUNS])
def test_regions_are_those_of_the_table(site: str) -> None:
    """As the tables were decoded from the raw bytes, in their order."""
    regions = host(site).regions
    if regions[0].kind is RegionKind.IVMD:
        tables, key = shared_json("data/ivrs_truth.json"), "ivmd"
    else:
        tables, key = shared_json("data/dmar_truth.json"), "rmrr"
    table = next(table for table in tables if table["source"].endswith(hardware_id_of(site)))
    assert len(regions) == len(table[key])
    for region, entry in zip(regions, table[key], strict=True):
        if region.kind is RegionKind.IVMD:
            start = int(entry["start"], 16)
            assert (region.start, region.span.size) == (start, int(entry["length"], 16))
            assert region.flags == entry["flags"]
            requester = [scope.device.requester_id for scope in region.scopes if scope.device]
            last = [scope.last.requester_id for scope in region.scopes if scope.last]
            assert (requester, last) == ([int(entry["device_id"], 16)], [int(entry["aux"], 16)])
        else:
            assert (region.start, region.end) == (int(entry["base"], 16), int(entry["end"], 16))
            assert [scope.path for scope in region.scopes] == [
                f"{scope['start_bus']:02x}:" + "/".join(scope["path"]) for scope in entry["scopes"]
            ]


@pytest.mark.parametrize("site", RUNS)
def test_lab_sites_are_the_runs(site: str) -> None:
    """Same RMRRs, same guests, same settings as the runs whose output the comments tell."""
    records = [record for record in shared_json("xen-runs/observed.json") if record["run"] in RUNS[site]]
    regions = [(region.start, region.end) for region in host(site).regions]
    for record in records:
        assert [(rmrr["start"], rmrr["end_incl"]) for rmrr in record["host_rmrrs"]] == regions
        guest = f"{site}/{record['guest']}.cfg"
        lines = (SAMPLES / guest).read_text().splitlines()
        assert set(record["cfg"]) <= set(lines)
    assert {f"{site}/{record['guest']}.cfg" for record in records} == {g for g in GUESTS if g.startswith(f"{site}/")}


class TestHpProLiant:
    """The facts of the machine whose scopes were resolved by hand against its own lspci."""

    inventory = host("hp-proliant-dl380e-gen8")
    ten = ("01:00.0", "01:00.2", "04:00.0", "05:00.0", "00:1f.2", "00:1f.5", "02:00.0", "02:00.1", "02:00.2", "02:00.3")

    def regions_of(self, address: str) -> list[ReservedRegion]:
        return [region for region in self.inventory.regions if region.covers(Sbdf.parse(address))]

    @pytest.mark.parametrize("port", ["02:00.0", "02:00.1", "02:00.2", "02:00.3"])
    def test_a_nic_port_is_in_seven_shared_regions(self, port: str) -> None:
        regions = self.regions_of(port)
        assert len(regions) == 7
        for region in regions:
            assert {scope.device for scope in region.scopes} == {Sbdf.parse(address) for address in self.ten}
        assert sum(region.end < MIB for region in regions) == 2
        assert sum(region.span.size for region in regions) > 128 * MIB

    def test_usb_and_ilo_have_one_each(self) -> None:
        for address in ("00:1a.0", "00:1d.0"):
            assert [region.start for region in self.regions_of(address)] == [0x7DFFD000]
        assert [region.start for region in self.regions_of("01:00.4")] == [0x7DFF6000]

    def test_ilo_vga_is_in_none(self) -> None:
        assert Sbdf.parse("01:00.1") in self.inventory.by_address
        assert self.regions_of("01:00.1") == []

    def test_absent_function_is_kept(self) -> None:
        absent = Sbdf.parse("00:1f.5")
        assert absent not in self.inventory.by_address
        assert len(self.regions_of("00:1f.5")) == 7

    def test_one_guest_wants_a_port_and_one_wants_nothing(self) -> None:
        assert devices_of("hp-proliant-dl380e-gen8/pfsense.cfg") == [Sbdf.parse("02:00.1")]
        assert devices_of("hp-proliant-dl380e-gen8/web.cfg") == []
