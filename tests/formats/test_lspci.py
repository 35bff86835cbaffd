from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats.lspci import parse, recognise
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.host import Acs, AcsControl, PciDevice, PortType, ResizableBar

SHARED = Path(__file__).resolve().parents[3] / "shared"
LISTINGS = SHARED / "data" / "lspci"
needs_data = pytest.mark.skipif(not LISTINGS.is_dir(), reason="the reference data is not here")
# Under CI the tool is one of the judges: its absence fails there.
needs_lspci = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("lspci") is None, reason="lspci is not installed"
)
DUMPS = ("tree-asus-p6t6", "tree-fsl-p2020")

VERBOSE = """\
0000:3b:00.0 Ethernet controller [0200]: Intel Corporation Ethernet Controller X710 [8086:1572] (rev 02)
	DeviceName: NIC Port 1
	Subsystem: Intel Corporation Ethernet Converged Network Adapter X710-2 [8086:0008]
	Physical Slot: 4-1
	Control: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx+
	Status: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- >SERR- <PERR- INTx-
	Interrupt: pin A routed to IRQ 26
	NUMA node: 1
	IOMMU group: 42
	Region 0: Memory at a6000000 (64-bit, prefetchable) [size=8M]
	Region 3: Memory at a7008000 (64-bit, prefetchable) [disabled] [size=32K]
	Expansion ROM at a7f80000 [disabled] [size=512K]
	Capabilities: [40] Power Management version 3
		Flags: PMEClk- DSI+ D1- D2- AuxCurrent=0mA PME(D0+,D1-,D2-,D3hot+,D3cold-)
		Status: D0 NoSoftRst+ PME-Enable- DSel=0 DScale=1 PME-
	Capabilities: [a0] Express (v2) Endpoint, MSI 00
		DevCap:	MaxPayload 2048 bytes, PhantFunc 0, Latency L0s <512ns, L1 <64us
			ExtTag+ AttnBtn- AttnInd- PwrInd- RBE+ FLReset+ SlotPowerLimit 0.000W
		DevCtl:	CorrErr+ NonFatalErr+ FatalErr+ UnsupReq+
			RlxdOrd+ ExtTag+ PhantFunc- AuxPwr- NoSnoop- FLReset-
	Capabilities: [70] MSI-X: Enable+ Count=129 Masked-
		Vector table: BAR=3 offset=00000000
	Capabilities: [150 v1] Access Control Services
		ACSCap:	SrcValid- TransBlk- ReqRedir+ CmpltRedir- UpstreamFwd- EgressCtrl+ DirectTrans-
		ACSCtl:	SrcValid- TransBlk- ReqRedir- CmpltRedir- UpstreamFwd- EgressCtrl- DirectTrans-
	Capabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)
		IOVCap:	Migration-, Interrupt Message Number: 000
		IOVCtl:	Enable+ Migration- Interrupt- MSE+ ARIHierarchy+
		IOVSta:	Migration-
		Initial VFs: 64, Total VFs: 64, Number of VFs: 4, Function Dependency Link: 00
		Region 0: Memory at 00000000a6800000 (64-bit, prefetchable)
		Region 1: Memory at 00000000a7000000 (32-bit, non-prefetchable) [size=4K]
	Capabilities: [1a0 v1] Physical Resizable BAR
		BAR 0: current size: 8MB, supported: 64MB 1GB
	Kernel driver in use: i40e
	Kernel modules: i40e
"""

RECORD = """\
Slot:	0000:3b:00.0
Class:	Ethernet controller [0200]
Vendor:	Intel Corporation [8086]
Device:	Ethernet Controller X710 [1572]
SVendor:	Intel Corporation [8086]
SDevice:	Ethernet Converged Network Adapter X710-2 [0008]
PhySlot:	4-1
Rev:	02
Driver:	i40e
Module:	i40e
NUMANode:	1
IOMMUGroup:	42
"""


# What records do not say of a function.
LACKING = dict.fromkeys(
    ("resets", "port", "acs", "interrupt_pin", "irq", "msi", "msix", "virtual_functions", "multifunction")
) | {"resizable": ()}


def one(text: str) -> PciDevice:
    (device,) = parse(text)
    return device


def bars(device: PciDevice) -> list[tuple[int, str, int | None, int, bool]]:
    return [(bar.index, bar.kind, bar.start, bar.size, bar.prefetchable) for bar in device.bars]


def test_reads_every_fact_of_a_verbose_listing() -> None:
    device = one(VERBOSE)
    assert device.address == Sbdf(0, 0x3B, 0, 0)
    assert device.name == "Intel Corporation Ethernet Controller X710"
    assert (device.id, device.subsystem, device.revision) == ("8086:1572", "8086:0008", "02")
    assert (device.class_code, device.class_name) == ("0200", "Ethernet controller")
    assert (device.driver, device.slot) == ("i40e", "NIC Port 1")
    assert (device.numa_node, device.iommu_group) == (1, 42)
    assert device.resets == ("flr",)
    assert device.bridge is None
    assert (device.port, device.interrupt_pin, device.irq) == (PortType.ENDPOINT, "A", 26)
    assert (device.msi, device.msix, device.virtual_functions) == (0, 129, 4)
    assert device.acs == Acs(capable=(AcsControl.REQUEST_REDIRECT, AcsControl.EGRESS_CONTROL), enabled=())
    assert device.resizable == (ResizableBar(index=0, sizes=(64 << 20, 1 << 30)),)
    assert bars(device) == [
        (0, "mem64", 0xA6000000, 8 << 20, True),
        (3, "mem64", 0xA7008000, 32 << 10, True),
        (6, "rom", 0xA7F80000, 512 << 10, False),
    ]


def test_a_record_says_the_same_as_the_text() -> None:
    assert one(RECORD) == one(VERBOSE).changed(**{**LACKING, "bars": (), "slot": "4-1"})


def test_plain_verbose_counts_bars_and_finds_numbers_among_the_flags() -> None:
    device = one(
        "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GT218 [GeForce 210] [10de:0a65] (rev a2)"
        " (prog-if 00 [VGA controller])\n"
        "\tSubsystem: eVga.com. Corp. Device [3842:1312]\n"
        "\tFlags: bus master, fast devsel, latency 0, IRQ 11, NUMA node 0, IOMMU group 7\n"
        "\tMemory at fa000000 (32-bit, non-prefetchable) [size=16M]\n"
        "\tMemory at d0000000 (64-bit, prefetchable) [size=256M]\n"
        "\tMemory at ce000000 (64-bit, prefetchable) [size=32M]\n"
        "\tI/O ports at cc00 [size=128]\n"
        "\t[virtual] Expansion ROM at 000c0000 [disabled] [size=128K]\n"
    )
    assert device.name == "NVIDIA Corporation GT218 [GeForce 210]"
    assert (device.numa_node, device.iommu_group, device.subsystem) == (0, 7, "3842:1312")
    assert [bar[:3] for bar in bars(device)] == [
        (0, "mem32", 0xFA000000),
        (1, "mem64", 0xD0000000),
        (3, "mem64", 0xCE000000),
        (5, "io", 0xCC00),
        (6, "rom", 0xC0000),
    ]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("Region 1: Memory at <unassigned> (32-bit, non-prefetchable) [size=4K]", (1, "mem32", None, 4096, False)),
        ("Region 1: Memory at <ignored> (64-bit, prefetchable) [size=64G]", (1, "mem64", None, 64 << 30, True)),
        ("Region 5: I/O ports at <unassigned> [disabled] [size=32]", (5, "io", None, 32, False)),
        ("Region 2: [virtual] Memory at c000 (32-bit, non-prefetchable) [size=8]", (2, "mem32", 0xC000, 8, False)),
        ("Region 2: Memory at c000 (64-bit, prefetchable) [virtual] [size=16K]", (2, "mem64", 0xC000, 16384, True)),
        (
            "Region 0: Memory at 39f000000000 (64-bit, prefetchable) [size=262176M]",
            (0, "mem64", 0x39F << 36, 262176 << 20, True),
        ),
        ("Region 0: Memory at d8000 (low-1M, non-prefetchable) [size=4K]", (0, "mem32", 0xD8000, 4096, False)),
        ("Expansion ROM at <ignored> [disabled] [size=512K]", (6, "rom", None, 512 << 10, False)),
    ],
)
def test_bars_that_have_no_plain_address(detail: str, expected: tuple[int, str, int | None, int, bool]) -> None:
    assert bars(one(f"00:02.0 Display controller: Any\n\t{detail}\n")) == [expected]


@pytest.mark.parametrize(
    "detail",
    [
        "Region 0: Memory at fe000000 (32-bit, non-prefetchable)",  # a listing from a register dump
        "Region 0: Memory at fe000000 (32-bit, non-prefetchable) [size=0]",
        "Region 7: Memory at fe000000 (32-bit, non-prefetchable) [size=4K]",
        "Memory behind bridge: 9a000000-a82fffff [size=227M] [32-bit]",
        "Prefetchable memory behind bridge: 39b000000000-39f001ffffff [size=262176M] [64-bit]",
        "Kernel modules: snd",
        "Anything: else",
    ],
)
def test_what_is_no_bar_of_known_size(detail: str) -> None:
    assert one(f"00:02.0 PCI bridge: Any\n\t{detail}\n").bars == ()


def test_a_register_shown_twice_counts_once() -> None:
    line = "\tRegion 0: Memory at {} (32-bit, non-prefetchable) [size=4K]\n"
    device = one("00:02.0 A: B\n" + line.format("fe000000") + line.format("fd000000"))
    assert bars(device) == [(0, "mem32", 0xFE000000, 4096, False)]


@pytest.mark.parametrize(
    ("capability", "resets"),
    [
        ("\tCapabilities: [a4] PCI Advanced Features\n\t\tAFCap: TP+ FLR+\n\t\tAFCtrl: FLR-\n", ("af_flr",)),
        ("\tCapabilities: [40] Power Management version 2\n\t\tStatus: D0 NoSoftRst- PME-Enable- PME-\n", ("pm",)),
        ("\tCapabilities: [a0] Express\n\t\tDevCap: MaxPayload 128 bytes\n\t\t\tExtTag- RBE+ FLReset-\n", None),
        ("\tCapabilities: [a0] Express\n\t\tDevCtl: CorrErr-\n\t\t\tRlxdOrd- FLReset+\n", None),
        ("\tBridgeCtl: Parity- SERR+ NoISA- VGA- >Reset+\n", None),
        ("\tCapabilities: <access denied>\n", None),
    ],
)
def test_resets_that_capabilities_announce(capability: str, resets: tuple[str, ...] | None) -> None:
    assert one("00:1a.0 USB controller: Any\n" + capability).resets == resets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\tFlags: fast devsel\n", (PortType.CONVENTIONAL, 0, 0, Acs())),
        ("\tFlags: fast devsel\n\tCapabilities: <access denied>\n", (None, None, None, None)),
        ("\tControl: I/O-\n\tCapabilities: [40] Power\n\tCapabilities: [40] <chain looped>\n", (None,) * 4),
        ("\tSubsystem: Any Device [1:2]\n", (None, None, None, None)),  # condensed: capabilities were left out
        (
            (
                "\tFlags: fast devsel\n\tCapabilities: [60] MSI: Enable- Count=1/2 Maskable+ 64bit-\n"
                "\tCapabilities: [90] Express Root Port (Slot-), MSI 00\n"
                "\tCapabilities: [150] Access Control Services\n"
            ),
            (PortType.ROOT_PORT, 2, 0, None),
        ),
        (
            (
                "\tFlags: fast devsel\n\tCapabilities: [50] Message Signalled Interrupts: 64bit+ Queue=0/2 Enable+\n"
                "\tCapabilities: [70] MSI-X: Enable- Mask- TabSize=5\n"
                "\tCapabilities: [e0] Express PCI/PCI-X Bridge IRQ 0\n"
            ),
            (PortType.PCIE_TO_PCI_BRIDGE, 4, 5, None),
        ),
        (
            (
                "\tFlags: fast devsel\n\tCapabilities: [e0] Express (v2) Root Complex Event Collector, IntMsgNum 0\n"
                "\tCapabilities: [100] Advanced Error Reporting\n"
            ),
            (PortType.EVENT_COLLECTOR, 0, 0, Acs()),
        ),
    ],
)
def test_capabilities_that_are_not_listed(
    text: str, expected: tuple[PortType | None, int | None, int | None, Acs | None]
) -> None:
    device = one(f"00:1a.0 Any: Any\n{text}")
    assert (device.port, device.msi, device.msix, device.acs) == expected


def test_the_number_of_a_message_is_no_interrupt_line() -> None:
    text = "00:1a.0 A: B\n\tInterrupt: pin B routed to IRQ 126\n\tCapabilities: [60] MSI: Enable{} Count=1/1\n"
    assert (one(text.format("-")).irq, one(text.format("+")).irq) == (126, None)
    assert one("00:1a.0 A: B\n\tFlags: bus master, fast devsel, latency 0, IRQ 11, NUMA node 0\n").irq == 11


def test_listings_pasted_with_spaces_and_windows_line_ends() -> None:
    pasted = VERBOSE.replace("\t", " " * 8).replace("\n", "\r\n")
    assert one("\ufeff$ sudo lspci -vvnn\r\n" + pasted) == one(VERBOSE)


def test_a_bridge_says_its_buses() -> None:
    device = one(
        "00:1c.7 PCI bridge [0604]: Intel Corporation Root Port 8 [8086:1d1e] (rev b5) (prog-if 00 [Normal decode])\n"
        "\tBus: primary=00, secondary=0a, subordinate=1f, sec-latency=0\n"
    )
    assert device.bridge is not None
    assert (device.bridge.secondary, device.bridge.subordinate) == (0x0A, 0x1F)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("00:1f.0 ISA bridge: Intel Corporation LPC (rev 05)", ("0601", "ISA bridge", None, "Intel Corporation LPC")),
        ("00:02.0 Network controller: A: B [C]", (None, "Network controller", None, "A: B [C]")),
        ("00:02.0 Class [ff00]: Device 1234:1111", ("ff00", "Class", "1234:1111", "Device 1234:1111")),
        ("00:02.0 VGA [0300]: Device [1234:1111] (rev 02)", ("0300", "VGA", "1234:1111", "Device 1234:1111")),
        ("00:05.4 PIC [0800]: Intel Device [8086:3C2C]", ("0800", "PIC", "8086:3c2c", "Intel Device 3c2c")),
        ("00:00.0 0600: 8086:3405 (rev 12)", ("0600", "", "8086:3405", "Device 8086:3405")),
        ("10000:e1:00.0 SATA controller: Samsung", (None, "SATA controller", None, "Samsung")),
    ],
)  # fmt: skip
def test_header_lines(line: str, expected: tuple[str | None, str, str | None, str]) -> None:
    device = one(line)
    assert (device.class_code, device.class_name, device.id, device.name) == expected
    assert str(device.address).endswith(line.split(" ")[0])


def test_other_forms_of_a_record() -> None:
    numbers = one("Slot:\t00:00.0\nClass:\t0600\nVendor:\t8086\nDevice:\t3405\nSVendor:\t1043\nSDevice:\t836b\n")
    assert (numbers.class_code, numbers.id, numbers.subsystem) == ("0600", "8086:3405", "1043:836b")
    words = one("Slot:\t00:01.0\nClass:\tPCI bridge\nVendor:\tIntel Corporation\nDevice:\tDevice 3408\n")
    assert (words.class_code, words.id, words.name) == ("0604", None, "Intel Corporation Device 3408")
    old = one("Device:\t00:00.0\nClass:\tHost bridge [0600]\nVendor:\tIntel [8086]\nDevice:\tI/O Hub [3405]\n")
    assert (old.address, old.id, old.name) == (Sbdf(0, 0, 0, 0), "8086:3405", "Intel I/O Hub")
    unknown = one("Slot:\t00:02.0\nVendor:\tVendor [1234]\nDevice:\tDevice [1111]\nRev:\t?\nNUMANode:\t-1\n")
    assert (unknown.name, unknown.revision, unknown.numa_node) == ("Device 1234:1111", None, None)


def test_control_characters_in_names_are_dropped() -> None:
    device = one("00:02.0 VGA\x1b[31m: Evil\x07\u202e\x9b Corp \x0c X [8086:0001]\n\tKernel driver in use: a\x1bb\n")
    assert device.name == "Evil Corp X"
    assert device.class_name == "VGA[31m"
    assert device.driver == "ab"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", None, "expected a listing by lspci"),
        ("memory = 4096\n", None, "no line starts with a PCI address"),
        ("00:00.0\n0000:00:1d.0 \n", None, "expected a listing by lspci"),
        ("-[0000:00]-+-00.0\n           +-01.0-[01]--\n", None, "expected a listing by lspci"),
        ("00:00.0 A: B\n\n00:1d.0 A: B\n0000:00:1d.0 A: B\n", 4, "0000:00:1d.0 is listed twice"),
        (RECORD + "\n" + RECORD, 14, "0000:3b:00.0 is listed twice"),
        ("00:00.0 0600: 8086:3405\n00:03.0/00.0 0604: 10de:05b1\n", 2, "without -P"),
        ("00:0.0 A: B\n00:00.0 A: B\n\tRegion 0: Memory at f (32-bit) [size=99999999T]\n", 3, "beyond 64 bits"),
    ],
)
def test_what_is_refused(text: str, line: int | None, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert words in caught.value.message
    assert caught.value.line == line


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    line = "00:02.0 A [0200]: " + " (prog-if 00 [" * 200_000 + " [8086:" * 200_000 + " (rev 0" * 200_000
    assert one(line).class_code == "0200"
    assert one("Slot:\t00:02.0\nClass:\t" + " [020" * 500_000).class_code is None


PIECES = st.sampled_from(
    [*VERBOSE.splitlines(), *RECORD.splitlines(), "00:1d.0 A: B", "\tRegion 5: I/O ports at z", ""]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=40))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        devices = parse(text)
    except InputError:
        return
    assert recognise(text)
    assert len({device.address for device in devices}) == len(devices)


@given(st.lists(st.sampled_from(VERBOSE.splitlines()[1:]), unique=True))
def test_detail_lines_in_any_order_never_break_a_listing(details: list[str]) -> None:
    device = one("\n".join([VERBOSE.splitlines()[0], *details]))
    assert device.id == "8086:1572"


def rendered(dump: Path, *options: str) -> tuple[PciDevice, ...]:
    run = subprocess.run(["lspci", "-F", dump, *options], capture_output=True, text=True, check=True)
    return parse(run.stdout)


def registers(dump: str) -> dict[Sbdf, bytes]:
    """The configuration space of every function in an `lspci -x` dump."""
    space: dict[Sbdf, bytearray] = {}
    current = bytearray()
    for line in dump.splitlines():
        if header := re.match(r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?= )", line):
            current = space.setdefault(Sbdf.parse(header[0]), bytearray())
        elif re.match(r"[0-9a-f]{2,3}: ", line):
            current += bytes.fromhex(line.partition(": ")[2])
    return {address: bytes(content) for address, content in space.items()}


@needs_data
@needs_lspci
@pytest.mark.parametrize("name", DUMPS)
def test_every_form_of_one_machine_says_the_same(name: str) -> None:
    dump = LISTINGS / f"{name}.lspci-x.txt"
    raw = registers(dump.read_text())
    verbose = {device.address: device for device in rendered(dump, "-D", "-vvnn")}
    assert verbose.keys() == raw.keys()
    for address, space in raw.items():
        device = verbose[address]
        vendor, product = space[0:2][::-1].hex(), space[2:4][::-1].hex()
        assert (device.id, device.class_code) == (f"{vendor}:{product}", space[10:12][::-1].hex())
        assert int(device.revision or "0", 16) == space[8]
        if space[14] & 0x7F == 0:
            board = f"{space[0x2C:0x2E][::-1].hex()}:{space[0x2E:0x30][::-1].hex()}"
            assert (device.subsystem or "0000:0000", device.bridge) == (board, None)
        else:
            assert device.bridge is not None
            assert (device.bridge.secondary, device.bridge.subordinate) == (space[0x19], space[0x1A])

    record = {address: device.changed(**{**LACKING, "bridge": None}) for address, device in verbose.items()}
    for option in ("-vmmnnD", "-vmmnn", "-vmmnnk", "-vmnn"):
        assert {device.address: device for device in rendered(dump, option)} == record
    short = {address: device.changed(subsystem=None) for address, device in record.items()}
    for option in ("-nn", "-Dnn"):
        assert {device.address: device for device in rendered(dump, option)} == short
    for option in ("-n", "-vn", "-vmmn"):
        numbers = {device.address: (device.id, device.class_code) for device in rendered(dump, option)}
        assert numbers == {address: (device.id, device.class_code) for address, device in short.items()}
    words = rendered(dump)
    assert [device.is_bridge for device in words] == [verbose[device.address].is_bridge for device in words]


@needs_data
@pytest.mark.parametrize(
    ("name", "functions", "bridges"),
    [
        ("hp-dl380e-gen8.lspci-nn-condensed", 25, 9),
        ("hwloc-32intel64-2p8co2t-8ve.lspci-Dnn", 29, 0),
        ("hwloc-32intel64-2p8co2t-8ve.lspci-Dvvnn", 29, 17),
        ("hwloc-40intel64-2g2n4c-pcilocality.lspci-Dnn", 37, 0),
        ("hwloc-40intel64-2g2n4c-pcilocality.lspci-Dvvnn", 37, 14),
        ("hwloc-40intel64-4n10c-pci-conflicts.lspci-Dnn", 3, 0),
        ("hwloc-40intel64-4n10c-pci-conflicts.lspci-Dvvnn", 3, 1),
        ("tree-asus-p6t6.lspci-Dnn", 53, 0),
        ("tree-asus-p6t6.lspci-nn", 53, 0),
        ("tree-asus-p6t6.lspci-vmmnnD", 53, 0),
        ("tree-asus-p6t6.lspci-vnn", 53, 10),
        ("tree-fsl-p2020.lspci-Dnn", 6, 0),
        ("tree-fsl-p2020.lspci-nn", 6, 0),
        ("tree-fsl-p2020.lspci-vmmnnD", 6, 0),
        ("tree-fsl-p2020.lspci-vnn", 6, 3),
    ],
)
def test_real_listings(name: str, functions: int, bridges: int) -> None:
    devices = parse((LISTINGS / f"{name}.txt").read_text())
    assert len(devices) == functions
    assert sum(device.bridge is not None for device in devices) == bridges
    assert all(device.id and device.class_code and device.class_name and device.name for device in devices)


@needs_data
@pytest.mark.parametrize("name", DUMPS)
def test_paths_with_buses_are_addresses_and_bridges(name: str) -> None:
    paths = {device.address: device for device in parse((LISTINGS / f"{name}.lspci-nPP.txt").read_text())}
    listing = {device.address: device for device in parse((LISTINGS / f"{name}.lspci-vnn.txt").read_text())}
    assert paths.keys() == listing.keys()
    assert any(device.bridge for device in paths.values())
    for address, device in paths.items():
        other = listing[address].bridge
        assert device.bridge is None or (other is not None and device.bridge.secondary == other.secondary)


@needs_data
def test_trees_and_paths_are_not_taken_for_listings() -> None:
    other = [path for form in ("t", "tv", "tvnn") for path in LISTINGS.glob(f"*.lspci-{form}.txt")]
    assert len(other) == 12
    for path in other:
        text = path.read_text()
        assert not recognise(text)
        with pytest.raises(InputError):
            parse(text)


@pytest.mark.skipif(not (SHARED / "xen-runs").is_dir(), reason="the recorded Xen runs are not here")
def test_the_listing_of_a_dom0() -> None:
    devices = {
        device.address: device for device in parse((SHARED / "xen-runs/s00-host/dom0/lspci-nnvv.txt").read_text())
    }
    assert len(devices) == 14
    buses = {str(device.address): device.bridge.secondary for device in devices.values() if device.bridge}
    assert buses == {"0000:00:1c.0": 1, "0000:00:1c.1": 2, "0000:00:1c.2": 3}
    assert bars(devices[Sbdf.parse("00:02.0")]) == [
        (0, "mem32", 0xFC000000, 16 << 20, True),
        (2, "mem32", 0xFEA94000, 4 << 10, False),
        (6, "rom", 0xC0000, 128 << 10, False),
    ]
    assert sum(len(device.bars) for device in devices.values()) == 29
