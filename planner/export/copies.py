"""A guest from one that is there: a copy, or the same under another name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from planner.export import xlcfg
from planner.formats.xlcfg import guest as guest_reader
from planner.model.guest import ConfigFile, Guest


def copy_of(guest: Guest, name: str) -> Guest:
    """A guest called `name` with every setting of `guest` but its devices, which have one owner; no file holds it yet.

    InputError where the config cannot be edited so.
    """
    text = xlcfg.render(replace(guest, name=name, pci=()))
    found = guest_reader.read(text, _path_for(guest, name))
    return replace(found, file=replace(found.file, on_disk=False) if found.file is not None else None)


def renamed(guest: Guest, name: str) -> Guest:
    """The guest under another name, in its file; one that no file holds yet goes to a file of the new name."""
    file: ConfigFile | None = guest.file
    if file is not None and not file.on_disk:
        file = replace(file, path=_path_for(guest, name))
    return replace(guest, name=name, file=file)


def _path_for(guest: Guest, name: str) -> str:
    folder = PurePath(guest.file.path).parent if guest.file is not None else PurePath()
    return str(folder / xlcfg.file_name(replace(guest, name=name, file=None)))
