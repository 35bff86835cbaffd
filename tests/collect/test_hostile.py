"""Hostile files: each reader's worst cases take time in proportion to their length.

Processor time, not that of a clock on the wall, and with a wide margin: a quadratic reader needs a hundred times more.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest

from planner.collect.merge import merge
from planner.collect.recognise import recognise
from planner.formats.archive import Archive
from planner.model.errors import InputError

KIB = 1024
SIZE = 256 * KIB
SECONDS = 2.0  # a linear reader needs about a tenth of this

REPEATED = {
    "empty lines of Xen": "(XEN)\n",
    "short lines of Xen": "(XEN) x\n",
    "unfinished stamps": "(XEN) [          ",
    "an RMRR without end": "DMAR: RMRR base:   ",
    "an IVMD with blanks": "IVMD_TYPE_ALL devid_start: 00:00.0 devid_end: " + " " * 1000,
    "Markdown": "Linux version 5.10 \\[",
    "one function": "00:00.0 Foo: bar\n",
    "unfinished names": "00:00.0 a [8086:1234]x (",
    "paths of bridges": "00:01.0/00.0 Foo: x\n",
    "trees": "-[0000:00]-+-00.0\n",
    "a chain of chains": "pci0000:00/0000:00:00.0",
    "iasl's fields": "[000h 0000   4] " + " " * 60,
    "acpidump of another table": "    0000: 46 41 43 50 00 00 00 00 00 00 00 00 00 00 00 00\n",
    "links": "/sys/a -> b\n",
    "brackets": "[0000]: ",
    "zeros": "0",
    "empty lines": "\n",
    "boot entries": "multiboot2 /xen " + "a" * 4000 + "\n",
}
CONTINUED = {
    "an RMRR of Xen that goes on": ("(XEN) [VT-D]found ACPI_DMAR_RMRR:\n", "a\n"),
    "a group of empty lines": ("group 1\n", "\n"),
    "a group on one line": ("group 1\n", "00:00.0 "),
    "a link that goes on": ("group 1\n00:00.0/iommu_group ", "iommu_groups/"),
    "a chain of bridges": ("pci0000:00", "/0000:00:00.0"),
    "a path of bridges": ("00:00.0", "/00:00.0"),
    "a function with a long name": ("00:00.0 Foo: ", "bar "),
    "a function with a long class": ("00:00.0 ", "[0000]"),
    "a function with many BARs": ("00:00.0 Foo: bar\n", "\tMemory at 1000 (64-bit) [size=4K]\n"),
    "a function with a long capability": ("00:00.0 Foo: bar\n\tCapabilities: [40] ", "[50] "),
    "a tree of one line": ("-[0000:00]-", "+-01.0-[01]-"),
    "a long range": ("00000000-00000001 : a\n" * 3 + "00000000-00000001 : ", "a "),
    "xl info with one long key": ("virt_caps\nxen_major", " "),
    "nested JSON": ('[{"domid":1,"config":', "["),
}


@pytest.mark.parametrize("piece", REPEATED.values(), ids=REPEATED)
def test_repeated_text_takes_linear_time(piece: str) -> None:
    assert seconds((piece * (SIZE // len(piece) + 1))[:SIZE].encode()) < SECONDS


@pytest.mark.parametrize(("head", "piece"), CONTINUED.values(), ids=CONTINUED)
def test_text_that_goes_on_takes_linear_time(head: str, piece: str) -> None:
    assert seconds((head + piece * (SIZE // len(piece)))[:SIZE].encode()) < SECONDS


SCOPES = b"\x01\x08\x00\x00\x00\x00\x1f\x07" * 8000
TABLES = {
    "RMRRs": (b"DMAR", b"\x01\x00\x18\x00" + bytes(20)),
    "scopes": (b"DMAR", b"\x01\x00" + (24 + len(SCOPES)).to_bytes(2, "little") + bytes(20) + SCOPES),
    "unknown structures": (b"DMAR", b"\x09\x00\x04\x00"),
    "IVMDs": (b"IVRS", b"\x21\x00\x20\x00" + bytes(28)),
    "device entries": (b"IVRS", b"\x10\x00\xff\xff" + bytes(0xFFFF - 4)),
}


@pytest.mark.parametrize(("signature", "structure"), TABLES.values(), ids=TABLES)
def test_the_largest_table_takes_linear_time(signature: bytes, structure: bytes) -> None:
    body = structure * ((SIZE - 48) // len(structure))
    table = signature + (48 + len(body)).to_bytes(4, "little") + bytes(40) + body
    assert seconds(table) < SECONDS


def test_a_table_larger_than_any_is_refused() -> None:
    table = b"DMAR" + (SIZE + 1).to_bytes(4, "little") + bytes(SIZE + 1)
    with pytest.raises(InputError, match="larger than"):
        collected(table)


LISTS: dict[str, Callable[[int], str]] = {
    "RMRRs of Xen": lambda n: f"(XEN) RMRR region: base_addr {n << 12:x} end_addr {(n << 12) + 4095:x}\n",
    "RMRRs of Linux": lambda n: f"DMAR: RMRR base: {n << 12:#x} end: {(n << 12) + 4095:#x}\n",
    "groups": lambda n: f"IOMMU Group {n}:\n\t{n >> 8 & 255:02x}:{n >> 3 & 31:02x}.{n & 7} Foo: bar\n",
    "bridges": lambda n: f"pci0000:00/0000:{n & 255:02x}:00.0/0000:{n >> 8 & 255:02x}:00.0\n",
    "iomem": lambda n: f"{n << 12:08x}-{(n << 12) + 4095:08x} : System RAM\n",
    "functions": lambda n: f"{n >> 8 & 255:02x}:{n >> 3 & 31:02x}.{n & 7} Foo: bar\n",
}


@pytest.mark.parametrize("line", LISTS.values(), ids=LISTS)
def test_long_lists_take_linear_time(line: Callable[[int], str]) -> None:
    assert seconds("".join(line(number) for number in range(5000)).encode()) < SECONDS


def seconds(data: bytes) -> float:
    """Processor time that one file takes from its bytes to an inventory, or to what is wrong with it."""
    started = time.process_time()
    with contextlib.suppress(InputError):
        collected(data)
    return time.process_time() - started


def collected(data: bytes) -> None:
    archive = Archive(files={"file": data})
    merge(recognise(archive), archive, "host")
