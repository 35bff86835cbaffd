from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from acpi_tables import dmar, drhd, ivmd, ivrs, rmrr, scope, table
from hypothesis import given
from hypothesis import strategies as st

from planner.formats.acpi import MAX_BYTES, AcpiTable, parse_table
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import RegionKind, ReservedRegion, ScopeKind

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA = SHARED / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the reference data is not here")

KINDS = {
    "EP": ScopeKind.ENDPOINT,
    "BR": ScopeKind.BRIDGE,
    "IOAPIC": ScopeKind.IOAPIC,
    "HPET": ScopeKind.HPET,
    "NS": ScopeKind.NAMESPACE,
}


def patched(data: bytes, offset: int, layout: str, value: int) -> bytes:
    raw = bytearray(data)
    struct.pack_into(layout, raw, offset, value)
    return bytes(raw)


FULL = dmar(
    drhd(scope((0x1F, 0), kind=3, bus=0xF0)),
    rmrr(0x7DFFD000, 0x7DFFFFFF, scope((0x1D, 0)), scope((0x1A, 0), kind=2)),
    struct.pack("<HHBBH", 2, 8, 0, 0, 0),
    rmrr(0xE8000, 0xE8FFF, scope((0x1C, 7), (0, 0), (0, 2)), segment=1),
    struct.pack("<HHIQI", 3, 20, 0, 0xFED90000, 0),
)


def test_reads_every_field_of_a_dmar() -> None:
    read = parse_table(FULL)
    assert (read.kind, read.oem_id, read.oem_table_id) == ("DMAR", "OEM", "TABLE")
    assert (read.address_width, read.flags, read.warnings) == (46, 1, ())
    usb, other = read.regions
    assert (usb.kind, usb.start, usb.end, usb.segment) == (RegionKind.RMRR, 0x7DFFD000, 0x7DFFFFFF, 0)
    assert [(entry.kind, entry.path) for entry in usb.scopes] == [
        (ScopeKind.ENDPOINT, "00:1d.0"),
        (ScopeKind.BRIDGE, "00:1a.0"),
    ]
    assert [(entry.path, entry.device, entry.problem) for entry in other.scopes] == [
        ("00:1c.7/00.0/00.2", None, None),
    ]
    assert other.segment == 1


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1, ScopeKind.ENDPOINT),
        (2, ScopeKind.BRIDGE),
        (3, ScopeKind.IOAPIC),
        (4, ScopeKind.HPET),
        (5, ScopeKind.NAMESPACE),
        (0, ScopeKind.UNKNOWN),
        (6, ScopeKind.UNKNOWN),
    ],
)
def test_scope_types(number: int, kind: ScopeKind) -> None:
    read = parse_table(dmar(rmrr(0x1000, 0x1FFF, scope((0x1F, 7), kind=number, bus=0x80, enumeration=9))))
    (entry,) = read.regions[0].scopes
    numbered = kind not in (ScopeKind.ENDPOINT, ScopeKind.BRIDGE)  # the field means nothing for the other two
    assert (entry.kind, entry.path, entry.enumeration_id) == (kind, "80:1f.7", 9 if numbered else None)
    assert bool(read.warnings) == (kind is ScopeKind.UNKNOWN)


def test_every_structure_of_the_specification() -> None:
    def structure(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, 4 + len(body)) + body

    read = parse_table(
        dmar(
            drhd(scope((0x1F, 0), kind=3, bus=0xF0)),
            rmrr(0x1000, 0x1FFF, scope((2, 0))),
            structure(2, struct.pack("<BBH", 0, 0, 0) + scope((1, 0), kind=2) + scope((2, 0), kind=2)),
            structure(3, struct.pack("<IQI", 0, 0xFED90000, 0)),
            structure(4, struct.pack("<xxxB", 1) + b"\\_SB.PCI0.I2C0\0"),
            structure(5, struct.pack("<BBH", 1, 0, 0) + scope((1, 0), bus=0xE7)),
            structure(6, struct.pack("<HH", 0, 0) + scope((1, 0), bus=0x6A)),
        )
    )
    assert read.warnings == ()
    assert [(entry.name, [item.path for item in entry.scopes]) for entry in read.structures] == [
        ("DRHD", ["f0:1f.0"]),
        ("RMRR", ["00:02.0"]),
        ("ATSR", ["00:01.0", "00:02.0"]),
        ("RHSA", []),
        ("ANDD", []),
        ("SATC", ["e7:01.0"]),
        ("SIDP", ["6a:01.0"]),
    ]
    assert read.remaps_interrupts
    assert not parse_table(dmar(flags=0)).remaps_interrupts
    blocks = (struct.pack("<BBH36x", kind, 0, 40) for kind in (0x10, 0x11, 0x40))
    assert [entry.name for entry in parse_table(ivrs(*blocks)).structures] == ["IVHD"] * 3


def test_scopes_that_reserve_no_memory_do_not_spoil_a_table() -> None:
    read = parse_table(dmar(drhd(b"\3\0\0\0\0\0\0\0"), rmrr(0x1000, 0x1FFF, scope((2, 0)))))
    assert len(read.regions) == 1
    assert read.warnings == ("The device scopes of a DRHD make no sense (at byte 0x30).",)


def test_a_dmar_that_xen_hid_reads_the_same() -> None:
    assert parse_table(b"RMAD" + FULL[4:]) == parse_table(FULL)


def test_a_dmar_without_regions() -> None:
    assert parse_table(dmar(drhd())).regions == ()


def test_an_end_before_the_start_is_kept() -> None:
    (region,) = parse_table(dmar(rmrr(0x2000, 0x1000, scope((0x1D, 0))))).regions
    assert (region.start, region.end, region.span.size) == (0x2000, 0x1000, 0)


def test_hops_that_no_pci_tree_has_stay_readable() -> None:
    (region,) = parse_table(dmar(rmrr(0, 0xFFF, scope((0xFF, 0xFF), bus=0xFF)))).regions
    assert region.scopes[0].path == "ff:ff.ff"


def test_ivmd_blocks_name_one_a_range_or_all() -> None:
    read = parse_table(
        ivrs(
            struct.pack("<BBH20x", 0x10, 0, 24),
            ivmd(0x20, 0x1000, 0x1000, flags=1),
            ivmd(0x21, 0x9618E000, 0x26000, device=0x0208),
            ivmd(0x22, 0x97D9D000, 1, device=0x0000, aux=0x0FFF),
            info=0x203000,
        )
    )
    assert (read.kind, read.address_width, read.flags, read.warnings) == ("IVRS", 0x30, 0x203000, ())
    everything, one, some = read.regions
    assert [region.kind for region in read.regions] == [RegionKind.IVMD] * 3
    assert (everything.scopes[0].kind, everything.scopes[0].device, everything.flags) == (ScopeKind.ALL, None, 1)
    assert (one.start, one.end) == (0x9618E000, 0x961B3FFF)
    assert (one.scopes[0].kind, one.scopes[0].device) == (ScopeKind.ENDPOINT, Sbdf(0, 2, 1, 0))
    assert (some.start, some.end) == (0x97D9D000, 0x97D9D000)
    assert some.scopes[0].kind is ScopeKind.RANGE
    assert (some.scopes[0].device, some.scopes[0].last) == (Sbdf(0, 0, 0, 0), Sbdf(0, 0x0F, 0x1F, 7))


@pytest.mark.parametrize(
    ("start", "size", "end"),
    [(0, 0, 0), (0x5000, 0, 0x5000), ((1 << 64) - 1, 5, (1 << 64) - 1), (0x1000, (1 << 64) - 1, (1 << 64) - 1)],
)
def test_ivmd_sizes_that_cannot_be_are_warned_of(start: int, size: int, end: int) -> None:
    read = parse_table(ivrs(ivmd(0x21, start, size)))
    assert (read.regions[0].start, read.regions[0].end, len(read.warnings)) == (start, end, 1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (patched(FULL, 9, "<B", FULL[9] ^ 1), "checksum"),
        (FULL + b"\0\0\0", "3 bytes after the end"),
        (dmar(struct.pack("<HH4x", 9, 8), struct.pack("<HH", 9, 4)), "unknown type 0x9 was skipped (2 times, first at"),
        (table(b"DMAR", b"\x26\x01" + b"\x01" * 10), "header are not 0 (at byte 0x26)"),
        (dmar(rmrr(0, 0xFFF, scope((1, 0)), reserved=1)), "reserved field of an RMRR is not 0 (at byte 0x34)"),
        (dmar(rmrr(0, 0xFFF, struct.pack("<BBHBBBBB", 1, 9, 0, 0, 0, 2, 0, 5))), "half a hop"),
        (ivrs(struct.pack("<BBH8x", 0x51, 0, 12)), "unknown type 0x51 was skipped (at byte 0x30)"),
        (ivrs(ivmd(0x21, 0, 0x1000, segment=2)), "segment 0x2"),
        (ivrs(ivmd(0x22, 0, 0x1000, device=9, aux=8)), "ends before it starts"),
    ],
)
def test_what_is_odd_is_a_warning(data: bytes, words: str) -> None:
    (warning,) = parse_table(data).warnings
    assert words in warning
    assert warning.endswith(").")


def test_warnings_are_bounded() -> None:
    read = parse_table(dmar(*(struct.pack("<HH", number, 4) for number in range(100, 400))))
    assert len(read.warnings) == 51
    assert read.warnings[-1] == "250 further oddities were left out."


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"FACP" + FULL[4:], "found b'FACP'"),
        (FULL[:47], "ends at byte 0x2f"),
        (FULL[:-1], f"table says {len(FULL)} bytes (at byte 0x4), file has {len(FULL) - 1}"),
        (patched(FULL, 4, "<I", 0xFFFFFFFF), f"table says 4294967295 bytes (at byte 0x4), file has {len(FULL)}"),
        (patched(FULL, 4, "<I", 40), "table says 40 bytes (at byte 0x4)"),
        (dmar(b"\0\0\0"), "3 bytes are left at byte 0x30"),
        (
            dmar(struct.pack("<HH", 9, 0)),
            "unknown type 0x9 at byte 0x30 says it is 0 bytes long, but one has at least 4",
        ),
        (dmar(struct.pack("<HH4x", 0, 8)), "the DRHD at byte 0x30 says it is 8 bytes long, but one has at least 16"),
        (dmar(struct.pack("<HH", 1, 24)), "the RMRR at byte 0x30 says it is 24 bytes long, but only 4 are left"),
        (dmar(rmrr(0, 0xFFF, b"\1\6\0\0\0\0")), "6 bytes are left in the RMRR at byte 0x48"),
        (dmar(rmrr(0, 0xFFF, b"\1\0\0\0\0\0\2\0")), "device scope at byte 0x48 says it is 0 bytes long"),
        (dmar(rmrr(0, 0xFFF, b"\1\x20\0\0\0\0\2\0")), "device scope at byte 0x48 says it is 32 bytes long, but only 8"),
        (
            ivrs(struct.pack("<BBH4x", 0x21, 0, 8)),
            "the IVMD at byte 0x30 says it is 8 bytes long, but one has at least 32",
        ),
        (FULL + bytes(MAX_BYTES), "larger than 256 KiB"),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_table(data)
    assert words in str(caught.value)
    assert "byte" in str(caught.value) or not data


@pytest.mark.parametrize("data", [FULL, ivrs(ivmd(0x20, 0x1000, 0x1000), ivmd(0x22, 0, 1, aux=9))])
def test_a_table_cut_anywhere_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(InputError):
            parse_table(data[:length])
    # With a length field that agrees, only cuts between structures make a table.
    read = [length for length in range(len(data)) if accepted(patched(data.ljust(48), 4, "<I", length)[:length])]
    assert read
    assert all(length >= 48 for length in read)


def accepted(data: bytes) -> AcpiTable | None:
    try:
        return parse_table(data)
    except InputError:
        return None


@given(st.sampled_from([b"DMAR", b"RMAD", b"IVRS"]), st.binary(max_size=300))
def test_any_body_is_read_or_refused(signature: bytes, body: bytes) -> None:
    read = accepted(table(signature, body))
    assert read is None or all(0 <= region.start < 1 << 64 for region in read.regions)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read = accepted(data)
    assert read is None or data[:4] in (b"DMAR", b"RMAD", b"IVRS")


@given(st.data())
def test_flipped_bytes_are_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(FULL)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    read = accepted(bytes(raw))
    assert read is None or len(read.regions) <= len(FULL) // 24


def test_the_largest_table_is_read_in_one_pass() -> None:
    count = (MAX_BYTES - 48) // 32
    read = parse_table(dmar(*[rmrr(0x1000, 0x1FFF, scope((0x1D, 0)))] * count))
    assert len(read.regions) == count


def as_truth(region: ReservedRegion) -> dict[str, Any]:
    return {
        "segment": region.segment,
        "base": region.start,
        "end": region.end,
        "scopes": [(entry.kind, entry.path, entry.enumeration_id or 0) for entry in region.scopes],
    }


def expected_region(truth: dict[str, Any]) -> dict[str, Any]:
    return {
        "segment": truth["segment"],
        "base": int(truth["base"], 16),
        "end": int(truth["end"], 16),
        "scopes": [
            (KINDS[entry["type"]], f"{entry['start_bus']:02x}:{'/'.join(entry['path'])}", entry["enum_id"])
            for entry in truth["scopes"]
        ],
    }


@needs_data
def test_every_real_dmar_decodes_to_its_truth() -> None:
    truths = json.loads((DATA / "dmar_truth.json").read_text())
    regions = scopes = 0
    for truth in truths:
        read = parse_table((DATA / truth["dir"] / f"{truth['slug']}.bin").read_bytes())
        names = truth["oem"], truth["table"].replace("\x01", "")  # one BIOS left its table id at 1
        assert (read.kind, read.oem_id, read.oem_table_id) == ("DMAR", *names), truth["slug"]
        assert (read.address_width, read.flags) == (truth["haw"], truth["flags"]), truth["slug"]
        assert [as_truth(region) for region in read.regions] == [expected_region(item) for item in truth["rmrr"]]
        assert Counter(structure.name for structure in read.structures) == truth["subs"]
        assert read.warnings == (), truth["slug"]
        regions += len(read.regions)
        scopes += sum(len(region.scopes) for region in read.regions)
    assert (len(truths), regions, scopes) == (154, 272, 436)


@needs_data
def test_every_real_ivrs_decodes_to_its_truth() -> None:
    truths = json.loads((DATA / "ivrs_truth.json").read_text())
    regions = 0
    for truth in truths:
        read = parse_table((DATA / truth["dir"] / f"{truth['slug']}.bin").read_bytes())
        assert (read.kind, read.oem_id, read.oem_table_id) == ("IVRS", truth["oem"], truth["table"]), truth["slug"]
        assert len(read.regions) == len(truth["ivmd"])
        blocks = [int(block, 16) for block in truth["blocks"]]
        assert len(read.structures) == sum(block != 0x51 for block in blocks), truth["slug"]
        for region, block in zip(read.regions, truth["ivmd"], strict=True):
            (entry,) = region.scopes
            start, device = int(block["start"], 16), int(block["device_id"], 16)
            assert (region.start, region.end) == (start, start + int(block["length"], 16) - 1)
            assert region.flags == block["flags"]
            assert entry.device == Sbdf.from_requester_id(device)
            assert entry.kind == {"0x21": ScopeKind.ENDPOINT, "0x22": ScopeKind.RANGE}[block["type"]]
            if entry.last is not None:
                assert entry.last.requester_id == int(block["aux"], 16)
        assert bool(read.warnings) == bool(truth["anomalies"]), truth["slug"]
        regions += len(read.regions)
    assert (len(truths), regions) == (60, 8)


@needs_data
def test_every_table_of_the_reference_data_is_in_the_truth() -> None:
    folders = ("dmar", "dmar_bulk", "ivrs", "ivrs_bulk")
    files = [path for folder in folders for path in (DATA / folder).glob("*.bin")]
    assert len(files) == 154 + 60
    assert all(accepted(path.read_bytes()) for path in files)


@pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")
def test_the_table_that_xen_left_on_a_dom0() -> None:
    run = SHARED / "xen-runs" / "s00-host"
    hidden = (run / "dom0" / "RMAD.bin").read_bytes()
    read = parse_table(hidden)
    assert hidden[:4] == b"RMAD"
    assert read == parse_table((run / "dmar.aml").read_bytes())
    assert [(region.start, region.end, [entry.path for entry in region.scopes]) for region in read.regions] == [
        (3187134464, 3187261439, ["00:1a.0", "00:1d.0"]),
        (2852126720, 2856321023, ["00:02.0"]),
        (2113929216, 2113994751, ["00:1c.0/00.0"]),
        (2566914048, 2566918143, ["00:1c.1/00.0"]),
    ]
