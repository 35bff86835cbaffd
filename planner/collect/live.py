"""The machine itself: the files and commands that say what is in it, as an archive like the one the script packs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from planner.formats import sysfs
from planner.formats.archive import Archive
from planner.model.errors import InputError
from planner.storage import list_folder, read_bytes

COMMANDS: Final = {
    "lspci.txt": ("lspci", "-D", "-vvnn"),
    "dmesg.txt": ("dmesg",),
    "xl-info.txt": ("xl", "info"),
    "xl-dmesg.txt": ("xl", "dmesg"),
    "xl-pci-assignable-list.txt": ("xl", "pci-assignable-list"),
    "xl-list-l.json": ("xl", "list", "-l"),
}
"""What each command's output is kept as."""

_TABLES = ("DMAR", "RMAD", "IVRS")
SINGLE = (
    "proc/iomem",
    "proc/net/route",
    "proc/self/mountinfo",
    "proc/sys/kernel/hostname",
    "sys/hypervisor/type",
)
TIMEOUT = 20  # seconds: `xl` waits for a lock that another one may hold


def archive(root: Path = Path("/")) -> Archive:
    """What this user may read. InputError on a machine without PCI.

    `root` is where proc and sys are; other places than / serve tests, and no command is run for them.
    """
    found = Archive()
    functions = _names(root / "sys/bus/pci/devices")
    if not functions:
        raise InputError("this machine shows no PCI functions in /sys/bus/pci/devices: name a folder of artefacts")
    for name in functions:
        _function(found, root, f"sys/bus/pci/devices/{name}")
    for path in SINGLE:
        _file(found, root, path)
    _tables(found, root)
    for group in _names(root / "sys/kernel/iommu_groups"):
        _file(found, root, f"sys/kernel/iommu_groups/{group}/reserved_regions")
    for entry in _names(root / "sys/firmware/memmap"):
        for file in ("start", "end", "type"):
            _file(found, root, f"sys/firmware/memmap/{entry}/{file}")
    _layers(found, root)
    if root == Path("/"):
        for label, command in COMMANDS.items():
            run(found, label, command)
    return found


def _function(found: Archive, root: Path, place: str) -> None:
    for file in sysfs.FILES:
        _file(found, root, f"{place}/{file}")
    for link in sysfs.LINKS:
        _link(found, root, f"{place}/{link}")
    for number in _names(root / place / "msi_irqs"):
        found.files[f"{place}/msi_irqs/{number}"] = b""


def _tables(found: Archive, root: Path) -> None:
    for table in _TABLES:
        _file(found, root, f"sys/firmware/acpi/tables/{table}", say=True)
    if (tables := _names(root / "sys/firmware/acpi/tables")) and not set(_TABLES) & set(tables):
        found.notes.append(
            "The firmware shows no DMAR, RMAD or IVRS table: there is no IOMMU, or it is switched off in the setup."
        )


def _layers(found: Archive, root: Path) -> None:
    """Block devices and interfaces, and what lies under them."""
    for number in _names(root / "sys/dev/block"):
        _link(found, root, f"sys/dev/block/{number}")
    for name in _names(root / "sys/class/block"):
        place = f"sys/class/block/{name}"
        _link(found, root, place)
        for slave in _names(root / place / "slaves"):
            _link(found, root, f"{place}/slaves/{slave}")
    for name in _names(root / "sys/class/net"):
        place = f"sys/class/net/{name}"
        _link(found, root, place)
        for below in _names(root / place):
            if below.startswith("lower_"):
                _link(found, root, f"{place}/{below}")
        for port in _names(root / place / "brif"):
            _link(found, root, f"{place}/brif/{port}")


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in list_folder(folder)]
    except InputError:
        return []


def _file(found: Archive, root: Path, path: str, *, say: bool = False) -> None:
    try:
        if (root / path).exists():
            found.add(path, read_bytes(root / path))
    except (InputError, OSError) as error:
        if say:
            reason = error.message if isinstance(error, InputError) else error.strerror
            found.notes.append(f"/{path} {reason}: run this as root.")


def _link(found: Archive, root: Path, path: str) -> None:
    try:
        found.links[path] = str((root / path).readlink())
    except OSError:
        return


def run(found: Archive, label: str, command: tuple[str, ...]) -> None:
    """Keep what a command prints, or a note that it does not."""
    words = " ".join(command)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        if command[0] != "xl":  # which only a dom0 has
            found.notes.append(f"There is no {command[0]} here.")
        return
    except (OSError, subprocess.TimeoutExpired):
        found.notes.append(f"`{words}` did not answer.")
        return
    if done.returncode == 0 and done.stdout.strip():
        found.add(label, done.stdout)
    elif done.returncode != 0:
        found.notes.append(f"`{words}` failed: run this as root.")
