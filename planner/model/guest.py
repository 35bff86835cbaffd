"""What a guest asks for in its xl.cfg, before xl and libxl fill in the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from planner.model.address import Sbdf


class RdmPolicy(StrEnum):
    """What is to happen when a reserved region collides. `invalid` is Xen's own name for "not said"."""

    STRICT = "strict"
    RELAXED = "relaxed"
    INVALID = "invalid"


class RdmStrategy(StrEnum):
    """Which regions a guest reserves: those of its devices, or all of the host's (for hotplug)."""

    IGNORE = "ignore"
    HOST = "host"


class RdmReading(NamedTuple):
    """What a release's parser makes of an `rdm=` string.

    `accepted` False: xl drops the whole setting without a word. A field that is None was never written, and xl then
    uses whatever its stack held: undefined. `messages` are what xl prints, if anything.
    """

    accepted: bool
    strategy: RdmStrategy | None = None
    policy: RdmPolicy | None = None
    messages: tuple[str, ...] = ()


class RdmSetting(NamedTuple):
    """An `rdm=` string and its two readings: as the manual has it (and Xen up to 4.14), and as shipped since 4.15."""

    text: str
    as_documented: RdmReading
    as_shipped: RdmReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Passthrough:
    """One item of `pci=[…]`. A device given by `name` has no address before it is attached.

    None where the item leaves a choice to the guest-wide default. `text` is the item as the admin wrote it.
    """

    address: Sbdf | None = None
    name: str | None = None
    policy: RdmPolicy | None = None
    all_functions: bool = False
    vslot: int | None = None
    permissive: bool | None = None
    msitranslate: bool | None = None
    seize: bool | None = None
    power_mgmt: bool | None = None
    text: str | None = field(default=None, compare=False)

    @property
    def label(self) -> str:
        """How to name it to a person."""
        if self.address is None:
            return f"name={self.name}"
        return f"{str(self.address)[:-1]}*" if self.all_functions else str(self.address)


class Place(NamedTuple):
    """Line and column in a config, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file a guest was read from: its name as the user gave it, its text, and where each key stands.

    `pci` are its items as read; a device's place is under its address as `pci[0000:00:1d.0]`. Not `on_disk`: a new
    guest's text, or one that came by standard input; `path` is then only its name in messages.
    """

    path: str
    text: str
    places: tuple[tuple[str, Place], ...] = ()
    on_disk: bool = True
    pci: tuple[Passthrough, ...] = ()

    def place(self, *keys: str) -> Place | None:
        """Where the first of `keys` that the file has stands; None if it has none of them."""
        known = dict(self.places)
        return next((known[key] for key in keys if key in known), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A guest as its config asks for it. Sizes in MiB as written; None where the config is silent.

    `firmware` to `extra_devices` choose what QEMU emulates: `nics` are the models of the `vif`s that it emulates,
    `ahci` is `hdtype = "ahci"` with a disk on it, `extra_devices` the models that `device_model_args_hvm` adds.
    `igd` is `gfx_passthru = "igd"`, with which libxl does not look for the card itself.

    `altp2m` to `pci_seize` are other settings that matter to devices: `stubdomain` is QEMU in a domain of its own, the
    last two are the defaults of their namesakes in `Passthrough`.

    Two guests are equal when they ask for the same, wherever they were read from.
    """

    name: str
    type: str = "pv"
    memory: int | None = None
    maxmem: int | None = None
    vcpus: int = 1
    vga: str = "cirrus"
    videoram: int | None = None
    hap: bool | None = None
    mmio_hole: int | None = None
    rdm_mem_boundary: int | None = None
    rdm: RdmSetting | None = None
    passthrough: str | None = None
    gfx_passthru: bool = False
    igd: bool = False
    firmware: str = "seabios"
    xen_platform_pci: bool = True
    usb: bool = False
    usbversion: int | None = None
    soundhw: str | None = None
    nics: tuple[str, ...] = ()
    ahci: bool = False
    extra_devices: tuple[str, ...] = ()
    altp2m: bool = False
    vnuma: bool = False
    stubdomain: bool = False
    pci_permissive: bool = False
    pci_seize: bool = False
    pci: tuple[Passthrough, ...] = ()
    file: ConfigFile | None = field(default=None, compare=False)

    @property
    def new_file(self) -> str:
        """What a new file of it is called: its name made safe, so that it cannot leave the folder."""
        safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in self.name).lstrip(".")
        return f"{safe or 'guest'}.cfg"

    def device(self, address: Sbdf) -> Passthrough | None:
        """The `pci` item for `address`, if the guest has it."""
        return next((item for item in self.pci if item.address == address), None)

    def with_device(self, address: Sbdf, policy: RdmPolicy | None) -> Guest:
        """The same guest with the device: as its file says where that lists it, at its place there; else at the end.

        A `policy` that is not None replaces the file's.
        """
        listed = self.file.pci if self.file is not None else ()
        number = next((number for number, item in enumerate(listed) if item.address == address), None)
        if number is None:
            return self.with_pci((*self.pci, Passthrough(address=address, policy=policy)))
        item = listed[number] if policy is None else replace(listed[number], policy=policy)
        behind = {(one.address, one.name) for one in listed[number + 1 :]}
        place = next((at for at, one in enumerate(self.pci) if (one.address, one.name) in behind), len(self.pci))
        return self.with_pci((*self.pci[:place], item, *self.pci[place:]))

    def with_pci(self, pci: tuple[Passthrough, ...]) -> Guest:
        """The same guest with other devices."""
        return replace(self, pci=pci)
