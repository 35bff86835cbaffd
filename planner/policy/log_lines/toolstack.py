"""What xl, libxl and the stacks above them print."""

from __future__ import annotations

from planner.policy.log_lines.line import HEX, SBDF, LogLine

_QUOTE = r"[\"'`‘’“”]"

LINES = (
    LogLine(
        "libxl",
        "Ignoring RDM conflict at 0x7e000000.",
        rf"Ignoring RDM conflict at (?P<address>{HEX})",
        "The reserved region at {address} lies in the guest's RAM and its policy is relaxed: libxl hides the "
        "region and "
        "goes on. The device may do DMA there, into the guest's own memory.",
        rule="RDM102",
    ),
    LogLine(
        "libxl",
        "RDM conflict at 0xe8000.",
        r"RDM conflict at (?P<address>0x[0-9a-f]{1,5}\b)",
        "The reserved region at {address} lies below 1 MiB, in the area of every guest's BIOS, and its policy is "
        "strict.",
        rule="RDM107",
    ),
    LogLine(
        "libxl",
        "RDM conflict at 0x140000000.",
        r"RDM conflict at (?P<address>0x[0-9a-f]{9,}\b)",
        "The reserved region at {address} lies in the guest's RAM above 4 GiB, where libxl never makes room, and its "
        "policy is strict.",
        rule="RDM106",
    ),
    LogLine(
        "libxl",
        "RDM conflict at 0x7e000000.",
        rf"RDM conflict at (?P<address>{HEX})",
        "The reserved region at {address} lies in the guest's RAM, its policy is strict, and it starts at or below "
        "rdm_mem_boundary (2048 MiB unless set), where libxl does not make room.",
        rule="RDM101",
    ),
    LogLine(
        "libxl",
        "xc_assign_device failed: Operation not permitted",
        r"xc_assign_device failed: Operation not permitted",
        "Xen does not give the device away, most often because it shares a reserved region with others and its policy "
        "is strict. xl ends the guest before it runs.",
        "Look in `xl dmesg` for Xen's own line.",
        rule="RDM103",
    ),
    LogLine(
        "libxl",
        "xc_assign_device failed: Device or resource busy",
        r"xc_assign_device failed",
        "Xen does not give the device away, and xl ends the guest before it runs; the error at the end says why: no "
        "device (another guest has it, or Xen does not know it), busy, or a region that cannot be mapped 1:1.",
        "Look in `xl dmesg` for Xen's own line, and paste that here.",
    ),
    LogLine(
        "libxl",
        "libxl__device_pci_add failed for PCI device 0:0:1a.0 (rc -3)",
        r"libxl__device_pci_add failed for PCI device (?P<device>[0-9a-f]+:[0-9a-f]+:[0-9a-f]+\.[0-7])",
        "The device {device} (written without leading zeros) did not reach the guest; the line before says why.",
        "Read the lines before it (and paste them here).",
    ),
    LogLine(
        "QEMU",
        "PCI: slot 5 function 0 not available for xen-pci-passthrough, in use by VGA",
        r"PCI: slot (?P<slot>\d+) function \d not available for",
        "A device asks for slot {slot} (decimal) of the guest's bus, and another has it. xl ends the guest before it "
        "runs.",
        rule="PCI511",
    ),
    LogLine(
        "QEMU",
        "PCI: no slot/function available for xen-pci-passthrough, all in use or reserved",
        r"PCI: no slot/function available for",
        "All 32 slots of the guest's bus are taken. xl ends the guest before it runs.",
        rule="PCI511",
    ),
    LogLine(
        "libxl",
        "unable to add pci devices",
        r"unable to add pci devices",
        "A device did not reach the guest, so xl ends the guest before it runs; the lines before say which and why.",
        "Read the lines before it (and paste them here).",
    ),
    LogLine(
        "libxl",
        "device model did not start: -3",
        r"device model did not start",
        "QEMU ended as it started, so the guest is not created; /var/log/xen/qemu-dm-GUEST.log says why.",
        "Read that log's last line (and paste it here).",
    ),
    LogLine(
        "libxl",
        "checking reserved device memory failed",
        r"checking reserved device memory failed",
        "A reserved region and the guest's RAM collide; the line before says where (RDM conflict at an address).",
        rule="RDM101",
    ),
    LogLine(
        "libxl",
        "Could not get reserved device memory maps.",
        r"Could not get reserved device memory maps",
        "libxl could not ask Xen for the reserved regions of a device, and the guest is not built.",
        "Look in `xl dmesg` for what Xen said; libxl and Xen of two different releases are the usual cause.",
    ),
    LogLine(
        "libxl",
        "Ooops! Too many entries in the memory map!",
        r"Too many entries in the memory map",
        "The guest's memory map would need 128 or more entries: too many reserved regions.",
        rule="MEM209",
    ),
    LogLine(
        "libxl",
        "setting domain memory map failed",
        r"setting domain memory map failed",
        "Xen did not take the guest's memory map; the line before it says why, often too many entries.",
        rule="MEM209",
    ),
    LogLine(
        "libxl",
        "passthrough not supported on this platform",
        r"passthrough not supported on this platform",
        "The host has no working IOMMU as far as Xen knows.",
        rule="GRP405",
    ),
    LogLine(
        "libxl",
        "PCI device 0000:03:00.0 cannot be assigned - no IOMMU?",
        rf"PCI device {SBDF} cannot be assigned - no IOMMU",
        "Xen has no IOMMU that could confine {device}, or the guest was created without passthrough.",
        'Switch VT-d or AMD-Vi on in the firmware; for hotplug create the guest with passthrough = "enabled".',
        rule="GRP405",
    ),
    LogLine(
        "libxl",
        "passthrough disabled but devices are specified",
        r"passthrough disabled but devices are specified",
        'The config says passthrough = "disabled" and lists devices all the same.',
        rule="MEM208",
    ),
    LogLine(
        "libxl",
        'passthrough="share_pt" requires HAP',
        rf"passthrough={_QUOTE}share_pt{_QUOTE}",
        "Sharing page tables with the IOMMU needs an HVM guest, hardware assisted paging, and an IOMMU that can.",
        rule="MEM208",
    ),
    LogLine(
        "libxl",
        "passthrough not yet supported for x86 PVH guests",
        r"passthrough not yet supported for x86 PVH guests",
        "A PVH guest cannot have PCI devices on x86.",
        rule="MEM205",
    ),
    LogLine(
        "libxl",
        "IOMMU required for device passthrough but not supported together with PoD",
        r"not supported together with PoD",
        "memory is less than maxmem, so RAM would be filled in on first touch; a device's DMA cannot wait for that.",
        rule="MEM204",
    ),
    LogLine(
        "libxl",
        "xc_dom_boot_mem_init failed: Cannot allocate memory",
        r"xc_dom_boot_mem_init failed: Cannot allocate memory|can't allocate low memory for domain",
        "The host has too little free memory for the guest's RAM, which a guest with devices has from the start.",
        "Less memory, or stop another guest: `xl info` has free_memory.",
        rule="MEM217",
    ),
    LogLine(
        "xl",
        "failed to free memory for the domain",
        r"failed to free memory for the domain",
        "xl could not take enough RAM from dom0 for the guest (autoballoon is on, and dom0 keeps a minimum).",
        "Less memory, or stop another guest; with dom0_mem= on Xen's command line xl leaves dom0's RAM alone.",
        rule="MEM217",
    ),
    LogLine(
        "libxl",
        "xc_dom_boot_mem_init failed",
        r"xc_dom_boot_mem_init failed",
        "The guest's RAM could not be populated: video RAM takes it all, or it is no whole number of MiB.",
        "Compare memory and videoram.",
        rule="MEM214",
    ),
    LogLine(
        "libxl",
        "xc_dom_build_image failed",
        r"xc_dom_build_image",
        "libxl cannot load hvmloader: low RAM ends below 1 MiB.",
        rule="MEM215",
    ),
    LogLine(
        "libxl",
        "videoram must be at least 16 MB for STDVGA on QEMU_XEN",
        r"videoram must be at least (?P<needed>\d+) ?MB",
        "The emulated graphics card needs at least {needed} MiB of video RAM.",
        rule="MEM214",
    ),
    LogLine(
        "libxl",
        "usbversion and/or usbredirection cannot be enabled with usb and/or usbdevice parameters.",
        r"usbversion and/or usbredirection cannot be enabled",
        "usbversion chooses a USB controller, usb and usbdevice another; libxl takes one of the two ways.",
        rule="CFG615",
    ),
    LogLine(
        "libxl",
        "unknown rdm check flag.",
        r"unknown rdm check flag",
        'A device\'s policy is neither strict nor relaxed: xl never set it (rdm = "strategy=host" without a policy).',
        rule="CFG612",
    ),
    LogLine(
        "libxl",
        "Must specify a v-slot for multi-function devices",
        r"Must specify a v-slot for multi-function devices",
        "The config gives a whole slot (BB:DD.*) without saying where it goes in the guest.",
        rule="CFG613",
    ),
    LogLine(
        "libxl",
        "PCI device 0000:03:00.0 already assigned to a different guest?",
        rf"(?:{SBDF} )?already assigned to a different guest",
        "{device} has an owner already: another guest, or this one, because it is listed twice.",
        "Drop one of the two assignments; `xl pci-list` and `rdm-planner check` over all guests show who has it.",
        rule="PCI508",
    ),
    LogLine(
        "libxl",
        "PCI device 0:3:0.0 is not assignable",
        r"(?:PCI device (?P<device>[0-9a-f:.]+) )?is not assignable",
        "{device} is not bound to xen-pciback, so xl does not take it.",
        "xl pci-assignable-add {device} first (or xen-pciback.hide=({device}) on dom0's kernel command line), "
        "then start "
        "the guest.",
    ),
    LogLine(
        "libxl",
        "Couldn't bind device to pciback!",
        r"Couldn't bind device to pciback",
        "xl pci-assignable-add could not hand the device to xen-pciback: a driver holds it, or the module is missing.",
        "modprobe xen-pciback; unbind the device from its driver (/sys/bus/pci/devices/…/driver/unbind); try again.",
    ),
    LogLine(
        "libxl",
        "failed to quarantine 0000:03:00.0",
        rf"failed to quarantine ?(?:{SBDF})?",
        "Xen refused to move {device} into quarantine (DomIO) as xl pci-assignable-add asked.",
        "Look in `xl dmesg` for the reason; a shared RMRR or a missing IOMMU are the usual ones.",
    ),
    LogLine(
        "libxl",
        "0000:02:00.0 not bound to a driver, will not be rebound.",
        rf"{SBDF} not bound to a driver, will not be rebound",
        "{device} had no driver in dom0 when it was made assignable, so xl will give it none back later.",
        "Nothing to do.",
    ),
    LogLine(
        "libxl",
        "The kernel doesn't support reset from sysfs for PCI device 0000:00:1a.0",
        rf"The kernel doesn't support reset from sysfs for PCI device {SBDF}",
        "dom0's kernel knows no way to reset {device} alone. libxl goes on: the next guest gets it as the last "
        "left it.",
        "Keep it in one guest between reboots of the host, or give all functions of its bus together.",
        rule="PCI503",
    ),
    LogLine(
        "libxl",
        "unable to detect required gfx_passthru_kind",
        r"unable to detect required gfx_passthru_kind",
        "gfx_passthru is set, and no Intel graphics device is in the guest's pci list.",
        'Write gfx_passthru = "igd" for Intel graphics that libxl does not recognise; for another card set it to 0.',
    ),
    LogLine(
        "libxl",
        "cannot open /sys/bus/pci/devices/0000:00:00.0/config: error -9",
        r"0000:00:00\.0/config.{0,40}-9",
        "libxl took a virtual function of Intel graphics for the primary card, and the stub domain may not open "
        "the host "
        "bridge's config space for it.",
        "gfx_passthru = 0, or a libxl that tells a VF from the primary card.",
        rule="PCI506",
    ),
    LogLine(
        "xl",
        'ERROR: invalid value 255 for "mmio_hole"',
        rf"invalid value ?(?P<value>-?\d*) ?for {_QUOTE}?mmio_hole",
        "mmio_hole = {value} is out of range: xl takes 256 to 3840 MiB and exits for anything else.",
        rule="MEM202",
    ),
    LogLine(
        "xl",
        "Unknown RDM policy: bogus",
        r"Unknown RDM policy: ?(?P<value>[\w-]*)",
        "policy={value} in rdm= is no policy. Since 4.15 xl takes the setting all the same and leaves the policy "
        "undefined.",
        rule="CFG603",
    ),
    LogLine(
        "xl",
        "Unknown RDM strategy option: guest",
        r"Unknown RDM strategy option:? ?(?P<value>[\w-]*)",
        "strategy={value} in rdm= is no strategy (only host is), and xl goes on without the whole setting.",
        rule="CFG602",
    ),
    LogLine(
        "xl",
        "Unknown RDM state option:  policy",
        r"Unknown RDM state option:? ?(?P<value>[\w-]*)",
        "A word in rdm= is neither strategy nor policy, often because of a blank before it; xl drops all of rdm=.",
        rule="CFG602",
    ),
    LogLine(
        "xl",
        "Unknown PCI_SPEC_STRING option: rdm_polcy",
        r"Unknown PCI_SPEC_STRING option:? ?(?P<value>[\w-]*)",
        "An item of the pci list has a key that this release does not know: {value}. xl exits.",
        rule="CFG606",
    ),
    LogLine(
        "xl",
        "unable to parse PCI_SPEC_STRING `00:1d' for passthrough",
        rf"unable to parse PCI(?: BDF|_SPEC_STRING) {_QUOTE}?(?P<value>[^'’”\"]*)",
        "xl cannot read {value} in the pci list and exits. Usual causes: no function (.0), a blank after a comma, an "
        "unknown key.",
        rule="CFG606",
    ),
    LogLine(
        "xl",
        "config parsing error near 'True': lexical error (warning: this looks like Python)",
        r"looks like Python",
        "The config has something that only a Python program reads; xl's own grammar has strings, numbers and lists.",
        "Quote words, and write True and False as 1 and 0.",
    ),
    LogLine(
        "xl",
        'can\'t add [list] to "string" or vice versa',
        r"can't add \[list\] to",
        "A += joins a list with a string; xl gives the whole file up.",
        "Make both sides of += a list, or both a string.",
    ),
    LogLine(
        "xl",
        "Domain name must be specified.",
        r"Domain name must be specified",
        "The config does not name the guest, and xl exits.",
        'Write name = "…".',
    ),
    LogLine(
        "xenopsd",
        'Cannot_add("0000:08:00.0", "1: Operation not permitted")',
        rf"Cannot_add\(.*?(?:{SBDF})?.*?Operation not permitted",
        "Xen refused to assign {device}: with this error it is nearly always a shared RMRR under a strict policy. "
        "`xl dmesg` has the line with the region.",
        rule="RDM103",
    ),
    LogLine(
        "XAPI",
        "VM_HAS_PCI_ATTACHED",
        r"VM_HAS_PCI_ATTACHED",
        "A guest that holds a PCI device can be neither migrated, suspended nor moved off its host.",
        "Detach the device or shut the guest down before the host's maintenance.",
        rule="MIG801",
    ),
)
