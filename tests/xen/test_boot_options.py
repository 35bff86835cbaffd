"""`rmrr=` and `ivmd=` on Xen's command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, USB, guest, host, report, rmrr, rules

from planner.model.address import Sbdf
from planner.model.host import RegionKind
from planner.xen import boot_options, hypervisor
from planner.xen.release import RELEASES

# What the real run s06 was booted with, and what it then listed.
S06 = "console=com1 iommu=verbose rmrr=3fff0-3fff7=0:0:1a.0,0:0:1d.0;3fff8-3fff8=0:2:0.0;40000000=0:1:0.0"


def test_the_real_command_line() -> None:
    added = boot_options.parse(S06)
    assert [(region.start, region.end) for region in added.regions] == [
        (0x3FFF0000, 0x3FFF7FFF),
        (0x3FFF8000, 0x3FFF8FFF),
        (0x40000000000, 0x40000000FFF),
    ]
    assert [str(scope.device) for scope in added.regions[0].scopes] == ["0000:00:1a.0", "0000:00:1d.0"]


def test_xen_lists_them_last_first_and_says_so() -> None:
    machine = host(devices=("0000:00:1a.0", USB, "0000:01:00.0", NIC), xen_command_line=S06)
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    assert [rdm.span.start for rdm in iommu.regions] == [0x40000000000, 0x3FFF8000, 0x3FFF0000]
    assert "Adding RMRR for 2 device ([0]: 0xd0) range [3fff0-3fff7]" in [step.log for step in iommu.steps]
    assert "Adding RMRR for 1 device ([0]: 0x200) range [3fff8-3fff8]" in [step.log for step in iommu.steps]


def test_they_count_like_the_tables_own() -> None:
    machine = host(xen_command_line=f"rmrr=fed00={NIC},{USB}")
    assert "RDM103" in rules(report(machine, guest(NIC)))


def test_one_that_overlaps_the_table_is_left_out() -> None:
    machine = host(rmrr(0xFED00000, 0xFED00FFF, USB), xen_command_line=f"rmrr=fed00={NIC}")
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    assert iommu.enabled
    assert iommu.regions_of(Sbdf.parse(NIC)) == ()


def test_ivmd_without_devices_names_them_all() -> None:
    machine = host(iommu="amd", xen_command_line="ivmd=fed00-fed01;fee10=0:2:0.0-0:3:0.0")
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    assert [rdm.span.start for rdm in iommu.regions_of(Sbdf.parse(USB))] == [0xFED00000]
    assert [rdm.span.start for rdm in iommu.regions_of(Sbdf.parse(NIC))] == [0xFED00000, 0xFEE10000]
    assert [region.kind for region in boot_options.parse(machine.xen_command_line).regions] == [RegionKind.IVMD] * 2


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("rmrr=zz=0:0:1a.0", "expected page numbers"),
        ("rmrr=10-5=0:0:1a.0", "the end lies before the start"),
        ("rmrr=10-20=0:0:1a.0", "17 pages, at most 16"),
        ("rmrr=10", "no device is named"),
        ("rmrr=10=0:0:20.0", "is not a device"),
        ("rmrr=10=0:0:1a.0,1:0:1a.0", "different segments"),
        ("rmrr=10=0:0:1a.0-0:0:1d.0", "no ranges"),
        ("rmrr=10=" + ",".join(["0:0:1a.0"] * 21), "21 devices, at most 20"),
        ("rmrr=" + ";".join(f"{page:x}=0:0:1a.0" for page in range(0x10, 0x1B)), "there are 10 already"),
    ],
)
def test_what_xen_does_not_take_says_why(option: str, reason: str) -> None:
    added = boot_options.parse(option)
    assert len(added.regions) <= boot_options.MAX_REGIONS
    assert reason in added.steps[-1].text


@given(st.text(max_size=40).map("rmrr=".__add__), st.text(max_size=40).map(" ivmd=".__add__))
def test_hostile_command_lines_never_raise(first: str, second: str) -> None:
    boot_options.parse(first + second)
