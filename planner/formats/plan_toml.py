"""plan.toml: a saved session. Files are named, not copied; what the plan decides stands beside their names.

The format's classes come first, then `parse` and `render`, which know no file, then `save` and `restore` between the
format and a `Plan`.
"""

from __future__ import annotations

import hashlib
import json
import os.path
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Annotated, Any, Literal

from msgspec import Meta, field
from msgspec.structs import asdict

from planner.formats import values
from planner.formats.host_toml import parse_value
from planner.formats.xlcfg import guest as guest_reader
from planner.formats.xlcfg import pci_spec, rdm
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.fields import FromFile, SbdfField, SbdfText
from planner.model.guest import ConfigFile, Guest, Passthrough
from planner.model.host import DeviceScope, Host
from planner.model.plan import Pin, Plan, Profile

_HEADER = """\
# A plan of rdm-planner. `rdm-planner schema plan` describes every key; paths start from this file's folder.

"""

_Mib = Annotated[int, Meta(ge=0, le=(1 << 24) - 1)]  # as the reader of xl.cfg has it: 16 TiB are more than Xen gives
_LIVE = "live"  # the machine that we run on, which is no file
_CAN_BE_UNSET = (
    *("memory", "maxmem", "videoram", "hap", "mmio_hole", "rdm_mem_boundary"),
    *("rdm", "passthrough", "usbversion", "soundhw"),
)


class Settings(FromFile, frozen=True):
    """What a plan decides for one guest: xl.cfg settings by their names, and what QEMU emulates. Sizes in MiB."""

    name: Annotated[str, Meta(min_length=1)] | None = None
    type: Literal["hvm", "pvh", "pv"] | None = None
    memory: _Mib | None = None
    maxmem: _Mib | None = None
    vcpus: Annotated[int, Meta(ge=1)] | None = None
    vga: Literal["stdvga", "cirrus", "qxl", "none"] | None = None
    videoram: _Mib | None = None
    hap: bool | None = None
    mmio_hole: _Mib | None = None
    rdm_mem_boundary: _Mib | None = None
    rdm: str | None = None
    passthrough: Literal["disabled", "enabled", "sync_pt", "share_pt"] | None = None
    gfx_passthru: bool | None = None
    igd: Annotated[bool | None, Meta(description='gfx_passthru = "igd": libxl does not look for the card itself')] = (
        None
    )
    firmware: Literal["seabios", "ovmf", "rombios"] | None = None
    xen_platform_pci: bool | None = None
    usb: bool | None = None
    usbversion: int | None = None
    soundhw: str | None = None
    nics: tuple[str, ...] | None = None
    ahci: bool | None = None
    extra_devices: tuple[str, ...] | None = None
    pci: Annotated[tuple[str, ...] | None, Meta(description="the whole list, as PCI_SPEC_STRINGs")] = None


class SavedGuest(FromFile, frozen=True):
    """One guest: the file it is in (or, with no file yet, its text), and what the plan changes in it."""

    name: Annotated[str, Meta(description="as its file has it; `set` has the new one where it is renamed")]
    file: Annotated[str | None, Meta(description="its xl.cfg, from the plan's folder")] = None
    text: Annotated[str | None, Meta(description="its xl.cfg, where no file holds it yet")] = None
    digest: Annotated[str | None, Meta(description="of the file that the changes were made for")] = None
    set: Annotated[Settings, Meta(description="settings that differ from the file's")] = Settings()
    unset: Annotated[tuple[str, ...], Meta(description="settings of the file that the plan takes out")] = ()

    def __post_init__(self) -> None:
        if self.file is not None and self.text is not None:
            raise ValueError("a guest has a file or a text, not both")
        unknown = next((key for key in self.unset if key not in _CAN_BE_UNSET), None)
        if unknown is not None:
            raise ValueError(f"unset: {unknown!r:.60} is none of {', '.join(_CAN_BE_UNSET)}")


class SavedPin(FromFile, frozen=True):
    """Which device the plan means by an address: vendor:device of the chip and the board, and the way to it."""

    id: str = ""
    subsystem: str = ""
    path: str = ""


class KeptFor(FromFile, frozen=True):
    """The saved plan that unsaved edits go on from, and what stood in it then."""

    file: str
    digest: str


class SavedPlan(FromFile, frozen=True):
    """A saved session: `plan.toml`."""

    schema_version: Literal[1]
    host: Annotated[str, Meta(description="the inventory, from the plan's folder")]
    host_identity: Annotated[str, Meta(description="of its devices and reserved regions, when the plan was made")]
    profile: Profile = Profile.DEFAULT
    xen: Annotated[str | None, Meta(description="Xen release to replay; default: the inventory's")] = None
    rdm: Annotated[Literal["shipped", "documented"], Meta(description="how rdm= is read")] = "shipped"
    moves_to: Annotated[
        tuple[str, ...], Meta(description="inventories of hosts to move to, from the plan's folder")
    ] = ()
    guests: tuple[SavedGuest, ...] = ()
    reasons: Annotated[dict[str, str], Meta(description="by guest or device: why what is blocked else is allowed")] = (
        field(default_factory=dict)
    )
    candidates: Annotated[
        dict[str, tuple[SbdfField, ...]], Meta(description="by guest: devices that may be attached while it runs")
    ] = field(default_factory=dict)
    pins: Annotated[dict[SbdfText, SavedPin], Meta(description="the devices that the plan means, by address")] = field(
        default_factory=dict
    )

    kept_for: Annotated[KeptFor | None, Meta(description="in a recovery copy: the saved plan that was open")] = None

    @property
    def files(self) -> tuple[str, ...]:
        """The guests' files, as the plan names them."""
        return tuple(guest.file for guest in self.guests if guest.file is not None)

    def __post_init__(self) -> None:
        names = [guest.set.name or guest.name for guest in self.guests]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"guest {twice!r:.60} is listed twice")


def parse(text: str) -> SavedPlan:
    """The plan in `text`. InputError names the line (bad TOML) or the key and what was expected there."""
    return parse_value(SavedPlan, text)


def render(saved: SavedPlan) -> str:
    """`saved` as TOML: defaults left out, stable order, one device a line; `parse` gives the same value back."""
    import tomli_w  # only where a plan is written

    told = values.plain(saved)
    guests = [(one, one.pop("set", {})) for one in told.pop("guests", ())]
    parts = [tomli_w.dumps(told)]
    for one, changes in guests:
        # TOML readers turn a CRLF of a long string into LF, so a text with one is written with escapes.
        parts.append("[[guests]]\n" + tomli_w.dumps(one, multiline_strings="\r" not in one.get("text", "")))
        parts += ["[guests.set]\n" + tomli_w.dumps(changes)] if changes else []
    return _HEADER + "\n".join(parts)


def identity(host: Host) -> str:
    """A digest of what makes a host the one a plan was made for: its reserved regions, and which functions it has.

    Drivers, IOMMU groups, addresses of BARs and virtual functions change with every boot and count for nothing.
    """
    regions = [
        [region.kind, region.segment, region.start, region.end, [_scope(scope) for scope in region.scopes]]
        for region in host.regions
    ]
    devices = sorted(
        [str(device.address), device.id, sorted([bar.index, bar.kind, bar.size] for bar in device.bars)]
        for device in host.devices
        if device.physfn is None
    )
    return digest(json.dumps([regions, devices]))


def _scope(scope: DeviceScope) -> list[str | None]:
    ends = (str(end) if end is not None else None for end in (scope.device, scope.last))
    return [scope.kind, scope.path, *ends]


def digest(text: str) -> str:
    """What tells one text from another: its SHA-256."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def save(plan: Plan, named: Callable[[str], str] = str) -> SavedPlan:
    """What is to be kept of `plan`; `named` turns a path into the one from the plan's folder."""

    def inventory(path: str) -> str:
        return named(path) if path != _LIVE else path

    return SavedPlan(
        schema_version=1,
        host=inventory(plan.host_file),
        host_identity=identity(plan.host),
        profile=plan.profile,
        xen=plan.xen,
        rdm="documented" if plan.rdm_as_documented else "shipped",
        moves_to=tuple(map(inventory, plan.moves_to)),
        guests=tuple(_save_guest(guest, named) for guest in plan.guests),
        reasons=dict(sorted(plan.reasons.items())),
        candidates=dict(sorted(plan.candidates.items())),
        pins={str(at): SavedPin(pin.id, pin.subsystem, pin.path) for at, pin in sorted(plan.pins.items())},
    )


def _save_guest(guest: Guest, named: Callable[[str], str]) -> SavedGuest:
    file = guest.file
    base = guest_reader.read(file.text, file.path) if file is not None else Guest(name=guest.name)
    differing = [key for key in Settings.__struct_fields__ if getattr(guest, key) != getattr(base, key)]
    decided: dict[str, Any] = {key: getattr(guest, key) for key in differing}
    if decided.get("rdm") is not None:
        decided["rdm"] = decided["rdm"].text
    if "pci" in decided:
        decided["pci"] = tuple(pci_spec.render(item) for item in decided["pci"])
    on_disk = file is not None and file.on_disk
    return SavedGuest(
        name=base.name,
        file=named(file.path) if file is not None and on_disk else None,
        text=file.text if file is not None and not on_disk else None,
        digest=digest(file.text) if file is not None and on_disk and differing else None,
        set=Settings(**{key: value for key, value in decided.items() if value is not None}),
        unset=tuple(key for key, value in decided.items() if value is None),
    )


@dataclass(frozen=True, slots=True)
class Restored:
    """A plan as it was saved; `changed` are the files that hold something else now than when it was made."""

    plan: Plan
    changed: tuple[str, ...] = ()


def restore(
    saved: SavedPlan,
    host: Host,
    texts: Mapping[str, str],
    folder: PurePath,
    others: Mapping[str, Host] | None = None,
    *,
    another_host: bool = False,
) -> Restored:
    """The plan that `saved` keeps, on `host`, with the `texts` of its guests' files by the names it gives them.

    `others` are the hosts to move to, by those names too.

    InputError where the inventory is not the one it was made for (`another_host` accepts it), where a guest's file
    now has another name in it, or where a value is none that an xl.cfg could give.
    """
    if not another_host and saved.host_identity != identity(host):
        raise InputError(
            f"made for another inventory: {saved.host} has other devices or reserved regions than when the plan was "
            "saved. Take --another-host to plan on it all the same"
        )
    changed = []
    guests = []
    for one in saved.guests:
        guest = _restore_guest(one, texts, folder)
        guests.append(guest)
        edited = one.file is not None and one.digest is not None
        if edited and one.digest != digest(texts[one.file or ""]) and _settings_of(one, guest.file):
            changed.append(located(folder, one.file or ""))
    plan = Plan(
        host=host,
        guests=tuple(guests),
        profile=saved.profile,
        xen=saved.xen,
        rdm_as_documented=saved.rdm == "documented",
        reasons=saved.reasons,
        candidates=saved.candidates,
        pins={Sbdf.parse(at): Pin(pin.id, pin.subsystem, pin.path) for at, pin in saved.pins.items()},
        host_file=located(folder, saved.host),
        moves_to={located(folder, name): (others or {})[name] for name in saved.moves_to},
    )
    return Restored(plan, tuple(changed))


def located(folder: PurePath, name: str) -> str:
    """Where the file is that a plan in `folder` calls `name`."""
    return os.path.normpath(folder / name) if name != _LIVE else name


def _settings_of(one: SavedGuest, file: ConfigFile | None) -> bool:
    """Whether the plan still says anything that the file does not say itself."""
    if file is None:
        return True
    base = guest_reader.read(file.text, file.path)
    return _applied(one, base) != base


def _restore_guest(one: SavedGuest, texts: Mapping[str, str], folder: PurePath) -> Guest:
    if one.file is not None:
        base = guest_reader.read(texts[one.file], located(folder, one.file))
    elif one.text is not None:
        base = guest_reader.read(one.text, Guest(name=one.set.name or one.name).new_file)
        base = replace(base, file=replace(base.file, on_disk=False) if base.file is not None else None)
    else:
        base = Guest(name=one.name)
    if base.name != one.name:
        source = base.file.path if base.file is not None else None
        raise InputError(
            f"holds the guest {base.name!r:.60}, but the plan was made for {one.name!r:.60}", source=source
        )
    return _applied(one, base)


def _applied(one: SavedGuest, base: Guest) -> Guest:
    changes: dict[str, Any] = dict.fromkeys(one.unset)
    changes |= {key: value for key, value in asdict(one.set).items() if value is not None}
    if "pci" in changes:
        changes["pci"] = tuple(_device(text, one.name) for text in changes["pci"])
    if changes.get("rdm") is not None:
        changes["rdm"] = rdm.parse(changes["rdm"])
    return replace(base, **changes)


def _device(text: str, guest: str) -> Passthrough:
    try:
        return pci_spec.parse(text)
    except InputError as error:
        raise InputError(f"guest {guest!r:.60}: {error.message}") from None
