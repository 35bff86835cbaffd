"""Listings by lspci: `-vmm` and `-vm` records, and the ordinary text with any of `-v`, `-vv`, `-n`, `-nn`, `-D`, `-x`.

What lspci prints where: pciutils, lspci.c (show_terse, show_verbose, show_machine, show_bases, show_rom). BAR sizes
and drivers come from the kernel and capabilities need root, so a listing may lack any of them.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from planner.formats import config_space, lspci_paths
from planner.formats.config_space import BarRegister
from planner.formats.facts import MAX_FUNCTIONS
from planner.formats.lspci_capabilities import Capabilities
from planner.formats.text import clean
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.fields import MAX_ADDRESS
from planner.model.host import Bar, Bridge, PciDevice

EXPECTED = "expected a listing by lspci, such as the output of `lspci -D -vvnn` or `lspci -D -vmmnn`"

_ADDRESS = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]"
_HEADER = re.compile(rf"({_ADDRESS}) (\S.*)\Z")
_SLOT = re.compile(rf"(?:Slot|Device):[ \t]+({_ADDRESS})\s*\Z")
_PATH = re.compile(rf"{_ADDRESS}/[0-9a-fA-F]")  # `lspci -P` prints bridges instead of buses; -PP prints both
_CLASS = re.compile(r"([^:\[]*)\[([0-9a-fA-F]{4})\]: ")
_NUMERIC_CLASS = re.compile(r"([0-9a-fA-F]{4}): ")
_REVISION = re.compile(r" \(rev ([0-9a-fA-F]{2})\)\Z")
_ID = re.compile(r"\[([0-9a-fA-F]{4}:[0-9a-fA-F]{4})\]\Z")
_BARE_ID = re.compile(r"(?:Device )?([0-9a-fA-F]{4}:[0-9a-fA-F]{4})\Z")
_FIELD_ID = re.compile(r"(?:(.*) )?\[([0-9a-fA-F]{4})\]\Z")
_BUSES = re.compile(r"Bus: primary=[0-9a-f]{2}, secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2})\b")
_BAR = re.compile(r"(?:Region ([0-5]): )?(?:\[virtual\] )?(Memory|I/O ports) at (\S+)(.*)")
_ROM = re.compile(r"(?:\[virtual\] )?Expansion ROM at (\S+)(.*)")
_SIZE = re.compile(r"\[size=([0-9]{1,20})([KMGT]?)\]")
_START = re.compile(r"[0-9a-fA-F]{1,16}\Z")
_NODE = re.compile(r"\bNUMA node:? ([0-9]{1,9})\b")
_GROUP = re.compile(r"\bIOMMU group:? ([0-9]{1,9})\b")
_INTERRUPT = re.compile(r"Interrupt: pin ([A-D]) routed to IRQ ([0-9]{1,9})\b")
_FLAGS_IRQ = re.compile(r"\bIRQ ([0-9]{1,9})\b")
_HEX = re.compile(r"([0-9a-f]{2,3}):((?: [0-9a-f]{2}){1,16})\s*\Z")
_RECORD_FIELD = re.compile(r"([A-Za-z]+):[ \t]*(.*)\Z")

UNKNOWN: Final[tuple[object, ...]] = (None, "", ())
"""What a field of PciDevice holds that a reader found nothing for."""

# A listing without numbers names its classes only in words; those of bridges matter, since no guest may have one.
_BRIDGE_CLASSES: Final = {
    "Host bridge": "0600",
    "ISA bridge": "0601",
    "EISA bridge": "0602",
    "MicroChannel bridge": "0603",
    "PCI bridge": "0604",
    "PCMCIA bridge": "0605",
    "NuBus bridge": "0606",
    "CardBus bridge": "0607",
    "RACEway bridge": "0608",
    "Semi-transparent PCI-to-PCI bridge": "0609",
    "InfiniBand to PCI host bridge": "060a",
    "Bridge": "0680",
}


def recognise(text: str) -> bool:
    """Whether `text` is a listing that `parse` reads: a function's header line or `Slot:` line, and no `-P` paths."""
    found = False
    for line in _lines(lspci_paths.resolved(text)[0]):
        if _PATH.match(line):
            return False
        found = found or _SLOT.match(line) is not None or _header(line) is not None
    return found


def parse(text: str) -> tuple[PciDevice, ...]:
    """The functions that an lspci listing shows, in its order.

    A BAR without a size (a listing made from a register dump, or an address that the kernel ignores) is left out: it
    cannot be placed. Plain `-v` does not number BARs; they are then counted in their order, 64-bit ones as two.
    `resets` names the resets that capabilities announce, and is None, not empty, where none is seen: a bus reset
    shows in no capability. `irq` is left out where the function uses MSI, whose number lspci then prints. A hex dump
    completes what the text does not say. Lines that say nothing of interest are skipped.

    InputError with the line when an address occurs twice, a BAR size is beyond 64 bits, or the listing shows paths
    (`-P`) for addresses; without a line when nothing in it is lspci's.
    """
    devices: dict[Sbdf, PciDevice] = {}
    record: _Record | None = None
    text, bridges = lspci_paths.resolved(text)
    for number, line in enumerate(_lines(text), 1):
        if _PATH.match(line):
            raise InputError("this listing shows paths without buses (lspci -P): take it without -P", line=number)
        started = _start(line, number)
        if started is not None:
            _finish(record, devices)
            record = started
        elif record is not None:
            record.read(line, number)
    _finish(record, devices)
    if not devices:
        raise InputError(f"{EXPECTED}, but no line starts with a PCI address")
    for address, bridge in bridges.items():
        if address in devices and devices[address].bridge is None:
            devices[address] = devices[address].changed(bridge=bridge)
    return tuple(devices.values())


def bar_registers(text: str) -> dict[Sbdf, tuple[BarRegister, ...]]:
    """The BARs in the hex dumps of a listing (`-x`), whose sizes it cannot know."""
    dumps: dict[Sbdf, bytearray] = {}
    current = bytearray()
    for line in _lines(text):
        if header := _header(line):
            current = dumps.setdefault(header[0], bytearray())
        elif (dump := _HEX.match(line)) and int(dump[1], 16) == len(current):
            current += bytes.fromhex(dump[2])
    decoded = {address: config_space.decode(bytes(dump)).bars for address, dump in dumps.items() if dump}
    return {address: bars for address, bars in decoded.items() if bars}


def _lines(text: str) -> list[str]:
    # Not splitlines: it also breaks at control characters, which may stand inside a name.
    return [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _start(line: str, number: int) -> _Record | None:
    if slot := _SLOT.match(line):
        return _MachineRecord(Sbdf.parse(slot[1]), number)
    if header := _header(line):
        return _TextRecord(*header, number)
    return None


def _finish(record: _Record | None, devices: dict[Sbdf, PciDevice]) -> None:
    if record is None:
        return
    if record.address in devices:
        raise InputError(f"{record.address} is listed twice: expected one listing of one machine", line=record.line)
    if len(devices) == MAX_FUNCTIONS:
        raise InputError(f"more than {MAX_FUNCTIONS} functions: expected one listing of one machine", line=record.line)
    devices[record.address] = PciDevice(**record.fields())


class _Record:
    """What has been read of one function; `facts` are PciDevice's fields."""

    def __init__(self, address: Sbdf, line: int) -> None:
        self.address = address
        self.line = line
        self.facts: dict[str, Any] = {"address": address}

    def read(self, line: str, number: int) -> None:
        raise NotImplementedError

    def fields(self) -> dict[str, Any]:
        return self.facts

    def name_class(self, name: str, code: str | None) -> None:
        self.facts["class_name"] = clean(name)
        self.facts["class_code"] = code.lower() if code else _BRIDGE_CLASSES.get(clean(name))


class _MachineRecord(_Record):
    """`lspci -vmm`: one `Key:<tab>value` a line, the address as `Slot` (in `-vm` as a first `Device`)."""

    def __init__(self, address: Sbdf, line: int) -> None:
        super().__init__(address, line)
        self.values: dict[str, str] = {}

    def read(self, line: str, number: int) -> None:
        if field := _RECORD_FIELD.match(line):
            self.values.setdefault(field[1], field[2].strip())

    def fields(self) -> dict[str, Any]:
        values = self.values
        name, code = _split_field(values.get("Class", ""))
        self.name_class(name, code)
        vendor, vendor_id = _split_field(values.get("Vendor", ""))
        device, device_id = _split_field(values.get("Device", ""))
        if vendor_id and device_id:
            self.facts["id"] = f"{vendor_id}:{device_id}"
        known = "" if vendor == "Vendor" else vendor
        self.facts["name"] = _full_name(f"{known} {device}", self.facts.get("id"))
        _, board_vendor = _split_field(values.get("SVendor", ""))
        _, board = _split_field(values.get("SDevice", ""))
        if board_vendor and board:
            self.facts["subsystem"] = f"{board_vendor}:{board}"
        if re.fullmatch("[0-9a-f]{2}", values.get("Rev", "")):
            self.facts["revision"] = values["Rev"]
        self.facts["driver"] = clean(values.get("Driver", "")) or None
        self.facts["slot"] = clean(values.get("PhySlot", "")) or None
        for key, field in (("NUMANode", "numa_node"), ("IOMMUGroup", "iommu_group")):
            if re.fullmatch("[0-9]{1,9}", values.get(key, "")):
                self.facts[field] = int(values[key])
        return self.facts


class _TextRecord(_Record):
    """The ordinary text: a header line, then indented lines, those of capabilities indented further."""

    def __init__(self, address: Sbdf, class_name: str, class_code: str | None, rest: str, line: int) -> None:
        super().__init__(address, line)
        self.name_class(class_name, class_code)
        at = rest.rfind(" (prog-if ")
        if at >= 0:
            rest = rest[:at]
        if revision := _REVISION.search(rest[-9:]):
            self.facts["revision"] = revision[1].lower()
            rest = rest[:-9]
        name, self.facts["id"] = _split_id(rest)
        self.facts["name"] = _full_name(name, self.facts["id"])
        self.bars: dict[int, Bar] = {}
        self.next_bar = 0
        self.indent = 0
        self.verbose = False
        self.capabilities = Capabilities()
        self.registers = bytearray()

    def read(self, line: str, number: int) -> None:
        if (dump := _HEX.match(line)) and int(dump[1], 16) == len(self.registers):
            self.registers += bytes.fromhex(dump[2])
            return
        detail = line.strip()
        margin = line[: len(line) - len(line.lstrip(" \t"))]
        indent = len(margin.expandtabs(8))
        if not detail or not indent:
            return
        self.indent = self.indent or indent
        if indent > self.indent:
            self.capabilities.detail(detail)
        elif not self.capabilities.head(detail):
            self._detail(detail, number)

    def fields(self) -> dict[str, Any]:
        self.facts["bars"] = tuple(self.bars[index] for index in sorted(self.bars))
        self.facts |= self.capabilities.facts(self.verbose)
        registers = config_space.decode(bytes(self.registers))
        for field, value in registers.facts.items():
            if self.facts.get(field) in UNKNOWN:
                self.facts[field] = value
        if self.capabilities.msi_enabled or registers.msi_enabled:
            self.facts.pop("irq", None)  # it is that of the message
        return self.facts

    def _detail(self, detail: str, number: int) -> None:
        key, _, value = detail.partition(": ")
        if key in ("Flags", "Control"):
            self.verbose = True
        if key in ("Flags", "NUMA node", "IOMMU group"):
            self._placement(detail)
        elif key == "Interrupt":
            self._interrupt(detail)
        elif key in ("Subsystem", "Kernel driver in use", "DeviceName", "Physical Slot"):
            self._property(key, value)
        elif buses := _BUSES.match(detail):
            self.facts["bridge"] = Bridge(int(buses[1], 16), int(buses[2], 16))
        elif bar := _BAR.match(detail):
            self._bar(bar, number)
        elif rom := _ROM.match(detail):
            self._add(6, "rom", rom[1], rom[2], number)

    def _placement(self, detail: str) -> None:
        if node := _NODE.search(detail):
            self.facts["numa_node"] = int(node[1])
        if group := _GROUP.search(detail):
            self.facts["iommu_group"] = int(group[1])
        if detail.startswith("Flags") and (irq := _FLAGS_IRQ.search(detail)):
            self.facts["irq"] = int(irq[1])

    def _interrupt(self, detail: str) -> None:
        if interrupt := _INTERRUPT.match(detail):
            self.facts["interrupt_pin"] = interrupt[1]
            self.facts["irq"] = int(interrupt[2])

    def _property(self, key: str, value: str) -> None:
        text = clean(value) or None
        if key == "Subsystem":
            self.facts["subsystem"] = _split_id(value)[1]
        elif key == "Kernel driver in use":
            self.facts["driver"] = text
        elif key == "DeviceName":  # says more than the number of a slot
            self.facts["slot"] = text
        else:
            self.facts.setdefault("slot", text)

    def _bar(self, bar: re.Match[str], number: int) -> None:
        index = int(bar[1]) if bar[1] else self.next_bar
        kind: Literal["io", "mem32", "mem64"] = (
            "io" if bar[2] != "Memory" else "mem64" if "(64-bit," in bar[4] else "mem32"
        )
        self.next_bar = index + (2 if kind == "mem64" else 1)
        if index <= 5:
            self._add(index, kind, bar[3], bar[4], number)

    def _add(
        self, index: int, kind: Literal["io", "mem32", "mem64", "rom"], start: str, rest: str, number: int
    ) -> None:
        size = _SIZE.search(rest)
        if size is None or int(size[1]) == 0:
            return
        bytes_ = int(size[1]) << 10 * " KMGT".index(size[2] or " ")
        if bytes_ > MAX_ADDRESS:
            raise InputError("this BAR's size is beyond 64 bits", line=number)
        placed = (int(start, 16) or None) if _START.match(start) else None
        bar = Bar(index=index, kind=kind, start=placed, size=bytes_, prefetchable=", prefetchable)" in rest)
        self.bars.setdefault(index, bar)


def _header(line: str) -> tuple[Sbdf, str, str | None, str] | None:
    """Address, class name, class code and the rest of a function's first line; None for any other line."""
    header = _HEADER.match(line)
    if header is None:
        return None
    address, rest = Sbdf.parse(header[1]), header[2]
    if numbered := _CLASS.match(rest):
        return address, numbered[1], numbered[2], rest[numbered.end() :]
    if numeric := _NUMERIC_CLASS.match(rest):
        return address, "", numeric[1], rest[numeric.end() :]
    name, colon, rest = rest.partition(": ")
    return (address, name, None, rest) if colon else None


def _split_id(text: str) -> tuple[str, str | None]:
    """Name and `vvvv:dddd` of "name [vvvv:dddd]", of a bare "vvvv:dddd" (-n), or of what has none."""
    text = text.rstrip()
    if bare := _BARE_ID.match(text):
        return "", bare[1].lower()
    if numbered := _ID.search(text[-11:]):
        return text[:-11], numbered[1].lower()
    return text, None


def _split_field(value: str) -> tuple[str, str | None]:
    """Name and four hex digits of a -vmm value: "name [8086]", or "8086" alone (-n)."""
    if numbered := _FIELD_ID.match(value):
        return numbered[1] or "", numbered[2].lower()
    if re.fullmatch("[0-9a-fA-F]{4}", value):
        return "", value.lower()
    return value, None


def _full_name(name: str, pci_id: str | None) -> str:
    """`name`, with the number where lspci only had the word "Device" for it."""
    name = clean(name)
    if pci_id and name in ("", "Device"):
        return f"Device {pci_id}"
    if pci_id and name.endswith(" Device"):
        return f"{name} {pci_id[5:]}"
    return name
