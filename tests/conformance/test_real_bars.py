"""BARs and e820 of real guests: what hvmloader printed on Xen 4.17 against xl, libxl and hvmloader replayed."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.formats import lspci, values
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.host import Bar, DeviceScope, Host, PciDevice, ReservedRegion
from planner.model.span import GIB4, KIB, MIB
from planner.xen import emulated, hvmloader, hypervisor, libxl, xl
from planner.xen.emulated import MODELS, EmulatedHardware
from planner.xen.release import RELEASES

RUNS = Path(__file__).parents[3] / "shared" / "xen-runs"
pytestmark = pytest.mark.skipif(not RUNS.is_dir(), reason="the real runs are not here")

_BAR_LINE = re.compile(r"pci dev (\S+) bar (\S+) size (\S+): (\S+)\Z")
_ROOT_PORT = re.compile(r"1c\.([0-2])/0\.0\Z")

# Guests whose record leaves part of the config out; all of it is in the scripts that made them.
_BASE = 'type = "hvm"\nvga = "stdvga"\nvideoram = 16\nxen_platform_pci = 0\n'
_WHOLE_CFG = {
    "d_clampwinhole": _BASE
    + "memory = 4096\npci = ['02:00.0','03:00.0']\nmmio_hole = 1648\n"
    + 'device_model_args_hvm = [ "-device","ahci,id=ahci0","-device","nvme,serial=EM,drive=x2" ]\n',
    "k_clamp": _BASE + "memory = 4096\npci = ['02:00.0']\n",
}
# The runs from s20 to s26 had other cards in two slots (their lspci was not kept), and s06 its regions from `rmrr=`.
_NVME = values.read(
    PciDevice,
    {
        "address": "0000:02:00.0",
        "id": "1b36:0010",
        "class": "0108",
        "bars": [{"index": 0, "kind": "mem64", "start": 0xFE600000, "size": 16 * KIB}],
    },
)
_OTHER_CARDS = ("s20", "s21", "s22", "s23", "s24", "s26")
_BY_OPTION = {
    "s06-cmdline-rmrr": (
        (0x3FFF0000, 0x3FFF7FFF, ("00:1a.0", "00:1d.0")),
        (0x3FFF8000, 0x3FFF8FFF, ("02:00.0",)),
        (0x40000000, 0x40000FFF, ("01:00.0",)),
    )
}


def _records() -> list[dict[str, Any]]:
    path = RUNS / "observed.json"
    records: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    return records


COMPARED = [record for record in _records() if record.get("bars")]


# Guests that never got as far as hvmloader, by what stopped them.
_NO_SHADOW_PAGING, _NO_IOMMU, _CONFLICT, _ATTACH = "no shadow paging", "no IOMMU", "RDM conflict", "attach refused"
_STOPPED = {
    "a4096nohap": _NO_SHADOW_PAGING,
    "q_one": _NO_IOMMU,
    "b3072strict": _CONFLICT,
    "f_below": _CONFLICT,
    "k_strict": _CONFLICT,
    "l_hostbelow": _CONFLICT,
    "f_sharedstrict": _ATTACH,
    "f_shareddef": _ATTACH,
    "f_bothstrict": _ATTACH,
    "k_hostpci": _ATTACH,
    "k_hostpci2": _ATTACH,
    "p_phantom": _ATTACH,
    "r_scratch": _ATTACH,
}


def test_every_record_is_compared_or_accounted_for() -> None:
    assert len(COMPARED) == 64
    others = {record["guest"]: record for record in _records() if not record.get("bars")}
    assert others.keys() == _STOPPED.keys()
    assert all(record["xl_rc"] for record in others.values())


@pytest.mark.parametrize(
    "record", [r for r in _records() if _STOPPED.get(r["guest"]) in (_CONFLICT, _ATTACH)], ids=lambda r: r["guest"]
)
def test_where_libxl_stops(record: dict[str, Any]) -> None:
    layout = _layout(record)[1]
    assert layout.ok == (_STOPPED[record["guest"]] == _ATTACH)
    if layout.ok:
        assert _ranges(layout) == record["builder_ranges"]
    else:
        assert any(line.endswith(f": {layout.error}") for line in record["libxl_messages"])


@pytest.mark.parametrize("record", COMPARED, ids=lambda r: f"{r['run']}-{r['guest']}")
def test_bars_and_e820(record: dict[str, Any]) -> None:
    outcome = _predict(record)

    assert outcome.ok
    assert _printed_bars(outcome) == [(bar["dev"], bar["reg"], bar["size"], bar["value"]) for bar in record["bars"]], (
        "address and type bits, in the order hvmloader prints them"
    )
    entries = [[entry.start, entry.span.end, entry.type.upper()] for entry in outcome.e820]
    assert entries == record["e820"]
    assert [line for line in outcome.log if line in record["hvmloader_notes"]] == record["hvmloader_notes"]


@pytest.mark.parametrize("record", COMPARED, ids=lambda r: f"{r['run']}-{r['guest']}")
def test_every_passed_through_device_is_in_the_prediction(record: dict[str, Any]) -> None:
    """The BARs above are compared as a whole, so here only that `host` leads back to the device."""
    wanted = [item.address for item in read(_cfg(record), "guest.cfg").pci]
    assert list(dict.fromkeys(bar.host for bar in _predict(record).bars if bar.host)) == wanted


@cache
def _lab_devices() -> dict[Sbdf, PciDevice]:
    text = (RUNS / "s00-host" / "dom0" / "lspci-nnvv.txt").read_text()
    return {device.address: device for device in lspci.parse(text)}


def _host(record: dict[str, Any]) -> Host:
    devices = dict(_lab_devices())
    if record["run"].startswith(_OTHER_CARDS):
        card = devices[Sbdf.parse("01:00.0")]  # the same model of e1000e
        address = Sbdf.parse("03:00.0")
        devices |= {_NVME.address: _NVME, address: card.changed(address=address)}
    regions = [
        _region(rmrr["start"], rmrr["end_incl"], *(_device_of(path) for path in rmrr["dmar_paths"]))
        for rmrr in record["host_rmrrs"]
    ]
    regions += [_region(start, end, *names) for start, end, names in _BY_OPTION.get(record["run"], ())]
    return Host(iommu="intel", regions=tuple(regions), devices=tuple(devices.values()))


def _device_of(path: str) -> str:
    behind = _ROOT_PORT.match(path)
    return f"0{int(behind[1]) + 1}:00.0" if behind else f"00:{path}"


def _region(start: int, end: int, *devices: str) -> ReservedRegion:
    return ReservedRegion(
        start=start, end=end, scopes=tuple(DeviceScope(path=name, device=Sbdf.parse(name)) for name in devices)
    )


def _cfg(record: dict[str, Any]) -> str:
    settings = _WHOLE_CFG.get(record["guest"]) or "\n".join(record["cfg"]) + "\n"
    return f'name = "{record["guest"]}"\n{settings}'


def _layout(record: dict[str, Any]) -> tuple[xl.Domain, libxl.Layout]:
    release = RELEASES["4.17"]
    # Runs s02a to s02e were made with an xl that reads `rdm=` as documented.
    documented = record["run"].startswith("s02") and not record["run"].startswith("s02z")
    asked = xl.configure(read(_cfg(record), "guest.cfg"), release, as_documented=documented)
    assert asked.error is None
    return asked.domain, libxl.build(asked.domain, hypervisor.boot(_host(record), RELEASES["4.17"]), release)


def _predict(record: dict[str, Any]) -> hvmloader.Outcome:
    domain, layout = _layout(record)
    assert layout.ok
    assert _ranges(layout) == record["builder_ranges"] or record["guest"] in _WHOLE_CFG  # those kept no such lines
    guest, host = read(_cfg(record), "guest.cfg"), _host(record)
    present = emulated.devices(_hardware(_cfg(record), guest.vga, domain.video_kib * KIB // MIB))
    real = emulated.passthrough(
        present, [(host.by_address[item.address], None) for item in guest.pci if item.address is not None]
    )
    return hvmloader.run(hvmloader.from_layout(domain, layout, (*present, *real)))


def _ranges(layout: libxl.Layout) -> list[list[int]]:
    """Low and high RAM as libxl's builder logs them."""
    return [[0, layout.low_end], *([[GIB4, layout.high_end]] if layout.high_end else [])]


def _hardware(cfg: str, vga: str, video_mib: int) -> EmulatedHardware:
    def number(key: str) -> int | None:
        found = re.search(rf"^{key} = (\d+)$", cfg, re.MULTILINE)
        return int(found[1]) if found else None

    sound = re.search(r'^soundhw = "(\w+)"$', cfg, re.MULTILINE)
    return EmulatedHardware(
        vga=vga,
        video_mib=video_mib,
        xen_platform_pci=number("xen_platform_pci") != 0,
        usb=bool(number("usb")),
        usbversion=number("usbversion"),
        soundhw=sound[1] if sound else None,
        ahci='hdtype = "ahci"' in cfg,
        extra=tuple(name for name in re.findall(r'"-device","([\w-]+)', cfg) if name in MODELS),
    )


def _printed_bars(outcome: hvmloader.Outcome) -> list[tuple[str, int, int, int]]:
    matches = (_BAR_LINE.match(line) for line in outcome.log)
    return [(m[1], int(m[2], 16), int(m[3], 16), int(m[4], 16)) for m in matches if m]


def test_a_bar_without_an_address_on_the_host_is_not_shown_to_the_guest() -> None:
    """The rule is QEMU's (xen_pt_register_regions); all cards of the lab had addresses."""
    bars = (Bar(index=0, kind="mem32", size=4096), Bar(index=6, kind="rom", start=0xC0000, size=4096))
    device = _NVME.changed(bars=bars)
    (function,) = emulated.passthrough((), [(device, None)])
    assert [bar.number for bar in function.bars] == [6]
