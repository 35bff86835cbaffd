"""What was typed to be opened: which files it names, and which of them are guests."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from planner import storage
from planner.formats.xlcfg import guest as guest_reader
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.pci.present import check_devices

_ARCHIVES = (".tar", ".tar.gz", ".tgz")


def named(text: str) -> list[Path]:
    """The files: one path, several in words as a shell has them, what a pattern matches, or a folder's configs.

    InputError where there is none. A folder stands for its configs where it holds nothing else.
    """
    whole = Path(text).expanduser()
    if whole.is_dir() and storage.holds_configs_alone(whole):
        return storage.list_folder(whole)
    if whole.exists() or text == "live":
        return [whole]
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    found: list[Path] = []
    for word in words or [text]:
        path = Path(word).expanduser()
        matching = [path] if path.exists() else storage.matching(str(path))
        if not matching:
            raise InputError(f"there is no {path}")
        found += matching
    return found


def is_config(path: Path) -> bool:
    """Whether the file is an xl.cfg: what is neither TOML of ours nor an archive."""
    if not path.is_file() or path.suffix == ".toml" or path.name.endswith(_ARCHIVES):
        return False
    try:
        return re.search(r"^schema_version *=", storage.read_text(path), re.MULTILINE) is None
    except InputError:
        return True  # reading it as one says why it is none


def guests(paths: Iterable[Path], plan: Plan) -> tuple[Guest, ...]:
    """The guests in these configs, to join the plan. InputError for a name that is taken or an unknown device."""
    found: dict[str, Guest] = {}
    for path in paths:
        guest = guest_reader.read(storage.read_text(path), str(path))
        if guest.name in found or plan.guest(guest.name) is not None:
            raise InputError(f"there is a guest {guest.name} already", source=str(path))
        check_devices(plan.host, guest, plan.host_file)
        found[guest.name] = guest
    return tuple(found.values())
