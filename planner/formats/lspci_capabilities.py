"""What the capability lines of one function say in an ordinary lspci listing: `-v` names them, `-vv` reads them out.

What lspci prints where: pciutils, ls-caps.c and ls-ecaps.c; wordings of releases 2.2 to 3.13.
"""

from __future__ import annotations

import re
from typing import Any, Final

from planner.model.host import Acs, AcsControl, PortType, ResizableBar
from planner.model.span import MIB

_CAPABILITY = re.compile(r"Capabilities: (?:\[([0-9a-f]{2,4})(?: v[0-9a-f]+)?\] )?(\S.*)\Z")
_EXPRESS = re.compile(r"(?:PCI )?Express (?:\(v[0-9]+\) )?(.*)\Z")
_MSI = re.compile(r"(?:MSI|Message Signalled Interrupts): (?:.*\s)?(?:Count=[0-9]{1,2}/|Queue=[0-9]/)([0-9]{1,2})\b")
_MSIX = re.compile(r"MSI-X: (?:.*\s)?(?:Count|TabSize)=([0-9]{1,4})\b")
_FUNCTIONS = re.compile(r"Initial VFs: [0-9]+, Total VFs: [0-9]+, Number of VFs: ([0-9]{1,5})\b")
_RESIZABLE = re.compile(r"BAR ([0-5]): current size: [^,]*, supported:(( [0-9]{1,3}[MGTPE]B)+)\s*\Z")
_MAX_SIZE = MIB << 43  # the largest that the capability can offer

_RESETS: Final = ("flr", "af_flr", "pm")  # in the order that the kernel tries them
_PORTS: Final = (
    ("Endpoint", PortType.ENDPOINT),
    ("Legacy Endpoint", PortType.LEGACY_ENDPOINT),
    ("Root Port", PortType.ROOT_PORT),
    ("Upstream Port", PortType.UPSTREAM_PORT),
    ("Downstream Port", PortType.DOWNSTREAM_PORT),
    ("PCI-Express to PCI/PCI-X Bridge", PortType.PCIE_TO_PCI_BRIDGE),
    ("PCI/PCI-X to PCI-Express Bridge", PortType.PCI_TO_PCIE_BRIDGE),
    ("PCI/PCI-X Bridge", PortType.PCIE_TO_PCI_BRIDGE),  # before 3.0
    ("Root Complex Integrated Endpoint", PortType.INTEGRATED_ENDPOINT),
    ("Root Complex Event Collector", PortType.EVENT_COLLECTOR),
)
_ACS_WORDS: Final = {
    "SrcValid": AcsControl.SOURCE_VALIDATION,
    "TransBlk": AcsControl.TRANSLATION_BLOCKING,
    "ReqRedir": AcsControl.REQUEST_REDIRECT,
    "CmpltRedir": AcsControl.COMPLETION_REDIRECT,
    "UpstreamFwd": AcsControl.UPSTREAM_FORWARDING,
    "EgressCtrl": AcsControl.EGRESS_CONTROL,
    "DirectTrans": AcsControl.DIRECT_TRANSLATED,
}


class Capabilities:
    """Collects the capabilities of one function, line by line."""

    def __init__(self) -> None:
        self._port: PortType | None = None
        self._express = False
        self._resets: set[str] = set()
        self._msi: int | None = None
        self._msix: int | None = None
        self._msi_enabled = False
        self._acs: Acs | None = None
        self._functions_enabled = False
        self._functions: int | None = None
        self._resizable: dict[int, ResizableBar] = {}
        self._in_device_capabilities = False
        self._seen_extended = self._seen_acs = False
        self._broken = False

    @property
    def msi_enabled(self) -> bool:
        """Whether the function uses MSI, so that the IRQ shown is not that of its INTx."""
        return self._msi_enabled

    def head(self, line: str) -> bool:
        """Read a line that names a capability; False for any other line."""
        match = _CAPABILITY.match(line)
        if match is None:
            return False
        self._in_device_capabilities = False
        what = match[2]
        if match[1] is None or what.startswith("<chain"):  # "<access denied>"
            self._broken = True
            return True
        self._seen_extended = self._seen_extended or len(match[1]) > 2
        if not self._express and (express := _EXPRESS.match(what)):
            self._express = True
            self._port = next((port for words, port in _PORTS if express[1].startswith(words)), None)
        elif vectors := _MSIX.match(what):
            self._msix = int(vectors[1])
        elif vectors := _MSI.match(what):
            # Before 3.0, Queue= was the exponent.
            self._msi = int(vectors[1]) if "Count=" in what else 1 << min(int(vectors[1]), 5)
            self._msi_enabled = "Enable+" in what
        elif what.startswith("Access Control Services"):
            self._seen_acs = True
        return True

    def detail(self, line: str) -> None:
        """Read a line below the name of a capability."""
        words = line.split()
        if words[0] == "DevCap:":
            self._in_device_capabilities = True
        elif words[0].endswith(":"):
            self._in_device_capabilities = False
        if self._in_device_capabilities and "FLReset+" in words:
            self._resets.add("flr")
        elif words[0] == "AFCap:" and "FLR+" in words and "TP+" in words:
            self._resets.add("af_flr")
        elif words[0] == "Status:" and "NoSoftRst-" in words:
            self._resets.add("pm")
        else:
            self._extended_detail(line, words)

    def _extended_detail(self, line: str, words: list[str]) -> None:
        if words[0] == "ACSCap:":
            self._acs = Acs(capable=_controls(words))
        elif words[0] == "ACSCtl:" and self._acs is not None:
            self._acs = self._acs.changed(enabled=_controls(words))
        elif words[0] == "IOVCtl:":
            self._functions_enabled = "Enable+" in words
        elif functions := _FUNCTIONS.match(line):
            self._functions = int(functions[1]) if self._functions_enabled else 0
        elif resizable := _RESIZABLE.match(line):
            index, sizes = int(resizable[1]), (_size(size) for size in resizable[2].split())
            self._resizable.setdefault(
                index, ResizableBar(index=index, sizes=tuple(size for size in sizes if size <= _MAX_SIZE))
            )

    def facts(self, verbose: bool) -> dict[str, Any]:
        """Fields of PciDevice; `verbose` says that the listing shows capabilities where there are any.

        A capability that is not listed is absent only where all of its kind could be read.
        """
        resets = tuple(way for way in _RESETS if way in self._resets)
        facts: dict[str, Any] = {"resets": resets or None, "resizable": tuple(self._resizable.values())}
        complete = verbose and not self._broken
        facts["port"] = self._port or (PortType.CONVENTIONAL if complete and not self._express else None)
        facts["msi"] = self._msi if self._msi is not None else 0 if complete else None
        facts["msix"] = self._msix if self._msix is not None else 0 if complete else None
        facts["virtual_functions"] = self._functions
        facts["acs"] = self._acs
        if complete and not self._seen_acs and (self._seen_extended or not self._express):
            facts["acs"] = Acs()
        return facts


def _controls(words: list[str]) -> tuple[AcsControl, ...]:
    return tuple(control for word, control in _ACS_WORDS.items() if f"{word}+" in words)


def _size(text: str) -> int:
    return int(text[:-2]) * MIB << 10 * "MGTPE".index(text[-2])
