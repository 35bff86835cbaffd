from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import acpi_tables
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.collect import collect, gather
from planner.formats import host_toml
from planner.model.address import Sbdf
from planner.model.errors import InputError

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_data = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the reference data is not here")


def dmar(signature: bytes = b"DMAR", start: int = 0x7DFF6000) -> bytes:
    """One RMRR for a device behind 00:1c.7 and for 00:1f.5."""
    region = acpi_tables.rmrr(start, 0x7DFFCFFF, acpi_tables.scope((0x1C, 7), (0, 0)), acpi_tables.scope((0x1F, 5)))
    return acpi_tables.dmar(region, signature=signature)


IVRS = acpi_tables.ivrs(acpi_tables.ivmd(0x21, 0x1000, 0x1000, device=0x0100))
VERBOSE = """\
00:1c.7 PCI bridge [0604]: Intel Corporation Root Port 8 [8086:1d1e] (rev b5)
	Bus: primary=00, secondary=01, subordinate=01, sec-latency=0
01:00.0 Ethernet controller [0200]: Intel Corporation I350 [8086:1521] (rev 01)
	Region 0: Memory at f7a00000 (32-bit, non-prefetchable) [size=1M]
"""
RECORDS = """\
Slot:	0000:00:1c.7
Class:	PCI bridge [0604]
Vendor:	Intel Corporation [8086]
Device:	Root Port 8 [1d1e]
Rev:	b5
IOMMUGroup:	3

Slot:	0000:01:00.0
Class:	Ethernet controller [0200]
Vendor:	Intel Corporation [8086]
Device:	I350 [1521]
Rev:	01
Driver:	igb
IOMMUGroup:	4
"""


def folder(place: Path, **files: str | bytes) -> Path:
    """A folder `rack7` with the files; `__` in a name stands for a dot, `in__` before it for a sub-folder."""
    root = place / "rack7"
    for name, content in files.items():
        path = root / name.replace("__", ".").replace("in.", "in/", 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def test_a_table_and_a_listing_make_an_inventory(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, dmar__bin=dmar(), lspci__txt=VERBOSE))
    host = found.host
    assert (host.name, host.notes, host.iommu) == ("rack7", "", "intel")
    assert (host.sources.regions, host.sources.devices) == ("DMAR in dmar.bin", "lspci in lspci.txt")
    assert [str(device.address) for device in host.devices] == ["0000:00:1c.7", "0000:01:00.0"]
    assert [scope.device for scope in host.regions[0].scopes] == [Sbdf(0, 1, 0, 0), Sbdf(0, 0, 0x1F, 5)]
    assert found.found == (
        "dmar.bin is a DMAR by OEM with 1 reserved region.",
        "lspci.txt is an lspci listing of 2 PCI functions.",
    )
    assert found.differs == ()
    assert found.missing == (
        (
            "The capabilities of 2 functions were not read, so isolation is uncertain: take the listing with "
            "`lspci -D -vvnn`, run as root."
        ),
        "Xen's release is unknown: add the output of `xl info`, or name it with --xen.",
        "The host's memory map is unknown: add the output of `xl dmesg`.",
        "RMRR 0x7dff6000-0x7dffcfff names 0000:00:1f.5, which the listing lacks.",
    )
    assert host_toml.parse(host_toml.render(host)) == host


def test_a_table_that_xen_hid_and_a_sub_folder(tmp_path: Path) -> None:
    host = collect(folder(tmp_path, in__RMAD=dmar(b"RMAD"), in__pci=VERBOSE)).host
    assert (host.sources.regions, host.sources.devices) == ("DMAR in in/RMAD", "lspci in in/pci")


def test_an_amd_machine(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, table=IVRS, listing=VERBOSE))
    assert (found.host.iommu, found.host.sources.regions) == ("amd", "IVRS in table")
    assert found.host.regions[0].scopes[0].device == Sbdf(0, 1, 0, 0)


def test_without_a_table_reserved_memory_is_unknown(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, lspci=VERBOSE))
    assert (found.host.sources.regions, found.host.regions, found.host.iommu) == (None, (), "unknown")
    (note,) = [note for note in found.notes if "reserved memory is unknown" in note]
    assert all(place in note for place in ("/sys/firmware/acpi/tables/RMAD", "tables/DMAR", "IVRS", "as root"))


def test_without_a_listing_paths_through_bridges_are_noted(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, dmar=dmar()))
    assert (found.host.sources.devices, found.host.devices) == (None, ())
    assert [scope.device for scope in found.host.regions[0].scopes] == [None, Sbdf(0, 0, 0x1F, 5)]
    assert any("no device listing, so devices and bridges are unknown" in note for note in found.notes)
    assert found.notes[-1].startswith("RMRR 0x7dff6000-0x7dffcfff names 00:1c.7/00.0, which leads nowhere: ")


def test_a_table_without_regions_says_so(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, table=acpi_tables.dmar()))
    assert found.host.sources.regions == "DMAR in table"
    assert found.notes[0] == "table is a DMAR by OEM with no reserved region."


def test_oddities_of_a_table_are_noted(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, table=dmar()[:9] + b"\xff" + dmar()[10:] + b"tail"))
    assert [note for note in found.notes if note.startswith("table: ")] == [
        note for note in found.notes if "checksum" in note or "after the end" in note
    ]
    assert sum(note.startswith("table: ") for note in found.notes) == 2


def test_listings_fill_each_other_s_gaps(tmp_path: Path) -> None:
    extra = "Slot:\t00:02.0\nClass:\tVGA [0300]\n\n"
    found = collect(folder(tmp_path, a__txt=extra + RECORDS, b__txt=VERBOSE))
    card = found.host.by_address[Sbdf(0, 1, 0, 0)]
    port = found.host.by_address[Sbdf(0, 0, 0x1C, 7)]
    assert (card.driver, card.iommu_group, len(card.bars)) == ("igb", 4, 1)
    assert port.bridge is not None
    assert (port.bridge.secondary, port.iommu_group) == (1, 3)
    assert found.host.sources.devices == "lspci in a.txt, completed from b.txt"
    assert "b.txt completes 2 functions of a.txt." in found.notes


def test_functions_that_only_the_poorer_listing_has_are_a_difference(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, a=VERBOSE, b="00:03.0 A: B\n"))
    assert len(found.host.devices) == 2
    assert found.differs == ("b has 1 function that a does not have (0000:00:03.0); the list of a was used.",)


def test_a_listing_of_another_machine_is_not_mixed_in(tmp_path: Path) -> None:
    found = collect(folder(tmp_path, a=RECORDS, b=VERBOSE.replace("8086:1521", "14e4:1657")))
    assert any("another device at 0000:01:00.0" in note for note in found.notes)
    assert not any(device.bars for device in found.host.devices)


def test_what_a_thin_listing_lacks_is_noted(tmp_path: Path) -> None:
    notes = collect(folder(tmp_path, a=RECORDS)).notes
    assert any("does not say which buses are behind 1 PCI bridge" in note for note in notes)
    assert any("gives no BAR sizes" in note for note in notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"DMAR", "ends at byte 0x4"),
        (dmar()[:-1], "cut short"),
        (b"IVRS" + bytes(60), "table says 0 bytes"),
        (VERBOSE + VERBOSE, "is listed twice"),
    ],
)
def test_a_broken_artefact_stops_it_and_is_named(tmp_path: Path, content: str | bytes, words: str) -> None:
    root = folder(tmp_path, good=dmar(), sick=content)
    with pytest.raises(InputError) as caught:
        collect(root)
    assert caught.value.source == str(root / "sick")
    assert words in caught.value.message


def test_two_tables(tmp_path: Path) -> None:
    same = collect(folder(tmp_path, a=dmar(), b=dmar(b"RMAD")))
    assert "b declares the same regions as a." in same.notes
    for other in (dmar(start=0x1000), IVRS):
        with pytest.raises(InputError, match="a and b declare different regions"):
            collect(folder(tmp_path, a=dmar(), b=other))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    root = folder(tmp_path, table=dmar(), log="DMAR: Host address width 46\n", binary=b"\xff\xfe\0", empty="")
    (root / ".hidden").write_bytes(b"DMAR broken")
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "lspci").write_text(VERBOSE)
    found = collect(root)
    assert len(found.host.devices) == 2
    assert "log is a Linux kernel log." in found.notes
    assert "binary and empty are none of the artefacts that are read here." in found.notes


def test_links_out_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    outside = folder(tmp_path / "outside", lspci=VERBOSE)
    root = folder(tmp_path, table=dmar())
    (root / "listing").symlink_to(outside / "lspci")
    (root / "others").symlink_to(outside)
    (root / "self").symlink_to(root / "self")
    (root / "again").symlink_to(root / "table")
    found = collect(root)
    assert found.host.devices == ()
    assert "listing and others lead out of the folder and were left alone." in found.notes
    assert "table declares the same regions as again." in found.notes


def test_what_cannot_be_read_is_noted(tmp_path: Path) -> None:
    root = folder(tmp_path, table=dmar(), large=b"")
    with (root / "large").open("wb") as file:
        file.truncate((16 << 20) + 1)
    os.mkfifo(root / "pipe")
    notes = collect(root).notes
    assert any(note.startswith("large was left alone: larger than 16 MiB") for note in notes)
    assert any(note.startswith("pipe ") for note in notes)


def test_entries_that_cannot_be_examined_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(tmp_path, table=dmar(), in__secret=VERBOSE)
    plain = Path.stat

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return plain(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    assert "in/secret was left alone: Permission denied." in collect(root).notes


def test_control_characters_in_names_are_dropped(tmp_path: Path) -> None:
    root = tmp_path / "ev\x1bil\n"
    root.mkdir()
    (root / "a\x1b[31m").write_bytes(dmar())
    found = collect(root)
    assert (found.host.name, found.host.sources.regions) == ("evil", "DMAR in a[31m")
    assert all(note.isprintable() for note in found.notes)


def test_a_tar_is_read_in_place_of_a_folder(tmp_path: Path) -> None:
    root = folder(tmp_path, dmar__bin=dmar(), lspci__txt=VERBOSE)
    for mode, name in (("w", "rack7.tar"), ("w:gz", "rack7.tar.gz"), ("w:gz", "rack7.tgz")):
        with tarfile.open(tmp_path / name, mode) as tar:  # type: ignore[call-overload]
            tar.add(root, ".")
        assert collect(tmp_path / name) == collect(root)
    with tarfile.open(tmp_path / "sick.tar", "w") as tar:
        (root / "sick").write_bytes(b"IVRS" + bytes(60))
        tar.add(root, "in")
    with pytest.raises(InputError) as caught:
        collect(tmp_path / "sick.tar")
    assert caught.value.source == str(tmp_path / "sick.tar/in/sick")
    (tmp_path / "no.tar").write_text("hello")
    with pytest.raises(InputError, match="expected a folder of artefacts, or a tar"):
        collect(tmp_path / "no.tar")


def test_nothing_to_collect(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        collect(folder(tmp_path, readme="hello"))
    assert caught.value.source == str(tmp_path / "rack7")
    assert all(word in caught.value.message for word in ("DMAR", "RMAD", "IVRS", "lspci", "readme is none"))
    with pytest.raises(InputError):
        collect(tmp_path / "missing")


def test_a_folder_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MAX_MEMBERS", 2)
    with pytest.raises(InputError, match="holds more than 2 files"):
        collect(folder(tmp_path, a=dmar(), b="", c=""))


@given(st.dictionaries(st.sampled_from("abc"), st.one_of(st.binary(max_size=80), st.sampled_from([dmar(), IVRS]))))
def test_any_files_are_collected_or_refused(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name, content in files.items():
            (root / name).write_bytes(content)
        try:
            found = collect(root)
        except InputError as error:
            source = error.source
        else:
            source = found.host.sources.regions or found.host.sources.devices
        assert source


@needs_data
def test_a_real_server(tmp_path: Path) -> None:
    data = SHARED / "data"
    shutil.copy(data / "dmar" / "server-hp-proliant-dl380e-gen8-cb0557.bin", tmp_path / "DMAR")
    shutil.copy(data / "lspci" / "hp-dl380e-gen8.lspci-nn-condensed.txt", tmp_path / "lspci.txt")
    found = collect(tmp_path)
    assert (len(found.host.regions), len(found.host.devices)) == (9, 25)
    assert found.notes[-1] == (
        "RMRR 0x7df83000-0x7df84fff (and 6 further regions) names 0000:00:1f.5, which the listing lacks."
    )
    assert host_toml.parse(host_toml.render(found.host)) == found.host


@pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")
def test_a_dom0_as_it_was_found() -> None:
    found = collect(SHARED / "xen-runs" / "s00-host" / "dom0")
    assert found.host.sources.regions == "DMAR in RMAD.bin"
    assert found.host.sources.devices == ("lspci in lspci-nnvv.txt, completed from assignable-1.txt and lspci-xxxx.txt")
    devices = [scope.device for region in found.host.regions for scope in region.scopes]
    assert [str(device) for device in devices] == [
        "0000:00:1a.0", "0000:00:1d.0", "0000:00:02.0", "0000:01:00.0", "0000:02:00.0",
    ]  # fmt: skip
    assert not any("names" in note for note in found.notes)
