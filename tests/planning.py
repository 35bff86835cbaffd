"""Small hosts, guests and plans for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.formats import values
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.guest import Guest
from planner.model.host import Acs, DeviceScope, Host, PciDevice, ReservedRegion, Sources
from planner.model.plan import Plan, Profile
from planner.policy.evaluate import Report, evaluate
from planner.xen import hypervisor
from planner.xen.build import Build, build
from planner.xen.release import RELEASES

USB = "0000:00:1d.0"
NIC = "0000:02:00.0"
OTHER = "0000:03:00.0"


def at(text: str) -> Sbdf:
    """The address in `text`."""
    return Sbdf.parse(text)


def function(address: str, port: str | None = "endpoint", acs: Acs | None = None, **facts: Any) -> PciDevice:
    """A PCI function; `behind` makes it a bridge to those buses, and without `acs` it has no such capability."""
    behind = facts.pop("behind", None)
    if behind is not None:
        facts |= {"bridge": {"secondary": behind[0], "subordinate": behind[1]}, "class": "0604"}
    return values.read(PciDevice, {"address": address, "port": port, "acs": acs or Acs()} | facts)


def rmrr(start: int, end: int, *devices: str) -> ReservedRegion:
    """An RMRR whose `end` is its last byte, for these devices."""
    scopes = tuple(DeviceScope(path=text[5:], device=Sbdf.parse(text)) for text in devices)
    return ReservedRegion(start=start, end=end, scopes=scopes)


def host(*regions: ReservedRegion, devices: tuple[str, ...] = (USB, NIC, OTHER), **changes: Any) -> Host:
    """An Intel host with these regions, whose table somebody has read."""
    listed = tuple(PciDevice(address=Sbdf.parse(text)) for text in devices)
    facts: dict[str, Any] = {"iommu": "intel", "sources": Sources(regions="DMAR in dmar.bin"), "xen": "4.17"}
    return Host(regions=regions, devices=listed, **(facts | changes))


def guest(*pci: str, name: str = "vm", **settings: Any) -> Guest:
    """An HVM guest of 4 GiB with these PCI_SPEC_STRINGs; settings are xl.cfg keys, None leaves one out."""
    keys: dict[str, Any] = {"name": name, "type": "hvm", "memory": 4096} | settings
    lines = [f"{key} = {value!r}" for key, value in keys.items() if value is not None]
    if pci:
        lines.append(f"pci = {list(pci)!r}")
    return read("\n".join(lines) + "\n", f"{name}.cfg")


def built(machine: Host, one: Guest, release: str = "4.17") -> Build:
    """What Xen makes of the guest."""
    return build(one, machine, hypervisor.boot(machine, RELEASES[release]), RELEASES[release])


def report(machine: Host, *guests: Guest, profile: str = "default", **changes: Any) -> Report:
    """What we say of these guests on that host."""
    return evaluate(replace(Plan(host=machine, guests=guests, profile=Profile(profile)), **changes))


def rules(result: Report) -> set[str]:
    """The ids of the rules that found something."""
    return {finding.rule.id for finding in result.findings}
