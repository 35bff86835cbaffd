"""The app's files besides exports: saved plans, what is opened, the recovery copy, and what changed on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from planner.pci.present import check_devices
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

    `load_copy` reads recovery copies, as far as they can be read. `told` is what reading files brought up, until
    somebody was shown it. `judge` knows what the project decided to live with. A session on another plan has another
    one of these.
    """

    folder: Path
    load: Load | None = None
    load_copy: Load | None = None
    state: State | None = None
    plan_file: Path | None = None
    told: list[str] = field(default_factory=list)
    judge: Callable[[Report], Report] = as_told
    plan_text: str | None = field(default=None, init=False)
    opened_in: Path | None = None
    _host_text: str | None = field(default=None, init=False)
    _seen: dict[Path, tuple[storage.Stamp | None, str]] = field(default_factory=dict, init=False)
    _said: dict[Path, str] = field(default_factory=dict, init=False)
    _kept_as: str | None = field(default=None, init=False)
    _recovered: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.plan_file is not None:
            with contextlib.suppress(InputError):
                self.plan_text = storage.read_text(self.plan_file)

    @cached_property
    def exporter(self) -> Exporter:
        """What writes xl.cfg files; made when first needed."""
        from planner.tui.exporting import Exporter

        return Exporter()

    # Recovery copies

    @property
    def keeps(self) -> bool:
        """Whether there is a place for recovery copies."""
        return self.state is not None

    def keep(self, snapshot: Snapshot) -> str:
        """Write the recovery copy, or take it away where nothing is unsaved; why it cannot be written, else "".

        Edits that were recovered and undone are kept too, until something is saved.
        """
        if self.state is None:
            return ""
        if not snapshot.dirty and self._recovered is None:
            self.forget()
            return ""
        self._kept_as = _identity(snapshot.plan)
        try:
            self.state.keep(self._kept_as, self._copy(snapshot.plan) if snapshot.dirty else self._recovered or "")
        except InputError as error:
            return str(error)
        return ""

    def _copy(self, plan: Plan) -> str:
        from msgspec.structs import replace as changed

        from planner.formats import plan_toml

        saved = plan_toml.save(self.exporter.as_known(plan), _absolute)
        if self.plan_file is not None and self.plan_text is not None:
            kept_for = plan_toml.KeptFor(_absolute(str(self.plan_file)), plan_toml.digest(self.plan_text))
            saved = changed(saved, kept_for=kept_for)
        return plan_toml.render(saved)

    def forget(self) -> None:
        """The recovery copy is no longer needed."""
        self._recovered = None
        if self.state is not None and self._kept_as is not None:
            self.state.forget(self._kept_as)

    def left_behind(self, plan: Plan) -> list[Path]:
        """The recovery copies that sessions on this host left behind when they were cut off, the newest first."""
        return self.state.left_behind(_identity(plan)) if self.state is not None else []

    def others_run(self, plan: Plan) -> bool:
        """Whether other sessions on this host are there, or not yet gone."""
        return self.state is not None and self.state.others_run(_identity(plan))

    def kept_at(self, path: Path) -> str:
        """When a recovery copy was written, in local time."""
        changed = storage.stamp(path)
        when = datetime.fromtimestamp(changed[0] / 1e9).astimezone() if changed is not None else None
        return when.strftime("%Y-%m-%d at %H:%M") if when is not None else "a day that is not known"

    def read_copy(self, path: Path, now: Plan) -> Plan:
        """The plan in a recovery copy, its files called as in the plan of `now`. InputError where there is none."""
        if self.load_copy is None:
            raise InputError("no copy can be opened here", source=str(path))
        kept = self.load_copy(str(path), self.told.append)
        names = {_absolute(one.file.path): one.file.path for one in now.guests if one.file is not None}
        return replace(kept, guests=tuple(_in_file(guest, names) for guest in kept.guests))

    def take_up(self, path: Path) -> None:
        """Go on with a recovery copy, and with the saved plan that its session had open. InputError without one."""
        from planner.formats import plan_toml

        self._recovered = storage.read_text(path)
        kept_for = plan_toml.parse(self._recovered).kept_for
        if kept_for is None:
            return
        self.plan_file, self.plan_text = Path(kept_for.file), ""
        with contextlib.suppress(InputError):
            text = storage.read_text(self.plan_file)
            if plan_toml.digest(text) == kept_for.digest:
                self.plan_text = text

    def discard(self, path: Path) -> None:
        """Throw a recovery copy away."""
        storage.remove(path)

    # Saved plans

    @property
    def plan_name(self) -> str:
        """What the plan's file is called; "" without one."""
        return self.plan_file.name if self.plan_file is not None else ""

    def no_plan_goes_there(self, path: Path) -> str | None:
        """Why no plan can be saved at `path`; None where one can be tried."""
        from planner.formats import plan_toml

        if path.suffix != ".toml":
            return "a saved plan is a .toml file"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        if path.exists():
            try:
                plan_toml.parse(storage.read_text(path))
            except InputError:
                return f"{path} is something else than a saved plan: choose another name"
        return None

    @property
    def plan_changed(self) -> bool:
        """Whether the saved plan's file holds something else than what was read or written last."""
        if self.plan_file is None or self.plan_text is None:
            return False
        return bool(_difference(self.plan_file, storage.stamp(self.plan_file), self.plan_text))

    def save(self, plan: Plan, path: Path, *, over: bool = False) -> tuple[Path | None, list[str]]:
        """Write the plan: the backup of what stood there, if anything did, and the guests whose files are gone.

        Those are kept in the plan. InputError where it cannot be written, or replaces what somebody else wrote: unless
        `over`.
        """
        from planner.formats import plan_toml

        if not (over and path == self.plan_file) and (why := self.no_plan_goes_there(path)) is not None:
            raise InputError(why)
        kept, lost = _with_lost_texts(pinned(self.exporter.as_known(plan)))
        text = plan_toml.render(plan_toml.save(kept, lambda name: storage.path_from(path.parent, name)))
        is_known = self.plan_text is not None and path == self.plan_file and not over
        backup = storage.write_texts({path: text}, {path: self.plan_text or ""} if is_known else {})[path]
        self.plan_file, self.plan_text = path, text
        self.forget()
        return backup, lost

    # Opening

    def open(self, text: str, plan: Plan, *, guests_only: bool = False) -> Plan | tuple[Guest, ...]:
        """What is named: guests to add to `plan`, or a whole plan. InputError where it cannot be read.

        Guests are one xl.cfg, several, a pattern such as `more/*.cfg`, or a folder with nothing else in it.
        """
        from planner.tui import opening

        paths = opening.named(text)
        if all(map(opening.is_config, paths)):
            return opening.guests(paths, plan)
        if guests_only or len(paths) > 1:
            other = next(path for path in paths if not opening.is_config(path))
            raise InputError("expected the xl.cfg of a guest, and this is something else", source=str(other))
        if self.load is None:
            raise InputError("only a guest's .cfg can be opened here", source=text)
        return self.load(str(paths[0]), self.told.append)

    def read_again(self, guest: Guest, plan: Plan) -> Guest:
        """The guest as its file has it now. InputError where there is none, or it cannot be read."""
        if guest.file is None or not guest.file.on_disk:
            raise InputError(f"{guest.name} has no file yet")
        path = Path(guest.file.path)
        found = guest_reader.read(storage.read_text(path), guest.file.path)
        check_devices(plan.host, found, plan.host_file)
        self.exporter.read(found)
        return found

    # What others do

    def look(self, plan: Plan) -> tuple[dict[str, str], dict[str, str]]:
        """What happened to files since they were read or written: "changed", "gone" or "unreadable".

        First guests' files, by guest; then the saved plan's and the inventory's, by their names. Opens a file only when
        its stamp, or what it should hold, is another than last time.
        """
        found: dict[str, str] = {}
        for guest in plan.guests:
            known = self.exporter.before(guest)
            if guest.file is None or not guest.file.on_disk or known is None:
                continue
            if word := self._word(Path(guest.file.path), known):
                found[guest.name] = word
        others: dict[str, str] = {}
        if self.plan_file is not None and self.plan_text is not None:
            others[self.plan_file.name] = self._word(self.plan_file, self.plan_text)
        host_file = Path(plan.host_file)
        if self._host_text is None and host_file.suffix == ".toml":
            with contextlib.suppress(InputError):
                self._host_text = storage.read_text(host_file)
        if self._host_text is not None:
            others[host_file.name] = self._word(host_file, self._host_text)
        return found, {name: word for name, word in others.items() if word}

    def _word(self, path: Path, known: str) -> str:
        stamp = storage.stamp(path)
        if self._seen.get(path) != (stamp, known) or path in self._said:
            self._seen[path] = (stamp, known)
            self._said.pop(path, None)
            if word := _difference(path, stamp, known):
                self._said[path] = word
        return self._said.get(path, "")


def _in_file(guest: Guest, names: Mapping[str, str]) -> Guest:
    if guest.file is None or guest.file.path not in names:
        return guest
    return replace(guest, file=replace(guest.file, path=names[guest.file.path]))


def _with_lost_texts(plan: Plan) -> tuple[Plan, list[str]]:
    """The plan with the text, in place of the path, of each guest whose file is gone; and who those are."""
    lost = [
        guest.name
        for guest in plan.guests
        if guest.file is not None and guest.file.on_disk and storage.stamp(Path(guest.file.path)) is None
    ]
    guests = tuple(
        replace(one, file=replace(one.file, on_disk=False)) if one.name in lost and one.file is not None else one
        for one in plan.guests
    )
    return replace(plan, guests=guests), lost


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
