"""Our predictions against what a real Xen 4.17 printed for real configs.

The logs are reference data and not part of the project: where they are absent these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.formats import xen_log
from planner.formats.acpi import parse_table
from planner.formats.lspci import parse as parse_lspci
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import Host, Sources
from planner.model.span import Span
from planner.pci.topology import resolve_scopes
from planner.xen import hypervisor, views
from planner.xen.build import Build, build, hotplug
from planner.xen.release import RELEASES
from planner.xen.views import Claim

RUNS = Path(__file__).resolve().parents[3] / "shared" / "xen-runs"

# Runs whose xl was made to read `rdm=` as the manual has it: the stock one drops it (s02z, s03, s07 show that).
AS_DOCUMENTED = {"s02a-host-in-ram", "s02b-host-below-boundary", "s02e-mmio-hole"}

# Refused for a reason that is no layout's: this build of Xen has no shadow paging, which hap=0 needs.
NOT_COMPARED = [("s02a-host-in-ram", "a4096nohap")]


def _cases() -> list[tuple[str, str]]:
    """Every guest whose config and log are both there (s03 kept only logs: it tried strings, not layouts)."""
    logs = sorted(RUNS.glob("*/dom0/*.create.log"))
    guests = [(log.parent.parent.name, log.name.removesuffix(".create.log")) for log in logs]
    return [
        (run, guest)
        for run, guest in guests
        if (RUNS / run / "dom0" / f"{guest}.cfg").exists() and (run, guest) not in NOT_COMPARED
    ]


CASES = _cases()


def _host(run: Path) -> Host:
    listing = (RUNS / "s00-host" / "dom0" / "lspci-nnvv.txt").read_text()
    info = run / "dom0" / "xl-info.txt"
    lines = info.read_text().splitlines() if info.exists() else []
    command_line = next((line.partition(":")[2].strip() for line in lines if line.startswith("xen_commandline")), "")
    table = run / "dmar.aml"
    regions = parse_table(table.read_bytes()).regions if table.exists() else ()
    host = Host(
        iommu="intel",
        xen="4.17",
        regions=regions,
        devices=parse_lspci(listing),
        sources=Sources(regions="the run's own table"),
        xen_command_line=command_line,
    )
    return resolve_scopes(host)


def _predict(run: str, guest: str) -> Build:
    folder = RUNS / run
    host = _host(folder)
    config = folder / "dom0" / f"{guest}.cfg"
    iommu = hypervisor.boot(host, RELEASES["4.17"])
    return build(
        read(config.read_text(), config.name), host, iommu, RELEASES["4.17"], as_documented=run in AS_DOCUMENTED
    )


@pytest.mark.skipif(not RUNS.is_dir(), reason="the logs of the real runs are not here")
def test_the_runs_are_all_here() -> None:
    assert len(CASES) == 74


@pytest.mark.parametrize(("run", "guest"), CASES, ids=[f"{run}/{guest}" for run, guest in CASES])
def test_prediction_is_what_xen_printed(run: str, guest: str) -> None:
    predicted = _predict(run, guest)
    log = xen_log.parse_create((RUNS / run / "dom0" / f"{guest}.create.log").read_text(errors="replace"))

    if log.exit_code is not None:
        assert predicted.ok == (log.exit_code == 0)
    if log.ram:
        assert predicted.layout is not None
        ram = [(span.start, span.end) for span in log.ram]
        low, high = predicted.layout.low_end, predicted.layout.high_end
        assert ram == [(0, low), *([(1 << 32, high)] if high else [])]
    said = [(level, message) for level, message in log.messages if "RDM conflict" in message]
    assert predicted.layout is None or said == [
        (level, message) for level, message in predicted.layout.log if "RDM conflict" in message
    ]
    if log.domain is not None:
        _compare_attach(run, guest, predicted, log.domain)


def _compare_attach(run: str, guest: str, predicted: Build, domain: int) -> None:
    console = RUNS / run / "dom0" / f"{guest}.dmesg.txt"
    if not console.exists():
        return
    lines = [
        line.replace(f"d{domain}", "dN") for line in xen_log.xen_lines(console.read_text(errors="replace"), domain)
    ]
    asked = [str(item.address) for item in predicted.guest.pci]
    # A device that was attached later, by hand, is not in the config.
    theirs = [line for line in lines if "shared RMRR" in line and any(address in line for address in asked)]
    theirs += _first_of_each_run([line for line in lines if "Cannot setup identity map" in line])
    logged = [step.log for attach in predicted.attached for step in attach.steps if step.log]
    ours = [line for line in logged if "shared RMRR" in line] + [line for line in logged if "identity map" in line]
    if predicted.layout is not None and predicted.layout.ok:
        assert len(theirs) == len(ours)
        assert all(their.startswith(our.rstrip(".")) for their, our in zip(theirs, ours, strict=True))


def _first_of_each_run(lines: list[str]) -> list[str]:
    """Relaxed logs a line a page; we say the first and how many. The lines of one region follow page by page."""
    kept: list[str] = []
    previous = -2
    for line in lines:
        page = int(line.partition("dN:")[2].partition(",")[0], 16)
        if page != previous + 1:
            kept.append(line)
        previous = page
    return kept


@pytest.mark.skipif(not RUNS.is_dir(), reason="the logs of the real runs are not here")
@pytest.mark.parametrize("device", ["02:00.0", "00:1a.0"])
def test_hotplug_into_a_running_guest(device: str) -> None:
    """Run s07: l_pt was created with the host's regions reserved, then got both devices by `xl pci-attach`."""
    folder = RUNS / "s07-stock-rdm"
    predicted = _predict("s07-stock-rdm", "l_pt")
    answer = hotplug(predicted, Sbdf.parse(device), RdmPolicy.STRICT)
    log = (folder / "dom0" / f"l_pt.attach-{device}.log").read_text(errors="replace")
    assert answer.ok == ("complete, rc=0" in log)
    console = (folder / "dom0" / "l_pt.dmesg.txt").read_text(errors="replace")
    if not answer.ok:
        assert [step.log.replace("dN", "d5") for step in answer.steps if step.log] == [
            line.removeprefix(" ") for line in xen_log.xen_lines(console, 5) if device in line and "map" not in line
        ]


def _seen_by_qemu() -> list[dict[str, Any]]:
    """The records that hold what the device model itself said its memory was."""
    path = RUNS / "observed.json"
    records = json.loads(path.read_text()) if path.exists() else []
    return [record for record in records if "qemu_view" in record]


# QEMU's names for what a BAR of ours holds; the rest of its list are fixed devices and parts of these.
_BAR_NAMES = {"vga.vram", "xen-mmio", "xen-pci-pt-bar", "xen-pci-pt-msix", "nvme", "ahci"}


@pytest.mark.parametrize("record", _seen_by_qemu(), ids=lambda record: f"{record['run']}/{record['guest']}")
def test_qemus_view(record: dict[str, Any]) -> None:
    """RAM as QEMU has it, and the BARs it does and does not answer for."""
    predicted = _predict(record["run"], record["guest"])
    assert predicted.qemu is not None
    believed = views.qemu(predicted.qemu, predicted.firmware, predicted.names)
    theirs = [(start, end) for start, end, name in record["qemu_view"] if name == "xen.ram"]
    assert [tuple(belief.span) for belief in believed if belief.claim is Claim.RAM] == theirs
    ours = [belief.span for belief in believed if belief.claim is Claim.DEVICE]
    bars = [Span(start, end) for start, end, name in record["qemu_view"] if name in _BAR_NAMES]
    assert all(any(bar.start >= mine.start and bar.end <= mine.end for mine in ours) for bar in bars)
    assert bool(bars) != any(clash.kind == "dead_bar" for clash in predicted.disagreements)


# These runs had other cards in the lab's slots; test_real_bars.py compares them with those.
_OTHER_CARDS = ("s20", "s21", "s22", "s23", "s24", "s26")
_STARTED = [(run, guest) for run, guest in CASES if not run.startswith(_OTHER_CARDS)]


def _printed(run: str, guest: str) -> xen_log.FirmwareLog | None:
    """What hvmloader printed for the guest, from the run's console log; None if it never came to that."""
    created = xen_log.parse_create((RUNS / run / "dom0" / f"{guest}.create.log").read_text(errors="replace"))
    if created.domain is None:
        return None
    whole = RUNS / run / "serial.log"
    console = whole if whole.exists() else RUNS / run / "dom0" / f"{guest}.dmesg.txt"
    log = xen_log.parse_firmware(console.read_text(errors="replace"), created.domain)
    return log if log.e820 else None


@pytest.mark.skipif(not RUNS.is_dir(), reason="the logs of the real runs are not here")
def test_most_guests_came_to_their_firmware() -> None:
    assert sum(_printed(run, guest) is not None for run, guest in _STARTED) == 56


@pytest.mark.parametrize(("run", "guest"), _STARTED, ids=[f"{run}/{guest}" for run, guest in _STARTED])
def test_bars_and_e820_are_what_hvmloader_printed(run: str, guest: str) -> None:
    printed = _printed(run, guest)
    predicted = _predict(run, guest)
    if printed is None:
        assert not predicted.ok
        return
    assert predicted.firmware is not None
    ours = [(bar.slot, bar.register, bar.size, bar.address) for bar in predicted.firmware.bars]
    assert sorted(ours) == sorted((bar.slot, bar.register, bar.size, bar.address) for bar in printed.bars)
    assert [(entry.span, entry.type) for entry in predicted.firmware.e820] == list(printed.e820)
