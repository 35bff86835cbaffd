"""What hvmloader and QEMU print: `xl dmesg` (d5), and /var/log/xen/qemu-dm-GUEST.log."""

from __future__ import annotations

from planner.policy.log_lines.line import HEX, LogLine

LINES = (
    LogLine(
        "hvmloader",
        "Fail to setup memory map due to conflict on dynamic reserved memory range.",
        r"conflict on dynamic reserved memory range",
        "A reserved region lies in 0xfc100000-0xfdffffff, where hvmloader allocates its own pages: the guest crashes.",
        rule="MEM215",
    ),
    LogLine(
        "hvmloader",
        "pci dev 04:0 bar 10 size 020000000: no space for resource!",
        rf"(?:pci dev (?P<slot>{HEX}:{HEX}) bar (?P<register>{HEX}) size (?P<size>{HEX}): ?)?no space for resource",
        "A BAR found no place in the guest's address space and stays unmapped: the device does not work.",
        rule="BAR301",
    ),
    LogLine(
        "hvmloader",
        "Low MMIO hole not large enough for all devices, relocating some BARs to 64-bit",
        r"relocating some BARs to 64-bit",
        "The BARs do not all fit below 4 GiB, so 64-bit ones may go above the guest's RAM; its firmware and "
        "drivers must "
        "cope with that.",
        "A larger mmio_hole, or a guest with UEFI and a 64-bit system.",
        rule="BAR302",
    ),
    LogLine(
        "hvmloader",
        "*** HVMLoader bug at e820.c:264",
        r"HVMLoader (?:bug|crashed|assertion)",
        "hvmloader gave up: xl reported success, and the guest died before its BIOS started.",
        rule="MEM215",
    ),
    LogLine(
        "QEMU",
        "-device e1000,id=nic4,netdev=net4: xen: failed to populate ram at 40140000",
        rf"xen: failed to populate ram at (?P<address>{HEX})",
        "Xen gave QEMU no memory for what it parks at {address}, as with a fifth emulated network card: each has a "
        "boot ROM of 256 KiB, and libxl leaves 1 MiB for them. The device model does not start.",
        rule="MEM216",
    ),
    LogLine(
        "QEMU",
        "xen_pt_check_bar_overlap: Warning: Overlapped to device [00:05.0] Region: 1",
        r"xen_pt_check_bar_overlap|Overlapped to device \[(?P<device>[0-9a-f:.]+)\]",
        "QEMU sees a BAR of the passed-through device where another device is: BARs were placed where QEMU did not "
        "expect them, as happens with large or resizable BARs and a low hole that is too small.",
        "Set mmio_hole so that all BARs fit, fix the card's BAR size in the firmware, and use Xen 4.19 or later "
        "for BARs "
        "of 2 GiB and more; `rdm-planner map --view all` shows who believes what.",
    ),
)
