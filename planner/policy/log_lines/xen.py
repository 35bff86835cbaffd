"""What the hypervisor prints: `xl dmesg`, or the console as Xen boots."""

from __future__ import annotations

from planner.policy.log_lines.line import DOMAIN, HEX, SBDF, LogLine

_FIRMWARE = "Update the host's firmware; until then no device can be assigned on this host."

LINES = (
    LogLine(
        "Xen",
        "[VT-D] It's disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for Dom32753.",
        rf"It's disallowed to assign {SBDF} with shared RMRR at (?P<address>{HEX}) for {DOMAIN}",
        "{device} shares the reserved region at {address} with other devices, and its rdm_policy is strict, so Xen "
        "refuses to give it to {domain}, even if all the sharers go there. Domain 32753 is Xen's own "
        "DomIO: `xl pci-assignable-add` was at work.",
        rule="RDM103",
    ),
    LogLine(
        "Xen",
        "[VT-D] It's risky to assign 0000:00:1d.0 with shared RMRR at bdf7d000 for d5.",
        rf"It's risky to assign {SBDF} with shared RMRR at (?P<address>{HEX}) for {DOMAIN}",
        "{device} shares the reserved region at {address} with other devices. Its rdm_policy is relaxed, so Xen gives "
        "it to {domain} all the same: the guest reaches firmware memory that the other owners use too. For d[IO] "
        "(`xl pci-assignable-add`) the line is harmless.",
        rule="RDM104",
    ),
    LogLine(
        "Xen",
        "Cannot setup identity map d5:bf800, gfn already mapped to 23f800.",
        rf"Cannot setup identity map {DOMAIN}:(?P<gfn>{HEX})[, ]+gfn already mapped",
        "A reserved region must appear at its own address in {domain}, but at page {gfn} the guest has RAM (or QEMU's "
        "video RAM) already. A strict device is refused with -EBUSY; a relaxed one runs without the map.",
        rule="MEM213",
    ),
    LogLine(
        "Xen",
        "d5: cannot map reserved region [bf800000,bf800fff]: -16",
        rf"cannot map reserved region \[(?P<address>{HEX}),(?P<end>{HEX})\]",
        "The region from {address} to {end} could not be mapped 1:1 into the guest, because something lies "
        "there: guest "
        "RAM, or the place where QEMU parks its video RAM.",
        rule="MEM213",
    ),
    LogLine(
        "Xen",
        "Overlapping RMRRs [7c000000,7cffffff] and [7c800000,7c8fffff]",
        rf"Overlapping RMRRs \[(?P<address>{HEX}),(?P<end>{HEX})\]",
        "Two reserved regions of the firmware's DMAR table overlap, one of them from {address} to {end}. Xen gives the "
        "whole table up and switches VT-d off.",
        rule="RDM110",
    ),
    LogLine(
        "Xen",
        "Overlapping RMRRs: [7c4bf-7c4bf] and [7c4bf-7c4c0]",
        rf"Overlapping RMRRs: \[(?P<address>{HEX})-(?P<end>{HEX})\]",
        "A region of rmrr= on Xen's command line, pages {address} to {end}, overlaps one that is there already. Xen "
        "leaves it out and goes on.",
        rule="INV906",
    ),
    LogLine(
        "Xen",
        "IVMD: overlap with range [7c000,7cfff]",
        rf"IVMD: overlap with range \[(?P<address>{HEX}),(?P<end>{HEX})\]",
        "Two IVMD ranges of the firmware's IVRS table overlap, one of them pages {address} to {end}; Xen gives "
        "the table "
        "up and switches AMD-Vi off.",
        rule="RDM110",
    ),
    LogLine(
        "Xen",
        'RMRR [99000000,99000fff] not in reserved memory; need "iommu_inclusive_mapping=1"?',
        rf"RMRR \[(?P<address>{HEX}),(?P<end>{HEX})\] not in reserved memory",
        "The firmware declares a reserved region from {address} to {end} that its own memory map does not reserve. "
        "Up to 4.18 Xen goes on.",
        "Harmless by itself; update the firmware. Since 4.19 Xen switches VT-d off where that memory is RAM.",
        rule="RDM111",
    ),
    LogLine(
        "Xen",
        "RMRR: [0x99000 ,0x99000] is not (entirely) in reserved memory",
        rf"RMRR: \[(?P<address>{HEX}) ?, ?(?P<end>{HEX})\] is not \(entirely\) in reserved memory",
        "The firmware declares a reserved region, pages {address} to {end}, that its own memory map does not wholly "
        "reserve; Xen adds pages of unknown type, and switches VT-d off where they are RAM.",
        rule="RDM111",
    ),
    LogLine(
        "Xen",
        "RMRR: page at 0x99000 can't be converted",
        rf"(?:page at (?P<address>{HEX}))? ?can't be converted",
        "A reserved region covers page {address}, which the firmware's memory map calls RAM; since 4.19 Xen switches "
        "VT-d off "
        "for that.",
        rule="RDM111",
    ),
    LogLine(
        "Xen",
        "RMRR [99001000,99000fff] is incorrect!",
        rf"RMRR \[(?P<address>{HEX}),(?P<end>{HEX})\] is incorrect",
        "The region from {address} ends at {end}, before it starts. Xen gives the table up and switches VT-d off.",
        rule="RDM112",
    ),
    LogLine(
        "Xen",
        "Ignore RMRR [7ba77000,7ba8efff] as no device under its scope is PCI discoverable!",
        rf"Ignore RMRR \[?(?P<address>{HEX})[, -]+(?P<end>{HEX})\]? as no device under its scope",
        "None of the devices that the region from {address} to {end} names answers, so Xen does not register it.",
        rule="RDM113",
    ),
    LogLine(
        "Xen",
        "Failed to parse ACPI DMAR.  Disabling VT-d.",
        r"Failed to parse ACPI DMAR",
        "Xen refused the firmware's DMAR table and runs without VT-d: no device can be assigned to any guest. The line "
        "before it says what is wrong with the table.",
        _FIRMWARE,
        rule="GRP405",
    ),
    LogLine(
        "Xen",
        "I/O virtualisation disabled",
        r"I/O virtualisation disabled",
        "Xen has no working IOMMU, so no device can be assigned to any guest.",
        rule="GRP405",
    ),
    LogLine(
        "Xen",
        "[VT-D]DMAR:[DMA Write] Request device [0000:00:14.0] fault addr 7ba77000",
        rf"DMAR: ?\[DMA (?P<access>Read|Write)[^\]]*\] Request device \[(?P<device>[0-9a-f:.]+)\].*?fault addr "
        rf"(?P<address>{HEX})",
        "{device} did a DMA {access} to {address}, which its owner does not have mapped. Where the device belongs to "
        "dom0 and the address is reserved memory, the firmware forgot to declare a region (an RMRR) for it.",
        "If the address lies in memory that the firmware reserves: add rmrr=PAGE-PAGE=BUS:DEV.FN (page numbers, "
        "in hex) "
        "to Xen's command line, and write the same to xen_command_line in host.toml. Else: a driver's or guest's "
        "fault.",
    ),
    LogLine(
        "Xen",
        "AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d0 addr 00000000bdf80000 flags 0x10 RW",
        rf"AMD-Vi: IO_PAGE_FAULT: {SBDF} {DOMAIN} addr (?P<address>{HEX})",
        "{device} did DMA to {address}, which its owner does not have mapped. Where the device belongs to dom0 and the "
        "address is reserved memory, the firmware forgot to declare a region (an IVMD) for it.",
        "If the address lies in memory that the firmware reserves: add ivmd= with its page numbers, in hex, to Xen's "
        "command line, and write the same to xen_command_line in host.toml. Else: a driver's or guest's fault.",
    ),
    LogLine(
        "Xen",
        "Adding RMRR for 0 device ([0]: 0xe8) range [3fff0-3fff7]",
        rf"Adding RMRR for \d+ device .*range \[(?P<first_page>{HEX})-(?P<last_page>{HEX})\]",
        "Xen took a region from rmrr= on its command line: pages {first_page} to {last_page}, in hex.",
        "Nothing to do; keep xen_command_line in host.toml current, so that the region is planned for.",
    ),
    LogLine(
        "Xen",
        "d5: assign (0000:03:00.0) failed (-16)",
        rf"{DOMAIN}: assign \({SBDF}\) failed \((?P<error>-\d+)\)",
        "Xen refused to assign {device} to {domain} with error {error}: -1 a shared RMRR, -16 something lies where its "
        "region goes, -18 log-dirty mode, PoD or memory sharing, -95 no passthrough for this guest or a conventional "
        "PCI device with an RMRR behind a bridge.",
        "The line before it says which; `rdm-planner check` names the cause and what clears it.",
    ),
)
