"""The whole build of a guest, stage by stage: what Xen would do, with reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from planner.model.address import Sbdf
from planner.model.guest import Guest, RdmPolicy
from planner.model.host import Host
from planner.model.span import Span
from planner.xen import hypervisor, libxl, qemu, xl
from planner.xen.hypervisor import Attach, Iommu
from planner.xen.libxl import Layout
from planner.xen.qemu import QemuView
from planner.xen.release import Release
from planner.xen.segments import Segment, segments
from planner.xen.steps import Step
from planner.xen.xl import Domain


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, whether the build got through it, and what was decided in it."""

    name: str
    ok: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Build:
    """What Xen makes of one guest.

    `error` is the line of the actor that stopped it, None when the guest starts. `layout` and `qemu` are None for a
    guest whose memory libxl does not lay out here (PV, or a config that xl refuses).
    """

    guest: Guest
    release: Release
    domain: Domain
    stages: tuple[Stage, ...]
    layout: Layout | None
    qemu: QemuView | None
    attached: tuple[Attach, ...]
    error: str | None

    @property
    def ok(self) -> bool:
        """Whether the guest starts with all its devices."""
        return self.error is None

    @property
    def was_lowered(self) -> bool:
        """Whether low RAM ends below where QEMU believes it does: libxl lowered it for a region."""
        return self.layout is not None and self.qemu is not None and self.layout.low_end < self.qemu.low_end

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The address space in order; empty without a layout. Made when first asked for."""
        return segments(self.layout) if self.layout is not None else ()


def build(guest: Guest, host: Host, iommu: Iommu, release: Release, *, as_documented: bool = False) -> Build:
    """Replay xl, libxl and the hypervisor for `guest`. `iommu` is `hypervisor.boot(host)`, made once a host.

    `as_documented` reads `rdm=` as the manual has it instead of as the release does.
    """
    asked = xl.configure(guest, release, hap=host.hap, as_documented=as_documented)
    domain = asked.domain
    error = asked.error
    asked_steps = asked.steps
    if error is None:
        error = libxl.check_config(domain, iommu)
        if error is not None:
            asked_steps = (*asked_steps, Step("libxl refuses the config", "libxl_create.c:1163-1202", error, "error"))
    stages = [Stage("asked", error is None, asked_steps)]
    layout = view = None
    attached: tuple[Attach, ...] = ()
    if asked.error is None and domain.type != "pv":
        layout = libxl.build(domain, iommu, release)
        view = qemu.view(domain, layout) if domain.type == "hvm" else None
        reserved_ok = layout.ok or bool(layout.e820_steps)
        stages.append(Stage("reserved", reserved_ok, layout.reserved_steps))
        if layout.e820_steps:
            stages.append(Stage("e820", layout.ok, layout.e820_steps))
        error = error or layout.error
    if error is None:
        attached = _attach_all(domain, iommu, _populated(layout, view))
        error = next((attach.error for attach in attached if not attach.ok), None)
        stages.append(Stage("attach", error is None, tuple(step for attach in attached for step in attach.steps)))
    return Build(guest, release, domain, tuple(stages), layout, view, attached, error)


def hotplug(build: Build, iommu: Iommu, address: Sbdf, policy: RdmPolicy = RdmPolicy.INVALID) -> Attach:
    """What `xl pci-attach` of one more device to the running guest would meet (libxl builds no memory map then).

    The guest's e820 is what it was at creation: a region that was not reserved then is mapped if nothing lies there,
    but the guest is never told; RAM in its place refuses a strict device and leaves a relaxed one without its map.
    """
    if build.layout is None or not build.ok:
        line = "the guest does not run"
        return Attach(
            address, False, line, (Step("hotplug needs a running guest", "libxl_pci.c:1536-1606", line, "error"),)
        )
    if not build.domain.devices and build.domain.passthrough in (None, "disabled"):
        step = Step("the guest was created without passthrough: -EOPNOTSUPP", "pt/pci.c:1570-1677", None, "error")
        return Attach(address, False, "the guest was created without passthrough", (step,))
    held = [span for attach in build.attached for span in attach.held]
    answer = hypervisor.attach(iommu, address, policy, _populated(build.layout, build.qemu), held=held)
    told = {entry.span for entry in build.layout.regions if entry.policy is not RdmPolicy.INVALID}
    untold = [str(span) for span in answer.held if span not in told]
    if untold:
        step = Step(f"the guest's e820 does not list {', '.join(untold)}", "libxl_dm.c:468-670 runs at creation only")
        answer = replace(answer, steps=(*answer.steps, step))
    return answer


def _populated(layout: Layout | None, view: QemuView | None) -> tuple[Span, ...]:
    return (*(layout.ram if layout is not None else ()), *((view.scratch,) if view is not None else ()))


def _attach_all(domain: Domain, iommu: Iommu, mapped: tuple[Span, ...]) -> tuple[Attach, ...]:
    """Every device in config order: libxl asks for all of them, also after a refusal (seen on a real run)."""
    attached: list[Attach] = []
    held: list[Span] = []
    for device in domain.devices:
        if device.address is not None:
            answer = hypervisor.attach(iommu, device.address, device.policy, mapped, held=held)
            attached.append(answer)
            held += answer.held
    return tuple(attached)


def effective_policy(build: Build, index: int) -> RdmPolicy | None:
    """The policy that device number `index` of the guest ends up with: strict unless said; None: undefined."""
    policy = build.domain.devices[index].policy
    return RdmPolicy.STRICT if policy is RdmPolicy.INVALID else policy
