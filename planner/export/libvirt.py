"""The devices of a guest as libvirt's `hostdev` elements, and what its Xen driver has no words for.

libvirt's libxl driver fills in a device's address and whether it is permissive (`writeFiltering`, libvirt 6.8); it
sets none of libxl's other fields, so each stays at libxl's default.
"""

from __future__ import annotations

from dataclasses import replace

from planner.model.address import Sbdf
from planner.model.guest import Guest, Passthrough, RdmPolicy
from planner.policy.evaluate import Report, evaluate

_SIZES = ("mmio_hole", "rdm_mem_boundary")
_FLAGS = ("msitranslate", "seize", "power_mgmt")


def render(guest: Guest) -> str:
    """The `hostdev` elements, to go into the `devices` of the guest's domain, below a comment with what is missing."""
    lines = [f"<!-- {_comment(line)} -->" for line in missing(guest)]
    for item in guest.pci:
        lines += _hostdev(item.address, item) if item.address is not None and not item.all_functions else []
    return "\n".join(lines) + "\n" if lines else ""


def missing(guest: Guest) -> tuple[str, ...]:
    """What the guest asks for and libvirt's Xen driver cannot say, one line each."""
    lines = [f"{key} = {getattr(guest, key)} cannot be said" for key in _SIZES if getattr(guest, key) is not None]
    if guest.rdm is not None:
        lines.append(f'rdm = "{guest.rdm.text}" cannot be said')
    for item in guest.pci:
        if item.name is not None or item.all_functions:
            lines.append(f"{item.label} cannot be said: libvirt wants the address of one function")
            continue
        unsaid = [f"rdm_policy={item.policy}"] if item.policy is RdmPolicy.RELAXED else []
        unsaid += [f"vslot={item.vslot:x}"] if item.vslot is not None else []
        unsaid += [f"{flag}=1" for flag in _FLAGS if getattr(item, flag)]
        lines += [f"{item.label}: {', '.join(unsaid)} cannot be said"] if unsaid else []
    return tuple(lines)


def as_said(report: Report) -> Report:
    """The plan as libvirt would hand it to libxl: judge this one, for its maps may differ."""
    guests = tuple(_said(guest) for guest in report.plan.guests)
    return evaluate(replace(report.plan, guests=guests, rdm_as_documented=False), report)


def _said(guest: Guest) -> Guest:
    pci = tuple(
        Passthrough(address=item.address, permissive=item.permissive)
        for item in guest.pci
        if item.address is not None and not item.all_functions
    )
    return replace(guest, mmio_hole=None, rdm_mem_boundary=None, rdm=None, pci=pci)


def _hostdev(at: Sbdf, item: Passthrough) -> list[str]:
    where = f'domain="{at.segment:#06x}" bus="{at.bus:#04x}" slot="{at.device:#04x}" function="{at.function:#x}"'
    filtering = ' writeFiltering="no"' if item.permissive else ""
    return [
        '<hostdev mode="subsystem" type="pci" managed="yes">',
        f"  <source{filtering}>",
        f"    <address {where}/>",
        "  </source>",
        "</hostdev>",
    ]


def _comment(text: str) -> str:
    """Text that cannot end an XML comment, nor hold what XML cannot: it may come from a config."""
    return "".join(letter if letter.isprintable() else "?" for letter in text).replace("--", "- -").rstrip("-")
