"""The one module that opens files: read with limits, write all or nothing."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from planner.model.errors import InputError
from planner.model.span import MIB, format_size

MAX_BYTES = 16 * MIB
"""More than any inventory, table, listing or config is: a larger file was named by mistake."""


_read: set[Path] = set()  # what this process has read: a result must not replace it


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """All of `path` ("-" is standard input). InputError if missing, a folder, unreadable or above `limit`."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            if not stat.S_ISREG(path.stat().st_mode):
                what = "a folder" if path.is_dir() else "not a regular file"
                raise InputError(f"expected a file, but this is {what}", source=str(path))
            with path.open("rb") as file:
                data = file.read(limit + 1)
            _read.add(Path(os.path.realpath(path)))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=str(path)) from None
    if len(data) > limit:
        raise InputError(f"larger than {format_size(limit)}, which no such file is", source=str(path))
    return data


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """All of `path` as UTF-8 text. InputError as `read_bytes`, and for binary content with its position."""
    data = read_bytes(path, limit)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"expected text, but byte {error.start} ({data[error.start]:#04x}) is not UTF-8"
        raise InputError(message, source=str(path), line=line) from None
    if text.startswith("\ufeff"):
        raise InputError("starts with a byte order mark, which Xen and TOML refuse; save it without", source=str(path))
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("expected text, but this is binary (it has a NUL byte)", source=str(path), line=line)
    return text


def write_text(path: Path, text: str) -> Path | None:
    """Replace `path` in one step; as `write_texts` for one file."""
    return write_texts({path: text})[path]


def write_texts(files: Mapping[Path, str]) -> dict[Path, Path | None]:
    """Replace several files, all or none: every one is written beside its place before the first is moved there.

    Modes are kept, and a link's target is replaced, not the link. What stood in a file is kept beside it as
    `NAME.bak` (`NAME.bak.1` and so on: no backup is ever overwritten); the answer has that path, None where nothing
    stood there or it already had this content. A terminal or /dev/null is simply written to. InputError when one of
    them cannot be written.
    """
    backups: dict[Path, Path | None] = dict.fromkeys(files)
    staged: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, text in files.items():
            target = Path(os.path.realpath(path))
            if target.exists() and not target.is_file():
                _write_through(target, text)
                continue
            old = target.read_bytes() if target.exists() else None
            if old == text.encode():
                continue
            mode = target.stat().st_mode if old is not None else None
            if old is not None:
                backups[path] = backup = _free_backup(target, old)
                if not backup.exists():
                    staged.append((_stage(backup, old, mode), backup))
            staged.append((_stage(target, text.encode(), mode), target))
        while staged:
            temporary, path = staged[0]
            temporary.replace(path)
            del staged[0]
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(path)) from None
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                temporary.unlink()
    return backups


def write_result(path: Path, text: str) -> None:
    """Write a report or an inventory. InputError, and nothing written, where that would replace what it was made of."""
    if Path(os.path.realpath(path)) in _read:
        raise InputError("is one of the files that were read; name another for the result", source=str(path))
    write_text(path, text)


def path_from(folder: Path, path: str) -> str:
    """`path` as one in `folder` would write it: relative where it can be, with slashes."""
    here = Path(path)
    return Path(os.path.relpath(here.parent.resolve() / here.name, folder.resolve())).as_posix()


def make_folder(path: Path) -> None:
    """Create `path` and its parents where missing. InputError when that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made a folder: {error.strerror or error}", source=str(path)) from None


def list_folder(path: Path) -> list[Path]:
    """What is in the folder, by name. InputError when it cannot be read."""
    try:
        return sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=str(path)) from None


def samples_folder() -> Path:
    """The bundled sample sites: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "samples"
    return installed if installed.is_dir() else package.parent / "sample-hosts"


def _write_through(target: Path, text: str) -> None:
    if not stat.S_ISCHR(target.stat().st_mode):
        what = "a folder" if target.is_dir() else "neither a file nor a terminal"
        raise InputError(f"cannot be written: it is {what}", source=str(target))
    with target.open("w", encoding="utf-8") as device:
        device.write(text)


def _free_backup(target: Path, old: bytes) -> Path:
    """Where to keep `old`: the first name that is free, or that keeps the very same already."""
    for number in count():
        backup = target.with_name(f"{target.name}.bak" + (f".{number}" if number else ""))
        if not backup.exists() or (backup.is_file() and backup.read_bytes() == old):
            return backup
    raise AssertionError("count() does not end")


def _stage(target: Path, data: bytes, mode: int | None) -> Path:
    """A finished file beside `target`, ready to be moved there."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
