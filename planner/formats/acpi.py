"""ACPI tables that reserve memory for devices: DMAR (Intel) and IVRS (AMD), from their raw bytes.

Layouts: Intel's VT-d specification, chapter 8 (DMA remapping reporting structure), and AMD's I/O virtualization
specification 48882, chapter 5 (IVRS). Xen renames DMAR to RMAD in place once it has read it, so that dom0 leaves the
IOMMU alone; the rest of the table is unchanged and its checksum still holds.

Loads dissect.cstruct, so import this module only where a table is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from dissect.cstruct import cstruct  # type: ignore[import-untyped]

from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.fields import MAX_ADDRESS
from planner.model.host import DeviceScope, RegionKind, ReservedRegion, ScopeKind
from planner.model.span import KIB, format_size

MAX_BYTES = 256 * KIB
"""Real tables have at most a few KiB."""

SIGNATURES: Final[Mapping[bytes, Literal["DMAR", "IVRS"]]] = {b"DMAR": "DMAR", b"RMAD": "DMAR", b"IVRS": "IVRS"}
"""First four bytes of the tables read here. RMAD is a DMAR that Xen has hidden from dom0."""

_LAYOUTS: Any = cstruct(endian="<").load("""
    struct header {
        char    signature[4];
        uint32  length;
        uint8   revision;
        uint8   checksum;
        char    oem_id[6];
        char    oem_table_id[8];
        uint32  oem_revision;
        char    creator_id[4];
        uint32  creator_revision;
    };
    struct dmar {
        uint8   host_address_width;
        uint8   flags;
        uint8   reserved[10];
    };
    struct dmar_structure {
        uint16  type;
        uint16  length;
    };
    struct rmrr {
        uint16  type;
        uint16  length;
        uint16  reserved;
        uint16  segment;
        uint64  base;
        uint64  limit;
    };
    struct ivrs {
        uint32  iv_info;
        uint8   reserved[8];
    };
    struct ivrs_structure {
        uint8   type;
        uint8   flags;
        uint16  length;
    };
    struct ivmd {
        uint8   type;
        uint8   flags;
        uint16  length;
        uint16  device_id;
        uint16  aux_data;
        uint16  segment;
        uint8   reserved[6];
        uint64  start;
        uint64  size;
    };
""")

_HEADER_BYTES = 36
_BODY_BYTES = 48  # the header and what stands before the first structure: 12 bytes in both tables
_STRUCTURE_HEADER_BYTES = 4
_SCOPE_HEADER_BYTES = 6
_SCOPE_MIN_BYTES = 8  # with one hop; Xen's MIN_SCOPE_LEN
_MAX_WARNINGS = 50

# Types and the smallest length that each may have.
_DMAR_TYPES = {
    0: ("DRHD", 16),
    1: ("RMRR", 24),
    2: ("ATSR", 8),
    3: ("RHSA", 20),
    4: ("ANDD", 8),
    5: ("SATC", 8),
    6: ("SIDP", 8),
}
_RMRR = 1
_WITH_SCOPES = (0, 2, 5, 6)
_IVRS_TYPES = {
    0x10: ("IVHD", 24),
    0x11: ("IVHD", 40),
    0x40: ("IVHD", 40),
    0x20: ("IVMD", 32),
    0x21: ("IVMD", 32),
    0x22: ("IVMD", 32),
}
_IVMD_ALL, _IVMD_ONE, _IVMD_RANGE = 0x20, 0x21, 0x22

_SCOPE_KINDS = {
    1: ScopeKind.ENDPOINT,
    2: ScopeKind.BRIDGE,
    3: ScopeKind.IOAPIC,
    4: ScopeKind.HPET,
    5: ScopeKind.NAMESPACE,
}


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure of a table: its specification's name, where it is, and what its scopes name (DMAR)."""

    name: str
    offset: int
    length: int
    scopes: tuple[DeviceScope, ...] = ()


@dataclass(frozen=True, slots=True)
class AcpiTable:
    """What one table declares.

    `structures` are all of them, those of an unknown type left out. `regions` stand in table order, their scopes still
    without `device` for DMAR (a path needs the PCI tree, see `planner.pci.topology`). `address_width` is in bits, None
    where an IVRS does not say. `flags` are DMAR's flags byte or the 32 bits of IVinfo. `warnings` are whole sentences
    about what is odd but harmless to read.
    """

    kind: Literal["DMAR", "IVRS"]
    oem_id: str
    oem_table_id: str
    address_width: int | None
    flags: int
    structures: tuple[Structure, ...]
    regions: tuple[ReservedRegion, ...]
    warnings: tuple[str, ...]

    @property
    def remaps_interrupts(self) -> bool:
        """Whether the platform can check interrupts (bit 0 of DMAR's flags; every AMD IOMMU does)."""
        return self.kind == "IVRS" or bool(self.flags & 1)


# The specification gives these no enumeration id.
_PCI_SCOPES = (ScopeKind.ENDPOINT, ScopeKind.BRIDGE)


def parse_table(data: bytes) -> AcpiTable:
    """The DMAR (also as RMAD) or IVRS in `data`, in time linear in its length.

    InputError, always with the byte offset, when it is another table, is cut short, is larger than 256 KiB, or a
    length in it cannot be true. Bytes after the table's own length are ignored with a warning.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"larger than {format_size(MAX_BYTES)}, which no ACPI table of this kind is (at byte 0x0)")
    kind = SIGNATURES.get(bytes(data[:4]))
    if kind is None:
        found = f"found {bytes(data[:4])!r}" if data else "the file is empty"
        raise InputError(f"expected an ACPI table with signature DMAR, RMAD or IVRS at byte 0x0, but {found}")
    if len(data) < _BODY_BYTES:
        raise InputError(
            f"an {kind} starts with {_BODY_BYTES} bytes of header, but the file ends at byte {len(data):#x}"
        )
    header = _LAYOUTS.header(data[:_HEADER_BYTES])
    length = header.length
    if length > len(data):
        raise InputError(f"table says {length} bytes (at byte 0x4), file has {len(data)}: it is cut short")
    if length < _BODY_BYTES:
        raise InputError(f"table says {length} bytes (at byte 0x4), but an {kind} has at least {_BODY_BYTES}")

    oddities = _Oddities()
    if checksum := sum(data[:length]) & 0xFF:
        oddities.note(f"The checksum is wrong: the bytes of the table add up to {checksum:#04x} instead of 0", 9)
    if len(data) > length:
        oddities.note(f"{len(data) - length} bytes after the end of the table were ignored", length)
    table = data[:length]
    width, flags, structures, regions = _dmar(table, oddities) if kind == "DMAR" else _ivrs(table, oddities)
    return AcpiTable(
        kind=kind,
        oem_id=_text(header.oem_id),
        oem_table_id=_text(header.oem_table_id),
        address_width=width,
        flags=flags,
        structures=tuple(structures),
        regions=tuple(regions),
        warnings=oddities.sentences(),
    )


class _Oddities:
    """Warnings, each kind of oddity told once with how often and where it was first seen."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def note(self, what: str, offset: int) -> None:
        count, first = self._seen.get(what, (0, offset))
        self._seen[what] = (count + 1, first)

    def sentences(self) -> tuple[str, ...]:
        told = [
            f"{what} (at byte {first:#x})." if count == 1 else f"{what} ({count} times, first at byte {first:#x})."
            for what, (count, first) in self._seen.items()
        ]
        if len(told) > _MAX_WARNINGS:
            told[_MAX_WARNINGS:] = [f"{len(told) - _MAX_WARNINGS} further oddities were left out."]
        return tuple(told)


def _dmar(table: bytes, oddities: _Oddities) -> tuple[int, int, list[Structure], list[ReservedRegion]]:
    body = _LAYOUTS.dmar(table[_HEADER_BYTES:_BODY_BYTES])
    if any(body.reserved):
        oddities.note("Reserved bytes of the DMAR header are not 0", _HEADER_BYTES + 2)
    structures: list[Structure] = []
    regions: list[ReservedRegion] = []
    for offset, number, length in _structures(table, "dmar_structure", _DMAR_TYPES, oddities):
        name, head = _DMAR_TYPES[number]
        scopes: tuple[DeviceScope, ...] = ()
        if number == _RMRR:
            regions.append(_rmrr(table, offset, length, oddities))
            scopes = regions[-1].scopes
        elif number in _WITH_SCOPES:
            try:
                scopes = tuple(_scopes(table, offset + head, offset + length, name, oddities))
            except InputError:  # says nothing about reserved memory, so the table stays of use
                oddities.note(f"The device scopes of a {name} make no sense", offset)
        structures.append(Structure(name, offset, length, scopes))
    return body.host_address_width + 1, int(body.flags), structures, regions


def _rmrr(table: bytes, offset: int, length: int, oddities: _Oddities) -> ReservedRegion:
    rmrr = _LAYOUTS.rmrr(table[offset : offset + len(_LAYOUTS.rmrr)])
    if rmrr.reserved:
        oddities.note("The reserved field of an RMRR is not 0", offset + 4)
    return ReservedRegion(
        kind=RegionKind.RMRR,
        start=int(rmrr.base),
        end=int(rmrr.limit),
        segment=int(rmrr.segment),
        scopes=tuple(_scopes(table, offset + len(_LAYOUTS.rmrr), offset + length, "RMRR", oddities)),
    )


def _scopes(table: bytes, offset: int, end: int, name: str, oddities: _Oddities) -> Iterator[DeviceScope]:
    while offset < end:
        if end - offset < _SCOPE_MIN_BYTES:
            raise InputError(
                f"{end - offset} bytes are left in the {name} at byte {offset:#x}, "
                f"where a device scope needs {_SCOPE_MIN_BYTES}"
            )
        number, length, _, _, enumeration_id, start_bus = table[offset : offset + _SCOPE_HEADER_BYTES]
        if length < _SCOPE_MIN_BYTES:
            raise InputError(
                f"the device scope at byte {offset:#x} says it is {length} bytes long, "
                f"but one has at least {_SCOPE_MIN_BYTES}"
            )
        if length > end - offset:
            raise InputError(
                f"the device scope at byte {offset:#x} says it is {length} bytes long, "
                f"but only {end - offset} are left in its {name}"
            )
        path_bytes = table[offset + _SCOPE_HEADER_BYTES : offset + length]
        if len(path_bytes) % 2:
            oddities.note("The path of a device scope has half a hop at its end, which was ignored", offset)
        hops = zip(path_bytes[0::2], path_bytes[1::2], strict=False)
        kind = _SCOPE_KINDS.get(number, ScopeKind.UNKNOWN)
        if kind is ScopeKind.UNKNOWN:
            oddities.note(f"A device scope has the unknown type {number:#x}", offset)
        yield DeviceScope(
            kind=kind,
            path=f"{start_bus:02x}:" + "/".join(f"{device:02x}.{function:x}" for device, function in hops),
            enumeration_id=None if kind in _PCI_SCOPES else enumeration_id,
        )
        offset += length


def _ivrs(table: bytes, oddities: _Oddities) -> tuple[int | None, int, list[Structure], list[ReservedRegion]]:
    body = _LAYOUTS.ivrs(table[_HEADER_BYTES:_BODY_BYTES])
    if any(body.reserved):
        oddities.note("Reserved bytes of the IVRS header are not 0", _HEADER_BYTES + 4)
    structures: list[Structure] = []
    regions: list[ReservedRegion] = []
    for offset, number, length in _structures(table, "ivrs_structure", _IVRS_TYPES, oddities):
        structures.append(Structure(_IVRS_TYPES[number][0], offset, length))
        if number in (_IVMD_ALL, _IVMD_ONE, _IVMD_RANGE):
            regions.append(_ivmd(table, offset, oddities))
    return (body.iv_info >> 8 & 0x7F) or None, int(body.iv_info), structures, regions


def _ivmd(table: bytes, offset: int, oddities: _Oddities) -> ReservedRegion:
    ivmd = _LAYOUTS.ivmd(table[offset : offset + len(_LAYOUTS.ivmd)])
    # Linux reads a segment where older specifications, and Xen, have reserved bytes.
    if ivmd.segment:
        oddities.note(
            f"An IVMD names PCI segment {ivmd.segment:#x}; Xen takes every IVMD to be of segment 0", offset + 8
        )
    if any(ivmd.reserved):
        oddities.note("Reserved bytes of an IVMD are not 0", offset + 10)
    if not ivmd.size:
        oddities.note(
            "An IVMD says its memory has 0 bytes; it was read as 1 byte, so that its page stays known", offset
        )
    end = ivmd.start + max(1, ivmd.size) - 1
    if end > MAX_ADDRESS:
        oddities.note("An IVMD runs past the last 64-bit address; it was cut there", offset)
        end = MAX_ADDRESS
    device = Sbdf.from_requester_id(ivmd.device_id, ivmd.segment)
    if ivmd.type == _IVMD_ALL:
        scope = DeviceScope(kind=ScopeKind.ALL)
    elif ivmd.type == _IVMD_ONE:
        scope = DeviceScope(kind=ScopeKind.ENDPOINT, device=device)
    else:
        if ivmd.aux_data < ivmd.device_id:
            oddities.note("An IVMD's range of devices ends before it starts, so it names none", offset)
        last = Sbdf.from_requester_id(ivmd.aux_data, ivmd.segment)
        scope = DeviceScope(kind=ScopeKind.RANGE, device=device, last=last)
    return ReservedRegion(
        kind=RegionKind.IVMD,
        start=int(ivmd.start),
        end=int(end),
        segment=int(ivmd.segment),
        flags=int(ivmd.flags),
        scopes=(scope,),
    )


def _structures(
    table: bytes, layout: str, types: Mapping[int, tuple[str, int]], oddities: _Oddities
) -> Iterator[tuple[int, int, int]]:
    """Offset, type and length of every structure of a known type; the others are noted and skipped."""
    header = getattr(_LAYOUTS, layout)
    offset = _BODY_BYTES
    while offset < len(table):
        left = len(table) - offset
        if left < _STRUCTURE_HEADER_BYTES:
            raise InputError(
                f"{left} bytes are left at byte {offset:#x}, where a structure needs {_STRUCTURE_HEADER_BYTES}"
            )
        head = header(table[offset : offset + _STRUCTURE_HEADER_BYTES])
        number, length = int(head.type), int(head.length)
        name, minimum = types.get(number, (f"structure of unknown type {number:#x}", _STRUCTURE_HEADER_BYTES))
        if length < minimum:
            raise InputError(
                f"the {name} at byte {offset:#x} says it is {length} bytes long, but one has at least {minimum}"
            )
        if length > left:
            raise InputError(
                f"the {name} at byte {offset:#x} says it is {length} bytes long, but only {left} are left in the table"
            )
        if number in types:
            yield offset, number, length
        else:
            oddities.note(f"A {name} was skipped", offset)
        offset += length


def _text(raw: bytes) -> str:
    """A fixed-width ASCII field without its padding; bytes that are not printable ASCII are left out."""
    return "".join(chr(byte) for byte in raw.partition(b"\0")[0] if 0x20 <= byte < 0x7F).strip()
