"""Inventories from anywhere: artefacts in a folder or a tar, or the machine itself.

`gather` and `live` fetch files, `recognise` finds out what they say, `merge` and `in_use` make one host of it. Only
the first two touch the machine.
"""

from __future__ import annotations

from pathlib import Path

from planner.collect import gather, live
from planner.collect.merge import Collection, merge
from planner.collect.recognise import recognise
from planner.collect.redact import redact
from planner.formats import values
from planner.formats.archive import Archive
from planner.formats.text import clean
from planner.model.errors import InputError
from planner.model.host import Host

__all__ = ["SCRIPT", "Collection", "collect", "collect_live"]

SCRIPT = Path(__file__).with_name("gather.sh")
"""Packs the artefacts of a host into a tar, with what every system has."""


def collect(path: Path, *, private: bool = False) -> Collection:
    """The inventory that the artefacts at `path` make: a folder, or a tar of one (.tar or .tar.gz).

    Artefacts are known by what is in them, never by their name. What is too large, unreadable or leads out of the
    folder is left alone and noted. `private` keeps what `redact` takes out. InputError when a table or listing is
    broken (it names the file), when two tables contradict each other, or when there is no artefact at all.
    """
    if path.is_dir():
        return _collection(gather.from_folder(path), str(path), clean(path.resolve().name), private=private)
    name = path.name.removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
    return _collection(gather.from_tar(path), str(path), clean(name), private=private)


def collect_live(*, private: bool = False) -> Collection:
    """The inventory of the machine this runs on, as far as this user may read it. InputError without PCI functions."""
    return _collection(live.archive(), "live", "", private=private)


def _collection(archive: Archive, source: str, name: str, *, private: bool) -> Collection:
    try:
        collection = merge(recognise(archive), archive, name)
        values.read(Host, values.plain(collection.host))  # what an artefact claims may be no value at all
    except InputError as error:
        inside = error.source
        raise InputError(
            error.message,
            source=source if inside is None else f"{source.rstrip('/')}/{inside}",
            line=error.line,
            column=error.column,
        ) from None
    return collection if private else redact(collection, archive)
