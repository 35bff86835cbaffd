"""The whole build of a guest, stage by stage: what Xen would do, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from planner.model.guest import Guest, RdmPolicy
from planner.model.host import Host
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
        mapped = (*(layout.ram if layout is not None else ()), *((view.scratch,) if view is not None else ()))
        attached = tuple(
            hypervisor.attach(iommu, device.address, device.policy, mapped)
            for device in domain.devices
            if device.address is not None
        )
        error = next((attach.error for attach in attached if not attach.ok), None)
        stages.append(Stage("attach", error is None, tuple(step for attach in attached for step in attach.steps)))
    return Build(guest, release, domain, tuple(stages), layout, view, attached, error)


def effective_policy(build: Build, index: int) -> RdmPolicy | None:
    """The policy that device number `index` of the guest ends up with: strict unless said; None: undefined."""
    policy = build.domain.devices[index].policy
    return RdmPolicy.STRICT if policy is RdmPolicy.INVALID else policy
