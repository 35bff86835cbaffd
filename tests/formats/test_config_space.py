from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from config_spaces import ACS, AF, MSI, MSI_ON, MSIX, PM, PM_KEEPS, REBAR, SRIOV, config, express
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import lspci
from planner.formats.config_space import decode
from planner.model.address import Sbdf
from planner.model.host import Acs, AcsControl, Bridge, PciDevice, PortType, ResizableBar
from planner.model.span import GIB, MIB

SHARED = Path(__file__).resolve().parents[3] / "shared"
DUMPS = [
    *(SHARED / "data" / "lspci" / f"{name}.lspci-x.txt" for name in ("tree-asus-p6t6", "tree-fsl-p2020")),
    SHARED / "xen-runs" / "s00-host" / "dom0" / "lspci-xxxx.txt",
]
needs_lspci = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("lspci") is None, reason="lspci is not installed"
)


def facts(raw: bytes) -> dict[str, Any]:
    return decode(raw).facts


def test_a_function_of_pci_express() -> None:
    raw = config(
        capabilities=(PM_KEEPS, MSI, MSIX, express(0, flr=True)),
        extended=(ACS, SRIOV, REBAR),
        layout=0x80,
        bars=(0xF7C0000C, 1, 0xE001, 0xFE000000),
    )
    assert facts(raw) == {
        "id": "8086:10fb",
        "class_code": "020000",
        "revision": "01",
        "subsystem": "103c:3380",
        "multifunction": True,
        "interrupt_pin": "B",
        "port": PortType.ENDPOINT,
        "resets": ("flr",),
        "msi": 8,
        "msix": 64,
        "acs": Acs(
            capable=tuple(AcsControl),
            enabled=(
                AcsControl.SOURCE_VALIDATION,
                AcsControl.REQUEST_REDIRECT,
                AcsControl.COMPLETION_REDIRECT,
                AcsControl.UPSTREAM_FORWARDING,
            ),
        ),
        "virtual_functions": 4,
        "resizable": (
            ResizableBar(index=0, sizes=(16 * MIB, 32 * MIB)),
            ResizableBar(index=2, sizes=(MIB << 27, MIB << 28)),
        ),
    }
    assert [(bar.index, bar.kind, bar.start, bar.prefetchable) for bar in decode(raw).bars] == [
        (0, "mem64", 0x1_F7C0_0000, True),
        (2, "io", 0xE000, False),
        (3, "mem32", 0xFE000000, False),
    ]


def test_a_conventional_function() -> None:
    known = facts(config(capabilities=(AF, PM)))
    assert (known["port"], known["acs"], known["resets"]) == (PortType.CONVENTIONAL, Acs(), ("af_flr", "pm"))
    assert (known["msi"], known["msix"], known["multifunction"]) == (0, 0, False)


def test_a_bridge() -> None:
    raw = bytearray(config(layout=1, capabilities=((0x0D, struct.pack("<HHH", 0, 0x1043, 0x836B)), express(4))))
    raw[0x18:0x1B] = bytes((0, 3, 5))
    known = facts(bytes(raw))
    assert (known["bridge"], known["port"]) == (Bridge(secondary=3, subordinate=5), PortType.ROOT_PORT)
    assert known["subsystem"] == "1043:836b"


def test_what_was_not_read_stays_unknown() -> None:
    whole = config(capabilities=(express(0), MSI), extended=(ACS,))
    assert "port" not in facts(whole[:64])
    assert facts(whole[:64])["subsystem"] == "103c:3380"
    assert facts(whole[:256])["port"] is PortType.ENDPOINT
    assert "acs" not in facts(whole[:256])
    assert "acs" not in facts(whole[:256] + b"\xff" * 3840)
    assert facts(whole[:256] + bytes(3840))["acs"] == Acs()
    assert facts(config()[:256])["acs"] == Acs()
    assert facts(b"\xff" * 4096) == facts(b"") == facts(whole[:63]) == {}


def test_a_message_in_use_is_told() -> None:
    assert decode(config(capabilities=(MSI_ON,))).msi_enabled
    assert not decode(config(capabilities=(MSI,))).msi_enabled


@pytest.mark.parametrize(("at", "value"), [(0x41, 0x40), (0x34, 0x3C), (0x41, 0x80)])
def test_lists_that_lead_nowhere(at: int, value: int) -> None:
    raw = bytearray(config(capabilities=(PM, MSI)))
    raw[0x80] = 0xFF
    raw[at] = value
    assert "msi" not in facts(bytes(raw))


def test_extended_lists_that_lead_nowhere() -> None:
    raw = bytearray(config(capabilities=(express(0),), extended=(ACS,)))
    for follower in (0x100, 0x40):
        struct.pack_into("<I", raw, 0x100, 0x0D | 1 << 16 | follower << 20)
        assert "acs" not in facts(bytes(raw))


@given(st.binary(max_size=5000))
def test_any_bytes(raw: bytes) -> None:
    known = decode(raw)
    PciDevice(address=Sbdf(0, 0, 0, 0), **known.facts)


@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=40), st.sampled_from([64, 256, 4096]))
def test_a_damaged_space(damage: list[tuple[int, int]], size: int) -> None:
    raw = bytearray(config(capabilities=(PM, MSI, MSIX, express(0)), extended=(ACS, SRIOV, REBAR)))
    for at, value in damage:
        raw[at] = value
    PciDevice(address=Sbdf(0, 0, 0, 0), **facts(bytes(raw[:size])))


def dumped(path: Path) -> dict[str, bytes]:
    """Registers by address, read by a second, plainer reader than ours."""
    space: dict[str, bytearray] = {}
    current = bytearray()
    for line in path.read_text().splitlines():
        if header := re.match(r"((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", line):
            current = space.setdefault(str(Sbdf.parse(header[1])), bytearray())
        elif re.match(r"[0-9a-f]{2,3}: ", line):
            current += bytes.fromhex(line.partition(": ")[2])
    return {address: bytes(content) for address, content in space.items()}


def printed(dump: Path) -> str:
    run = subprocess.run(["lspci", "-F", dump, "-Dvvnn"], capture_output=True, text=True, check=True)
    return run.stdout


def agree(device: PciDevice, raw: bytes) -> int:
    """Hold our reading of the bytes to lspci's words; how many facts were compared."""
    known = dict(facts(raw))
    said = {field: getattr(device, field) for field in known}
    assert known.pop("class_code").startswith(said.pop("class_code"))
    assert known.pop("revision") == (said.pop("revision") or "00")
    known.pop("multifunction"), said.pop("multifunction")  # lspci does not print it
    if known.get("acs") == Acs() and said["acs"] is None:  # nor that extended space was read and is empty
        del known["acs"], said["acs"]
    assert known == said
    unread = {"port", "acs", "msi", "msix", "resets", "virtual_functions", "resizable"} - known.keys()
    assert not any(getattr(device, field) for field in unread)
    return len(known)


@needs_lspci
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.name)
def test_lspci_says_the_same(dump: Path) -> None:
    if not dump.is_file():
        pytest.skip("the reference data is not here")
    spaces = dumped(dump)
    words = printed(dump)
    devices = {str(device.address): device for device in lspci.parse(words)}
    assert devices.keys() == spaces.keys()
    assert sum(agree(devices[address], raw) for address, raw in spaces.items()) > 5 * len(spaces)
    blocks = {block[:12]: block for block in re.split(r"\n\n+", words) if block}
    for address, raw in spaces.items():
        regions = re.findall(
            r"^\t(?:Region (\d): (Memory|I/O ports)|(Expansion ROM)) at ([0-9a-f]+)\b(?: \((64-bit)?)?",
            blocks[address],
            re.MULTILINE,
        )
        ours = [(bar.index, bar.kind, bar.start) for bar in decode(raw).bars]
        theirs = [
            (
                int(index or 6),
                "rom" if rom else "io" if kind != "Memory" else "mem64" if wide else "mem32",
                int(start, 16),
            )
            for index, kind, rom, start, wide in regions
        ]
        assert ours == theirs


@needs_lspci
def test_lspci_says_the_same_of_made_up_functions(tmp_path: Path) -> None:
    made = {
        "0000:00:01.0": config(capabilities=(PM_KEEPS, MSI, MSIX, express(0, flr=True)), extended=(ACS, SRIOV)),
        "0000:00:02.0": config(capabilities=(AF, PM)),
        "0000:00:03.0": config(layout=1, capabilities=(express(4), MSI), extended=(ACS,)),
        "0000:00:04.0": config(layout=1, capabilities=(express(7),), extended=((0x01, bytes(44)),)),
        "0000:00:05.0": config(capabilities=(express(9, flr=True),), extended=((0x01, bytes(44)),)),
        "0000:00:06.0": config(layout=1, capabilities=(express(5),)),
        "0000:00:07.0": config(size=256, capabilities=(express(1, flr=True), MSIX)),
        "0000:00:08.0": config(size=64, capabilities=(express(0),)),
        "0000:00:09.0": config(layout=1, capabilities=(express(6), express(4))),
    }
    dump = tmp_path / "dump"
    dump.write_text(
        "".join(
            f"{address} Any: made up\n"
            + "".join(f"{at:02x}: {raw[at : at + 16].hex(' ')}\n" for at in range(0, len(raw), 16))
            + "\n"
            for address, raw in made.items()
        )
    )
    devices = {str(device.address): device for device in lspci.parse(printed(dump))}
    assert sum(agree(devices[address], raw) for address, raw in made.items()) > 50
    for device in lspci.parse(dump.read_text()):  # and the hex alone
        known = facts(made[str(device.address)])
        assert {field: getattr(device, field) for field in known} == known


def test_sizes_that_can_be_chosen() -> None:
    raw = config(capabilities=(express(0),), extended=((0x15, struct.pack("<II", 0x7FC0 << 4, 1 << 5)),))
    (bar,) = facts(raw)["resizable"]
    assert (bar.index, bar.sizes[0], bar.sizes[-1]) == (0, 64 * MIB, 16 * GIB)
