"""What people write where no line of a log says it: troubles in words. Looked at after every log line."""

from __future__ import annotations

from planner.policy.log_lines.line import LogLine

_WHO = "people"

LINES = (
    LogLine(
        _WHO,
        "RMRR override unreachable from libvirt; hacked onto nostrictreset",
        r"nostrictreset|libvirt.{0,60}(?:rdm|rmrr)|(?:rdm|rmrr).{0,60}libvirt",
        "libvirt's Xen driver has no word for rdm_policy. Qubes once hung it on nostrictreset, which means "
        "another thing "
        "(how a device is reset).",
        "Set rdm_policy in an xl.cfg; libvirt cannot carry it.",
        rule="RDM103",
    ),
    LogLine(
        _WHO,
        "GPU HVM crashes or shows a black screen above 3.5 GB of RAM",
        r"(?:black screen|crash\w*|hang\w*|dies?)\b.{0,60}\b\d[\d.,–-]*\s*(?:GB|GiB|MB|MiB)\b|above ~?3.{0,4}3\.5 GB",
        "A guest that works with little memory and fails with more: its BARs land where QEMU believes RAM to be, "
        "because "
        "libxl, hvmloader and QEMU do not agree where low RAM ends.",
        "Set the mmio_hole that `rdm-planner check` names, so that all three agree.",
        rule="MEM201",
    ),
    LogLine(
        _WHO,
        "Resizable bar doesn't work when enabled",
        r"resizable bar",
        "The guest sees the BAR in the size that the host's firmware left it; it cannot resize it, and very large BARs "
        "need room above 4 GiB that its firmware must use.",
        "Fix the BAR's size in the host's firmware, and use Xen 4.19 or later for BARs of 2 GiB and more.",
        rule="BAR305",
    ),
    LogLine(
        _WHO,
        "second boot of the GPU fails; host freeze",
        r"second (?:boot|start).{0,40}fail|host (?:freezes?|froze)",
        "The device was not reset between two guests: it knows no function reset.",
        "Start the host anew between uses, or keep the device in one guest.",
        rule="PCI503",
    ),
    LogLine(
        _WHO,
        "BDF moved after adding a card: wrong device attached",
        r"(?:BDF|PCI device\w*|address\w*) (?:has |have )?(?:moved|reorder\w*|changed)|same slot, different device"
        r"|wrong device (?:is |was )?attached|groups changed",
        "A PCI address is no identity: another card or a firmware update renumbers buses (and regroups devices).",
        "Collect the inventory again, compare it with the old one, and check the guests against the new one.",
        rule="PCI509",
    ),
    LogLine(
        _WHO,
        "dom0 loses its disk, network card or keyboard",
        r"dom0 (?:loses|lost).{0,40}(?:disk|NIC|network|keyboard)|seize ?= ?1",
        "seize=1 takes a device from dom0's driver without asking what dom0 needs it for.",
        "Drop seize, and use `xl pci-assignable-add` on devices that dom0 can do without.",
        rule="PCI502",
    ),
    LogLine(
        _WHO,
        "NVMe passthrough very slow",
        r"NVMe.{0,40}slow",
        "The drive wants more MSI-X vectors than the guest has interrupts (32 unless said), so its queues share one.",
        "Raise extra_guest_irqs= on Xen's command line.",
        rule="PCI507",
    ),
    LogLine(
        _WHO,
        "cannot suspend, restart or migrate the host's guests",
        r"cannot (?:suspend|smart-reboot|migrate|save)",
        "A guest that holds a PCI device can be neither migrated nor suspended.",
        "Detach the device or shut the guest down first.",
        rule="MIG801",
    ),
    LogLine(
        _WHO,
        "setting lost after an upgrade: xen-pciback.hide",
        r"xen-pciback\.hide|setting lost after",
        "xen-pciback.hide is an option of dom0's kernel; an upgrade that rewrites the boot loader's file drops it.",
        "Set it again, and keep it with the host's notes.",
    ),
    LogLine(
        _WHO,
        "why is this not part of the GUI; surprised at the complexity",
        r"not part of the GUI|surprised at the complexity|\b\d steps\b.{0,20}reboot",
        "Giving a device away by hand takes several steps in the right order, and a reboot to learn what went wrong.",
        "`rdm-planner HOST GUEST…` shows what would happen before any of it; `rdm-planner export` writes the configs.",
    ),
    LogLine(
        _WHO,
        "firmware omits an RMRR: DMA faults",
        r"DMA faults?|omits an RMRR|DMAR incomplete",
        "The firmware uses a device's memory without declaring a region for it, so its DMA is stopped as soon as the "
        "IOMMU is on.",
        "Add rmrr=PAGE-PAGE=BUS:DEV.FN (page numbers, in hex) to Xen's command line and to xen_command_line in "
        "host.toml.",
    ),
    LogLine(
        _WHO,
        "security: mapping an RMRR lets the guest reach firmware memory",
        r"(?:guest|VM|domain) (?:can )?reach(?:es)? firmware memory|completely untrusted guests|mapping (?:an )?RMRR",
        "That is how it works: the device's memory must be mapped for the guest, so the guest can read and change it.",
        "Give such devices only to guests you trust as much as the firmware; sharers all to the same one.",
        rule="RDM104",
    ),
)
