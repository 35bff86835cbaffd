from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import xen_boot_log
from planner.formats.kernel_log import parse, recognise
from planner.model.address import Sbdf
from planner.model.host import RegionKind, ScopeKind

SHARED = Path(__file__).resolve().parents[3] / "shared"
LOGS = SHARED / "data" / "dmesg"
needs_data = pytest.mark.skipif(not LOGS.is_dir(), reason="the reference data is not here")


def regions(text: str) -> list[str]:
    return [f"{region.start:x}-{region.end:x}" for region in parse(text).regions or ()]


@pytest.mark.parametrize(
    "line",
    [
        "[    4.476678] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        "[    0.032139] dmar: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        "DMAR:RMRR base: 0x00000000bdffd000 end: 0x00000000bdffffff",
        "<6>[    0.487827] DMAR: RMRR base: 0x000000bdffd000 end: \n0x000000bdffffff",
        "May 30 17:32:17 localhost kernel: [    0.168653] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        "2024-05-01T10:00:00+0200 host kernel: DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        "kern  :info  : [    0.102674] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        r"\[ 0.102674\] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff",
        "> [ 0.1] DMAR: RMRR base: 0x000000bdffd000 end: 0x000000bdffffff\r",
    ],
)
def test_a_region_after_any_prefix(line: str) -> None:
    assert recognise(line)
    assert regions(f"before\n{line}\nafter\n{line}\n") == ["bdffd000-bdffffff"]


def test_regions_of_amd_name_their_devices() -> None:
    found = parse(
        "[    0.5] AMD-Vi: IVMD_TYPE_RANGE\t\t devid_start: 0000:00:00.0 devid_end: 0000:0f:1f.7 "
        "range_start: 000000009618e000 range_end: 000000009618f000 flags: 8\n"
        "AMD-Vi: IVMD_TYPEi\t\t\t devid_start: 02:00.0 devid_end: 02:00.0 range_start: 000000007132c000 "
        "range_end: 0000000071352000 flags: 7\n"
        "AMD-Vi: IVMD_TYPE_ALL\t\t devid_start: 00:00.0 devid_end: ff:1f.7 range_start: 0000000000001000 "
        "range_end: 0000000000002000 flags: 1\n"
    )
    assert found.iommu == "amd"
    assert found.regions is not None
    some, one, every = found.regions
    assert {region.kind for region in found.regions} == {RegionKind.IVMD}
    assert (some.start, some.end, some.flags) == (0x9618E000, 0x9618EFFF, 8)
    assert (some.scopes[0].kind, some.scopes[0].last) == (ScopeKind.RANGE, Sbdf(0, 0x0F, 0x1F, 7))
    assert (one.scopes[0].kind, one.scopes[0].device, one.flags) == (ScopeKind.ENDPOINT, Sbdf(0, 2, 0, 0), 7)
    assert every.scopes[0].kind is ScopeKind.ALL


def test_groups_in_both_wordings() -> None:
    found = parse(
        "[ 1.0] iommu: Adding device 0000:00:02.0 to group 1\n[ 2.0] pci 0000:01:00.4: Adding to iommu group 25\n"
    )
    assert [(str(device.address), device.iommu_group) for device in found.devices] == [
        ("0000:00:02.0", 1),
        ("0000:01:00.4", 25),
    ]


def test_memory_maps_old_and_new() -> None:
    new = parse(
        "[    0.0] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
        "[    0.0] BIOS-e820: [mem 0x00000000000f0000-0x00000000000fffff] reserved\n"
        "[    0.0] BIOS-e820: [mem 0x000000003fe72000-0x000000003fe74fff] ACPI data\n"
        "[    0.0] BIOS-e820: [mem 0x000000003fe75000-0x000000003fe75fff] ACPI NVS\n"
        "[    0.0] BIOS-e820: [mem 0x0000000100000000-0x00000001ffffffff] type 20\n"
    )
    old = parse(
        "BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)\nBIOS-e820: 00000000000f0000 - 0000000000100000 "
        "(reserved)\n BIOS-e820: 000000003fe72000 - 000000003fe75000 (ACPI data)\n"
        " BIOS-e820: 000000003fe75000 - 000000003fe76000 (ACPI NVS)\n"
    )
    assert [(entry.start, entry.end, entry.type) for entry in new.ranges] == [
        (0, 0x9FBFF, "ram"),
        (0xF0000, 0xFFFFF, "reserved"),
        (0x3FE72000, 0x3FE74FFF, "acpi"),
        (0x3FE75000, 0x3FE75FFF, "nvs"),
    ]
    assert old.ranges == new.ranges
    assert not new.ranges_are_dom0s
    assert parse("Xen: [mem 0x0000000000000000-0x000000000009efff] usable").ranges_are_dom0s


@pytest.mark.parametrize(
    ("line", "iommu", "remaps"),
    [
        ("DMAR: DRHD base: 0x000000fed90000 flags: 0x0", "intel", None),
        ("DMAR-IR: Enabled IRQ remapping in x2apic mode", "unknown", True),
        ("AMD-Vi: Interrupt remapping enabled", "amd", True),
        ("AMD-Vi: AMD IOMMUv2 functionality not available on this system", "unknown", None),
        ("AMD-Vi: Found IOMMU cap 0x40", "amd", None),
    ],
)
def test_which_iommu_and_what_it_does(line: str, iommu: str, remaps: bool | None) -> None:
    found = parse(f"Linux version 6.1.0\n[ 0.1] {line}\n")
    assert (found.iommu, found.interrupt_remapping) == (iommu, remaps)


def test_bad_regions_are_told() -> None:
    (note,) = parse(
        "DMAR: [Firmware Bug]: Your BIOS is broken; bad RMRR [0x00000000bf7dc000-0x00000000bf7dbfff]\n"
    ).notes
    assert note.startswith("Linux called the RMRR 0xbf7dc000-0xbf7dbfff bad")


@needs_data
def test_every_form_of_the_reference_logs_is_read() -> None:
    found = {path.name: regions(path.read_text()) for path in sorted(LOGS.glob("*.linux*.txt"))}
    assert found == {
        "asus-x58-end-before-base.linux.txt": ["ec000-effff", "bf7dc000-bf7dbfff"],
        "hp-68csu-zero-page-rmrr.linux.txt": ["0-fff", "bdc00000-bfffffff"],
        "hp-proliant-gen8-9rmrr.linux.txt": [
            "bdffd000-bdffffff", "bdff6000-bdffcfff", "bdf83000-bdf84fff", "bdf7f000-bdf82fff", "bdf6f000-bdf7efff",
            "bdf6e000-bdf6efff", "f4000-f4fff", "e8000-e8fff", "bddde000-bdddefff",
        ],
        "hp-proliant-gen8-directmap.linux.txt": [],
        "lenovo-t450s-not-reserved.linux-syslog.txt": ["9c0f1000-9c107fff", "9d800000-9fffffff"],
        "old-kernel-lowercase.linux.txt": ["e0000-effff", "bf600000-bfffffff"],
        "skylake-laptop-pri-prefix.linux.txt": ["7aa9f000-7aabefff", "7d000000-7f7fffff"],
        "skylake-server-rmrr-markdown-escaped.linux.txt": ["79170000-79172fff"],
    }  # fmt: skip
    # None is left out: as many regions as the text has lines that name one.
    for path in LOGS.glob("*.linux*.txt"):
        assert len(found[path.name]) == len(re.findall("RMRR base:", path.read_text()))
    (device,) = parse((LOGS / "hp-proliant-gen8-directmap.linux.txt").read_text()).devices
    assert (str(device.address), device.iommu_group) == ("0000:01:00.4", 25)


@pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")
def test_the_log_of_a_dom0_is_not_that_of_the_machine() -> None:
    found = parse((SHARED / "xen-runs/s00-host/dom0/dmesg.txt").read_text())
    assert (found.ranges_are_dom0s, found.iommu, len(found.ranges)) == (True, "unknown", 14)


def test_addresses_that_no_function_has_are_passed_over() -> None:
    assert parse("pci 0000:02:40.0: Adding to iommu group 3\n").devices == ()
    log = "(XEN) [VT-D]found ACPI_DMAR_RMRR:\n(XEN) [VT-D] endpoint: 0000:02:40.0\n(XEN) RMRR [1000,1fff]\n"
    (region,) = xen_boot_log.parse(log).regions or ()
    assert region.scopes == ()


WORDS = st.sampled_from(
    ["DMAR: RMRR base:", " 0x1000", " end:", "\n", "BIOS-e820: [mem 0x0-0x", "fff] usable", "(XEN) ", "\\["]
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=40))
def test_any_text_is_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    for facts in (parse(text), xen_boot_log.parse(text)):
        assert all(note.isprintable() for note in facts.notes)
