"""Keeps private things out of an inventory: MAC addresses, the host's name, serial numbers."""

from __future__ import annotations

import re
from dataclasses import replace

from msgspec.structs import astuple

from planner.collect.merge import Collection
from planner.formats.archive import Archive
from planner.model.host import Sources

_MAC = re.compile(r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")
_SERIAL = re.compile(r"\b((?:serial(?:[ _-]?(?:number|no))?|S/N|SN)[=: ]+)[A-Za-z0-9-]{5,}", re.IGNORECASE)
_HOST = re.compile(r"(?:^|\n)host +: (\S+)")
_DULL = frozenset(("localhost", "host", "dom0", "xen", "server", "(none)"))


def redact(collection: Collection, archive: Archive) -> Collection:
    """The same collection without names of the host, MAC addresses and serial numbers, wherever text may have them.

    Addresses, ids and drivers stay: without them it would be no inventory.
    """
    names = host_names(archive)
    host = collection.host
    devices = tuple(
        device.changed(slot=_clean(device.slot, names)) if device.slot else device for device in host.devices
    )
    sources = Sources(*(_clean(value, names) if value else value for value in astuple(host.sources)))
    return replace(
        collection,
        host=host.changed(
            name=_clean(host.name, names),
            xen_command_line=_clean(host.xen_command_line, names),
            devices=devices,
            sources=sources,
        ),
        found=tuple(_clean(note, names) for note in collection.found),
        differs=tuple(_clean(note, names) for note in collection.differs),
        missing=tuple(_clean(note, names) for note in collection.missing),
    )


def host_names(archive: Archive) -> tuple[str, ...]:
    """What the machine is called, as far as the artefacts say so."""
    names: set[str] = set()
    for path, data in archive.files.items():
        if path.endswith("proc/sys/kernel/hostname"):
            names.add(data.decode("utf-8", "replace").strip())
        elif match := _HOST.search(data[:4096].decode("utf-8", "replace")):
            names.add(match[1])
    names |= {name.partition(".")[0] for name in names}
    return tuple(sorted((name for name in names if len(name) > 2 and name.lower() not in _DULL), key=len, reverse=True))


def _clean(text: str, names: tuple[str, ...]) -> str:
    text = _SERIAL.sub(r"\1(redacted)", _MAC.sub("xx:xx:xx:xx:xx:xx", text))
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "HOST", text)
    return text
