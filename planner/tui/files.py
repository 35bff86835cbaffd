"""The app's files besides exports: saved plans, what is opened, the recovery copy, and what changed on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from planner import storage
from planner.formats.xlcfg import guest as guest_reader
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.pci.identity import pinned
from planner.policy.evaluate import Report
from planner.policy.suppress import as_told
from planner.session import Snapshot
from planner.tui.state import State

if TYPE_CHECKING:
    from planner.tui.exporting import Exporter

Load = Callable[[str, Callable[[str], None]], Plan]
"""Reads what a path names (a site, an inventory, a saved plan), and tells what there is to know about it. InputError
where it cannot.
"""


@dataclass
class Files:
    """`folder` is where exports go unless said; `plan_file` the saved plan, once there is one; `load` opens others.

    `told` is what reading them brought up, until somebody was shown it. `judge` knows what the project decided to live
    with.
    """

    folder: Path
    load: Load | None = None
    state: State | None = None
    plan_file: Path | None = None
    told: list[str] = field(default_factory=list)
    judge: Callable[[Report], Report] = as_told
    plan_text: str | None = field(default=None, init=False)
    _seen: dict[Path, tuple[storage.Stamp | None, str]] = field(default_factory=dict)
    _said: dict[Path, str] = field(default_factory=dict)

    @cached_property
    def exporter(self) -> Exporter:
        """What writes xl.cfg files; made when first needed."""
        from planner.tui.exporting import Exporter

        return Exporter()

    @property
    def keeps(self) -> bool:
        """Whether there is a place for recovery copies."""
        return self.state is not None

    def keep(self, snapshot: Snapshot) -> None:
        """Write the recovery copy, or take it away where nothing is unsaved."""
        if self.state is None:
            return
        if not snapshot.dirty:
            self.forget()
            return
        from planner.formats import plan_toml

        text = plan_toml.render(plan_toml.save(self.exporter.as_known(snapshot.plan), _absolute))
        self.state.keep(_identity(snapshot.plan), text)

    def forget(self) -> None:
        """The recovery copy is no longer needed."""
        if self.state is not None:
            self.state.forget()

    def left_behind(self, plan: Plan) -> list[Path]:
        """The recovery copies that sessions on this host left behind when they were cut off, the newest first."""
        return self.state.left_behind(_identity(plan)) if self.state is not None else []

    def kept_at(self, path: Path) -> str:
        """When a recovery copy was written, in local time."""
        changed = storage.stamp(path)
        when = datetime.fromtimestamp(changed[0] / 1e9).astimezone() if changed is not None else None
        return when.strftime("%Y-%m-%d at %H:%M") if when is not None else "a day that is not known"

    def read_copy(self, path: Path) -> Plan:
        """The plan in a recovery copy. InputError where it cannot be read any more."""
        if self.load is None:
            raise InputError("no copy can be opened here", source=str(path))
        return self.load(str(path), self.told.append)

    @property
    def plan_name(self) -> str:
        """What the plan's file is called; "" without one."""
        return self.plan_file.name if self.plan_file is not None else ""

    def discard(self, path: Path) -> None:
        """Throw a recovery copy away."""
        storage.remove(path)

    def __post_init__(self) -> None:
        self.go_on_with(self.plan_file)

    def go_on_with(self, plan_file: Path | None) -> None:
        """From now on the plan is saved there, and compared with what stands there now."""
        self.plan_file, self.plan_text = plan_file, None
        if plan_file is not None:
            with contextlib.suppress(InputError):
                self.plan_text = storage.read_text(plan_file)

    def save(self, plan: Plan, path: Path) -> Path | None:
        """Write the plan; the backup of what stood there, if anything did. InputError where it cannot be written."""
        from planner.formats import plan_toml

        if path.suffix != ".toml":
            raise InputError("a saved plan is a .toml file", source=str(path))
        if path.exists():
            try:
                plan_toml.parse(storage.read_text(path))
            except InputError:
                raise InputError("is there already, and no saved plan: name another", source=str(path)) from None
        storage.make_folder(path.parent)
        kept = pinned(self.exporter.as_known(plan))
        text = plan_toml.render(plan_toml.save(kept, lambda name: storage.path_from(path.parent, name)))
        known = {path: self.plan_text} if self.plan_text is not None and path == self.plan_file else {}
        backup = storage.write_texts({path: text}, known)[path]
        self.plan_file, self.plan_text = path, text
        self.forget()
        return backup

    def open(self, text: str) -> Plan | Guest:
        """What the path names: a guest to add, or a whole plan. InputError where it cannot be read."""
        path = Path(text).expanduser()
        if path.suffix == ".cfg" or (path.is_file() and path.suffix != ".toml"):
            return guest_reader.read(storage.read_text(path), str(path))
        if self.load is None:
            raise InputError("only a guest's .cfg can be opened here", source=text)
        return self.load(str(path), self.told.append)

    def read_again(self, guest: Guest) -> Guest:
        """The guest as its file has it now. InputError where there is none, or it cannot be read."""
        if guest.file is None or not guest.file.on_disk:
            raise InputError(f"{guest.name} has no file yet")
        path = Path(guest.file.path)
        found = guest_reader.read(storage.read_text(path), guest.file.path)
        self.exporter.read(found)
        return found

    def look(self, guests: Iterable[Guest]) -> dict[str, str]:
        """What happened to guests' files since they were read or written: "changed" or "gone", by guest.

        Opens a file only when its stamp, or what it should hold, is another than last time.
        """
        found: dict[str, str] = {}
        for guest in guests:
            known = self.exporter.before(guest)
            if guest.file is None or not guest.file.on_disk or known is None:
                continue
            path = Path(guest.file.path)
            stamp = storage.stamp(path)
            if self._seen.get(path) != (stamp, known) or path in self._said:
                self._seen[path] = (stamp, known)
                self._said.pop(path, None)
                if word := _difference(path, stamp, known):
                    self._said[path] = word
            if path in self._said:
                found[guest.name] = self._said[path]
        return found


def _difference(path: Path, stamp: storage.Stamp | None, known: str) -> str:
    if stamp is None:
        return "gone"
    try:
        return "" if storage.read_text(path) == known else "changed"
    except InputError:
        return "unreadable"


def _absolute(name: str) -> str:
    return str(Path(name).absolute())


def _identity(plan: Plan) -> str:
    return str(Path(plan.host_file).absolute())


@cache
def is_sample(host_file: str) -> bool:
    """Whether the inventory is one of those that come with the program."""
    return Path(host_file).is_relative_to(storage.samples_folder())
