from __future__ import annotations

import pytest

from planner.formats import values
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Bridge, DeviceScope, Host, PciDevice, ReservedRegion, ScopeKind
from planner.model.span import Span


def at(text: str) -> Sbdf:
    return Sbdf.parse(text)


def region(*scopes: DeviceScope, segment: int = 0) -> ReservedRegion:
    return ReservedRegion(start=0x1000, end=0x1FFF, segment=segment, scopes=scopes)


def test_addresses_and_sizes_are_read_in_the_forms_that_people_write() -> None:
    device = values.read(
        PciDevice,
        {
            "address": "1D:00.0",
            "bars": [{"index": 0, "kind": "mem64", "start": "0xFE000000", "size": "64K"}],
            "bridge": {"secondary": "1e", "subordinate": 31},
        },
    )
    assert device.address == Sbdf(0, 0x1D, 0, 0)
    assert (device.bars[0].start, device.bars[0].size) == (0xFE000000, 65536)
    assert device.bridge == Bridge(secondary=0x1E, subordinate=0x1F)


def test_values_are_written_as_they_are_read() -> None:
    device = values.read(
        PciDevice, {"address": "1d:00.0", "class": "0604", "bridge": {"secondary": 1, "subordinate": 255}}
    )
    written = values.plain(device)
    assert written == {
        "address": "0000:1d:00.0",
        "class": "0604",
        "bridge": {"secondary": "01", "subordinate": "ff"},
    }
    assert values.read(PciDevice, written) == device


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "00:20.0"),
        ("address", 7),
        ("id", "8086"),
        ("class", "network"),
        ("revision", "5"),
        ("bridge", {"secondary": "1", "subordinate": 256}),
        ("bridge", {"secondary": "zz", "subordinate": "1"}),
        ("bars", [{"index": 7, "kind": "io", "size": 32}]),
        ("bars", [{"index": 0, "kind": "memory", "size": 32}]),
        ("bars", [{"index": 0, "kind": "io", "size": True}]),
        ("bars", [{"index": 0, "kind": "io", "start": 1 << 64, "size": 32}]),
        ("unknown", 1),
    ],
)
def test_values_that_make_no_sense_are_refused(field: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"^{field}\b"):
        values.read(PciDevice, {"address": "00:1d.0"} | {field: value})


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        setattr(PciDevice(address=at("00:1d.0")), "name", "x")  # noqa: B010


def test_a_region_is_half_open_and_may_be_empty() -> None:
    assert region().span == Span(0x1000, 0x2000)
    assert ReservedRegion(start=0x2000, end=0x1000).span.size == 0
    assert ReservedRegion(start=0, end=(1 << 64) - 1).span.size == 1 << 64


@pytest.mark.parametrize(
    ("scope", "covered", "missed"),
    [
        (DeviceScope(device=at("00:1d.0")), ["00:1d.0"], ["00:1d.1", "00:1a.0"]),
        (DeviceScope(kind=ScopeKind.BRIDGE, device=at("00:1c.0")), ["00:1c.0"], ["01:00.0"]),
        (DeviceScope(path="00:1c.7/00.0", problem="unknown"), [], ["00:1c.7", "00:00.0"]),
        (DeviceScope(kind=ScopeKind.ALL), ["00:00.0", "ff:1f.7"], []),
        (
            DeviceScope(kind=ScopeKind.RANGE, device=at("00:1f.7"), last=at("01:00.1")),
            ["00:1f.7", "01:00.0", "01:00.1"],
            ["00:1f.6", "01:00.2"],
        ),
        (DeviceScope(kind=ScopeKind.RANGE, device=at("02:00.0"), last=at("01:00.0")), [], ["01:00.0", "02:00.0"]),
        (DeviceScope(kind=ScopeKind.RANGE, device=at("02:00.0")), [], ["02:00.0"]),
    ],
)
def test_what_a_scope_covers(scope: DeviceScope, covered: list[str], missed: list[str]) -> None:
    assert all(region(scope).covers(at(address)) for address in covered)
    assert not any(region(scope).covers(at(address)) for address in missed)


def test_a_region_covers_its_own_segment_only() -> None:
    everything = region(DeviceScope(kind=ScopeKind.ALL), segment=1)
    assert everything.covers(at("0001:00:1d.0"))
    assert not everything.covers(at("00:1d.0"))


def test_bridges_are_known_by_class_or_by_their_buses() -> None:
    plain = PciDevice(address=at("00:1d.0"))
    assert not plain.is_bridge
    assert plain.changed(class_code="0601").is_bridge
    assert plain.changed(bridge=Bridge(secondary=1, subordinate=1)).is_bridge
    assert not plain.changed(class_code="0200").is_bridge


def test_one_address_is_one_device() -> None:
    twice = (PciDevice(address=at("00:1d.0")), PciDevice(address=at("00:1d.0"), name="again"))
    with pytest.raises(ValueError, match=r"0000:00:1d\.0 is listed twice"):
        Host(devices=twice)


def test_what_a_host_knows() -> None:
    device = PciDevice(address=at("00:1d.0"))
    named = region(DeviceScope(device=at("00:1a.0")))
    listed = Host(devices=(device,), regions=(named,))
    assert listed.by_address == {at("00:1d.0"): device}
    assert listed.knows(at("00:1d.0"))
    assert not listed.knows(at("00:1a.0"))
    assert Host(regions=(named,)).knows(at("00:1a.0"))
    assert not Host().knows(at("00:1d.0"))


def test_the_schema_describes_every_key() -> None:
    schema = values.schema(Host)
    assert {"regions", "devices", "iommu", "sources"} <= schema["properties"].keys()
    assert {"class", "bars"} <= schema["$defs"]["PciDevice"]["properties"].keys()
    assert schema["additionalProperties"] is False
