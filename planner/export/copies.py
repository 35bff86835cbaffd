"""A new guest from one that is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

from planner.export import xlcfg
from planner.formats.xlcfg import guest as guest_reader
from planner.model.guest import Guest


def copy_of(guest: Guest, name: str) -> Guest:
    """A guest called `name` with every setting of `guest` but its devices, which have one owner; no file holds it yet.

    InputError where the config cannot be edited so.
    """
    text = xlcfg.render(replace(guest, name=name, pci=()))
    path = (
        PurePath(guest.file.path).parent / xlcfg.file_name(replace(guest, name=name, file=None)) if guest.file else None
    )
    found = guest_reader.read(text, str(path) if path is not None else f"{name}.cfg")
    return replace(found, file=replace(found.file, on_disk=False) if found.file is not None else None)
