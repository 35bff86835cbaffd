from __future__ import annotations

from pathlib import Path

import pytest

from planner.formats.facts import Facts
from planner.formats.xen_boot_log import parse, recognise
from planner.model.host import RegionKind

SHARED = Path(__file__).resolve().parents[3] / "shared"
LOGS = SHARED / "data" / "dmesg"
needs_data = pytest.mark.skipif(not LOGS.is_dir(), reason="the reference data is not here")
needs_runs = pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")


def regions(facts: Facts) -> list[tuple[str, list[str]]]:
    return [
        (f"{region.start:x}-{region.end:x}", [str(scope.device) for scope in region.scopes])
        for region in facts.regions or ()
    ]


@pytest.mark.parametrize(
    "line",
    [
        "(XEN) [VT-D]dmar.c:615:   RMRR region: base_addr 78863000 end_addr 78882fff",
        "(XEN) [VT-D]  RMRR region: base_addr 78863000 end_address 78882fff",
        '(XEN) [VT-D] RMRR [78863000,78882fff] not in reserved memory; need "iommu_inclusive_mapping=1"?',
        '(XEN) [VT-D]  RMRR address range 78863000..78882fff not in reserved memory; need "iommu_inclusive_mapping=1"?',
        "(XEN) [2024-05-01 10:00:00] [VT-D]dmar.c:615:   RMRR region: base_addr 78863000 end_addr 78882fff",
        "(XEN) [    2.123456] [VT-D]dmar.c:615:   RMRR region: base_addr 78863000 end_addr 78882fff",
        "Apr 1 00:00:00 host xen: (XEN) [VT-D]dmar.c:615:   RMRR region: base_addr 78863000 end_addr 78882fff",
    ],
)
def test_bounds_in_every_wording(line: str) -> None:
    prefix = line[: line.index("[VT-D]")]
    text = f"{prefix}[VT-D]found ACPI_DMAR_RMRR:\n{prefix}[VT-D] endpoint: 0000:00:14.0\n{line}\n"
    assert recognise(text)
    found = parse(text)
    assert regions(found) == [("78863000-78882fff", ["0000:00:14.0"])]
    assert found.iommu == "intel"
    # The address may come before the devices.
    head, scope, bounds = text.splitlines()
    assert regions(parse(f"{head}\n{bounds}\n{scope}\n")) == regions(found)


def test_regions_of_amd_old_and_new() -> None:
    new = parse("(XEN) AMD-Vi: IVMD Block: type 0x21 phys 0x7132c000 len 0x26000\n")
    old = parse(
        "(XEN) AMD-Vi: IVMD Block: Type 0x21\n(XEN) AMD-Vi:  Start_Addr_Phys 0x7132c000\n"
        "(XEN) AMD-Vi:  Mem_Length 0x26000\n"
    )
    assert regions(new) == regions(old) == [("7132c000-71351fff", [])]
    assert new.regions is not None
    assert (new.regions[0].kind, new.iommu) == (RegionKind.IVMD, "amd")


def test_memory_maps_old_and_new() -> None:
    new = parse(
        "(XEN) Xen-e820 RAM map:\n(XEN)  [0000000000000000, 000000000009efff] (usable)\n"
        "(XEN)  [000000003fe720c0, 000000003fe746cc] (ACPI data)\n(XEN) ACPI: RSDP 0009F100\n"
        "(XEN)  [0000000000000000, 0000000000000fff] (reserved)\n"
    )
    old = parse(
        "(XEN) Xen-e820 RAM map:\n(XEN)  0000000000000000 - 000000000009f000 (usable)\n"
        "(XEN)  000000003fe720c0 - 000000003fe746cd (ACPI data)\n(XEN) System RAM: 1022MB (1047548kB)\n"
    )
    assert [(entry.start, entry.end, entry.type) for entry in new.ranges] == [
        (0, 0x9EFFF, "ram"),
        (0x3FE720C0, 0x3FE746CC, "acpi"),
    ]
    assert old.ranges == new.ranges
    assert old.memory == 1022 << 20


@needs_data
def test_every_form_of_the_reference_logs_is_read() -> None:
    facts = {path.name: parse(path.read_text()) for path in sorted(LOGS.glob("*.xen.txt"))}
    assert {name: regions(found) for name, found in facts.items()} == {
        "hp-bl460c-gen8-phantom.xen.txt": [
            (
                "bdf8f000-bdf92fff",
                [
                    f"0000:{name}"
                    for name in ("03:00.0", "01:00.0", "01:00.2", "04:00.0", "04:00.1", "04:00.2", "04:00.3")
                ],
            )
        ],
        "inclusive-mapping-hint.xen.txt": [("8d800000-8fffffff", ["0000:00:02.0"])],
        "shared-rmrr-refused-ehci.xen.txt": [],
        "whiskeylake-nonexistent-16.7.xen.txt": [
            ("78863000-78882fff", ["0000:00:14.0"]),
            ("7d000000-7f7fffff", ["0000:00:02.0"]),
            ("78907000-78986fff", ["0000:00:16.7"]),
        ],
    }
    assert facts["whiskeylake-nonexistent-16.7.xen.txt"].notes == (
        "Xen ignores the RMRR 0x78907000-0x78986fff: its devices are absent.",
    )
    assert [note[:36] for note in facts["shared-rmrr-refused-ehci.xen.txt"].notes] == [
        "Xen refused to assign 0000:00:1a.0: ",
        "Xen refused to assign 0000:00:1d.0: ",
    ]


@needs_runs
def test_a_whole_boot() -> None:
    found = parse((SHARED / "xen-runs/s00-host/dom0/xl-dmesg.txt").read_text())
    assert (found.xen, found.iommu, found.interrupt_remapping, found.hap) == ("4.17", "intel", True, True)
    assert found.memory == 8191 << 20
    assert found.command_line is not None
    assert "iommu=verbose,debug,force,no-sharept" in found.command_line
    assert [(entry.start, entry.type) for entry in found.ranges][-2:] == [(1 << 32, "ram"), (0xFD00000000, "reserved")]
    assert len(found.ranges) == 12
    assert regions(found) == [
        ("aa000000-aa3fffff", ["0000:00:02.0"]),
        ("7e000000-7e00ffff", ["0000:01:00.0"]),
        ("99000000-99000fff", ["0000:02:00.0"]),
    ]
    assert found.notes == (
        "Xen found an RMRR whose addresses it did not print: it does so only in debug builds with iommu=verbose.",
    )


@needs_runs
def test_every_recorded_run_is_read() -> None:
    logs = sorted((SHARED / "xen-runs").glob("*/serial.log"))
    assert logs
    for log in logs:
        found = parse(log.read_text(errors="replace"))
        # In one run Xen refused a table with overlaps and switched the IOMMU off.
        assert (found.xen, found.iommu) == ("4.17", "none" if "s11-" in str(log) else "intel"), log
        assert found.ranges, log
