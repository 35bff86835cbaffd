"""What the app keeps between sessions: the chosen theme, whether the tour was seen, recovery copies. Never a must."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from planner import storage
from planner.model.errors import InputError

_ENDING = ".plan.toml"


@dataclass
class State:
    """A folder of ours under the user's XDG state folder. A folder that cannot be written is no reason to stop."""

    folder: Path
    _values: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with contextlib.suppress(InputError, tomllib.TOMLDecodeError):
            if self._file.exists():
                self._values = tomllib.loads(storage.read_text(self._file))

    @property
    def _file(self) -> Path:
        return self.folder / "state.toml"

    @property
    def theme(self) -> str | None:
        """The theme chosen last."""
        theme = self._values.get("theme")
        return theme if isinstance(theme, str) else None

    @property
    def tour_seen(self) -> bool:
        """Whether the tour was shown once."""
        return self._values.get("tour_seen") is True

    def remember(self, key: str, value: str | bool) -> None:
        """Keep a value. InputError where that cannot be: until the end it is remembered all the same."""
        if self._values.get(key) == value:
            return
        self._values[key] = value
        import tomli_w

        storage.make_folder(self.folder)
        storage.write_unkept(self._file, tomli_w.dumps(self._values))

    def keep(self, identity: str, text: str) -> None:
        """Write this session's recovery copy. InputError where that cannot be."""
        storage.make_folder(self._copies)
        storage.write_unkept(self._copy(identity), text)

    def forget(self, identity: str) -> None:
        """Take this session's recovery copy away."""
        storage.remove(self._copy(identity))

    def left_behind(self, identity: str) -> list[Path]:
        """The copies of sessions on that host whose processes are gone, the newest first."""
        found = [path for path in self._found(identity) if not storage.is_running(_process(path))]
        return sorted(found, key=lambda path: storage.stamp(path) or (0, 0, 0), reverse=True)

    def others_run(self, identity: str) -> bool:
        """Whether other sessions on that host, which run still, have unsaved edits."""
        own = self._copy(identity)
        return any(path != own and storage.is_running(_process(path)) for path in self._found(identity))

    def copied(self, text: str) -> Path | None:
        """Keep what was copied, for terminals that have no clipboard; None where that cannot be."""
        path = self.folder / "copied.txt"
        try:
            storage.make_folder(self.folder)
            storage.write_unkept(path, text)
        except InputError:
            return None
        return path

    @property
    def _copies(self) -> Path:
        return self.folder / "recovery"

    def _copy(self, identity: str) -> Path:
        return self._copies / f"{_digest(identity)}-{storage.process_name(os.getpid())}{_ENDING}"

    def _found(self, identity: str) -> list[Path]:
        try:
            paths = storage.list_folder(self._copies) if self._copies.is_dir() else []
        except InputError:
            return []
        return [path for path in paths if path.name.endswith(_ENDING) and path.name.startswith(_digest(identity))]


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _process(path: Path) -> str:
    return path.name.removesuffix(_ENDING).rpartition("-")[2]
