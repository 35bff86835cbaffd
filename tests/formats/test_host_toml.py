from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats.host_toml import parse, render
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Bar, Bridge, DeviceScope, Host, PciDevice, RegionKind, ReservedRegion, ScopeKind, Sources

FULL = """\
schema_version = 1
name = "rack7"
xen = "4.17"
iommu = "intel"
memory = "64 GiB"

[sources]
regions = "DMAR in dmar.bin"

[[regions]]
start = "0x7dff6000"
end = "0x7dffcfff"
[[regions.scopes]]
path = "00:1c.7/00.0"
device = "01:00.0"

[[devices]]
address = "0000:00:1c.7"
class = "0604"
bridge = {secondary = "1d", subordinate = "1f"}

[[devices]]
address = "01:00.0"
id = "8086:1521"
bars = [{index = 0, kind = "mem32", start = "0xf7a00000", size = "1 MiB"}]
"""


def test_reads_an_inventory() -> None:
    host = parse(FULL)
    assert (host.name, host.xen, host.iommu, host.memory) == ("rack7", "4.17", "intel", 64 << 30)
    assert host.regions == (
        ReservedRegion(
            start=0x7DFF6000,
            end=0x7DFFCFFF,
            scopes=(DeviceScope(path="00:1c.7/00.0", device=Sbdf(0, 1, 0, 0)),),
        ),
    )
    assert host.devices[0].bridge == Bridge(secondary=0x1D, subordinate=0x1F)
    assert host.devices[1].bars == (Bar(index=0, kind="mem32", start=0xF7A00000, size=1 << 20),)


def test_writes_what_a_person_would_write() -> None:
    text = render(parse(FULL))
    assert text.startswith("# Host inventory")
    assert 'end = "0x7dffcfff"' in text
    assert 'size = "1 MiB"' in text
    assert 'secondary = "1d"' in text
    assert "class = " in text
    assert "prefetchable" not in text
    assert tomllib.loads(text)["schema_version"] == 1


def test_the_smallest_inventory() -> None:
    assert parse("") == Host()
    assert parse(render(Host())) == Host()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = \n", "1:8: not valid TOML: Invalid value"),
        ('name = "a', "not valid TOML: "),
        ("name = 'a'\nname = 'b'", "2: not valid TOML: Cannot overwrite a value"),
        ("memory = " + "1" * 5000, "1: a line of 5009 characters"),
        ("a = " + "[" * 3000, "nested too deeply"),
        ("nome = 'x'", "nome: unknown key"),
        ('"a\\u001b[31m" = 1', "a[31m: unknown key"),
        ("schema_version = 2", "schema_version: expected 1, found 2"),
        ("iommu = 'x'", "iommu: expected 'intel', 'amd', 'none' or 'unknown', found 'x'"),
        ("memory = '64 pages'", 'memory: expected a size such as "64 KiB"'),
        ("[[devices]]\nname = 'x'", "devices[0].address: missing"),
        ("[[devices]]\naddress = 29", "devices[0].address: expected a PCI address in quotes"),
        ("[[devices]]\naddress = '00:1d.9'", "devices[0].address: expected a PCI address such as"),
        ("[[devices]]\naddress = '00:1d.0'\n" * 2, "device 0000:00:1d.0 is listed twice"),
        (
            "[[devices]]\naddress = '00:1d.0'\nid = 'Intel'",
            'devices[0].id: expected "vendor:device" such as "8086:1521", found \'Intel\'',
        ),
        ("[[devices]]\naddress = '00:1d.0'\nclass = '2'", 'devices[0].class: expected a class code such as "0200"'),
        ("[[regions]]\nstart = 'x'\nend = 1", "regions[0].start: expected an address such as"),
        ("[[regions]]\nstart = -1\nend = 1", "regions[0].start: expected an address"),
        ("[[regions]]\nstart = 1\nend = '0x10000000000000000'", "of at most 64 bits"),
        (
            "regions = [{start=1, end=2, scopes=[{path='1c.0'}]}]",
            "regions[0].scopes[0].path: expected a path in lower case",
        ),
    ],
)
def test_errors_name_the_place_and_what_was_expected(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_errors_are_short_and_printable() -> None:
    broken = [
        f"devices = [{{address = '{'z' * 5000}'}}]",
        "notes = {a = '" + "y" * 5000 + "'}",
        f'"{"k" * 5000}\\u0007" = 1',
        f"memory = '{'9' * 5000}'",
    ]
    for text in broken:
        with pytest.raises(InputError) as caught:
            parse(text)
        assert len(str(caught.value)) < 500
        assert str(caught.value).isprintable()


ADDRESSES = st.integers(0, (1 << 64) - 1)
SBDFS = st.builds(Sbdf, st.integers(0, 0x1FFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))
BYTES = st.integers(0, 255)
TEXT = st.text(max_size=12)
IDS = st.none() | st.from_regex(r"\A[0-9a-f]{4}:[0-9a-f]{4}\Z")
HOPS = st.lists(st.tuples(BYTES, BYTES), min_size=1, max_size=4)
PATHS = st.none() | st.builds(
    lambda bus, hops: f"{bus:02x}:" + "/".join(f"{device:02x}.{function:x}" for device, function in hops), BYTES, HOPS
)
NUMBERS = st.none() | st.integers(0, 100)


def instances(model: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Models with any of the fields set; those not named by a default must be."""
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


BARS = instances(
    Bar,
    index=st.integers(0, 6),
    kind=st.sampled_from(["io", "mem32", "mem64", "rom"]),
    start=st.none() | ADDRESSES,
    size=ADDRESSES,
    prefetchable=st.booleans(),
)
DEVICES = instances(
    PciDevice,
    address=SBDFS,
    name=TEXT,
    id=IDS,
    subsystem=IDS,
    class_code=st.none() | st.from_regex(r"\A[0-9a-f]{4}([0-9a-f]{2})?\Z"),
    class_name=TEXT,
    revision=st.none() | st.from_regex(r"\A[0-9a-f]{2}\Z"),
    driver=st.none() | TEXT,
    slot=st.none() | TEXT,
    numa_node=NUMBERS,
    iommu_group=NUMBERS,
    physfn=st.none() | SBDFS,
    resets=st.none() | st.lists(TEXT, max_size=3).map(tuple),
    bridge=st.none() | instances(Bridge, secondary=BYTES, subordinate=BYTES),
    bars=st.lists(BARS, max_size=3).map(tuple),
)
SCOPES = instances(
    DeviceScope,
    kind=st.sampled_from(ScopeKind),
    path=PATHS,
    device=st.none() | SBDFS,
    last=st.none() | SBDFS,
    enumeration_id=st.none() | BYTES,
    problem=st.none() | TEXT,
)
REGIONS = instances(
    ReservedRegion,
    kind=st.sampled_from(RegionKind),
    start=ADDRESSES,
    end=ADDRESSES,
    segment=st.integers(0, 0xFFFF),
    flags=BYTES,
    scopes=st.lists(SCOPES, max_size=3).map(tuple),
)
HOSTS = instances(
    Host,
    name=TEXT,
    notes=TEXT,
    xen=st.none() | TEXT,
    iommu=st.sampled_from(["intel", "amd", "none", "unknown"]),
    hap=st.booleans(),
    memory=st.none() | ADDRESSES,
    sources=instances(Sources, regions=st.none() | TEXT, devices=st.none() | TEXT),
    regions=st.lists(REGIONS, max_size=3).map(tuple),
    devices=st.lists(DEVICES, max_size=3, unique_by=lambda device: device.address).map(tuple),
)


@given(HOSTS)
def test_render_and_parse_are_inverse(host: Host) -> None:
    text = render(host)
    assert parse(text) == host
    assert render(parse(text)) == text


@given(st.text(max_size=120) | st.lists(st.sampled_from(FULL.splitlines(keepends=True)), max_size=20).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        said = f"{parse(text).schema_version}"
    except InputError as error:
        said = error.message
    assert said
