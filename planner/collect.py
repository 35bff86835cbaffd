"""Gathers a host's artefacts from a folder: which files say something, and the inventory they make.

Files are known by what is in them, never by their name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from planner.formats import lspci
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Host, PciDevice, ReservedRegion, Sources
from planner.pci.topology import absent_scopes, resolve_scopes
from planner.storage import list_folder, read_bytes

if TYPE_CHECKING:
    from planner.formats.acpi import AcpiTable

MAX_FILES = 1000
"""More than a folder of artefacts has; who names a larger one meant another."""

_SIGNATURES = (b"DMAR", b"RMAD", b"IVRS")
_TABLE_PLACES = (
    "on a Xen dom0 it is /sys/firmware/acpi/tables/RMAD, on bare metal /sys/firmware/acpi/tables/DMAR (Intel) or IVRS "
    "(AMD); copy it as root"
)
_LISTING_COMMAND = "`lspci -D -vvnn`, run as root"
_FACTS = tuple(field for field in PciDevice.model_fields if field != "address")
_UNKNOWN: tuple[object, ...] = (None, "", ())


@dataclass(frozen=True, slots=True)
class Collection:
    """An inventory, and in plain sentences what was found, what is missing and what stays unknown."""

    host: Host
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    label: str
    table: AcpiTable


@dataclass(frozen=True, slots=True)
class _Listing:
    label: str
    devices: tuple[PciDevice, ...]

    @property
    def facts(self) -> int:
        return sum(getattr(device, field) not in _UNKNOWN for device in self.devices for field in _FACTS)


def collect(folder: Path) -> Collection:
    """The inventory that the artefacts in `folder` and its sub-folders (one level) make.

    Read are raw ACPI tables (DMAR, RMAD, IVRS) and lspci listings. Hidden files, files over 16 MiB, unreadable files
    and links that lead out of the folder are left alone; all but hidden ones are noted. InputError when a table or
    listing is broken (it names the file), when two tables contradict each other, or when there is no artefact at all.
    """
    notes: list[str] = []
    tables: list[_Table] = []
    listings: list[_Listing] = []
    unknown: list[str] = []
    for path, label in _files(folder, notes):
        artefact = _read(path, label, notes)
        if isinstance(artefact, _Table):
            tables.append(artefact)
        elif isinstance(artefact, _Listing):
            listings.append(artefact)
        elif artefact:
            unknown.append(label)
    if unknown:
        notes.append(
            f"{_listed(unknown)} {'is' if len(unknown) == 1 else 'are'} neither an ACPI table nor an lspci listing."
        )
    if not tables and not listings:
        looked_for = (
            f"a raw ACPI table (DMAR, RMAD or IVRS; {_TABLE_PLACES}) and the output of {_LISTING_COMMAND}. "
            + " ".join(notes[:5])
        )
        raise InputError(f"found nothing to make an inventory of: looked for {looked_for}".rstrip(), source=str(folder))

    table = _one_table(tables, folder, notes)
    listing = _one_listing(listings, notes)
    host = resolve_scopes(
        Host(
            name=lspci.clean(folder.resolve().name),
            iommu=_iommu(table),
            sources=Sources(
                regions=f"{table.table.kind} in {table.label}" if table else None,
                devices=f"lspci in {listing.label}" if listing else None,
            ),
            regions=table.table.regions if table else (),
            devices=listing.devices if listing else (),
        )
    )
    return Collection(host, tuple(notes + _unresolved(host)))


def _files(folder: Path, notes: list[str]) -> list[tuple[Path, str]]:
    """The files to look at and their names within `folder`, in the order of their names."""
    entries = list_folder(folder)
    root = folder.resolve()
    files: list[tuple[Path, str]] = []
    for path in entries:
        if path.name.startswith("."):
            continue
        if _is_folder(path) and not _inside(path, root):
            notes.append(f"{_label(path, folder)} leads out of the folder and was left alone.")
        elif _is_folder(path):
            try:
                below = list_folder(path)
            except InputError as error:
                notes.append(f"{_label(path, folder)} was left alone: {error.message}.")
                continue
            files += [
                (file, _label(file, folder)) for file in below if not (file.name.startswith(".") or _is_folder(file))
            ]
        else:
            files.append((path, _label(path, folder)))
    if len(files) > MAX_FILES:
        raise InputError(
            f"holds {len(files)} files: expected a folder with one machine's artefacts, {MAX_FILES} files at most",
            source=str(folder),
        )
    kept: list[tuple[Path, str]] = []
    for path, label in files:
        if _inside(path, root):
            kept.append((path, label))
        else:
            notes.append(f"{label} leads out of the folder and was left alone.")
    return kept


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that may be listed but not entered; reading will say so
        return False


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def _read(path: Path, label: str, notes: list[str]) -> _Table | _Listing | bool:
    """The artefact in one file; True for a file of another kind, False for one that was noted and left alone."""
    try:
        # An empty file has nothing to say, and some of /proc that claim to be empty never stop.
        data = read_bytes(path) if path.stat().st_size else b""
    except InputError as error:
        notes.append(f"{label} was left alone: {error.message}.")
        return False
    except OSError as error:
        notes.append(f"{label} was left alone: {error.strerror or error}.")
        return False
    if _is_table(data):
        from planner.formats import acpi  # loads dissect.cstruct, so only where there is a table

        try:
            table = acpi.parse_table(data)
        except InputError as error:
            raise error.within(str(path)) from None
        count = len(table.regions)
        regions = f"{count} reserved region{'' if count == 1 else 's'}" if count else "no reserved region"
        maker = f" by {table.oem_id}" if table.oem_id else ""
        notes.append(f"{label} is a {table.kind}{maker} with {regions}.")
        notes.extend(f"{label}: {warning}" for warning in table.warnings)
        return _Table(label, table)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    if not lspci.recognise(text):
        return True
    try:
        return _Listing(label, lspci.parse(text))
    except InputError as error:
        raise error.within(str(path)) from None


def _is_table(data: bytes) -> bool:
    """Whether these are a table's bytes: its signature, and not text that starts so (a log line "DMAR: ...")."""
    return data.startswith(_SIGNATURES) and not (
        len(data) >= 8 and data[4:8].isascii() and data[4:8].decode().isprintable()
    )


def _one_table(tables: list[_Table], folder: Path, notes: list[str]) -> _Table | None:
    if not tables:
        notes.append(f"There is no ACPI table, so reserved memory is unknown: {_TABLE_PLACES}.")
        return None
    first, *others = tables
    for other in others:
        if (other.table.kind, other.table.regions) != (first.table.kind, first.table.regions):
            raise InputError(
                f"{first.label} and {other.label} declare different regions: leave the table of one machine here",
                source=str(folder),
            )
        notes.append(f"{other.label} declares the same regions as {first.label}.")
    return first


def _one_listing(listings: list[_Listing], notes: list[str]) -> _Listing | None:
    """The listing with most facts, gaps in its functions filled from the others."""
    if not listings:
        notes.append(
            f"There is no device listing, so devices and bridges are unknown: add the output of {_LISTING_COMMAND}."
        )
        return None
    best = max(listings, key=lambda listing: listing.facts)
    notes.append(f"{best.label} lists {_count(len(best.devices), 'PCI function')}.")
    devices = {device.address: device for device in best.devices}
    for other in listings:
        if other is best:
            continue
        strange = next((device for device in other.devices if not _same(devices.get(device.address), device)), None)
        if strange is not None:
            notes.append(
                f"{other.label} was not used: it has another device at {strange.address} than {best.label}, "
                "so it may be of another machine."
            )
            continue
        notes.append(f"{other.label} lists {_count(len(other.devices), 'PCI function')}{_merge(devices, other)}.")
    merged = tuple(devices.values())
    notes.extend(_gaps(merged))
    return _Listing(best.label, merged)


def _same(known: PciDevice | None, device: PciDevice) -> bool:
    return known is None or known.id is None or device.id is None or known.id == device.id


def _merge(devices: dict[Sbdf, PciDevice], other: _Listing) -> str:
    """Fill the gaps of `devices` from another listing; says what came of it."""
    filled = extra = 0
    for device in other.devices:
        known = devices.get(device.address)
        if known is None:
            extra += 1
            continue
        gaps = {
            field: getattr(device, field)
            for field in _FACTS
            if getattr(known, field) in _UNKNOWN and getattr(device, field) not in _UNKNOWN
        }
        if gaps:
            devices[device.address] = known.model_copy(update=gaps)
            filled += 1
    words = f" and completes {filled} of them" if filled else " and adds nothing"
    return f"{words}; {extra} that only it has {'is' if extra == 1 else 'are'} left out" if extra else words


def _gaps(devices: tuple[PciDevice, ...]) -> list[str]:
    notes = []
    closed = sum(device.bridge is None and device.class_code == "0604" for device in devices)
    if closed:
        which = "1 PCI bridge" if closed == 1 else f"{closed} PCI bridges"
        notes.append(f"The listing does not say which buses are behind {which}: take it with {_LISTING_COMMAND}.")
    if not any(device.bars for device in devices):
        notes.append(
            f"The listing gives no BAR sizes, so BARs cannot be placed: take it with {_LISTING_COMMAND}, on the host."
        )
    return notes


def _unresolved(host: Host) -> list[str]:
    """One sentence for each scope that leads nowhere and each function that is not there, with its regions."""
    lost: dict[tuple[str, str], list[ReservedRegion]] = {}
    for region in host.regions:
        for scope in region.scopes:
            if scope.problem is not None:
                lost.setdefault((scope.path or scope.kind, scope.problem), []).append(region)
    absent: dict[Sbdf, list[ReservedRegion]] = {}
    for region, address in absent_scopes(host):
        absent.setdefault(address, []).append(region)
    return [
        *(
            f"{_regions(regions)} names {path}, which leads nowhere: {problem}."
            for (path, problem), regions in lost.items()
        ),
        *(f"{_regions(regions)} names {address}, which the listing lacks." for address, regions in absent.items()),
    ]


def _regions(regions: list[ReservedRegion]) -> str:
    first = f"{regions[0].kind.upper()} {regions[0].start:#x}-{regions[0].end:#x}"
    return first if len(regions) == 1 else f"{first} (and {_count(len(regions) - 1, 'further region')})"


def _iommu(table: _Table | None) -> Literal["intel", "amd", "unknown"]:
    if table is None:
        return "unknown"
    return "intel" if table.table.kind == "DMAR" else "amd"


def _label(path: Path, folder: Path) -> str:
    return lspci.clean(path.relative_to(folder).as_posix())


def _listed(names: list[str]) -> str:
    shown = names[:5]
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more files"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
