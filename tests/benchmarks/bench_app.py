"""The real app through a pseudo terminal: exec to first paint, one toggle in milliseconds and bytes.

A toggle's time is from the key to the last byte that it brought; the terminal reads as fast as it can.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
from terminal import running

from planner.formats import host_toml
from planner.model.address import Sbdf
from planner.model.host import Bar, DeviceScope, Host, PciDevice, ReservedRegion, Sources


def site(folder: Path, host: Host, guests: int = 3) -> Path:
    """A site in `folder`, its tour seen."""
    (folder / "host.toml").write_text(host_toml.render(host))
    for number in range(guests):
        (folder / f"vm{number:02}.cfg").write_text(f'name = "vm{number:02}"\ntype = "hvm"\nmemory = 4096\n')
    (folder / "state" / "rdm-planner").mkdir(parents=True)
    (folder / "state" / "rdm-planner" / "state.toml").write_text("tour_seen = true\n")
    return folder


def _host(devices: int) -> Host:
    """A host of that many NICs; the first has a reserved region that moves RAM."""
    addresses = [Sbdf(0, number >> 3 & 0xFF, number & 7, number >> 11 & 7) for number in range(8, devices + 8)]
    bars = (Bar(index=0, kind="mem32", start=0xF0000000, size=1 << 20),)
    scopes = (DeviceScope(device=addresses[0]),)
    return Host(
        iommu="intel",
        sources=Sources(regions="made for measuring"),
        devices=tuple(PciDevice(address=one, id="8086:1521", class_code="0200", bars=bars) for one in addresses),
        regions=(ReservedRegion(start=0x9000_0000, end=0x9000_0FFF, scopes=scopes),),
    )


@pytest.mark.parametrize(("devices", "guests"), [(16, 3), (256, 3), (256, 32), (4096, 3)])
def test_first_paint(benchmark: Any, tmp_path: Path, devices: int, guests: int) -> None:
    """Exec to the last byte of the first screen at 80x24. Budgets: 0.4 s with 256 devices, 1 s with 4,096."""
    folder = site(tmp_path, _host(devices), guests)
    times = []
    for _ in range(5):
        with running(folder, 80, 24) as terminal:
            _, last = terminal.settle(b"help")
            times.append(last - terminal.started)
    benchmark.extra_info["seconds"] = round(min(times), 3)
    print(f"\n  {devices} devices, {guests} guests: first paint in {min(times):.3f} s (median {median(times):.3f})")
    benchmark.pedantic(lambda: None, rounds=1)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("devices", [256, 4096])
def test_toggle(benchmark: Any, tmp_path: Path, devices: int, columns: int, lines: int) -> None:
    """One toggle of a device whose region moves RAM, and of one without. Budgets: 10 ms and 2 KB with 256 at 80x24."""
    folder = site(tmp_path, _host(devices))
    with running(folder, columns, lines) as terminal:
        terminal.settle(b"help")
        terminal.press(b"  ")  # warm
        moving = [terminal.press(b" ") for _ in range(6)]
        terminal.press(b"jjjjjj")
        plain = [terminal.press(b" ") for _ in range(6)]
        cursor = [terminal.press(b"j") for _ in range(4)]
    print(f"\n  {devices} devices at {columns}x{lines}")
    for name, found in (("RAM moves", moving), ("nothing moves", plain), ("cursor", cursor)):
        print(f"    {name}: {median(s for _, s in found) * 1e3:.1f} ms, {median(b for b, _ in found):.0f} bytes")
    benchmark.extra_info["bytes"] = median(b for b, _ in moving)
    benchmark.pedantic(lambda: None, rounds=1)
