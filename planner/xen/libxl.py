"""libxl: how much RAM goes below and above 4 GiB, which regions are reserved, and the e820 it passes on.

Source: libxl__build_hvm (libxl_dom.c:1087-1244), libxl__domain_device_construct_rdm (libxl_dm.c:468-670) and
domain_construct_memmap (libxl_x86.c:679-782), the same code from 4.14 to master but for the type of ACPI modules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy, RdmStrategy
from planner.model.span import GIB4, KIB, MIB, PAGE, Span, format_size, round_down
from planner.xen.hypervisor import Iommu
from planner.xen.release import Release
from planner.xen.steps import Step
from planner.xen.xl import DEFAULT_BOUNDARY_KIB, Domain

DEFAULT_MMIO_HOLE = 256 * MIB  # libxl_internal.h
LOW_RAM_LIMIT = 0xF0000000  # where QEMU's and libxl's low RAM ends by default
VGA_HOLE = Span(0xA0000, 0xC0000)
SPECIAL_PAGES = Span(0xFEFF8000, 0xFF000000)
E820_MAX = 128
_PVH_MMIO_START = 0xFC000000  # the lowest of special pages, LAPIC and ACPI tables
_RULE = "libxl_dm.c:468-670"


class E820Entry(NamedTuple):
    """One line of an e820: bytes [start, start + size). `size` wraps at 64 bits, as libxl's own arithmetic does."""

    start: int
    size: int
    type: str

    @property
    def span(self) -> Span:
        """The range of the entry."""
        return Span.sized(self.start, self.size)


def listed(entries: Iterable[E820Entry]) -> str:
    """The lines of an e820 in one."""
    return ", ".join(f"{entry.span} {entry.type}" for entry in entries)


class ReservedEntry(NamedTuple):
    """A region in libxl's list. Policy INVALID: masked, the guest never hears of it; None: undefined.

    `devices` are the guest's devices that brought it; empty where only `strategy=host` did. `wanted` is the policy
    before libxl masked it.
    """

    span: Span
    policy: RdmPolicy | None
    devices: tuple[Sbdf, ...]
    wanted: RdmPolicy | None


class Layout(NamedTuple):
    """Stages `reserved` and `e820`. Addresses in bytes; `high_end` 0: no RAM above 4 GiB.

    When `ok` is False the figures are as they stood when libxl gave up, and `error` is the line it logged first.
    `undefined` are regions in conflict whose policy xl never set: libxl may also fail over them.
    """

    ok: bool
    error: str | None
    low_end: int
    high_end: int
    mmio_start: int
    mmio_size: int
    boundary: int
    policy: RdmPolicy | None
    regions: tuple[ReservedEntry, ...]
    undefined: tuple[Span, ...]
    e820: tuple[E820Entry, ...]
    reserved_steps: tuple[Step, ...]
    e820_steps: tuple[Step, ...]

    @property
    def log(self) -> tuple[tuple[str, str], ...]:
        """What libxl logs, in order: (level, message)."""
        return tuple((step.level, step.log) for step in (*self.reserved_steps, *self.e820_steps) if step.log)

    @property
    def ram(self) -> tuple[Span, ...]:
        """Where guest RAM is populated: the VGA hole never is."""
        spans = [
            Span(0, min(self.low_end, VGA_HOLE.start)),
            Span(VGA_HOLE.end, self.low_end),
            Span(GIB4, self.high_end),
        ]
        return tuple(span for span in spans if span.size)


def check_config(domain: Domain, iommu: Iommu) -> str | None:
    """The line with which libxl refuses the domain before it builds anything, or None.

    Source: libxl_create.c:1163-1202 and libxl_x86.c:848-875. Passthrough that is not said is on when there are devices.
    """
    wanted = domain.passthrough not in (None, "disabled") or (domain.passthrough is None and bool(domain.devices))
    if domain.passthrough == "disabled" and domain.devices:
        return "passthrough disabled but devices are specified"
    if not wanted:
        return None
    if not iommu.enabled:
        return "passthrough not supported on this platform"
    if domain.type == "pvh":
        return "passthrough not yet supported for x86 PVH guests"
    if domain.passthrough == "share_pt" and (domain.type == "pv" or not domain.hap):
        return 'passthrough="share_pt" ' + ("not valid for PV domains" if domain.type == "pv" else "requires HAP")
    if domain.type != "pv" and domain.target_kib < domain.max_kib:
        return "IOMMU required for device passthrough but not supported together with PoD"
    return None


def load_image(domain: Domain, layout: Layout) -> str | None:
    """The line with which libxl fails to load hvmloader, whose image starts at 1 MiB, or None (seen on a real run)."""
    if domain.type == "hvm" and layout.ok and layout.low_end <= MIB:
        return "xc_dom_build_image failed: Invalid argument"
    return None


def out_of_memory(domain: Domain, host_memory: int | None) -> Step | None:
    """The step at which a guest fails that asks for as much RAM as the host has (bytes; None: not known), or more.

    What is filled in at once is `memory`, or `maxmem` where that is less. All of the host's is too much already: Xen
    and dom0 have their share of it. Seen on a real run; where xl may take RAM from dom0 (autoballoon), it gives up
    before, with another line.
    """
    wanted = min(domain.target_kib, domain.max_kib) * KIB
    if host_memory is None or wanted < host_memory:
        return None
    text = f"{format_size(wanted)} of RAM wanted, and the host has {format_size(host_memory)}"
    return Step(text, "xg_dom_boot.c:119", "xc_dom_boot_mem_init failed: Cannot allocate memory", "error")


def build(domain: Domain, iommu: Iommu, release: Release, host_memory: int | None = None) -> Layout:
    """Lay out an HVM or PVH domain's memory around the reserved regions; `host_memory` in bytes, where it is known."""
    builder = _Builder(domain, iommu, release, host_memory)
    error = builder.reserve() or builder.populate() or builder.make_e820()
    return Layout(
        ok=error is None,
        error=error,
        low_end=builder.low,
        high_end=builder.high,
        mmio_start=builder.mmio_start,
        mmio_size=GIB4 - builder.mmio_start,
        boundary=builder.boundary,
        policy=builder.policy,
        regions=tuple(builder.regions),
        undefined=tuple(builder.undefined),
        e820=tuple(builder.e820),
        reserved_steps=tuple(builder.reserved_steps),
        e820_steps=tuple(builder.e820_steps),
    )


class _Builder:
    """The state libxl carries from one function to the next."""

    def __init__(self, domain: Domain, iommu: Iommu, release: Release, host_memory: int | None) -> None:
        self.domain, self.iommu, self.release, self.host_memory = domain, iommu, release, host_memory
        self.hvm = domain.type == "hvm"
        boundary = domain.boundary_kib
        if boundary is None:
            boundary = DEFAULT_BOUNDARY_KIB if self.hvm else 0  # PVH leaves the union at 0
        self.boundary = boundary * KIB
        self.policy = RdmPolicy.RELAXED if self.hvm and domain.policy is RdmPolicy.INVALID else domain.policy
        self.regions: list[ReservedEntry] = []
        self.undefined: list[Span] = []
        self.e820: list[E820Entry] = []
        self.reserved_steps: list[Step] = []
        self.e820_steps: list[Step] = []
        self.ram = (domain.max_kib - domain.video_kib) * KIB
        self.mmio_start = self._mmio_start()
        self.low = min(self.ram, self.mmio_start)
        self.high = GIB4 + self.ram - self.mmio_start if self.ram > self.mmio_start else 0
        self.reserved_steps.append(
            Step(
                f"{format_size(self.ram)} of RAM: low RAM to {self.low:#x}"
                + (f", high RAM to {self.high:#x}" if self.high else ", none above 4 GiB"),
                "libxl_dom.c:1087-1244",
                about=(Span(self.low, self.low), *([Span(GIB4, self.high)] if self.high else [])),
            )
        )

    def _mmio_start(self) -> int:
        hole = (self.domain.mmio_hole_kib or 0) * KIB
        if hole and GIB4 - hole < LOW_RAM_LIMIT:
            return GIB4 - hole
        return GIB4 - DEFAULT_MMIO_HOLE if self.hvm else _PVH_MMIO_START

    def reserve(self) -> str | None:
        """libxl__domain_device_construct_rdm: collect regions, lower low RAM for those above the boundary, judge."""
        if self.domain.strategy is RdmStrategy.IGNORE and not self.domain.devices:
            self.reserved_steps.append(Step("no device and no rdm strategy: nothing to reserve", _RULE))
            return None
        if not self._collect():
            return None
        self._lower_low_ram()
        return self._judge()

    def _collect(self) -> bool:
        """Fill the list in libxl's order; False where `strategy=host` finds nothing and libxl leaves at once."""
        if self.domain.strategy is RdmStrategy.HOST:
            self.regions = [ReservedEntry(rdm.span, self.policy, (), self.policy) for rdm in self.iommu.everything]
            self.reserved_steps.append(Step(f"strategy=host: Xen lists {len(self.regions)} regions", _RULE))
            if not self.regions:
                return False
        for device in self.domain.devices:
            if device.address is None:
                self.reserved_steps.append(Step("a device given by name has no address yet: none reserved", _RULE))
                continue
            policy = RdmPolicy.STRICT if device.policy is RdmPolicy.INVALID else device.policy
            for rdm in self.iommu.regions_of(device.address):
                self._add(rdm.span, policy, device.address)
        return True

    def _add(self, span: Span, policy: RdmPolicy | None, address: Sbdf) -> None:
        for index, entry in enumerate(self.regions):
            if entry.span.start == span.start:  # libxl compares the start alone; the last device's policy wins
                self.regions[index] = ReservedEntry(entry.span, policy, (*entry.devices, address), policy)
                self.reserved_steps.append(
                    Step(f"{span} again for {address}: policy now {policy}", _RULE, about=(span,))
                )
                return
        self.regions.append(ReservedEntry(span, policy, (address,), policy))
        self.reserved_steps.append(Step(f"{span} for {address}, {policy}", _RULE, about=(span,)))

    def _lower_low_ram(self) -> None:
        for entry in self.regions:
            start = entry.span.start
            if start >= self.low or entry.span.end <= 0 or start <= self.boundary:
                continue
            target = round_down(start, 2 * MIB) if self.domain.hap and start > 2 * MIB else start
            left = Span(target, self.low)
            self.high = (self.high or GIB4) + left.size
            self.low = target
            rounded = ", rounded down to 2 MiB," if target != start else ""
            self.reserved_steps.append(
                Step(
                    f"{entry.span} overlaps RAM and starts above the boundary {self.boundary:#x}, "
                    f"so low RAM ends at {target:#x}{rounded} and {format_size(left.size)} move above 4 GiB",
                    _RULE,
                    about=(left, Span(GIB4, self.high)),
                )
            )

    def _judge(self) -> str | None:
        low, high = Span(0, self.low), Span(GIB4, self.high)
        for index, entry in enumerate(self.regions):
            if not (entry.span.overlaps(low) or (self.high and entry.span.overlaps(high))):
                continue
            where = f"{entry.span} overlaps {'low' if entry.span.overlaps(low) else 'high'} RAM"
            if entry.policy is RdmPolicy.STRICT:
                line = f"RDM conflict at {entry.span.start:#x}."
                self.reserved_steps.append(
                    Step(f"{where}; strict: the build fails", _RULE, line, "error", (entry.span,))
                )
                self.reserved_steps.append(
                    Step("libxl gives up", "libxl_dom.c", "checking reserved device memory failed", "error")
                )
                return line
            line = f"Ignoring RDM conflict at {entry.span.start:#x}."
            reason = "not strict: hidden from the guest"
            if entry.policy is None:
                reason = "its policy is undefined: hidden, unless xl's stack happened to hold 0, when the build fails"
                self.undefined.append(entry.span)
            self.reserved_steps.append(Step(f"{where}; {reason}", _RULE, line, "warning", (entry.span,)))
            self.regions[index] = entry._replace(policy=RdmPolicy.INVALID)
        return None

    def populate(self) -> str | None:
        """meminit_hvm: RAM must come out in whole MiB (xg_dom_x86.c:1430), and the host must have it."""
        failure = out_of_memory(self.domain, self.host_memory)
        if self.ram <= 0 or self.ram % MIB:
            text, line = f"{self.ram} bytes of RAM are not whole MiB", "xc_dom_boot_mem_init failed"
            failure = Step(text, "xg_dom_x86.c:1430", line, "error")
        if failure is None:
            return None
        self.e820_steps.append(failure)
        return failure.log

    def make_e820(self) -> str | None:
        """domain_construct_memmap: RAM, regions, what the type needs, high RAM; never sorted."""
        start = MIB if self.hvm else 0
        entries = [E820Entry(start, (self.low - start) % (1 << 64), "ram")]
        entries += [
            E820Entry(entry.span.start, entry.span.size, "reserved")
            for entry in self.regions
            if entry.policy is not RdmPolicy.INVALID
        ]
        if not self.hvm:
            entries.append(E820Entry(SPECIAL_PAGES.start, SPECIAL_PAGES.size, "reserved"))
        for address, length in self.domain.acpi_modules:
            page = round_down(address, PAGE)
            entries.append(E820Entry(page, length + address - page, self.release.acpi_module_type))
        if self.high:
            entries.append(E820Entry(GIB4, self.high - GIB4, "ram"))
        if len(entries) >= E820_MAX:
            line = "Ooops! Too many entries in the memory map!"
            self.e820_steps += [
                Step(f"{len(entries)} entries, one less than {E820_MAX} fit", "libxl_x86.c:679-782", line, "error"),
                Step("libxl gives up", "libxl_dom.c", "setting domain memory map failed", "error"),
            ]
            return line
        self.e820 = entries
        reader = "hvmloader" if self.hvm else "the guest's kernel"
        text = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'} handed to {reader}: {listed(entries)}"
        self.e820_steps.append(Step(text, "libxl_x86.c:679-782"))
        return None
