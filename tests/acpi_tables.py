"""Synthetic ACPI tables: what no real machine shows is made here, byte by byte."""

from __future__ import annotations

import struct


def table(signature: bytes, body: bytes) -> bytes:
    """An ACPI table with a right length and checksum; `body` starts with the 12 bytes before the first structure."""
    length = 36 + len(body)
    raw = bytearray(struct.pack("<4sIBB6s8sI4sI", signature, length, 1, 0, b"OEM", b"TABLE", 1, b"TEST", 1) + body)
    raw[9] = -sum(raw) & 0xFF
    return bytes(raw)


def dmar(*structures: bytes, signature: bytes = b"DMAR", width: int = 46, flags: int = 1) -> bytes:
    return table(signature, struct.pack("<BB10x", width - 1, flags) + b"".join(structures))


def ivrs(*structures: bytes, info: int = 0x203000) -> bytes:
    return table(b"IVRS", struct.pack("<I8x", info) + b"".join(structures))


def scope(*hops: tuple[int, int], kind: int = 1, bus: int = 0, enumeration: int = 0) -> bytes:
    return struct.pack("<BBHBB", kind, 6 + 2 * len(hops), 0, enumeration, bus) + b"".join(bytes(hop) for hop in hops)


def rmrr(start: int, end: int, *scopes: bytes, segment: int = 0, reserved: int = 0) -> bytes:
    body = b"".join(scopes)
    return struct.pack("<HHHHQQ", 1, 24 + len(body), reserved, segment, start, end) + body


def drhd(*scopes: bytes) -> bytes:
    body = b"".join(scopes)
    return struct.pack("<HHBBHQ", 0, 16 + len(body), 1, 0, 0, 0xFED90000) + body


def ivmd(kind: int, start: int, size: int, *, device: int = 0, aux: int = 0, flags: int = 8, segment: int = 0) -> bytes:
    return struct.pack("<BBHHHH6xQQ", kind, flags, 32, device, aux, segment, start, size)
