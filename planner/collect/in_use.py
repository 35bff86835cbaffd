"""What dom0 itself needs: the disk its root file system is on, the way to its default route, the console.

Only what sysfs and /proc say without doubt; no entry does not mean that a device is free.
Layouts: Linux's Documentation/ABI/testing/sysfs-class-net, sysfs-block, and proc(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from planner.formats.archive import Archive
from planner.model.address import Sbdf

ROOT_DISK, NETWORK, CONSOLE = "root disk", "management network", "console"

_SBDF = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_GIVEN_AWAY = ("pciback", "xen-pciback", "vfio-pci", "pci-stub")
_MAX_LAYERS = 16


def uses(archive: Archive) -> dict[Sbdf, str]:
    """What each function is needed for, several uses joined by commas."""
    found: dict[Sbdf, list[str]] = {}
    for use, addresses in (
        (ROOT_DISK, _below("class/block", _root_blocks(archive), archive, ("slaves/",))),
        (NETWORK, _below("class/net", _default_routes(archive), archive, ("lower_", "brif/"))),
        (CONSOLE, _boot_display(archive)),
    ):
        for address in addresses:
            uses_ = found.setdefault(address, [])
            if use not in uses_:
                uses_.append(use)
    return {address: ", ".join(words) for address, words in found.items()}


def _text(archive: Archive, ending: str) -> str:
    data = next((data for path, data in archive.files.items() if path.endswith(ending)), b"")
    return data.decode("utf-8", "replace")


def _root_blocks(archive: Archive) -> list[str]:
    """Names in class/block of what is mounted on /; the last mount there counts."""
    mounted: list[str] = []
    for line in _text(archive, "proc/self/mountinfo").split("\n"):
        words = line.split(" ")
        if len(words) < 10 or words[4] != "/" or "-" not in words:
            continue
        after = words[words.index("-") + 1 :]
        source = after[1] if len(after) > 1 else ""
        numbers = {
            target.rpartition("/")[2]
            for path, target in archive.links.items()
            if path.endswith(f"dev/block/{words[2]}")
        }
        mounted = sorted(numbers) or ([source.removeprefix("/dev/")] if source.startswith("/dev/") else [])
    return mounted


def _default_routes(archive: Archive) -> list[str]:
    """The interfaces with a default route (IPv4), best metric first; only the best ones."""
    routes: list[tuple[int, str]] = []
    for line in _text(archive, "proc/net/route").split("\n")[1:]:
        words = line.split()
        if len(words) >= 8 and words[1] == "00000000" and words[7] == "00000000" and words[6].isdecimal():
            routes.append((int(words[6]), words[0]))
    best = min((metric for metric, _ in routes), default=0)
    return [name for metric, name in routes if metric == best]


def _below(family: str, names: Iterable[str], archive: Archive, layers: tuple[str, ...]) -> list[Sbdf]:
    """The PCI functions under block devices or interfaces, through volumes, bonds and bridges."""
    under: dict[str, set[str]] = {}
    targets: dict[str, str] = {}
    place = re.compile(rf"(?:^|/){family}/([^/]+)(?:/(?:{'|'.join(layers)})([^/]+))?\Z")
    for path, target in archive.links.items():
        if match := place.search(path):
            if match[2] is None:
                targets[match[1]] = target
            else:
                under.setdefault(match[1], set()).add(match[2])
    found: list[Sbdf] = []
    queue, seen = list(names), set[str]()
    for _ in range(_MAX_LAYERS):
        following: list[str] = []
        for name in queue:
            if name in seen:
                continue
            seen.add(name)
            following += sorted(under.get(name, ()))
            if on_the_way := _SBDF.findall(targets.get(name, "")):
                found.append(Sbdf.parse(on_the_way[-1]))
        queue = following
    return sorted(set(found))


def _boot_display(archive: Archive) -> list[Sbdf]:
    """The display that the firmware started, unless it was given away."""
    found = []
    for path, data in archive.files.items():
        if path.endswith("/boot_vga") and data.strip() == b"1":
            folder = path.removesuffix("/boot_vga")
            driver = archive.links.get(f"{folder}/driver", "").rpartition("/")[2]
            name = folder.rpartition("/")[2]
            if _SBDF.fullmatch(name) and driver not in _GIVEN_AWAY:
                found.append(Sbdf.parse(name))
    return sorted(found)
