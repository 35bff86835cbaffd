"""ACPI tables as text: `acpidump` hex dumps (any number of tables) and `iasl -d`, old and new.

iasl puts the table's bytes at the end ("Raw Table Data"). Where somebody left those out, its fields say the same
bytes: every line has its offset, length and value. Its texts differ from version to version, the offsets do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from planner.formats.acpi import MAX_BYTES, SIGNATURES
from planner.model.errors import InputError

_HEX = re.compile(r"\s{0,16}([0-9A-Fa-f]{4,8}): ((?:[0-9A-Fa-f]{2} ){1,16})")
_NAME = re.compile(r"([A-Z]{4})[0-9]{0,2} @ 0x[0-9A-Fa-f]{1,16}\s*\Z")
_RAW = re.compile(r"Raw Table Data")
_FIELD = re.compile(
    r"\[([0-9A-F]{3,5})h [0-9]{4,6} {1,4}([0-9A-F]{1,4})(h?)\] {1,64}[^:\n]{1,80}? : (.*)\Z", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9A-Fa-f]{2,16}\Z")
_BYTES = re.compile(r"[0-9A-Fa-f]{2}(?:[ ,][0-9A-Fa-f]{2})*\Z")


def recognise(text: str) -> bool:
    """Whether `text` has a DMAR, RMAD or IVRS as acpidump or iasl prints them."""
    return next(tables(text), None) is not None


def tables(text: str) -> Iterator[tuple[int, bytes]]:
    """The tables of the kinds that reserve memory, each with the line it starts on; others are passed over.

    InputError with the line where a dump has a hole.
    """
    dumped = list(_dumps(text))
    found = [(line, data) for line, data in dumped if data[:4] in SIGNATURES]
    if found:
        yield from found
    elif not dumped:
        line, data = _fields(text)
        if data[:4] in SIGNATURES:
            yield line, data


def _dumps(text: str) -> Iterator[tuple[int, bytes]]:
    """Runs of hex lines that count up from 0."""
    data = bytearray()
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        match = _HEX.match(line.rstrip("\r") + " ")
        if match is None and not line.strip():
            continue
        at = int(match[1], 16) if match else 0
        if at == 0:
            if data:
                yield start, bytes(data)
            data, start = bytearray(), number
        if match is None or (at and not data):
            continue
        if at != len(data):
            if bytes(data[:4]) in SIGNATURES:
                raise InputError(f"this dump goes on at byte {at:#x}, expected {len(data):#x}", line=number)
            data = bytearray()
        elif at < MAX_BYTES:
            data += bytes.fromhex(match[2])
    if data:
        yield start, bytes(data)


def _fields(text: str) -> tuple[int, bytes]:
    """The bytes that the fields of a disassembly stand for; those of no field are 0."""
    data = bytearray()
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        match = _FIELD.match(line.rstrip("\r").strip())
        if match is None:
            continue
        if not match[3] and not match[2].isdigit():
            continue
        offset, length = int(match[1], 16), int(match[2], 16 if match[3] else 10)
        if not offset and data:  # another table starts
            break
        value = _value(match[4], length)
        if value is None or offset + length > MAX_BYTES:
            continue
        if not data:
            start = number
            if offset:
                return 0, b""
        data.extend(bytes(max(0, offset + length - len(data))))
        data[offset : offset + length] = value
    # What iasl shows no field for (names, structures newer than itself) stays 0, up to the length that the table says.
    length = int.from_bytes(data[4:8], "little")
    if len(data) < length <= MAX_BYTES:
        data.extend(bytes(length - len(data)))
    return start, bytes(data)


def _value(text: str, length: int) -> bytes | None:
    text = text.strip()
    if text.startswith('"'):
        return text[1:].partition('"')[0].encode("ascii", "replace")[:length].ljust(length, b"\0")
    words = text.partition("[")[0].strip()
    if length > 1 and _BYTES.match(words) and len(words) == 3 * length - 1:
        return bytes.fromhex(words.replace(",", " "))
    if _NUMBER.match(words) and len(words) == 2 * length:
        return int(words, 16).to_bytes(length, "little")
    return None
