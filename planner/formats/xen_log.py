"""What a real Xen printed: `xl -vvv create`, hvmloader's lines on the guest's console, and `xl dmesg`.

The wordings are those of 4.17; lines that say nothing about memory or devices are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.model.span import Span

_RANGE = re.compile(r"range: start=(0x[0-9a-f]+) end=(0x[0-9a-f]+)")
_LIBXL = re.compile(r"^libxl: (error|warning): [^:]*:\d+:\w+: (?:Domain \d+:)?(.*)$", re.MULTILINE)
_DOMAIN = re.compile(r"Domain (\d+):running bootloader")
_EXIT = re.compile(r"^rc=(\d+)", re.MULTILINE)
_CONSOLE = re.compile(r"^(?:\(XEN\) )?\(d(\d+)\) (.*)$", re.MULTILINE)
_BAR = re.compile(r"pci dev ([0-9a-f]+):([0-9a-f]+) bar ([0-9a-f]+) size ([0-9a-f]+): ([0-9a-f]+)")
_E820 = re.compile(r"^ \[\d+\]: ([0-9a-f:]+) - ([0-9a-f:]+): (\w+)")
_XEN = re.compile(r"^\(XEN\) (?:\[[^\]]*\] ?)?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CreateLog:
    """What `xl -vvv create` printed. `ram` is where the domain builder put RAM; `exit_code` None if not recorded."""

    domain: int | None
    ram: tuple[Span, ...]
    messages: tuple[tuple[str, str], ...]
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class BarLine:
    """A BAR that hvmloader placed: slot as `DD.F`, config register, size, and the address without its type bits."""

    slot: str
    register: int
    size: int
    address: int


@dataclass(frozen=True, slots=True)
class FirmwareLog:
    """What hvmloader printed for one domain, up to where it starts the BIOS."""

    bars: tuple[BarLine, ...]
    e820: tuple[tuple[Span, str], ...]
    lines: tuple[str, ...]


def parse_create(text: str) -> CreateLog:
    """Read the output of `xl -vvv create`; what it does not say stays empty."""
    domain, code = _DOMAIN.search(text), _EXIT.search(text)
    return CreateLog(
        domain=int(domain[1]) if domain else None,
        ram=tuple(Span(int(start, 16), int(end, 16)) for start, end in _RANGE.findall(text)),
        messages=tuple((level, message) for level, message in _LIBXL.findall(text)),
        exit_code=int(code[1]) if code else None,
    )


def parse_firmware(text: str, domain: int) -> FirmwareLog:
    """The lines of hvmloader for `domain` in a hypervisor console log."""
    lines: list[str] = []
    for number, line in _CONSOLE.findall(text):
        if int(number) != domain:
            continue
        if line.startswith("Invoking"):
            break
        lines.append(line)
    bars = [match for line in lines if (match := _BAR.search(line))]
    entries = [match for line in lines if (match := _E820.match(line))]
    return FirmwareLog(
        bars=tuple(_bar(match) for match in bars),
        e820=tuple((Span(_address(match[1]), _address(match[2])), match[3].lower()) for match in entries),
        lines=tuple(lines),
    )


def xen_lines(text: str, domain: int) -> tuple[str, ...]:
    """The hypervisor's own lines about `domain`, without their prefixes."""
    about = re.compile(rf"\bd{domain}\b")
    return tuple(line for line in _XEN.findall(text) if about.search(line))


def _bar(match: re.Match[str]) -> BarLine:
    register, value = int(match[3], 16), int(match[5], 16)
    # I/O BARs carry bit 0, memory BARs their type in four bits, the ROM BAR its enable bit.
    address = value & ~0x3 if value & 1 and register != 0x30 else value & ~0xF
    return BarLine(f"{int(match[1], 16):02x}.{match[2]}", register, int(match[4], 16), address)


def _address(text: str) -> int:
    return int(text.replace(":", ""), 16)
