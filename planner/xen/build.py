"""The whole build of a guest, stage by stage: what Xen would do, with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from planner.model.address import Sbdf
from planner.model.guest import Guest, RdmPolicy
from planner.model.host import Host, PciDevice
from planner.model.span import KIB, PAGE, Span
from planner.xen import emulated, hvmloader, hypervisor, libxl, qemu, views, xl
from planner.xen.emulated import EmulatedHardware
from planner.xen.guest_pci import Function
from planner.xen.hvmloader import Outcome
from planner.xen.hypervisor import Attach, Iommu
from planner.xen.libxl import Layout
from planner.xen.qemu import QemuView
from planner.xen.release import Release
from planner.xen.segments import Segment, segments
from planner.xen.steps import Step
from planner.xen.views import Disagreement
from planner.xen.xl import Domain

STAGES = ("asked", "reserved", "e820", "firmware", "attach")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, whether the build got through it, and what was decided in it."""

    name: str
    ok: bool
    _steps: tuple[Step, ...]
    _outcome: Outcome | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The decisions in order. hvmloader's are put into words when first asked for."""
        return self._outcome.steps if self._outcome is not None else self._steps


@dataclass(frozen=True, eq=False)
class Build:
    """What Xen makes of one guest.

    `error` is the line of the actor that stopped it, None when the guest starts. `layout`, `qemu` and `firmware`
    (what hvmloader did) are None where that actor plays no part: PV, PVH, or a build that ended before.
    """

    guest: Guest
    release: Release
    iommu: Iommu
    domain: Domain
    stages: tuple[Stage, ...]
    layout: Layout | None
    qemu: QemuView | None
    firmware: Outcome | None
    functions: tuple[Function, ...]
    attached: tuple[Attach, ...]
    error: str | None

    @property
    def ok(self) -> bool:
        """Whether the guest starts with all its devices."""
        return self.error is None

    @property
    def undefined(self) -> tuple[str, ...]:
        """What depends on a value that xl never sets, in words: here Xen may do otherwise at every start."""
        words = [f"the policy of {device.address}" for device in self.domain.devices if device.policy is None]
        if self.layout is not None:
            words += [f"whether libxl fails over {span}" for span in self.layout.undefined]
        return tuple(words)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The address space in order; empty without a layout. Made when first asked for."""
        if self.layout is None:
            return ()
        return segments(self.layout, self.firmware, self.names, hvm=self.domain.type == "hvm")

    @cached_property
    def names(self) -> dict[int, str]:
        """What to call each function of the guest's PCI bus, by devfn."""
        return {function.devfn: function.name for function in self.functions}

    @cached_property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Where QEMU believes otherwise than Xen and hvmloader, and what that does."""
        if self.layout is None or self.qemu is None or not self.layout.ok:
            return ()
        return views.disagreements(self.layout, self.qemu, self.firmware, self.names)


def build(guest: Guest, host: Host, iommu: Iommu, release: Release, *, as_documented: bool = False) -> Build:
    """Replay xl, libxl and the hypervisor for `guest`. `iommu` is `hypervisor.boot(host)`, made once a host.

    `as_documented` reads `rdm=` as the manual has it instead of as the release does.
    """
    asked = xl.configure(guest, release, hap=host.hap, as_documented=as_documented)
    domain, steps = asked.domain, asked.steps
    error = asked.error or libxl.check_config(domain, iommu)
    if error is not None and asked.error is None:
        steps = (*steps, Step("libxl refuses the config", "libxl_create.c:1163-1202", error, "error"))
    stages = [Stage("asked", error is None, steps)]
    functions = _functions(guest, host, domain) if domain.type == "hvm" else ()
    layout = view = outcome = unloadable = None
    if asked.error is None and domain.type != "pv":
        layout = libxl.build(domain, iommu, release, host.memory)
        view = qemu.view(domain, layout, functions) if domain.type == "hvm" else None
        unloadable = libxl.load_image(domain, layout)
        starts = unloadable is None and (view is None or view.error is None)
        outcome = _firmware(guest, domain, layout, functions, release) if starts else None
    ends_here = error is not None  # what a refused guest's memory would be is told, and no stage of it
    if layout is not None and not ends_here:
        stages.append(Stage("reserved", layout.ok or bool(layout.e820_steps), layout.reserved_steps))
        error = error or layout.error
    if layout is not None and layout.e820_steps and not ends_here:
        stages.append(Stage("e820", layout.ok, (*layout.e820_steps, *_untold(domain, layout, view))))
    if unloadable is not None and not ends_here:
        error = error or unloadable
        text = "low RAM ends below 1 MiB, where hvmloader's own image goes"
        stages.append(Stage("firmware", False, (Step(text, "xg_dom_core.c", unloadable, "error"),)))
    if outcome is not None and not ends_here:
        stages.append(Stage("firmware", outcome.ok, (), outcome))
    short = libxl.out_of_memory(domain, host.memory) if domain.type == "pv" else None
    if error is None and short is not None:
        error = short.log
        stages.append(Stage("reserved", False, (short,)))
    attached: tuple[Attach, ...] = ()
    failed = _spawn(guest, host, view, release) if error is None and domain.type == "hvm" else ()
    if failed:
        error = failed[-1].log
        stages.append(Stage("attach", False, failed))
    if error is None:
        refused = emulated.refusals(functions, _assigned(guest, host)) if domain.type == "hvm" else {}
        attached = _attach_all(guest, domain, iommu, _populated(layout, view), refused)
        error = next((attach.error for attach in attached if not attach.ok), None)
        stages.append(Stage("attach", error is None, tuple(step for attach in attached for step in attach.steps)))
    # Devices are attached before the guest first runs, so hvmloader's word comes last.
    error = error or (outcome.error if outcome is not None and not outcome.ok else None)
    return Build(guest, release, iommu, domain, tuple(stages), layout, view, outcome, functions, attached, error)


def without_regions(build: Build) -> Outcome | None:
    """What hvmloader would do with the guest's BARs, were no region reserved; None where it never runs."""
    if build.layout is None:
        return None
    ram = tuple(entry for entry in build.layout.e820 if entry.type != "reserved")
    return _firmware(build.guest, build.domain, build.layout._replace(e820=ram), build.functions, build.release)


def _firmware(
    guest: Guest, domain: Domain, layout: Layout, functions: tuple[Function, ...], release: Release
) -> Outcome | None:
    """What hvmloader makes of libxl's layout; None where it never runs."""
    if domain.type != "hvm" or not layout.ok:
        return None
    given = hvmloader.from_layout(
        domain,
        layout,
        functions,
        platform_bar_uc=True if release.has_platform_bar_uc else None,
        huge_bars_go_high=release.sends_huge_bars_high,
        firmware=hvmloader.FIRMWARE[guest.firmware],
        populate_budget=max(0, qemu.spare_bytes(domain, functions)) // PAGE,
    )
    return hvmloader.run(given)


def _spawn(guest: Guest, host: Host, view: QemuView | None, release: Release) -> tuple[Step, ...]:
    """The steps with which libxl fails to start the device model, its own word last; none where it starts."""
    if guest.gfx_passthru and not guest.igd:
        devices = (device for device, _ in _assigned(guest, host))
        line = emulated.undetected_graphics(devices, any_display=release.takes_any_display_for_igd)
        if line is not None:
            return (Step("gfx_passthru, and no Intel graphics in pci", "libxl_dm.c:1842", line, "error"),)
    if view is not None and view.error is not None:
        line = "device model did not start: -3"
        return (
            Step("Xen has no memory left for a card's boot ROM", "seen on real runs", view.error, "error"),
            Step("libxl gives up", "libxl_create.c: domcreate_devmodel_started", line, "error"),
        )
    return ()


def _functions(guest: Guest, host: Host, domain: Domain) -> tuple[Function, ...]:
    """The guest's PCI bus: what QEMU emulates, then the devices of `pci` in order, at their slots or the next free."""
    hardware = EmulatedHardware(
        vga=guest.vga,
        video_mib=domain.video_kib // KIB,
        xen_platform_pci=guest.xen_platform_pci,
        usb=guest.usb,
        usbversion=guest.usbversion,
        soundhw=guest.soundhw,
        nics=guest.nics,
        ahci=guest.ahci,
        gfx_passthru=guest.gfx_passthru,
        extra=guest.extra_devices,
    )
    present = emulated.devices(hardware)
    return (*present, *emulated.passthrough(present, _assigned(guest, host))) if guest.pci else present


def _assigned(guest: Guest, host: Host) -> list[tuple[PciDevice, int | None]]:
    """The guest's devices that the host knows, with the devfn that each item asks for."""
    known = host.by_address
    return [
        (known[item.address], None if item.vslot is None else item.vslot << 3)
        for item in guest.pci
        if item.address in known
    ]


def hotplug(build: Build, address: Sbdf, policy: RdmPolicy = RdmPolicy.INVALID) -> Attach:
    """What `xl pci-attach` of one more device to the running guest would meet (libxl builds no memory map then).

    The guest's e820 is what it was at creation: a region that was not reserved then is mapped if nothing lies there,
    but the guest is never told; RAM in its place refuses a strict device and leaves a relaxed one without its map.
    """
    if build.layout is None or not build.ok:
        line = "the guest does not run"
        return Attach(
            address, False, line, (Step("hotplug needs a running guest", "libxl_pci.c:1536-1606", line, "error"),)
        )
    if without_passthrough(build.domain):
        line = f"PCI device {address} cannot be assigned - no IOMMU?"
        step = Step("the guest was created without passthrough", "libxl_pci.c:1658", line, "error")
        return Attach(address, False, line, (step,))
    if build.domain.type == "hvm" and emulated.is_full(build.functions):
        line = emulated.refusal(None)
        return Attach(address, False, line, (Step("QEMU has no slot for it", "hw/pci/pci.c", line, "error"),))
    held = [span for attach in build.attached for span in attach.held]
    answer = hypervisor.attach(build.iommu, address, policy, _populated(build.layout, build.qemu), held=held)
    told = {entry.span for entry in build.layout.regions if entry.policy is not RdmPolicy.INVALID}
    untold = [str(span) for span in answer.held if span not in told]
    if untold:
        step = Step(f"the guest's e820 does not list {', '.join(untold)}", "libxl_dm.c:468-670 runs at creation only")
        answer = answer._replace(steps=(*answer.steps, step))
    return answer


def without_passthrough(domain: Domain) -> bool:
    """Whether libxl creates the guest without an IOMMU context, so that no device can join later."""
    return not domain.devices and domain.passthrough in (None, "disabled")


def _untold(domain: Domain, layout: Layout, view: QemuView | None) -> tuple[Step, ...]:
    """What libxl does not tell QEMU when it starts it: that low RAM was lowered (seen on real runs)."""
    if view is None or not layout.ok or not view.lost:
        return ()
    given = f"only mmio_hole's {domain.mmio_hole_kib // KIB} MiB" if domain.mmio_hole_kib else "only the amount of RAM"
    text = f"QEMU is told {given}, not that low RAM ends at {layout.low_end:#x}: it believes {view.low_end:#x}"
    return (Step(text, "libxl_dm.c:1573-1583", None, "warning"),)


def _populated(layout: Layout | None, view: QemuView | None) -> tuple[Span, ...]:
    return (*(layout.ram if layout is not None else ()), *(view.parked if view is not None else ()))


def _attach_all(
    guest: Guest, domain: Domain, iommu: Iommu, mapped: tuple[Span, ...], refused: Mapping[Sbdf, str]
) -> tuple[Attach, ...]:
    """Every device in config order: libxl asks for all of them, also after a refusal (seen on a real run).

    It asks QEMU first: `refused` are the devices for which that has no slot, with what it says.
    """
    attached: list[Attach] = []
    held: list[Span] = []
    for item, device in zip(guest.pci, domain.devices, strict=True):
        address = device.address
        if address is None:
            continue
        if item.all_functions and item.vslot is None:
            line = "Must specify a v-slot for multi-function devices"
            attached.append(Attach(address, False, line, (Step("no v-slot", "libxl_pci.c:1659-1664", line, "error"),)))
            continue
        if address in refused:
            step = Step("QEMU has no slot for it", "libxl_pci.c: pci_add_dm_done", refused[address], "error")
            attached.append(Attach(address, False, refused[address], (step,)))
            continue
        if item.all_functions:
            address = _last_function(iommu, address)
        if any(answer.address == address and answer.ok for answer in attached):
            line = not_assignable(address)
            attached.append(Attach(address, False, line, (Step("listed twice", "libxl_pci.c:1677", line, "error"),)))
            continue
        answer = hypervisor.attach(iommu, address, device.policy, mapped, held=held)
        attached.append(answer)
        held += answer.held
    return tuple(attached)


def not_assignable(address: Sbdf) -> str:
    """What libxl says of a device that the guest has already (seen on a real run)."""
    return f"PCI device {address.segment:x}:{address.bus:x}:{address.device:x}.{address.function} is not assignable"


def _last_function(iommu: Iommu, address: Sbdf) -> Sbdf:
    """The function that `BB:DD.*` really attaches: the loop ends after the highest-numbered (libxl_pci.c:1675-1690)."""
    return max((one for one in iommu.devices if one.slot == address.slot), default=address)
