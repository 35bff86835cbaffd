"""PCI_SPEC_STRING: the items of `pci=[…]`, read as libxlutil reads them (xlu/libxlu_pci.c:11-211)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from planner.formats.xlcfg.cnumbers import atoi, scan_hex
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.guest import Passthrough, RdmPolicy

_FLAGS = ("permissive", "msitranslate", "seize", "power_mgmt")
_HEX_AND_COLON = frozenset("0123456789abcdefABCDEF:")
_LARGE_SEGMENT = (
    "its segment has more than the four digits that Xen's have, as Linux numbers what is behind a VMD controller: "
    "switch VMD off in the firmware, or give the VMD controller itself"
)


def parse(text: str) -> Passthrough:
    """One PCI_SPEC_STRING. InputError where Xen rejects it, or where it reads memory it never wrote.

    `[BDF[@VSLOT][,]] key=value,…`: when the text does not start with a BDF, all of it is read as keys.
    """
    spec, position = _positional(text)
    bdf, named = spec.address is not None, False
    while position < len(text):
        equals = text.find("=", position)
        if equals < 0:
            raise _reject(text, f"expected key=value, found {text[position:]!r}")
        key = text[position:equals]
        comma = text.find(",", equals)
        value = text[equals + 1 : comma if comma >= 0 else len(text)]
        position = comma + 1 if comma >= 0 else len(text)
        if key == "bdf":
            spec, bdf = _with_bdf(spec, text, value), True
        elif key == "vslot":
            spec = replace(spec, vslot=_vslot(text, value, 0)[0])
        elif key == "rdm_policy":
            spec = replace(spec, policy=_policy(text, value))
        elif key == "name":
            spec, named = replace(spec, name=value), True
        elif key in _FLAGS:
            changes: dict[str, Any] = {key: atoi(value) != 0}
            spec = replace(spec, **changes)
        else:
            raise _reject(text, _unknown(key))
    if bdf == named:
        raise _reject(text, "give the device by its BDF or by name=, one of the two")
    return spec


def render(spec: Passthrough) -> str:
    """`spec` as a PCI_SPEC_STRING that reads back as `spec`."""
    start = f"name={spec.name}" if spec.address is None else spec.label
    if spec.vslot is not None:
        start += f"@{spec.vslot:x}" if spec.address is not None else f",vslot={spec.vslot:x}"
    flags = [(key, getattr(spec, key)) for key in _FLAGS]
    options = [f"{key}={value:d}" for key, value in flags if value is not None]
    if spec.policy is not None:
        options.append(f"rdm_policy={spec.policy}")
    return ",".join([start, *options])


def _positional(text: str) -> tuple[Passthrough, int]:
    found = _bdf(text)
    if found is None:
        if _is_behind_vmd(text):
            raise _reject(text, _LARGE_SEGMENT)
        return Passthrough(text=text), 0
    address, all_functions, position = found
    spec = Passthrough(address=address, all_functions=all_functions, text=text)
    if text[position : position + 1] == "@":
        vslot, position = _vslot(text, text, position + 1)
        spec = replace(spec, vslot=vslot)
    if text[position : position + 1] == ",":
        position += 1
    elif position != len(text):
        raise _reject(text, f"expected a comma after the address, found {text[position:]!r}")
    return spec, position


def _with_bdf(spec: Passthrough, text: str, value: str) -> Passthrough:
    found = _bdf(value)
    if found is None:
        raise _reject(text, _LARGE_SEGMENT if _is_behind_vmd(value) else f"{value!r} is not a PCI address")
    return replace(spec, address=found[0], all_functions=found[1])


def _bdf(text: str) -> tuple[Sbdf, bool, int] | None:
    """The BDF that `text` starts with, whether its function is `*`, and where it ends; None if there is none.

    Xen decides by counting the colons in the leading run of hex digits whether a domain is given, then reads with
    sscanf, so blanks and signs may stand where no admin would write them.
    """
    run = next((i for i, letter in enumerate(text) if letter not in _HEX_AND_COLON), len(text))
    colons = text.count(":", 0, run)
    if colons not in (1, 2):
        return None
    fields: list[int] = []
    position = 0
    for separator in ":" * colons + ".":
        scanned = scan_hex(text, position)
        if scanned is None or text[scanned[1] : scanned[1] + 1] != separator:
            # Without the dot Xen uses a length it never set; no config should lean on that.
            return None
        fields.append(scanned[0])
        position = scanned[1] + 1
    domain, bus, device = fields if colons == 2 else [0, *fields]
    if text[position : position + 1] == "*":
        function, position, every = 0, position + 1, True
    else:
        scanned = scan_hex(text, position)
        if scanned is None:
            return None
        (function, position), every = scanned, False
    if domain > 0xFFFF or bus > 0xFF or device > 0x1F or function > 7:
        return None
    return Sbdf(domain, bus, device, function), every, position


def _vslot(text: str, value: str, position: int) -> tuple[int, int]:
    scanned = scan_hex(value, position)
    if scanned is None or scanned[0] > 0x1F:
        raise _reject(text, "a virtual slot is a hexadecimal number from 0 to 1f")
    return scanned


def _policy(text: str, value: str) -> RdmPolicy:
    if value.lower() not in list(RdmPolicy):
        raise _reject(text, f'rdm_policy is "strict" or "relaxed", not {value!r}')
    return RdmPolicy(value.lower())


def _is_behind_vmd(text: str) -> bool:
    try:
        return not Sbdf.parse(re.split("[,@]", text, maxsplit=1)[0]).fits_xen
    except ValueError:
        return False


def _unknown(key: str) -> str:
    if key != key.strip():
        return f"{key!r} has a blank: Xen reads it as part of the key and rejects the item"
    return f"unknown option {key!r}; Xen knows bdf, vslot, rdm_policy, name, {', '.join(_FLAGS)}"


def _reject(text: str, why: str) -> InputError:
    return InputError(f"unable to parse PCI_SPEC_STRING `{text}' for passthrough: {why}")
