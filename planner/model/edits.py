"""Edits: what a person can change in a plan. Frozen values; `apply` gives a new plan or says why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from planner.model.address import Sbdf
from planner.model.errors import EditError
from planner.model.guest import Guest, RdmPolicy
from planner.model.plan import Plan, Profile


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a device to a guest: as its file has it, where it does; None leaves the policy to that or the default."""

    guest: str
    address: Sbdf
    policy: RdmPolicy | None = None

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"assign {self.address.short} to {self.guest}"


@dataclass(frozen=True, slots=True)
class Release:
    """Take a device away from a guest."""

    guest: str
    address: Sbdf

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"release {self.address.short} from {self.guest}"


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """Choose a device's `rdm_policy`; None leaves it to the default."""

    guest: str
    address: Sbdf
    policy: RdmPolicy | None

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"rdm_policy of {self.address.short} in {self.guest}: {self.policy or 'default'}"


@dataclass(frozen=True, slots=True)
class SetSize:
    """Set one of a guest's sizes in MiB: memory, maxmem, mmio_hole or rdm_mem_boundary; None removes the setting."""

    guest: str
    key: str
    value: int | None

    KEYS = ("memory", "maxmem", "mmio_hole", "rdm_mem_boundary")

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"{self.key} of {self.guest}: {'unset' if self.value is None else f'{self.value} MiB'}"


@dataclass(frozen=True, slots=True)
class SetPassthrough:
    """Choose a guest's `passthrough` mode; None removes the setting."""

    guest: str
    value: str | None

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"passthrough of {self.guest}: {self.value or 'unset'}"


@dataclass(frozen=True, slots=True)
class SetProfile:
    """Choose the profile."""

    profile: Profile

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"profile {self.profile}"


@dataclass(frozen=True, slots=True)
class SetRelease:
    """Choose the Xen release to replay; None: the host's own."""

    xen: str | None

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"replay Xen {self.xen or 'as the host has it'}"


@dataclass(frozen=True, slots=True)
class SetCandidate:
    """Say whether a device may be attached to the guest while that runs."""

    guest: str
    address: Sbdf
    wanted: bool

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"{self.address.short} {'for' if self.wanted else 'no longer for'} hotplug into {self.guest}"


@dataclass(frozen=True, slots=True)
class SetReason:
    """Write down why what the default profile would block is wanted; "" takes the word back."""

    subject: str
    text: str

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"reason for {self.subject}" if self.text else f"no reason for {self.subject}"


@dataclass(frozen=True, slots=True)
class AddGuest:
    """Put a guest at the end of the plan, or behind the one called `after`."""

    guest: Guest
    after: str | None = None

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"add guest {self.guest.name}"


@dataclass(frozen=True, slots=True)
class ReplaceGuest:
    """Put another in the place of the guest called `name`: read anew, renamed, changed by a fix."""

    name: str
    guest: Guest
    label: str


@dataclass(frozen=True, slots=True)
class RemoveGuest:
    """Take a guest out of the plan; its file stays."""

    name: str

    @property
    def label(self) -> str:
        """What undo calls it."""
        return f"remove guest {self.name}"


@dataclass(frozen=True, slots=True)
class Together:
    """Several edits as one step: all are made, or none."""

    edits: tuple[Edit, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Recover:
    """Decide everything as another plan on the same host does: one that was cut off."""

    plan: Plan

    @property
    def label(self) -> str:
        """What undo calls it."""
        return "recover unsaved edits"


OfGuest = Assign | Release | SetPolicy | SetSize | SetPassthrough
OfPlan = SetProfile | SetRelease | SetReason | SetCandidate | AddGuest | ReplaceGuest | RemoveGuest | Recover
Edit = OfGuest | OfPlan | Together


def apply(plan: Plan, edit: Edit) -> Plan:
    """`plan` with `edit` made. EditError for an unknown guest or device, or one that is (or is not) there already.

    Whether an edit is wise is for findings to say; whether the profile allows it is for `policy.assignable`.
    """
    if isinstance(edit, Together):
        return reduce(apply, edit.edits, plan)
    if isinstance(edit, OfPlan):
        return _edit_plan(plan, edit)
    guest = plan.guest(edit.guest)
    if guest is None:
        raise EditError(f"there is no guest {edit.guest}")
    edited = plan.with_guest(_edit_guest(plan, guest, edit))
    if isinstance(edit, Assign | Release):  # whoever chooses anew means what is there now, from the guest's start
        return _set_candidate(edited, SetCandidate(edit.guest, edit.address, False))
    return edited


def _edit_plan(plan: Plan, edit: OfPlan) -> Plan:
    if isinstance(edit, SetProfile):
        return replace(plan, profile=edit.profile)
    if isinstance(edit, SetRelease):
        return replace(plan, xen=edit.xen)
    if isinstance(edit, SetReason):
        reasons = {subject: text for subject, text in plan.reasons.items() if subject != edit.subject}
        return replace(plan, reasons=reasons | ({edit.subject: edit.text} if edit.text else {}))
    if isinstance(edit, Recover):
        return replace(edit.plan, host=plan.host, host_file=plan.host_file)
    if isinstance(edit, SetCandidate):
        return _set_candidate(plan, edit)
    return _edit_guests(plan, edit)


def _edit_guests(plan: Plan, edit: AddGuest | ReplaceGuest | RemoveGuest) -> Plan:
    names = [guest.name for guest in plan.guests]
    if isinstance(edit, AddGuest):
        if edit.guest.name in names:
            raise EditError(f"there is a guest {edit.guest.name} already")
        place = names.index(edit.after) + 1 if edit.after in names else len(names)
        return replace(plan, guests=(*plan.guests[:place], edit.guest, *plan.guests[place:]))
    if edit.name not in names:
        raise EditError(f"there is no guest {edit.name}")
    if isinstance(edit, RemoveGuest):
        return replace(plan, guests=tuple(guest for guest in plan.guests if guest.name != edit.name))
    if edit.guest.name != edit.name and edit.guest.name in names:
        raise EditError(f"there is a guest {edit.guest.name} already")
    guests = tuple(edit.guest if guest.name == edit.name else guest for guest in plan.guests)
    renamed = {edit.name: edit.guest.name}
    return replace(
        plan,
        guests=guests,
        reasons={renamed.get(name, name): text for name, text in plan.reasons.items()},
        candidates={renamed.get(name, name): devices for name, devices in plan.candidates.items()},
    )


def _set_candidate(plan: Plan, edit: SetCandidate) -> Plan:
    guest = plan.guest(edit.guest)
    if guest is None:
        raise EditError(f"there is no guest {edit.guest}")
    if edit.wanted and guest.device(edit.address) is not None:
        raise EditError(f"{guest.name} has {edit.address.short} from its start: release it first")
    if edit.wanted and not plan.host.knows(edit.address):
        raise EditError(f"the host has no device {edit.address}")
    others = tuple(one for one in plan.candidates.get(edit.guest, ()) if one != edit.address)
    mine = tuple(sorted((*others, edit.address))) if edit.wanted else others
    rest = {name: devices for name, devices in plan.candidates.items() if name != edit.guest}
    pins = {at: pin for at, pin in plan.pins.items() if at != edit.address}
    return replace(plan, candidates=rest | ({edit.guest: mine} if mine else {}), pins=pins)


def _edit_guest(plan: Plan, guest: Guest, edit: OfGuest) -> Guest:
    if isinstance(edit, SetSize):
        if edit.key not in SetSize.KEYS:
            raise EditError(f"{edit.key} is not a size; expected one of {', '.join(SetSize.KEYS)}")
        if edit.value is not None and edit.value < 0:
            raise EditError(f"{edit.key} cannot be negative")
        changes: dict[str, Any] = {edit.key: edit.value}
        return replace(guest, **changes)
    if isinstance(edit, SetPassthrough):
        return replace(guest, passthrough=edit.value)
    return _edit_device(plan, guest, edit)


def _edit_device(plan: Plan, guest: Guest, edit: Assign | Release | SetPolicy) -> Guest:
    item = guest.device(edit.address)
    if isinstance(edit, Assign):
        if item is not None:
            raise EditError(f"{guest.name} has {edit.address.short} already")
        if not plan.host.knows(edit.address):
            raise EditError(f"the host has no device {edit.address}")
        others = [other.name for other in plan.owners(edit.address)]
        if others:
            raise EditError(f"{edit.address.short} belongs to {', '.join(others)}: release it there first")
        return guest.with_device(edit.address, edit.policy)
    if item is None:
        raise EditError(f"{guest.name} does not have {edit.address.short}")
    if isinstance(edit, Release):
        return guest.with_pci(tuple(other for other in guest.pci if other is not item))
    changed = replace(item, policy=edit.policy)
    return guest.with_pci(tuple(changed if other is item else other for other in guest.pci))
