"""What a pane needs to draw itself: one frozen value, made anew for every change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from planner.formats.xlcfg.guest import as_read
from planner.model.address import Sbdf
from planner.model.guest import Guest, Passthrough
from planner.model.host import Host, PciDevice
from planner.model.span import GIB4, Span
from planner.pci import isolation, names
from planner.pci.isolation import Tie, Unit
from planner.policy.assignable import why_blocked
from planner.policy.findings import Finding, Severity, grouped
from planner.policy.owners import SPLIT, is_set_aside
from planner.policy.sizes import Size, sizes
from planner.session import Snapshot
from planner.tui.bands import Band
from planner.tui.comparison import Line
from planner.tui.text import shortened
from planner.xen.build import Build, Stage
from planner.xen.rdm import Rdm


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of a list that stands for no single thing: what it says in full, more about it, the devices under it."""

    title: str
    text: str = ""
    devices: tuple[Sbdf, ...] = ()


Subject = Heading | Sbdf | Unit | Band | Finding | Stage | Line | Size | Rdm | None
"""What the details are about: what the cursor of the focused pane stands on."""


@dataclass(frozen=True, eq=False)
class Inventory:
    """What a host's devices are; made once a host."""

    host: Host

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The isolation units."""
        return isolation.units(self.host)

    @cached_property
    def unit_of(self) -> dict[Sbdf, Unit]:
        """The unit of each device."""
        return {address: unit for unit in self.units for address in unit.devices}

    @cached_property
    def virtual(self) -> dict[Sbdf, str]:
        """What each virtual function is called: its number, from 0 as Linux counts, and its port."""
        numbers: Counter[Sbdf] = Counter()
        out: dict[Sbdf, str] = {}
        for device in sorted(self.host.devices, key=lambda device: device.address):
            if device.physfn is not None:
                out[device.address] = f"VF {numbers[device.physfn]} of {device.physfn.short}"
                numbers[device.physfn] += 1
        return out

    @cached_property
    def address_width(self) -> int:
        """Cells that the longest short address takes."""
        return max((len(device.address.short) for device in self.host.devices), default=7)

    def device(self, address: Sbdf) -> PciDevice | None:
        """The device at that address."""
        return self.host.by_address.get(address)


_HEX = re.compile("[0-9a-f]{1,16}")

BELOW = Span(0, GIB4)
"""The first zoom: where nearly everything happens."""


class Look(StrEnum):
    """What the middle pane shows: the chosen guest's map, what each actor believes of it, or all guests' maps."""

    MAP = "map"
    VIEWS = "views"
    GUESTS = "guests"


@dataclass(frozen=True, eq=False)
class View:
    """A session's snapshot, the chosen guest, the word of the status line, and what follows from them.

    `plan_name`: the saved plan's file, if any. `unsaved`: guests that differ from their files. `in_files`: guests as
    those hold them, by path. `on_disk`: what has happened to guests' files since, by guest. `stage` and `zoom` say
    which map is shown (None: the last stage, all of it), `size` which size the keys change. Compare by identity.
    """

    snapshot: Snapshot
    inventory: Inventory
    guest: int = 0
    note: str = ""
    plan_name: str = ""
    unsaved: frozenset[str] = frozenset()
    in_files: Mapping[str, Guest | None] = field(default_factory=dict)
    on_disk: Mapping[str, str] = field(default_factory=dict)
    stage: str | None = None
    zoom: Span | None = None
    look: Look = Look.MAP
    size: int = 0
    _blocked: dict[Sbdf, str | None] = field(default_factory=dict)

    def having(self, **changes: object) -> View:
        """The same view with some fields changed; what was worked out about devices is kept for the same snapshot."""
        if "snapshot" in changes:
            changes["_blocked"] = {}
        if changes.get("guest", self.guest) != self.guest and self.zoom != BELOW:
            changes.setdefault("zoom", None)
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def current(self) -> Guest | None:
        """The chosen guest; None in a plan without guests."""
        guests = self.snapshot.plan.guests
        return guests[self.guest] if self.guest < len(guests) else None

    @property
    def build(self) -> Build | None:
        """The chosen guest's build."""
        builds = self.snapshot.report.builds
        return builds[self.guest] if self.guest < len(builds) else None

    @property
    def before(self) -> Build | None:
        """The chosen guest's build before the last step; None where that step did not touch it."""
        report = self.snapshot.before
        old = report.build(self.current.name) if report is not None and self.current is not None else None
        return None if old is self.build else old

    @cached_property
    def sizes(self) -> tuple[Size, ...]:
        """The chosen guest's sizes; empty without a guest."""
        return sizes(self.build, self.inventory.host) if self.build is not None else ()

    @property
    def in_file(self) -> Guest | None:
        """The chosen guest as its file has it; None where there is no file yet."""
        guest = self.current
        if guest is None or guest.file is None or not guest.file.on_disk:
            return None
        return self.in_files.get(guest.file.path) or as_read(guest.file)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The chosen guest's findings, then the host's; of each the acknowledged ones last."""
        name = self.current.name if self.current is not None else None
        found = [one for one in self.snapshot.report.findings if one.guest is None or one.guest == name]
        return tuple(sorted(found, key=lambda one: (one.guest is None, one.acknowledged is not None)))

    @cached_property
    def problems(self) -> tuple[tuple[Finding, ...], ...]:
        """The findings, those to tell in one breath together."""
        return tuple((first, *others) for first, others in grouped(self.findings))

    def group_of(self, finding: Finding) -> tuple[Finding, ...]:
        """The findings that are told with this one, itself among them."""
        return next((group for group in self.problems if finding in group), (finding,))

    @cached_property
    def counts(self) -> dict[str, Counter[str]]:
        """How many findings of each severity each guest has, and how many that are acknowledged."""
        out: dict[str, Counter[str]] = {}
        for finding in self.snapshot.report.findings:
            if finding.guest is not None:
                out.setdefault(finding.guest, Counter())[finding.standing] += 1
        return out

    @cached_property
    def new_findings(self) -> frozenset[int]:
        """The findings that the last step brought, by identity."""
        return frozenset(id(finding) for finding in self.snapshot.effect.came)

    @property
    def candidates(self) -> tuple[Sbdf, ...]:
        """The devices that may be attached to the chosen guest while it runs."""
        return self.snapshot.plan.candidates.get(self.current.name, ()) if self.current is not None else ()

    @cached_property
    def _owners(self) -> dict[Sbdf, list[tuple[int, Passthrough]]]:
        out: dict[Sbdf, list[tuple[int, Passthrough]]] = {}
        for index, guest in enumerate(self.snapshot.plan.guests):
            for item in guest.pci:
                if item.address is None:
                    continue
                for address in self.functions(item.address) if item.all_functions else (item.address,):
                    out.setdefault(address, []).append((index, item))
        return out

    def functions(self, address: Sbdf) -> list[Sbdf]:
        """The functions that the slot of `address` has."""
        every = (address._replace(function=number) for number in range(8))
        return [one for one in every if one in self.inventory.host.by_address]

    def item(self, address: Sbdf) -> Passthrough | None:
        """The chosen guest's `pci` item that brings the device, if it has it."""
        return next((item for index, item in self._owners.get(address, ()) if index == self.guest), None)

    def others(self, address: Sbdf) -> tuple[str, ...]:
        """The names of the other guests that have the device."""
        guests = self.snapshot.plan.guests
        return tuple(guests[index].name for index, _ in self._owners.get(address, ()) if index != self.guest)

    def guests_of(self, address: Sbdf) -> tuple[str, ...]:
        """The names of all guests that have the device, the chosen one first."""
        mine = (self.current.name,) if self.current is not None and self.item(address) is not None else ()
        return tuple(dict.fromkeys((*mine, *self.others(address))))

    def owner_label(self, address: Sbdf, width: int) -> str:
        """Who has the device, in at most `width` cells, so that no two guests look alike where that can be."""
        guests = self.guests_of(address)
        if not guests:
            return self.owner(address)
        more = f"+{len(guests) - 1}" if len(guests) > 1 else ""
        names = [guest.name for guest in self.snapshot.plan.guests]
        return shortened(guests[0], names, width - len(more)) + more

    def owner(self, address: Sbdf) -> str:
        """Who has the device: a guest (the chosen one, or the first), dom0 while its driver there holds it, or "-"."""
        if guests := self.guests_of(address):
            return guests[0]
        device = self.inventory.device(address)
        held = device is not None and device.driver is not None and not is_set_aside(device)
        return "dom0" if held else "-"

    @cached_property
    def owner_width(self) -> int:
        """Cells that the owner of any device takes in full, whatever the chosen guest takes."""
        more = 2 if any(len(holders) > 1 for holders in self._owners.values()) else 0
        guests = self.snapshot.plan.guests
        shown = {index for holders in self._owners.values() for index, _ in holders} | {self.guest}
        return max(4, max((len(guests[index].name) for index in shown if index < len(guests)), default=0) + more)

    def split(self, unit: Unit) -> tuple[str, bool]:
        """The owners of devices that belong together, where that is several; and whether a finding speaks of it.

        dom0 counts as one where a finding does so: it often has a bridge's neighbour.
        """
        owners = self.owners_of(one for one in unit.devices if not self._is_chipset(one))
        told = not self._told_split.isdisjoint(unit.devices)
        several = len(owners) > 1 and (told or len(owners) > 2 or "dom0" not in owners)
        return (", ".join(owners) if several else "", told)

    @cached_property
    def _told_split(self) -> frozenset[Sbdf]:
        found = self.snapshot.report.findings
        return frozenset(
            one.device
            for one in found
            if one.device is not None
            and one.severity is not Severity.NOTICE
            and (one.rule.id in SPLIT or one.rule.id.startswith("GRP"))
        )

    @cached_property
    def says_policies(self) -> bool:
        """Whether any device of the chosen guest has a policy of its own."""
        return self.current is not None and any(item.policy is not None for item in self.current.pci)

    @property
    def given(self) -> AbstractSet[Sbdf]:
        """The devices that guests have."""
        return self._owners.keys()

    def use(self, address: Sbdf) -> str:
        """What dom0 has the device for, whoever asks for it: its need where that is known, else the driver; or ""."""
        device = self.inventory.device(address)
        if device is None:
            return ""
        return device.in_use or ("" if is_set_aside(device) else device.driver or "")

    def is_free(self, address: Sbdf) -> bool:
        """Whether a guest may have the device and nobody would miss it: no guest, no driver of dom0's."""
        device = self.inventory.device(address)
        kept = device is None or names.is_chipset(device) or bool(device.in_use)
        return self.owner(address) == "-" and not kept and not self.blocked(address)

    def blocked(self, address: Sbdf) -> str | None:
        """Why the profile forbids the device, or None."""
        if address not in self._blocked:
            self._blocked[address] = why_blocked(self.snapshot.plan, self.snapshot.report.iommu, address)
        return self._blocked[address]

    def regions(self, address: Sbdf) -> tuple[Rdm, ...]:
        """The reserved regions that Xen registered for the device."""
        return self.snapshot.report.iommu.regions_of(address)

    def by_use(self, addresses: Iterable[Sbdf]) -> list[Sbdf]:
        """The addresses in the order in which they matter: what guests have, what they may have, the rest; bridges."""
        return sorted(addresses, key=lambda one: (self._is_chipset(one), not self._owners.get(one), one))

    def _is_chipset(self, address: Sbdf) -> bool:
        device = self.inventory.device(address)
        return device is None or names.is_chipset(device)

    @cached_property
    def reach(self) -> dict[tuple[Sbdf, ...], list[Rdm]]:
        """Xen's regions by the devices that reach them; functions that the host does not list come last."""
        out: dict[tuple[Sbdf, ...], list[Rdm]] = {}
        for rdm in self.snapshot.report.iommu.regions:
            listed = [device.address for device in self.inventory.host.devices if rdm.covers(device.address)]
            absent = [one for one in dict.fromkeys(rdm.devices) if one not in self.inventory.host.by_address]
            out.setdefault((*self.by_use(listed), *absent), []).append(rdm)
        return out

    def owners_of(self, addresses: Iterable[Sbdf]) -> tuple[str, ...]:
        """Everybody who has one of the devices: guests first, dom0 last."""
        found = [name for one in addresses for name in (self.guests_of(one) or (self.owner(one),)) if name != "-"]
        return tuple(sorted(dict.fromkeys(found), key="dom0".__eq__))

    def about(self, span: Span) -> list[Finding]:
        """The findings about a region, of whichever guest."""
        return [one for one in self.snapshot.report.findings if one.region == span]

    def matches(self, address: Sbdf, words: Iterable[str]) -> bool:
        """Whether the device has every word: in what is known of it, or as an address of one of its regions.

        Letters alone must begin a word there: "nic" is not in "communication".
        """
        known = self.words(address)
        return all(_has(known, word) or any(_is_at(word, rdm.span) for rdm in self.regions(address)) for word in words)

    def words(self, address: Sbdf) -> str:
        """Everything about a device that a filter may look for, in small letters."""
        device = self.inventory.device(address)
        if device is None:
            return str(address)
        regions = self.regions(address)
        unit = self.inventory.unit_of[address]
        shared = any(rdm.is_shared for rdm in regions) or (unit.tie is Tie.REGION and len(unit.devices) > 1)
        owner = self.owner(address)
        found = [str(address), device.name, device.slot, device.id, device.driver, device.class_name, owner]
        found += [f"slot {address.short.rpartition('.')[0]}"]
        found += [f"group {device.iommu_group}" if device.iommu_group is not None else ""]
        found += [names.class_word(device), "rmrr" if regions else "", "shared" if shared else ""]
        found += sorted({rdm.declared.kind.value for rdm in regions})
        found += [f"vf {device.physfn}" if device.physfn is not None else ""]
        found += ["sriov" if device.physfn is not None or device.virtual_functions else ""]
        found += [item.policy for _, item in self._owners.get(address, ()) if item.policy is not None]
        found += ["free" if self.is_free(address) else ""]
        found += ["hotplug" if address in self.candidates else ""]
        found += ["blocked" if self.blocked(address) else "", *self.others(address)]
        return " ".join(word for word in found if word).lower()


def _has(known: str, word: str) -> bool:
    return re.search(rf"\b{word}" if word.isalpha() else re.escape(word), known) is not None


def _is_at(word: str, span: Span) -> bool:
    """Whether a word begins as the span is printed, with or without 0x, or is an address within it."""
    digits = word.replace("0x", "")
    if len(digits) < 4:
        return False
    inside = _HEX.fullmatch(digits) is not None and span.start <= int(digits, 16) <= span.last
    return inside or str(span).replace("0x", "").startswith(digits)
