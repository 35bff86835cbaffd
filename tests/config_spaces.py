"""Made-up configuration spaces, byte by byte."""

from __future__ import annotations

import struct


def config(
    *,
    layout: int = 0,
    capabilities: tuple[tuple[int, bytes], ...] = (),
    extended: tuple[tuple[int, bytes], ...] = (),
    bars: tuple[int, ...] = (),
    size: int = 4096,
) -> bytes:
    """A configuration space; capabilities are (id, what stands after id and next)."""
    raw = bytearray(4096)
    header = (0x8086, 0x10FB, 6, 0x10 if capabilities else 0, 1, 0, 0, 2, 0, 0, layout, 0)
    struct.pack_into("<HHHHBBBBBBBB", raw, 0, *header)
    for index, bar in enumerate(bars):
        struct.pack_into("<I", raw, 0x10 + 4 * index, bar)
    if layout & 0x7F == 0:
        struct.pack_into("<HH", raw, 0x2C, 0x103C, 0x3380)
    raw[0x3D] = 2
    raw[0x34] = 0x40
    at = 0x40
    for index, (number, body) in enumerate(capabilities):
        after = at + (2 + len(body) + 3) // 4 * 4
        raw[at : at + 2 + len(body)] = bytes((number, after if index + 1 < len(capabilities) else 0)) + body
        at = after
    at = 0x100
    for index, (number, body) in enumerate(extended):
        after = at + (4 + len(body) + 3) // 4 * 4
        follower = after if index + 1 < len(extended) else 0
        raw[at : at + 4 + len(body)] = struct.pack("<I", number | 1 << 16 | follower << 20) + body
        at = after
    return bytes(raw[:size])


def express(port: int, *, flr: bool = False) -> tuple[int, bytes]:
    return 0x10, struct.pack("<HI", 2 | port << 4, flr << 28 | 0x8000) + bytes(0x34)


PM = (0x01, struct.pack("<HH", 3, 0) + bytes(2))
PM_KEEPS = (0x01, struct.pack("<HH", 3, 8) + bytes(2))
MSI = (0x05, struct.pack("<HI", 0x86, 0) + bytes(8))
MSI_ON = (0x05, struct.pack("<HI", 0x87, 0) + bytes(8))
MSIX = (0x11, struct.pack("<HII", 63, 3, 0x1003))
AF = (0x13, bytes((6, 3, 0, 0)))
ACS = (0x0D, struct.pack("<HH", 0x7F, 0x1D))
SRIOV = (0x10, struct.pack("<IHHHHHBB", 0, 1, 0, 8, 8, 4, 0, 0) + bytes(44))
REBAR = (0x15, struct.pack("<IIII", 0x3 << 8, 2 << 5 | 8 << 8, 1 << 31, 2 | 1 << 16))
