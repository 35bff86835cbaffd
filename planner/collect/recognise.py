"""What the files of an archive are, and what they say. They are known by what is in them, never by their name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from planner.formats import (
    iomem,
    iommu_groups,
    kernel_log,
    lspci,
    lspci_tree,
    sysfs,
    xen_boot_log,
    xen_command_line,
    xl_output,
)
from planner.formats.archive import Archive
from planner.formats.facts import Facts, Trust
from planner.model.errors import InputError

_SIGNATURES = (b"DMAR", b"RMAD", b"IVRS")
_MARK = b"\xef\xbb\xbf"
_MAYBE_TABLES = re.compile(r"\[000h 0000 |^[ \t]{0,16}0{4,8}: [0-9A-Fa-f]{2} ", re.MULTILINE)
_LINKS = re.compile(rb"(?:/sys/[^ \n]+ -> [^\n]*\n)+")
SYSFS_LABEL = "sysfs"


@dataclass(frozen=True, slots=True)
class Source:
    """One artefact: its name, what it says, and what to call it in `sources` ("DMAR in table.bin")."""

    label: str
    facts: Facts
    title: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """The artefacts of an archive in the order of their names, and the files that are none."""

    sources: tuple[Source, ...]
    unknown: tuple[str, ...]


def recognise(archive: Archive) -> Recognised:
    """Read every file. InputError, with the file's name as its source, for a table or listing that is broken.

    A list of links, as our script writes it, becomes links of the archive.
    """
    for label in [label for label, data in archive.files.items() if _LINKS.fullmatch(data)]:
        lines = archive.files.pop(label).decode("utf-8", "replace").splitlines()
        archive.links |= {path.lstrip("/"): target for path, _, target in (line.partition(" -> ") for line in lines)}
    sources: list[Source] = []
    unknown: list[str] = []
    if tree := sysfs.parse(archive):
        sources.append(Source(SYSFS_LABEL, tree, SYSFS_LABEL))
    for label, data in sorted(archive.files.items()):
        if sysfs.claims(label) or _serves_otherwise(label):
            continue
        try:
            found = [Source(label, facts, f"{title} in {label}") for title, facts in _read(data)]
        except InputError as error:
            raise error.within(label) from None
        sources += found
        if not found:
            unknown.append(label)
    return Recognised(tuple(sources), tuple(unknown))


def _serves_otherwise(label: str) -> bool:
    """Whether the file is one of those that say what dom0 needs (`in_use`)."""
    return label.endswith(("proc/self/mountinfo", "proc/net/route", "hypervisor/type", "kernel/hostname"))


def _read(data: bytes) -> Iterator[tuple[str, Facts]]:
    """What one file says, by the title of each kind of artefact in it."""
    if _is_table(data):
        yield _table(data)
        return
    if b"\0" in data or not data.strip():
        return
    text = data.removeprefix(_MARK).decode("utf-8", "replace")
    tables = list(_tables_in(text))
    if tables:
        yield from tables
        return
    for recognised, title, read in _EXCLUSIVE:
        if recognised(text):
            yield title, read(text)
            return
    if kernel_log.recognise(text):
        yield "kernel log", kernel_log.parse(text)
    if xen_boot_log.recognise(text):
        yield "Xen's log", xen_boot_log.parse(text)


def _tables_in(text: str) -> Iterator[tuple[str, Facts]]:
    if not _MAYBE_TABLES.search(text):
        return
    from planner.formats import acpi_text  # knows acpi, which loads dissect.cstruct

    for line, table in acpi_text.tables(text):
        try:
            yield _table(table)
        except InputError as error:
            error.line = line
            raise


def _table(data: bytes) -> tuple[str, Facts]:
    from planner.formats import acpi  # loads dissect.cstruct, so only where there is a table

    table = acpi.parse_table(data)
    counts = Counter(structure.name for structure in table.structures)
    count = len(table.regions)
    regions = f"{count} reserved region{'' if count == 1 else 's'}" if count else "no reserved region"
    maker = f" by {table.oem_id}" if table.oem_id else ""
    others = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if name not in ("RMRR", "IVMD"))
    facts = Facts(
        kind=f"a {table.kind}{maker} with {regions}" + (f" ({others})" if others else ""),
        regions=table.regions,
        trust=Trust.TABLE,
        iommu="intel" if table.kind == "DMAR" else "amd",
        interrupt_remapping=None if table.remaps_interrupts else False,
        notes=table.warnings,
        ranges_are_dom0s=data[:4] == b"RMAD",
    )
    return table.kind, facts


def _listing(text: str) -> Facts:
    devices = lspci.parse(text)
    count = f"{len(devices)} PCI function{'' if len(devices) == 1 else 's'}"
    kind = f"an lspci listing of {count}"
    return Facts(kind=kind, devices=devices, lists_all=True, registers=lspci.bar_registers(text))


def _tree(text: str) -> Facts:
    return Facts(kind="a tree by lspci -t", devices=lspci_tree.parse(text), lists_all=True)


_EXCLUSIVE: tuple[tuple[Callable[[str], bool], str, Callable[[str], Facts]], ...] = (
    (xl_output.is_domain_list, "xl list -l", xl_output.parse_domain_list),
    (xl_output.is_info, "xl info", xl_output.parse_info),
    (xl_output.is_assignable_list, "xl pci-assignable-list", xl_output.parse_assignable_list),
    (lspci_tree.recognise, "lspci -t", _tree),
    (iommu_groups.recognise, "IOMMU groups", iommu_groups.parse),
    (lspci.recognise, "lspci", _listing),
    (iomem.recognise, "/proc/iomem", iomem.parse),
    (xen_command_line.recognise, "Xen's command line", xen_command_line.parse),
)


def _is_table(data: bytes) -> bool:
    """Whether these are a table's bytes: its signature, and not text that starts so (a log line "DMAR: ...")."""
    length = data[4:8].decode("latin-1")
    words = len(length) == 4 and length.isascii() and all(char.isprintable() or char.isspace() for char in length)
    return data.startswith(_SIGNATURES) and not words
