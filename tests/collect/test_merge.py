"""Several sources of one host: they confirm, complete or contradict each other, and the notes say which."""

from __future__ import annotations

import acpi_tables
import pytest

from planner.collect.merge import Collection, merge
from planner.collect.recognise import recognise
from planner.collect.redact import redact
from planner.formats.archive import Archive
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Bar, RegionKind
from planner.model.plan import Plan
from planner.policy.evaluate import evaluate

TABLE = acpi_tables.dmar(
    acpi_tables.rmrr(0xBDFFD000, 0xBDFFFFFF, acpi_tables.scope((0x1D, 0))),
    acpi_tables.rmrr(0xE8000, 0xE8FFF, acpi_tables.scope((0x1A, 0))),
)
LINUX = (
    "[ 0.1] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff\n"
    "[ 0.1] DMAR: RMRR base: 0x000000000e8000 end: 0x000000000e8fff\n"
)
XEN = (
    "(XEN) Xen version 4.17.7 (Debian)\n(XEN) Command line: placeholder iommu=verbose\n"
    "(XEN) Xen-e820 RAM map:\n(XEN)  [0000000000000000, 000000003fffffff] (usable)\n"
    "(XEN) System RAM: 1024MB (1048576kB)\n"
    "(XEN) [VT-D]found ACPI_DMAR_RMRR:\n(XEN) [VT-D] endpoint: 0000:00:1d.0\n"
    "(XEN) [VT-D]dmar.c:615:   RMRR region: base_addr bdffd000 end_addr bdffffff\n"
)
LISTING = (
    "00:1d.0 USB controller [0c03]: Intel EHCI [8086:1d26] (rev 05)\n\tFlags: medium devsel\n"
    "\tMemory at fe000000 (32-bit, non-prefetchable) [size=1K]\n\tKernel driver in use: ehci-pci\n"
    "00:1a.0 USB controller [0c03]: Intel EHCI [8086:1d2d]\n\tFlags: medium devsel\n"
)


def made_of(**files: str | bytes) -> Collection:
    found = Archive(
        {name.replace("__", "."): text.encode() if isinstance(text, str) else text for name, text in files.items()}
    )
    return merge(recognise(found), found, "rack7")


def test_a_log_confirms_a_table() -> None:
    found = made_of(table=TABLE, dmesg=LINUX, xl=XEN)
    assert (found.host.sources.regions, found.host.sources.regions_from_log) == ("DMAR in table", None)
    assert "dmesg confirms 2 of the 2 regions of table." in found.found
    assert "xl confirms 1 of the 2 regions of table." in found.found
    assert found.differs == ()
    assert len(found.host.regions) == 2


def test_a_log_that_says_otherwise_is_told_and_not_used() -> None:
    found = made_of(table=TABLE, dmesg=LINUX.replace("e8000", "f4000"))
    assert found.differs == ("dmesg has 0xe8fff-0xf4000, which table lacks; the regions of table were used.",) or (
        "which table lacks; the regions of table were used." in found.differs[0]
    )
    assert [region.start for region in found.host.regions] == [0xBDFFD000, 0xE8000]


def test_regions_from_logs_alone_say_so_and_prove_nothing() -> None:
    found = made_of(dmesg=LINUX, xl=XEN, lspci=LISTING)
    assert (found.host.sources.regions, found.host.sources.regions_from_log) == (
        None,
        "kernel log in dmesg and Xen's log in xl",
    )
    known = {region.start: [str(scope.device) for scope in region.scopes] for region in found.host.regions}
    assert known == {0xBDFFD000: ["0000:00:1d.0"], 0xE8000: []}
    assert any("from a log only" in note for note in found.missing)
    findings = [finding for finding in evaluate(Plan(found.host)).findings if finding.rule.id == "INV902"]
    assert "learned from kernel log in dmesg and Xen's log in xl only" in findings[0].message


def test_groups_of_a_kernel_say_all_but_for_whole_groups() -> None:
    groups = Archive(
        {"sys/kernel/iommu_groups/1/reserved_regions": b"0x00000000bdffd000 0x00000000bdffffff direct\n"},
        {"sys/kernel/iommu_groups/1/devices/0000:00:1d.0": "x"},
    )
    groups.files["lspci"] = LISTING.encode()
    found = merge(recognise(groups), groups, "")
    assert found.host.sources.regions == "sysfs"
    assert [scope.device for scope in found.host.regions[0].scopes] == [Sbdf(0, 0, 0x1D, 0)]
    assert any("from IOMMU groups only" in note for note in found.missing)
    assert found.host.by_address[Sbdf(0, 0, 0x1D, 0)].iommu_group == 1
    groups.files["table"] = TABLE
    both = merge(recognise(groups), groups, "")
    assert both.host.sources.regions == "DMAR in table"
    assert "table has 1 region that sysfs lacks; the regions of table were used." in both.differs
    groups.files["table"] = acpi_tables.ivrs(acpi_tables.ivmd(0x21, 0xBDFFD000, 0x3000, device=0xE8))
    assert merge(recognise(groups), groups, "").host.regions[0].kind is RegionKind.IVMD


def test_tables_that_contradict_each_other_are_two_machines() -> None:
    with pytest.raises(InputError, match="a and b declare different regions"):
        made_of(a=TABLE, b=acpi_tables.dmar())


def test_a_table_with_a_wrong_checksum_makes_an_inventory_that_says_so() -> None:
    whole = acpi_tables.dmar(acpi_tables.rmrr(0x1000, 0x1FFF, acpi_tables.scope((0x1D, 0))))
    broken = bytes((*whole[:60], whole[60] ^ 1, *whole[61:]))
    assert made_of(table=whole).host.sources.regions_damage is None
    host = made_of(table=broken).host
    assert "add up to" in (host.sources.regions_damage or "")
    assert "INV901" in {finding.rule.id for finding in evaluate(Plan(host=host, xen="4.17")).findings}


def test_what_sources_say_of_the_host_and_where_they_differ() -> None:
    info = (
        "host : rack7\nxen_major : 4\nxen_minor : 18\ntotal_memory : 1024\nvirt_caps : pv hvm hvm_directio hap\n"
        "xen_commandline : placeholder iommu=verbose\n"
    )
    found = made_of(xl_info=info, xl_dmesg=XEN)
    host = found.host
    assert (host.xen, host.memory, host.xen_command_line) == ("4.18", 1 << 30, "placeholder iommu=verbose")
    assert host.sources.xen == "xl info in xl_info"
    assert host.sources.memory_map == "Xen's log in xl_dmesg"
    assert found.differs == ("xl_info and xl_dmesg differ over Xen's release: 4.18 and 4.17; 4.18 was used.",)
    without = made_of(xl_info=info.replace(" hvm_directio", ""), table=TABLE)
    assert without.host.iommu == "none"
    assert without.differs == ("xl_info says that Xen uses no IOMMU, though the machine seems to have one.",)


def test_a_dom0_s_memory_map_is_not_the_machine_s() -> None:
    iomem = "00000000-0009efff : System RAM\n0009f000-000fffff : Reserved\n00100000-3fffffff : System RAM\n"
    bare = made_of(iomem=iomem)
    assert bare.host.sources.memory_map == "/proc/iomem in iomem"
    for mark in ({"xl": "xen_major : 4\nxen_minor : 17\nvirt_caps : hvm\n"}, {"table": b"RMAD" + TABLE[4:]}):
        found = made_of(iomem=iomem, **mark)
        assert found.host.memory_map == ()
        assert any("memory map that Xen gave to dom0" in note for note in found.found)
    both = made_of(iomem=iomem.replace("3fffffff", "1fffffff"), log="BIOS-e820: [mem 0x0-0x000000003fffffff] usable\n")
    assert both.host.sources.memory_map == "kernel log in log"
    assert both.differs == ("log and iomem show different RAM; that of log was used.",)


def test_functions_that_differ_are_told_once_for_each_fact() -> None:
    other = LISTING.replace("ehci-pci", "pciback").replace("fe000000", "fd000000")
    found = made_of(a=LISTING, b=other)
    assert found.differs == (
        "a and b differ over driver of 0000:00:1d.0: ehci-pci and pciback; a was used.",
        (
            "a and b differ over bars of 0000:00:1d.0: BAR 0 mem32 at 0xfe000000 of 0x400 bytes and BAR 0 mem32 at "
            "0xfd000000 of 0x400 bytes; a was used."
        ),
    )
    assert found.host.by_address[Sbdf(0, 0, 0x1D, 0)].driver == "ehci-pci"


def test_a_list_of_all_addresses_is_no_list_of_assignable_ones() -> None:
    listing = LISTING + "00:1f.0 ISA bridge [0601]: Intel LPC [8086:1d41]\n"
    given = made_of(listing=listing, names="0000:00:1a.0\n")
    assert given.host.by_address[Sbdf(0, 0, 0x1A, 0)].driver == "pciback"
    mere = made_of(listing=listing, names="0000:00:1a.0\n0000:00:1f.0\n")
    assert mere.host.by_address[Sbdf(0, 0, 0x1A, 0)].driver is None
    assert "names names bridges, so it only lists addresses and was not used." in mere.found


def test_registers_and_iomem_make_bars() -> None:
    dump = (
        "00:1d.0 USB controller: Intel EHCI\n00: 86 80 26 1d 06 00 90 02 05 20 03 0c 00 00 00 00\n"
        "10: 00 00 00 fe 00 00 00 00 00 00 00 00 00 00 00 00\n20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
        "30: 00 00 00 00 50 00 00 00 00 00 00 00 0b 01 00 00\n"
    )
    iomem = "fe000000-fe0003ff : 0000:00:1d.0\n00000000-0009efff : System RAM\n0009f000-000fffff : Reserved\n"
    found = made_of(dump=dump, iomem=iomem)
    assert found.host.devices[0].bars == (Bar(index=0, kind="mem32", start=0xFE000000, size=1024),)
    assert found.host.devices[0].class_code == "0c0320"


@pytest.mark.parametrize("piece", ["\n", " \n", "\t\n", "[", "IOMMU Group 0 ", "(XEN) ", "00:00.0/", "0000: 00 \n"])
def test_much_of_the_same_is_read_in_one_pass(piece: str) -> None:
    """A pattern that looks again and again at the same characters would not end here."""
    found = Archive({"large": (piece * 300_000)[:300_000].encode()})
    assert len(recognise(found).sources) <= 1


def test_private_things_are_taken_out() -> None:
    line = "placeholder ip=10.0.0.1::10.0.0.254:255.0.0.0:vault13.example.org: net=00:1b:21:aa:bb:cc serial=XK4711AB"
    info = f"host : vault13.example.org\nxen_major : 4\nxen_minor : 18\nvirt_caps : hvm\nxen_commandline : {line}\n"
    archive = Archive({"vault13-xl-info": info.encode(), "dmar-0000:00:1d.0": TABLE})
    found = merge(recognise(archive), archive, "vault13")
    private = redact(found, archive)
    text = repr(private)
    assert "vault13" in repr(found)
    assert not any(word in text for word in ("vault13", "00:1b:21", "XK4711AB"))
    assert "0000:00:1d.0" in text
    assert private.host.regions == found.host.regions


def test_each_fact_of_the_inventory_names_its_source() -> None:
    """Facts of one file each: the inventory says which file said what."""
    info = b"host : x\nxen_major : 4\nxen_minor : 17\ntotal_memory : 8192\nvirt_caps : pv hap\nxen_commandline : a=0\n"
    files = {"xl-info.txt": info, "lspci.txt": b"00:1d.0 USB controller: Intel\n"}
    archive = Archive(files=files)
    host = merge(recognise(archive), archive, "host").host
    assert (host.iommu, host.hap, host.memory, host.xen_command_line) == ("none", True, 8192 << 20, "a=0")
    sources = host.sources
    assert {sources.iommu, sources.hap, sources.memory, sources.command_line, sources.xen} == {"xl info in xl-info.txt"}
    assert sources.devices == "lspci in lspci.txt"
