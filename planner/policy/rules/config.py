"""CFG: settings that do not do what they say."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.span import GIB4
from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen import libxl
from planner.xen.build import Build

_PER_DEVICE = 'set rdm_policy= on each device: pci = [ "…,rdm_policy=strict" ]'


@guest_rule(
    Rule(
        "CFG601",
        "xl drops the rdm setting without a word",
        Severity.ERROR,
        by="nobody",
        why="Since 4.15 xl takes the policy parser's yes for a no, so a valid policy= makes it drop all of rdm=.",
        remedy="Set rdm_policy= on each device instead.",
        source="xlu/libxlu_pci.c:259 (bdc0799fe2), xl_parse.c:1704-1710; run on 4.17 and master",
    )
)
def rdm_dropped(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """An `rdm=` that is right by the manual and dropped by the release."""
    rdm = build.guest.rdm
    if (
        rdm is not None
        and build.release.drops_rdm_with_policy
        and rdm.as_documented.accepted
        and not rdm.as_shipped.accepted
    ):
        read = ", though it is read here as documented" if context.plan.rdm_as_documented else ""
        message = f'rdm = "{rdm.text}" has no effect on Xen {build.release}: xl drops it without a message{read}'
        yield context.finding(rule, build.guest, message, help=_PER_DEVICE, keys=("rdm",))


@guest_rule(
    Rule(
        "CFG602",
        "An rdm setting that no release reads",
        Severity.ERROR,
        by="nobody",
        why="xl does not trim blanks or accept other words here, and ignores what it cannot read.",
        remedy='Write it without blanks: rdm = "strategy=host".',
        source="xlu/libxlu_pci.c:213-283",
    )
)
def rdm_unreadable(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """An `rdm=` that neither reading accepts."""
    rdm = build.guest.rdm
    if rdm is not None and not rdm.as_documented.accepted and not rdm.as_shipped.accepted:
        says = rdm.as_shipped.messages[0] if rdm.as_shipped.messages else None
        message = f'rdm = "{rdm.text}" cannot be read, and xl goes on without it'
        yield context.finding(rule, build.guest, message, xen_says=says, speaker="xl", help=_PER_DEVICE, keys=("rdm",))


@guest_rule(
    Rule(
        "CFG603",
        "xl leaves the RDM policy or strategy undefined",
        Severity.WARNING,
        by="xl",
        why="xl never initialises the value that the rdm string did not set: it takes whatever its stack held.",
        remedy="Set rdm_policy= on every device.",
        source="xl_parse.c:1705-1729",
    )
)
def rdm_undefined(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """An accepted `rdm=` that leaves a field unset."""
    rdm = build.guest.rdm
    if rdm is None:
        return
    reading = rdm.as_shipped if build.release.drops_rdm_with_policy else rdm.as_documented
    missing = [field for field in ("strategy", "policy") if getattr(reading, field) is None]
    if reading.accepted and missing:
        what = " and ".join(missing)
        message = f'rdm = "{rdm.text}" leaves the {what} undefined: Xen may treat it differently at every start'
        yield context.finding(rule, build.guest, message, help=_PER_DEVICE, keys=("rdm",))


@guest_rule(
    Rule(
        "CFG606",
        "A pci item that this release cannot read",
        Severity.ERROR,
        by="xl",
        why="xl exits at an item of pci= that its parser does not know; name= came with Xen 4.15.",
        remedy="Give the device by its address.",
        source="libxlu_pci.c (9cd5bbf536)",
    )
)
def pci_item_unreadable(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A device given by name on a release before 4.15."""
    for item in build.guest.pci:
        if item.name is not None and not build.release.knows_device_keys:
            message = f"name={item.name}: Xen {build.release} knows devices by address only"
            yield context.finding(rule, build.guest, message, xen_says=build.error, keys=("pci",))


@guest_rule(
    Rule(
        "CFG612",
        "A device whose RDM policy is undefined",
        Severity.ERROR,
        by="libxl",
        why="The device inherits the policy that xl took from its stack; for most values libxl refuses to attach it.",
        remedy="Set rdm_policy= on the device.",
        source="libxl_pci.c:1424-1431, xl_parse.c:1729; seen on a real run",
    )
)
def device_policy_undefined(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A device without its own policy under an undefined global one."""
    for item, device in zip(build.guest.pci, build.domain.devices, strict=True):
        if device.policy is None:
            yield context.finding(
                rule,
                build.guest,
                f"{item.label} takes its rdm_policy from a value that xl never set",
                device=device.address,
                xen_says="unknown rdm check flag.",
                help="rdm_policy=strict on the device",
                keys=("pci", "rdm"),
            )


@guest_rule(
    Rule(
        "CFG605",
        "Settings that only HVM guests have",
        Severity.WARNING,
        by="nobody",
        why="xl reads them for HVM guests alone; rdm= on a PV guest even overwrites other settings of its.",
        remedy="Drop them, or make the guest HVM.",
        source="xl_parse.c:1704, 1981, 2086; xl.cfg(5)",
    )
)
def hvm_only(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`rdm`, `rdm_mem_boundary` or `mmio_hole` on a PV or PVH guest."""
    guest = build.guest
    keys = tuple(key for key in ("rdm", "rdm_mem_boundary", "mmio_hole") if getattr(guest, key) is not None)
    if guest.type != "hvm" and keys:
        message = f"{', '.join(keys)}: no effect on a {guest.type.upper()} guest"
        yield context.finding(rule, guest, message, keys=keys)


@guest_rule(
    Rule(
        "CFG613",
        "A slot given as a whole loses functions",
        Severity.ERROR,
        by="libxl",
        why="BB:DD.* needs a v-slot, reserves the regions of function 0 alone, and attaches the last function alone.",
        remedy="List each function as an item of its own.",
        source="libxl_pci.c:1659-1690, read in both trees and not run",
    )
)
def whole_slot(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Items whose function is `*`."""
    for item in build.guest.pci:
        if item.all_functions and item.address is not None:
            says = None if item.vslot is not None else "Must specify a v-slot for multi-function devices"
            message = f"{item.label}: libxl attaches one function of the slot, not all"
            yield context.finding(rule, build.guest, message, device=item.address, xen_says=says, help=rule.remedy)


@guest_rule(
    Rule(
        "CFG614",
        "A device given by name",
        Severity.WARNING,
        by="nobody",
        why="libxl learns its address only when it attaches it, so its reserved regions are not in the guest's map.",
        remedy="Give the device by its address.",
        source="libxl_pci.c:1551-1555",
    )
)
def device_by_name(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Items with `name=`."""
    for item in build.guest.pci:
        if item.name is not None:
            message = f"name={item.name}: nobody knows yet which device that is, so nothing can be said of its regions"
            yield context.finding(rule, build.guest, message, help=rule.remedy, keys=("pci",))


@guest_rule(
    Rule(
        "CFG615",
        "usb and usbversion together",
        Severity.ERROR,
        by="libxl",
        why="libxl refuses a guest that asks for USB in both ways.",
        remedy="Drop usb and usbdevice, or usbversion.",
        source="libxl_create.c:397; seen on a real run",
    )
)
def two_usbs(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`usb=1` or `usbdevice=` with `usbversion=`."""
    guest = build.guest
    if guest.type == "hvm" and guest.usb and guest.usbversion is not None:
        message = f"usbversion = {guest.usbversion} beside usb or usbdevice: libxl refuses the two together"
        yield context.finding(rule, guest, message, xen_says=build.error, keys=("usbversion", "usb"))


@guest_rule(
    Rule(
        "CFG610",
        "rdm_mem_boundary without effect",
        Severity.NOTICE,
        by="nobody",
        why="No region of the guest lies between this boundary and the default one, so the layout is the same.",
        remedy="Drop the setting.",
        source="libxl_dm.c:468-670",
    )
)
def boundary_without_effect(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """`rdm_mem_boundary` with which libxl does what it would do without."""
    guest, layout = build.guest, build.layout
    if guest.type != "hvm" or guest.rdm_mem_boundary is None or layout is None:
        return
    without = libxl.build(build.domain._replace(boundary_kib=None), build.iommu, build.release)
    if (without.low_end, without.high_end, without.error, without.regions) == (
        layout.low_end,
        layout.high_end,
        layout.error,
        layout.regions,
    ):
        message = f"rdm_mem_boundary = {guest.rdm_mem_boundary} changes nothing for this guest"
        yield context.finding(rule, guest, message, help=rule.remedy, keys=("rdm_mem_boundary",))


@guest_rule(
    Rule(
        "CFG611",
        "Reserved memory with QEMU in a stub domain",
        Severity.WARNING,
        by="QEMU",
        why="The QEMU of a stub domain may not be told of mmio_hole, and then has RAM where the guest has none.",
        remedy="See that the stub domain's QEMU runs with max-ram-below-4g, or run QEMU in dom0.",
        source="reports of graphics cards that work only with little RAM; not run",
    )
)
def stubdomain(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """A stub domain for a guest with devices whose low RAM ends elsewhere than by default."""
    layout = build.layout
    if build.guest.stubdomain and build.guest.pci and layout is not None:
        default = min(layout.low_end + max(0, layout.high_end - GIB4), GIB4 - libxl.DEFAULT_MMIO_HOLE)
        if layout.low_end < default:
            message = f"low RAM ends at {layout.low_end:#x}, and the QEMU of a stub domain may believe {default:#x}"
            keys = ("device_model_stubdomain_override", "mmio_hole")
            yield context.finding(rule, build.guest, message, help=rule.remedy, keys=keys)
