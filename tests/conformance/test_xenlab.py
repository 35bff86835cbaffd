"""Our own guests on a real Xen 4.17 against the replay: hot plug, policies that meet, large BARs, odd regions.

`xenlab.json` holds what was asked for and what Xen, libxl and hvmloader then said. Whatever the replay does not say
the same way has a name and a reason here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.formats.xlcfg import pci_spec
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import Bar, Bridge, DeviceScope, Host, PciDevice, PortType, ReservedRegion
from planner.model.span import GIB4, PAGE
from planner.xen import hypervisor
from planner.xen.build import Build, build, hotplug
from planner.xen.hypervisor import Attach, Iommu
from planner.xen.release import RELEASES

LAB: dict[str, Any] = json.loads((Path(__file__).parent / "xenlab.json").read_text())
GUESTS: list[dict[str, Any]] = LAB["guests"]
RELEASE = RELEASES[LAB["xen"]]

# What libxl refuses before it lays out memory, or before it asks Xen for a device.
_REFUSED = {
    "e_below1m": "xc_dom_build_image failed: Invalid argument",
    "p_all": "usbversion and/or usbredirection cannot be enabled with usb and/or usbdevice parameters.",
}
# QEMU keeps a device that Xen refused under its name, so xl fails with "Duplicate device ID" whatever Xen would say.
_TRIED_BEFORE = "Duplicate device ID"
# Lines of the replay's hypervisor that are libxl's own.
_BY_LIBXL = ("unknown rdm check flag.",)
# libxl's own answer where the guest was created without passthrough.
_WITHOUT_PASSTHROUGH = "cannot be assigned - no IOMMU?"


def _number(text: str) -> int:
    return int(text, 16)


def _device(record: dict[str, Any]) -> PciDevice:
    bars = []
    for text in record["bars"]:
        index, kind, start, size = text.split()
        bars.append(
            Bar(
                index=int(index),
                kind=kind.removesuffix("p"),
                start=_number(start),
                size=_number(size),
                prefetchable=kind.endswith("p"),
            )
        )
    secondary, _, subordinate = record.get("behind", "").partition("-")
    return PciDevice(
        address=Sbdf.parse(record["address"]),
        id=record["id"],
        class_code=record["class"],
        port=PortType(record["port"]) if "port" in record else None,
        bridge=Bridge(secondary=_number(secondary), subordinate=_number(subordinate)) if secondary else None,
        bars=tuple(bars),
    )


def _region(record: dict[str, Any]) -> ReservedRegion:
    scopes = tuple(DeviceScope(path=name, device=Sbdf.parse(name)) for name in record["devices"])
    return ReservedRegion(start=_number(record["start"]), end=_number(record["last"]), scopes=scopes)


@cache
def _host(name: str) -> tuple[Host, Iommu]:
    record = LAB["hosts"][name]
    host = Host(
        iommu="intel",
        xen=LAB["xen"],
        regions=tuple(_region(region) for region in record["regions"]),
        devices=tuple(_device(device) for device in record["devices"]),
    )
    return host, hypervisor.boot(host, RELEASE)


def _predict(record: dict[str, Any]) -> Build:
    host, iommu = _host(record["host"])
    config = "\n".join([f'name = "{record["guest"]}"', *record["config"], ""])
    as_documented = record.get("rdm_as_documented", False)
    return build(read(config, record["guest"]), host, iommu, RELEASE, as_documented=as_documented)


def _names(record: dict[str, Any]) -> str:
    return str(record["guest"])


@pytest.mark.parametrize("record", GUESTS, ids=_names)
def test_what_libxl_does(record: dict[str, Any]) -> None:
    """Whether xl reports success, where RAM is, and which conflicts libxl names in which order."""
    predicted = _predict(record)
    if record["guest"] in _REFUSED:
        assert record["exit"] != 0
        assert predicted.error == _REFUSED[record["guest"]]
        assert f"error: {predicted.error}" in record["libxl"]
        return
    layout = predicted.layout
    assert layout is not None

    firmware_alone = predicted.firmware is not None and predicted.error == predicted.firmware.error
    assert (predicted.ok or firmware_alone) == (record["exit"] == 0), "xl never hears of what hvmloader does"
    ram = [[0, layout.low_end], *([[GIB4, layout.high_end]] if layout.high_end else [])]
    assert [[_number(start), _number(end)] for start, end in record["ram"]] in (ram, [])
    conflicts = [line for line in record.get("libxl", ()) if "RDM conflict" in line]
    assert conflicts == [f"{level}: {line}" for level, line in layout.log if "RDM conflict" in line]


@pytest.mark.parametrize("record", [record for record in GUESTS if "qemu" in record], ids=_names)
def test_why_qemu_does_not_start(record: dict[str, Any]) -> None:
    predicted = _predict(record)
    assert predicted.qemu is not None
    assert predicted.qemu.error == record["qemu"]
    assert f"error: {predicted.error}" in record["libxl"]


@pytest.mark.parametrize("record", [record for record in GUESTS if "firmware" in record], ids=_names)
def test_what_hvmloader_does(record: dict[str, Any]) -> None:
    """BARs, e820 and what it says of the hole, of space and of giving up."""
    outcome = _predict(record).firmware
    assert outcome is not None
    theirs = record["firmware"]

    assert sorted(theirs["bars"]) == sorted(
        f"{bar.slot} {bar.register:02x} {bar.size:#x} {bar.address:#x}" for bar in outcome.bars if bar.assigned
    )
    assert theirs["e820"] == [f"{entry.start:#x} {entry.span.end:#x} {entry.type}" for entry in outcome.e820]
    said = [line.removesuffix(" at FILE:LINE") for line in outcome.log]
    assert [line for line in said if line in theirs["notes"]] == theirs["notes"]
    assert outcome.ok == ("*** HVMLoader crashed." not in theirs["notes"])


@pytest.mark.parametrize("record", GUESTS, ids=_names)
def test_what_xen_says_of_the_devices(record: dict[str, Any]) -> None:
    if record["guest"] not in _REFUSED:
        _compare_assignment(record, _predict(record).attached)


@pytest.mark.parametrize("record", [record for record in GUESTS if "mapped" in record], ids=_names)
def test_where_a_64_bit_bar_answers(record: dict[str, Any]) -> None:
    """A BAR that hvmloader places below 4 GiB keeps the upper half that QEMU copied from the host's register.

    hvmloader writes that half only where it places a BAR high (pci.c: `if (using_64bar)`), so the guest's register,
    and with it Xen's mapping, says otherwise than hvmloader's own line.
    """
    outcome = _predict(record).firmware
    assert outcome is not None
    host = _host(record["host"])[0]
    found = []
    for bar in outcome.bars:
        if bar.kind != "mem64" or bar.host is None or bar.span is None:
            continue
        theirs = next(one for one in host.by_address[bar.host].bars if one.index == bar.number)
        if theirs.start is not None and theirs.start >= GIB4:
            found.append([theirs.start, bar.span.start, bar.size])
    assert sorted(found) == sorted(
        [_number(one["host"]), _number(one["guest"]), _number(one["size"])] for one in record["mapped"]
    )


_LATER = [record for record in GUESTS if "attached_later" in record]


@pytest.mark.parametrize("record", _LATER, ids=_names)
def test_devices_attached_to_a_running_guest(record: dict[str, Any]) -> None:
    """`xl pci-attach`, one after the other: each answer builds on what the guest has by then."""
    predicted = _predict(record)
    for attach in record["attached_later"]:
        spec = pci_spec.parse(attach["device"])
        assert spec.address is not None
        answer = hotplug(predicted, spec.address, spec.policy or RdmPolicy.INVALID)
        said = " ".join(attach.get("libxl", ()))
        if _TRIED_BEFORE in said:
            assert attach["exit"] == 1
            continue
        assert answer.ok == (attach["exit"] == 0)
        if _WITHOUT_PASSTHROUGH in said:
            assert answer.error is not None
            assert answer.error in said
            continue
        _compare_assignment(attach, [answer])
        if answer.ok:
            predicted = replace(predicted, attached=(*predicted.attached, answer))


def _compare_assignment(record: dict[str, Any], attached: Sequence[Attach]) -> None:
    """Xen's lines about the devices, and the first page of every stretch that it could not map 1:1."""
    logs = [step.log for attach in attached for step in attach.steps if step.log]
    logs = [line for line in logs if line not in _BY_LIBXL and "is not assignable" not in line]
    lines = [line.rstrip(".").removeprefix("dN: ") for line in logs if "identity map" not in line]
    assert lines == [line.rstrip(".").removeprefix("dN: ") for line in record.get("xen", ())]
    pages = [_number(line.partition("dN:")[2].partition(",")[0]) for line in logs if "identity map" in line]
    # Xen maps a region for the first of its devices and then counts: the later ones meet no page a second time.
    assert [page * PAGE for page in dict.fromkeys(pages)] == [
        _number(start) for start, _ in record.get("not_mapped", ())
    ]
