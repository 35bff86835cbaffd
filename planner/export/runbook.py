"""The runbook: what the host has to be told before the exported guests can start, in order, each step with its undo.

Here the steps are worked out; `runbook_text` writes them as Markdown and as a script.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from planner.model.address import Sbdf
from planner.model.host import PciDevice, RegionKind, ReservedRegion
from planner.model.plan import Plan
from planner.model.span import PAGE
from planner.policy.evaluate import Report
from planner.xen import boot_options, hypervisor
from planner.xen.hypervisor import Iommu

GRUB_FILE = "/etc/default/grub.d/rdm-planner.cfg"  # Debian's place for additions to GRUB
GRUB_CONFIG = "/boot/grub/grub.cfg"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. `do` and `undo` are commands, `check` is a command that succeeds when it is done.

    Without `do` it is a question: when `check` fails, the plan does not fit this host and nothing must be done.
    """

    title: str
    why: str
    check: str
    do: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """Steps in order. `reboot` says why the host must restart before the guests, None where it need not.

    `left_out` are assigned devices that stay with dom0, each with why; `taken` those that dom0 loses for a reason.
    """

    host: str
    xen: str
    steps: tuple[Step, ...]
    reboot: str | None
    left_out: tuple[tuple[Sbdf, str], ...]
    taken: tuple[tuple[Sbdf, str], ...]


def make(report: Report) -> Runbook:
    """What the host of `report` must be told for its guests' devices. Addresses come in order."""
    plan = report.plan
    asked = sorted({item.address for guest in plan.guests for item in guest.pci if item.address is not None})
    left_out = tuple((address, why) for address in asked if (why := _why_left_out(plan, address)) is not None)
    kept = {address for address, _ in left_out}
    addresses = tuple(address for address in asked if address not in kept)
    taken = tuple(
        (address, f"{_device(plan, address).in_use}, given away because: {plan.reasons[str(address)]}")
        for address in addresses
        if _device(plan, address).in_use
    )
    xen_options = (*_rmrr_options(report, addresses), *_irq_options(plan))
    reboot = f"Xen reads {' and '.join(xen_options)} only when it starts" if xen_options else None
    if taken and reboot is None:
        reboot = "dom0 lets go of what it uses only when it starts without it"
    steps = [_same_device(plan, address) for address in addresses]
    steps += [_still_said(option) for option in _said_regions(plan, addresses)]
    if addresses:
        steps += [_boot_settings(xen_options, addresses)]
        now = [address for address in addresses if not _device(plan, address).in_use]  # the rest only at the next start
        steps += [_backend(), *(_assignable(address) for address in now)]
    return Runbook(plan.host.name, report.release.name, tuple(steps), reboot, left_out, taken)


def rmrr_option(region: ReservedRegion, devices: tuple[Sbdf, ...]) -> str:
    """`rmrr=` for a region and its devices: first and last page in hex, without 0x (as a real Xen was given it)."""
    first, last = region.start // PAGE, region.end // PAGE
    pages = f"{first:x}" if first == last else f"{first:x}-{last:x}"
    return f"rmrr={pages}={','.join(str(device) for device in devices)}"


def _device(plan: Plan, address: Sbdf) -> PciDevice:
    return plan.host.by_address.get(address) or PciDevice(address=address)


def _why_left_out(plan: Plan, address: Sbdf) -> str | None:
    device = _device(plan, address)
    if device.is_bridge:
        return "a bridge, which no guest gets"
    if device.in_use and not plan.reasons.get(str(address)):
        return f"dom0's {device.in_use}: the plan gives no reason to take it away"
    return None


def _said_regions(plan: Plan, addresses: tuple[Sbdf, ...]) -> tuple[str, ...]:
    """The `rmrr=` options that the host's Xen has on its command line for these devices."""
    words = [word for word in plan.host.xen_command_line.split() if word.startswith("rmrr=")]
    regions = {word: boot_options.rmrr(word).regions for word in words}
    return tuple(word for word in words if any(region.covers(one) for region in regions[word] for one in addresses))


def _rmrr_options(report: Report, addresses: tuple[Sbdf, ...]) -> tuple[str, ...]:
    """Options for regions of the table that Xen does not take up for these devices, where it would take the option."""
    host = report.plan.host
    options = []
    for region in host.regions:
        owners = tuple(address for address in addresses if region.covers(address))
        if region.kind is not RegionKind.RMRR or not owners or _has(report.iommu, region, owners):
            continue
        option = rmrr_option(region, owners)
        line = f"{host.xen_command_line} {option}".strip()
        told = hypervisor.boot(host.changed(xen_command_line=line), report.release)
        if _has(told, region, owners):
            options.append(option)
    return tuple(dict.fromkeys(options))


def _has(iommu: Iommu, region: ReservedRegion, devices: tuple[Sbdf, ...]) -> bool:
    return all(any(rdm.span.overlaps(region.span) for rdm in iommu.regions_of(device)) for device in devices)


def _irq_options(plan: Plan) -> tuple[str, ...]:
    """`extra_guest_irqs=` where a guest's devices have more interrupts than it is given."""
    most = 0
    for guest in plan.guests:
        devices = [_device(plan, item.address) for item in guest.pci if item.address is not None]
        most = max(most, sum(device.msix or device.msi or 0 for device in devices))
    return (f"extra_guest_irqs={most}",) if most > boot_options.guest_irqs(plan.host.xen_command_line) else ()


def _same_device(plan: Plan, address: Sbdf) -> Step:
    device = _device(plan, address)
    folder = f'"$SYSFS/bus/pci/devices/{address}"'
    checks = [f"test -d {folder}"]
    if device.id is not None:
        vendor, _, model = device.id.partition(":")
        checks += [f'test "$(cat {folder}/vendor)" = 0x{vendor}', f'test "$(cat {folder}/device)" = 0x{model}']
    if device.driver is not None:
        driver = f'"$(basename "$(readlink {folder}/driver)")"'
        known = " | ".join(dict.fromkeys(("''", "pciback", shlex.quote(device.driver))))
        checks.append(f"case {driver} in {known}) ;; *) false ;; esac")
    what = f"[{device.id}] {device.name}".strip() if device.id else device.name
    return Step(
        f"{address} is still the device of the plan{f': {what}' if what else ''}",
        "addresses move when a card is added or the firmware changes",
        " && ".join(checks),
    )


def _still_said(option: str) -> Step:
    return Step(
        f"Xen runs with {option}",
        "the plan counts on a region that Xen knows only from its command line",
        f"xl info xen_commandline | grep -qF -- {shlex.quote(option)}",
    )


def _boot_settings(xen_options: tuple[str, ...], addresses: tuple[Sbdf, ...]) -> Step:
    hide = "xen-pciback.hide=" + "".join(f"({address})" for address in addresses)
    lines = [f'GRUB_CMDLINE_XEN="$GRUB_CMDLINE_XEN {option}"' for option in xen_options]
    lines += [f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {hide}"']
    text = " ".join(f"'{line}'" for line in lines)
    write = f'printf "%s\\n" {text}'
    return Step(
        "the next start of the host keeps these devices for guests",
        f"on Xen's command line: {' '.join(xen_options) or 'nothing'}; on dom0's: {hide}. It is read when xen-pciback "
        "starts, so where that is a module it must be in the initramfs to come before other drivers",
        " && ".join(
            [f'test "$({write})" = "$(cat "$GRUB_FILE")"']
            + [f"grep -qF '{option}' \"$GRUB_CONFIG\"" for option in (*xen_options, hide)]
        ),
        (f'{write} >"$GRUB_FILE"', "update-grub"),
        ('rm -f "$GRUB_FILE"', "update-grub"),
    )


def _backend() -> Step:
    return Step(
        "dom0 has the driver that holds devices for guests",
        "xen-pciback hands a device to a guest and takes it back",
        'test -d "$SYSFS/bus/pci/drivers/pciback"',
        ("modprobe xen-pciback",),
    )


def _assignable(address: Sbdf) -> Step:
    return Step(
        f"{address} can be assigned now",
        "xl takes it from its driver in dom0 and remembers that driver",
        f"xl pci-assignable-list | grep -qF {address}",
        (f"xl pci-assignable-add {address}",),
        (f"xl pci-assignable-remove -r {address}",),
    )
