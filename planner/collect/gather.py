"""Artefacts from a folder or a tar, in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from planner.collect.words import listed
from planner.formats.archive import MAX_BYTES, MAX_MEMBERS, Archive, is_tar, read_tar
from planner.formats.text import clean
from planner.model.errors import InputError
from planner.model.span import format_size
from planner.storage import list_folder, read_bytes

MAX_DEPTH = 16
"""Folders within folders; sysfs has a level for every bridge on the way to a device."""


def from_tar(path: Path) -> Archive:
    """The members of the tar at `path`. InputError when it is none, or damaged."""
    data = read_bytes(path, MAX_BYTES)
    if not is_tar(data):
        raise InputError("expected a folder of artefacts, or a tar of one (.tar or .tar.gz)", source=str(path))
    try:
        return read_tar(data)
    except InputError as error:
        raise error.within(str(path)) from None


def from_folder(folder: Path) -> Archive:
    """The files below `folder`, in the order of their names; hidden ones are passed over.

    Links to files are followed inside the folder only; links to folders are kept as text, as sysfs has them. InputError
    when the folder cannot be listed, or holds more than one machine's artefacts.
    """
    archive = Archive()
    total = 0
    files = 0
    outside: list[str] = []
    for path in _walk(folder, folder.resolve(), folder, archive, outside):
        files += 1
        if files > MAX_MEMBERS:
            raise InputError(
                f"holds more than {MAX_MEMBERS} files: expected a folder with one machine's artefacts",
                source=str(folder),
            )
        label = _label(path, folder)
        try:
            # An empty file has nothing to say, and some of /proc that claim to be empty never stop.
            data = read_bytes(path) if path.stat().st_size else b""
        except InputError as error:
            archive.notes.append(f"{label} was left alone: {error.message}.")
            continue
        except OSError as error:
            archive.notes.append(f"{label} was left alone: {error.strerror or error}.")
            continue
        total += len(data)
        if total > MAX_BYTES:
            raise InputError(
                f"holds more than {format_size(MAX_BYTES)}: expected a folder with one machine's artefacts",
                source=str(folder),
            )
        archive.add(label, data)
    if outside:
        leads = "leads" if len(outside) == 1 else "lead"
        was = "was" if len(outside) == 1 else "were"
        archive.notes.append(f"{listed(outside)} {leads} out of the folder and {was} left alone.")
    return archive


def _walk(folder: Path, root: Path, base: Path, archive: Archive, outside: list[str]) -> Iterator[Path]:
    for path in list_folder(folder):
        if path.name.startswith("."):
            continue
        label = _label(path, base)
        if _is_link(path) and (_is_folder(path) or not _inside(path, root)):
            archive.links[label] = _target(path)
            if path.exists() and not _inside(path, root):
                outside.append(label)
        elif not _is_folder(path):
            yield path
        elif len(path.relative_to(base).parts) < MAX_DEPTH:
            try:
                list_folder(path)
            except InputError as error:
                archive.notes.append(f"{label} was left alone: {error.message}.")
            else:
                yield from _walk(path, root, base, archive, outside)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # in a folder that may be listed but not entered; reading will say so
        return False


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def _label(path: Path, folder: Path) -> str:
    return clean(os.fspath(path.relative_to(folder)).replace(os.sep, "/"))
