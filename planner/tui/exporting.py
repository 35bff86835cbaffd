"""From a plan to xl.cfg files. Checks all of them before it writes one."""

from __future__ import annotations

from collections.abc import Sequence
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
    """A file that was written; `backup` is what stood there before, None where nothing did or nothing changed.

    `own`: in the guest's own place, or the first file that it has; not a copy in another folder.
    """

    guest: str
    path: Path
    backup: Path | None
    text: str
    own: bool


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

    def on_disk(self, guest: Guest) -> str | None:
        """The text of the guest's file as it is now; None without one. InputError where it cannot be read."""
        if guest.file is None or not guest.file.on_disk or not Path(guest.file.path).exists():
            return None
        return storage.read_text(Path(guest.file.path))

    def write(self, shipment: Shipment, guests: Sequence[Guest], folder: Path) -> list[Written]:
        """Write the guests' files, as `shipment` has them, to `folder`.

        InputError, and nothing written, when a file changed since it was read, two guests would go to one file, or a
        guest cannot be rendered or written.
        """
        files: dict[Path, tuple[Guest, str]] = {}
        for guest in guests:
            path = (folder / xlcfg.file_name(guest)).absolute()
            if path in files:
                raise InputError(f"{files[path][0].name} and {guest.name} would both be written to {path}")
            self._check_unchanged(guest)
            files[path] = (guest, shipment.text(guest.name))
        storage.make_folder(folder)
        backups = storage.write_texts({path: text for path, (_, text) in files.items()})
        self._written |= {path: text for path, (_, text) in files.items()}
        return [
            Written(guest.name, path, backups[path], text, _is_own(guest, path))
            for path, (guest, text) in files.items()
        ]

    def _check_unchanged(self, guest: Guest) -> None:
        known = self.before(guest)
        if guest.file is None or known is None or guest.file.path == "-":
            return
        path = Path(guest.file.path)
        if path.exists() and storage.read_text(path) != known:
            raise InputError(
                "changed on disk since it was read; nothing was written. L reads it again, as a step to undo",
                source=str(path),
            )


def _is_own(guest: Guest, path: Path) -> bool:
    file = guest.file
    return file is None or not file.on_disk or Path(file.path).absolute() == path
