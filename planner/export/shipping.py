"""What goes to a Xen release: settings with which the map as shipped is the map that was planned.

Every change made here is proved by building the guest again, and told in a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from planner.export import block, xlcfg
from planner.formats.xlcfg import rdm
from planner.model.errors import InputError
from planner.model.guest import Guest, RdmPolicy, RdmStrategy
from planner.model.span import format_size
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding
from planner.xen import qemu
from planner.xen.build import Build, build
from planner.xen.libxl import E820Entry


@dataclass(frozen=True, eq=False)
class Shipment:
    """A plan as it is written.

    `planned` judges the plan, `report` what is written of it as the release reads that: what blocks there forbids
    writing. `notes` say, by guest, what was written beyond the plan and why, or why nothing was.
    """

    planned: Report
    report: Report
    notes: Mapping[str, tuple[str, ...]]

    def refusals(self, guest: str | None = None) -> tuple[Finding, ...]:
        """What forbids writing the plan, or one `guest` of it. Empty: go ahead."""
        return xlcfg.refusals(self.report, guest)

    def cured(self, guest: str) -> tuple[str, ...]:
        """The rules whose errors the planned guest has, and the written one has not."""
        left = {finding.rule.id for finding in self.report.blocking if finding.guest == guest}
        rules = dict.fromkeys(finding.rule.id for finding in self.planned.blocking if finding.guest == guest)
        return tuple(rule for rule in rules if rule not in left)

    @property
    def read(self) -> dict[str, str]:
        """What the guests' files held when they were read, by path."""
        files = [guest.file for guest in self.planned.plan.guests if guest.file is not None and guest.file.on_disk]
        return {file.path: file.text for file in files}

    def text(self, guest: str) -> str:
        """The xl.cfg of that guest. InputError where its file cannot be edited into what is planned."""
        one = self.report.plan.guest(guest)
        result = self.report.build(guest)
        if one is None or result is None:
            raise InputError(f"there is no guest {guest!r:.60} in the plan")
        plan = self.report.plan
        return block.updated(xlcfg.render(one), one, result, plan.host.name, plan.reasons.get(guest, ""))


def ship(report: Report) -> Shipment:
    """The plan of `report` for the release it was made for."""
    plan = report.plan
    notes: dict[str, tuple[str, ...]] = {}
    guests = []
    for planned in report.builds:
        guest, said = _as_shipped(report, planned)
        guest, more = _with_matching_hole(report, guest)
        guests.append(guest)
        if said or more:
            notes[guest.name] = (*said, *more)
    shipped = replace(plan, guests=tuple(guests), rdm_as_documented=False)
    return Shipment(report, evaluate(shipped, report), notes)


def _built(report: Report, guest: Guest) -> Build:
    return build(guest, report.plan.host, report.iommu, report.release)


def _as_shipped(report: Report, planned: Build) -> tuple[Guest, tuple[str, ...]]:
    """A guest that the release takes for what `planned` was built from, and what was done; itself where nothing is."""
    guest = planned.guest
    if guest.rdm is None or not report.plan.rdm_as_documented or not report.release.drops_rdm_with_policy:
        return guest, ()
    if guest.rdm.as_shipped == guest.rdm.as_documented:
        return guest, ()
    nearest: Build | None = None
    for tried in _ways(planned):
        nearest = _built(report, tried)
        if _same_map(planned, nearest):
            return tried, (_told(guest, tried, report.release.name),)
    return guest, (_why_not(planned, nearest, report.release.name),)


def _ways(planned: Build) -> Iterator[Guest]:
    """Settings to try in place of an `rdm=` with a policy, the plainest first.

    Each device says its policy itself. `strategy=host` alone is still read, with a policy that nobody sets, which
    harms only where a region of no assigned device meets RAM. No size helps there: it would move RAM.
    """
    guest = planned.guest
    policies = tuple(
        item if device.policy in (None, RdmPolicy.INVALID) else replace(item, policy=device.policy)
        for item, device in zip(guest.pci, planned.domain.devices, strict=True)
    )
    plain = replace(guest, rdm=None, pci=policies)
    yield plain
    if planned.domain.strategy is RdmStrategy.HOST:
        yield replace(plain, rdm=rdm.parse("strategy=host"))


def _same_map(one: Build, other: Build) -> bool:
    """Whether libxl lays both out alike for certain, tells the guest the same, and hands over the same devices."""
    return not other.undefined and _map(one) == _map(other)


def _map(result: Build) -> tuple[object, ...]:
    layout = result.layout
    laid = (layout.ok, layout.error, layout.low_end, layout.high_end, _listed(layout.e820)) if layout else ()
    return (result.error, *laid, tuple((one.address, one.ok, one.held) for one in result.attached))


def _listed(e820: tuple[E820Entry, ...]) -> tuple[E820Entry, ...]:
    return tuple(sorted(e820))


def _told(planned: Guest, shipped: Guest, release: str) -> str:
    changes = [f'rdm = "{shipped.rdm.text}"' if shipped.rdm is not None else "no rdm="]
    changes += [
        f"rdm_policy={item.policy} on {item.label}"
        for item, old in zip(shipped.pci, planned.pci, strict=True)
        if item.policy is not old.policy
    ]
    changes += [
        f"{key} = {getattr(shipped, key)}"
        for key in ("mmio_hole", "rdm_mem_boundary")
        if getattr(shipped, key) != getattr(planned, key)
    ]
    asked = planned.rdm.text if planned.rdm is not None else ""
    return (
        f'Xen {release} drops rdm = "{asked}" without a word; instead: {", ".join(changes)}. '
        "Built again as shipped, the map is the planned one"
    )


def _why_not(planned: Build, nearest: Build | None, release: str) -> str:
    asked = planned.guest.rdm.text if planned.guest.rdm is not None else ""
    why = "no setting keeps the guest's map"
    if nearest is not None and nearest.undefined:
        why = f"with strategy=host alone Xen leaves undefined {nearest.undefined[0]}"
    elif nearest is not None and nearest.error != planned.error:
        why = f"the nearest ends with: {nearest.error or 'no error, where the plan has one'}"
    return f'Xen {release} drops rdm = "{asked}", and nothing else that it reads gives the planned map: {why}'


def _with_matching_hole(report: Report, guest: Guest) -> tuple[Guest, tuple[str, ...]]:
    """`guest` with the `mmio_hole` that QEMU needs where libxl lowers low RAM; the RAM and regions stay as they are.

    A hole that the admin chose is left alone: the finding about it (MEM212) blocks, and names the one that would do.
    """
    before = _built(report, guest)
    if before.layout is None or before.qemu is None or not before.layout.ok or not before.qemu.lost:
        return guest, ()
    if guest.mmio_hole is not None:
        return guest, (f"mmio_hole = {guest.mmio_hole} is the plan's own, so export does not replace it",)
    hole = qemu.matching_hole(before.layout)
    if hole is None:
        return guest, ()
    healed = replace(guest, mmio_hole=hole)
    after = _built(report, healed)
    if after.qemu is None or after.qemu.lost or _map(after)[1:] != _map(before)[1:] or not after.ok:
        return guest, ()
    lost = format_size(sum(span.size for span in before.qemu.lost))
    note = (
        f"adds mmio_hole = {hole}: libxl lowers low RAM to {before.layout.low_end:#x} and tells QEMU nothing, so "
        f"emulated devices would silently lose data in {lost} of RAM. RAM and regions stay as planned"
    )
    moved = _moved_bars(before, after)
    return healed, (note + (f"; BARs move: {moved}" if moved else ""),)


def _moved_bars(before: Build, after: Build) -> str:
    names = after.names
    old = {(bar.devfn, bar.number): bar for bar in before.firmware.bars} if before.firmware is not None else {}
    new = after.firmware.bars if after.firmware is not None else ()
    moved = [bar for bar in new if old.get((bar.devfn, bar.number)) != bar]
    return ", ".join(sorted({names.get(bar.devfn, "?") for bar in moved}))
