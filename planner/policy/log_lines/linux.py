"""What Linux prints, as dom0, as a KVM host, and in a guest."""

from __future__ import annotations

from planner.policy.log_lines.line import HEX, SBDF, LogLine

LINES = (
    LogLine(
        "Linux",
        "vfio-pci 0000:08:00.0: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.  "
        "Contact your platform vendor.",
        rf"(?:{SBDF}: )?Device is ineligible for IOMMU domain attach due to platform RMRR requirement",
        "{device} has a reserved region (an RMRR), and Linux since 3.17 gives no such device to a guest unless it is a "
        "USB controller or graphics. Xen does: it maps the region 1:1 and checks who shares it.",
        "Let the firmware drop the region (HPE: conrep or RBSU, per slot), use another slot, or boot with "
        "intel_iommu=on,relax_rmrr where the kernel has it and the risk (BMC traffic) is taken.",
        rule="RDM119",
    ),
    LogLine(
        "Linux",
        "failed to set iommu for container: Operation not permitted",
        r"failed to set iommu for container: Operation not permitted",
        "vfio could not take the device's IOMMU group: a reserved region forbids it (see dmesg), or interrupts "
        "cannot be "
        "remapped.",
        'Look in dmesg for "ineligible for IOMMU domain attach" or "no interrupt remapping"; explain that line.',
    ),
    LogLine(
        "Linux",
        "vfio: error, group 14 is not viable, please ensure all devices within the iommu_group are bound to vfio",
        r"group (?P<group>\w+) is not viable",
        "IOMMU group {group} holds more devices than the guest gets: nothing between them (ACS) stops them from "
        "reaching "
        "each other, so they must move together. Bridges in the group are harmless.",
        "Give all of the group to one guest, or use a slot below a port with ACS.",
        rule="GRP402",
    ),
    LogLine(
        "Linux",
        "no iommuGroup available for device 0000:08:00.0",
        rf"no iommu_?group available(?: for device)? ?(?:{SBDF})?",
        "The kernel made no IOMMU group for {device}: the IOMMU is off, or groups changed with a kernel or firmware "
        "update. A Xen dom0 never has any: isolation must be read off the PCI tree.",
        "Switch VT-d or AMD-Vi on; collect the inventory again and compare it with the old one.",
    ),
    LogLine(
        "Linux",
        "Unable to reset PCI device 0000:01:00.0: no FLR, PM reset or bus reset available",
        rf"Unable to reset PCI device {SBDF}|Unable to reset PCI device|no FLR, PM reset or bus reset available",
        "{device} cannot be reset between guests: it knows no function reset, and a bus reset would hit its "
        "neighbours.",
        "Keep it in one guest between reboots of the host, or give all functions of its bus to the same guest.",
        rule="PCI503",
    ),
    LogLine(
        "Linux",
        "NVRM: GPU at PCI:0000:01:00: GPU has fallen off the bus.",
        r"GPU has fallen off the bus",
        "The driver reads all ones from the card: its BARs lie where QEMU believes RAM to be, a resizable BAR is "
        "larger "
        "than what Xen maps, or the card was never reset.",
        "Check the map (`rdm-planner map --view all`), fix the card's BAR size in the firmware (Resizable BAR "
        "off), and "
        "start the host anew before the next try.",
        rule="MEM201",
    ),
    LogLine(
        "Linux",
        "pcifront pci-0: claiming resource 0000:00:00.0/0; pcifront BAR claim failure",
        r"pcifront.{0,80}(?:BAR claim failure|could not claim|claiming resource)|claim failure",
        "A PV guest has RAM where the host has the device's BAR, so the BAR cannot be used.",
        "Less memory for the guest, or an HVM guest: it gets BARs of its own.",
        rule="MEM206",
    ),
    LogLine(
        "Linux",
        "igbvf: probe of 0000:00:01.0 failed with error -22",
        rf"igbvf.{{0,20}}prob(?:e|ing).{{0,60}}-22|probe of {SBDF} failed with error -22",
        "The driver of a virtual function found BARs it cannot use: in a PV guest they collide with the guest's RAM.",
        "Less memory for the guest, or an HVM guest.",
        rule="MEM206",
    ),
    LogLine(
        "Linux",
        "DMAR: [Firmware Bug]: No firmware reserved region can cover this RMRR [0x7ba77000-0x7ba8efff]",
        rf"No firmware reserved region can cover this RMRR \[(?P<address>{HEX})-(?P<end>{HEX})\]"
        r"|No firmware reserved region can cover this RMRR",
        "The firmware declares a reserved region from {address} that its own memory map does not reserve.",
        rule="RDM111",
    ),
    LogLine(
        "ESXi",
        "Module 'DevicePowerOn' power on failed; total number of pages needed (4206594) exceeds limit",
        r"Module 'DevicePowerOn' power on failed|total number of pages needed \((?P<pages>\d+)\) exceeds limit",
        "The devices' BARs need more 64-bit address space than the virtual machine was given.",
        "On ESXi: pciPassthru.use64bitMMIO and a larger 64bitMMIOSizeGB. For Xen `rdm-planner map` shows where "
        "each BAR "
        "goes and what is left.",
    ),
)
