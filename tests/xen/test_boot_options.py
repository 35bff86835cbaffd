"""`rmrr=` and `ivmd=` on Xen's command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, USB, guest, host, report, rmrr, rules

from planner.model.address import Sbdf
from planner.model.host import MemoryRange
from planner.xen import boot_options, hypervisor
from planner.xen.release import RELEASES

# What the real run s06 was booted with, and what it then listed.
S06 = "console=com1 iommu=verbose rmrr=3fff0-3fff7=0:0:1a.0,0:0:1d.0;3fff8-3fff8=0:2:0.0;40000000=0:1:0.0"


def test_the_real_command_line() -> None:
    added = boot_options.rmrr(S06)
    assert [(region.start, region.end) for region in added.regions] == [
        (0x3FFF0000, 0x3FFF7FFF),
        (0x3FFF8000, 0x3FFF8FFF),
        (0x40000000000, 0x40000000FFF),
    ]
    assert [str(scope.device) for scope in added.regions[0].scopes] == ["0000:00:1a.0", "0000:00:1d.0"]


def test_pages_may_be_written_with_0x() -> None:
    plain = boot_options.rmrr("rmrr=3fff0-3fff7=0:0:1a.0;40=0:1:0.0")
    assert boot_options.rmrr("rmrr=0x3fff0-0X3FFF7=0:0:1a.0;0x40=0:1:0.0") == plain
    assert boot_options.ivmd("ivmd=0xfed00-0xfed01") == boot_options.ivmd("ivmd=fed00-fed01")


@pytest.mark.parametrize(
    ("command_line", "irqs"),
    [
        ("", 32),
        ("console=com1 extra_guest_irqs=128", 128),
        ("extra_guest_irqs=64,1024", 64),
        ("extra_guest_irqs=,512", 32),
        ("extra_guest_irqs=0", 0),
        ("extra_guest_irqs=0x40", 64),
        ("extra_guest_irqs=0100", 64),
        ("extra_guest_irqs=64 extra_guest_irqs=16", 16),
        ("no-extra_guest_irqs=64", 32),
    ],
)
def test_interrupts_of_a_guest(command_line: str, irqs: int) -> None:
    assert boot_options.guest_irqs(command_line) == irqs


def test_xen_lists_them_last_first_and_says_so() -> None:
    """The lines of that run: the third range lies where the machine has no memory, and Xen leaves it out."""
    ram = MemoryRange(start=0x100000, end=0x3FFFFFFF, type="ram")
    devices = ("0000:00:1a.0", USB, "0000:01:00.0", NIC)
    iommu = hypervisor.boot(host(devices=devices, xen_command_line=S06, memory_map=(ram,)), RELEASES["4.17"])
    assert [rdm.span.start for rdm in iommu.regions] == [0x3FFF8000, 0x3FFF0000]
    assert [step.log for step in iommu.steps] == [
        "Adding RMRR for 2 device ([0]: 0xd0) range [3fff0-3fff7]",
        "Adding RMRR for 1 device ([0]: 0x200) range [3fff8-3fff8]",
        "Adding RMRR for 1 device ([0]: 0x100) range [40000000-40000000]",
        "Invalid pfn in RMRR range [40000000-40000000]",
    ]


def test_an_option_may_stand_there_twice() -> None:
    assert len(boot_options.rmrr("rmrr=10=0:0:1a.0 rmrr=20=0:0:1a.0").regions) == 2


def test_they_count_like_the_tables_own() -> None:
    machine = host(xen_command_line=f"rmrr=fed00={NIC},{USB}")
    assert "RDM103" in rules(report(machine, guest(NIC)))


def test_one_that_overlaps_the_table_is_left_out() -> None:
    machine = host(rmrr(0xFED00000, 0xFED00FFF, USB), xen_command_line=f"rmrr=fed00={NIC}")
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    assert iommu.enabled
    assert iommu.regions_of(Sbdf.parse(NIC)) == ()
    assert iommu.steps[-1].log == "Overlapping RMRRs: [fed00-fed00] and [fed00-fed00]"


def test_ivmd_without_devices_names_them_all() -> None:
    machine = host(iommu="amd", xen_command_line="ivmd=fed00-fed01;fee10=0:2:0.0-0:3:0.0")
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    assert [rdm.span.start for rdm in iommu.regions_of(Sbdf.parse(USB))] == [0xFED00000]
    assert [rdm.span.start for rdm in iommu.regions_of(Sbdf.parse(NIC))] == [0xFEE10000, 0xFED00000]
    assert len(boot_options.ivmd(machine.xen_command_line).regions) == 2


def test_ivmd_counts_each_device_and_takes_eight() -> None:
    added = boot_options.ivmd("ivmd=10-30=0:1.0,0:2.0-0:3.7;40=0:1.0")
    assert [(region.start, len(region.scopes)) for region in added.regions] == [
        (0x10000, 1),
        (0x10000, 1),
        (0x40000, 1),
    ]
    many = boot_options.ivmd("ivmd=10=" + ",".join(["0:1.0"] * 9))
    assert len(many.regions) == boot_options.MAX_IVMDS
    assert many.steps[-1].log is not None
    assert many.steps[-1].log.endswith("rc=-7!")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("rmrr=zz=0:0:1a.0", "expected page numbers"),
        ("rmrr=10-5=0:0:1a.0", "the end lies before the start"),
        ("rmrr=10-20=0:0:1a.0", "17 pages, at most 16"),
        ("rmrr=10", "no device is named"),
        ("rmrr=10=0:0:20.0", "is not a device"),
        ("rmrr=10=0:0:1a.0,1:0:1a.0", "different segments"),
        ("rmrr=10=0:0:1a.0-0:0:1d.0", "is not a device"),
        ("rmrr=10=" + ",".join(["0:0:1a.0"] * 21), "more than 20 devices"),
        ("rmrr=" + ";".join(f"{page:x}=0:0:1a.0" for page in range(0x10, 0x1B)), "there are 10 already"),
    ],
)
def test_what_xen_does_not_take_says_why(option: str, reason: str) -> None:
    added = boot_options.rmrr(option)
    assert len(added.regions) <= boot_options.MAX_RMRRS
    assert reason in added.steps[-1].text


def test_what_cannot_be_read_ends_the_option() -> None:
    added = boot_options.rmrr("rmrr=10=0:0:1a.0;zz;20=0:0:1a.0")
    assert [region.start for region in added.regions] == [0x10000]
    assert added.steps[-1].log == 'parameter "rmrr" has invalid value "10=0:0:1a.0;zz;20=0:0:1a.0", rc=-22!'


def test_an_entry_without_devices_is_passed_over_unless_it_is_the_last() -> None:
    assert len(boot_options.rmrr("rmrr=10;20=0:0:1a.0").regions) == 1


@given(st.text(max_size=40).map("rmrr=".__add__), st.text(max_size=40).map(" ivmd=".__add__))
def test_hostile_command_lines_never_raise(first: str, second: str) -> None:
    boot_options.rmrr(first + second)
    boot_options.ivmd(first + second)
