"""A plan: one host, the guests on it, and the word of the admin where a choice needs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from planner.model.address import Sbdf
from planner.model.guest import Guest
from planner.model.host import Host


class Profile(StrEnum):
    """Whose word counts: the 2015 design (`default`), which blocks every shared RMRR, or exactly Xen's (`xen`)."""

    DEFAULT = "default"
    XEN = "xen"


@dataclass(frozen=True, slots=True)
class Pin:
    """Which device the admin means by an address, for addresses move when a card is added or the firmware changes.

    `id` and `subsystem` are vendor:device in hex, "" where unknown. `path` is the way from the root bus in a scope's
    notation ("00:1c.7/00.0"), in the address's segment: unlike a bus number it survives a renumbering of buses.
    """

    id: str = ""
    subsystem: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Host, guests in the order given, profile, Xen release to replay (None: the host's), and reasons.

    `rdm_as_documented` reads `rdm=` as the manual has it instead of as the release does. `reasons` keeps the written
    reason for what the default profile would block: by guest name. `candidates` are the devices that may be attached to
    a guest while it runs: by guest name. `pins` are the identities of assigned devices, by address: another device
    there is an error (`planner.pci.identity`). `moves_to` are hosts that guests may be migrated to
    or restored on, by the file each was read from.
    """

    host: Host
    guests: tuple[Guest, ...] = ()
    profile: Profile = Profile.DEFAULT
    xen: str | None = None
    rdm_as_documented: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    candidates: Mapping[str, tuple[Sbdf, ...]] = field(default_factory=dict)
    pins: Mapping[Sbdf, Pin] = field(default_factory=dict)
    host_file: str = "host.toml"
    moves_to: Mapping[str, Host] = field(default_factory=dict)

    @property
    def release(self) -> str | None:
        """The name of the Xen release to replay: the plan's choice, else what the host runs."""
        return self.xen or self.host.xen

    def guest(self, name: str) -> Guest | None:
        """The guest called `name`."""
        return next((guest for guest in self.guests if guest.name == name), None)

    def owners(self, address: Sbdf) -> tuple[Guest, ...]:
        """The guests that ask for `address`."""
        return tuple(guest for guest in self.guests if guest.device(address) is not None)

    def decides_the_same(self, other: Plan) -> bool:
        """Whether the two plans differ in nothing that a person can change: the host is a given."""
        return (self.guests, self.profile, self.xen, self.reasons, self.candidates, self.pins) == (
            other.guests,
            other.profile,
            other.xen,
            other.reasons,
            other.candidates,
            other.pins,
        )

    def with_guest(self, guest: Guest) -> Plan:
        """The same plan with the guest of that name replaced."""
        return replace(self, guests=tuple(guest if old.name == guest.name else old for old in self.guests))
