"""From a plan to xl.cfg files. Checks all of them before it writes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from planner import storage
from planner.export import xlcfg
from planner.export.shipping import Shipment
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Written:
    """A file that says what is planned; `backup` is what stood there, None where nothing did or nothing changed.

    `own`: in the guest's own place, or the first file that it has; not a copy in another folder. `already`: the file
    said just that before, and was not touched.
    """

    guest: str
    path: Path
    backup: Path | None
    text: str
    own: bool
    already: bool


@dataclass
class Exporter:
    """Writes guests, and remembers what it wrote: that is what these files hold then, not what was read."""

    _written: dict[Path, str] = field(default_factory=dict)

    def before(self, guest: Guest) -> str | None:
        """The text of the guest's file as we know it; None for a guest that no file holds yet."""
        if guest.file is None:
            return None
        read = guest.file.text if guest.file.on_disk else None
        return self._written.get(Path(guest.file.path).absolute(), read)

    def now(self, guest: Guest) -> str:
        """The text of the guest's file as it is now. InputError where it cannot be read."""
        return storage.read_text(place(guest, Path()))

    def read(self, guest: Guest) -> None:
        """The guest was read anew: its file holds what it says, and for no other state of the plan what we wrote."""
        if guest.file is not None:
            self._written.pop(Path(guest.file.path).absolute(), None)

    def as_known(self, plan: Plan) -> Plan:
        """The plan, its guests' files with the texts that we know them to hold."""
        return replace(plan, guests=tuple(map(self._as_known, plan.guests)))

    def _as_known(self, guest: Guest) -> Guest:
        text = self.before(guest)
        if guest.file is None or text is None or text == guest.file.text:
            return guest
        return replace(guest, file=replace(guest.file, text=text, on_disk=True))

    def write(self, shipment: Shipment, places: Mapping[Path, Guest]) -> list[Written]:
        """Write the guests to these files, as `shipment` has them; those that say so already are left alone.

        InputError, and nothing written, when a guest's own file changed since it was read, or a guest cannot be
        rendered or written.
        """
        texts = {path.absolute(): shipment.text(guest.name) for path, guest in places.items()}
        already = {path for path, text in texts.items() if _holds(path, text)}
        known = {Path(guest.file.path): self.before(guest) for guest in shipment.planned.plan.guests if guest.file}
        for path in texts:
            storage.make_folder(path.parent)
        backups = storage.write_texts(
            {path: text for path, text in texts.items() if path not in already},
            {path.absolute(): text for path, text in known.items() if text is not None},
        )
        self._written |= texts
        return [
            Written(guest.name, path, backups.get(full), text, is_own(guest, path), full in already)
            for (path, guest), (full, text) in zip(places.items(), texts.items(), strict=True)
        ]


def places(guests: Iterable[Guest], folder: Path | None, home: Path, plan: Plan) -> dict[Path, Guest]:
    """Where each guest goes: to `folder`, or without one to its own place (`place`).

    InputError where two would go to one file, or one to the file of another guest of the plan.
    """
    owners = {place(guest, home).absolute(): guest.name for guest in reversed(plan.guests)}
    found: dict[Path, Guest] = {}
    for guest in guests:
        path = folder / xlcfg.file_name(guest) if folder is not None else place(guest, home)
        other = found[path].name if path in found else owners.get(path.absolute(), guest.name)
        if other != guest.name:
            raise InputError(
                f"{other} and {guest.name} would both be written to {path}: leave the folder empty if each has a file "
                "of its own, export them one by one to different folders, or rename a guest that has no file yet"
            )
        found[path] = guest
    return found


def place(guest: Guest, home: Path) -> Path:
    """The guest's own place: its file; in `home` where no file holds it yet, or that file is a sample's."""
    file = guest.file
    if file is None or file.path == "-" or (not file.on_disk and Path(file.path).parent == Path()):
        return home / xlcfg.file_name(guest)
    path = Path(file.path)
    return home / path.name if path.absolute().is_relative_to(storage.samples_folder()) else path


def is_own(guest: Guest, path: Path) -> bool:
    """Whether that is the guest's file, or becomes it: no copy of it."""
    file = guest.file
    return file is None or not file.on_disk or Path(file.path).absolute() == path.absolute()


def _holds(path: Path, text: str) -> bool:
    try:
        return storage.read_text(path) == text
    except InputError:
        return False


def told(written: Sequence[Written]) -> str:
    """What came of an export, in one line."""
    new = [one for one in written if not one.already]
    if not new:
        return f"nothing to write: {', '.join(one.path.name for one in written)} already so"
    names = ", ".join(one.guest for one in new)
    if any(one.own for one in new):
        return f"exported {names}"
    if len(new) == 1:
        return f"exported a copy of {names}: {new[0].path}"
    return f"exported copies of {names} to {new[0].path.parent}"
