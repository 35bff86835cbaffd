"""The one module that opens files: read with limits, write all or nothing."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from planner.model.errors import InputError
from planner.model.span import MIB, format_size

MAX_BYTES = 16 * MIB
"""More than any inventory, table, listing or config is: a larger file was named by mistake."""


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
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("expected text, but this is binary (it has a NUL byte)", source=str(path), line=line)
    return text


def write_text(path: Path, text: str) -> Path | None:
    """Replace `path` in one step, keeping its mode; a link's target is replaced, not the link.

    What stood there is kept beside it as `NAME.bak`; returns that path, or None where nothing stood there or it
    already had this content. InputError when the folder cannot be written; the old file is then untouched.
    """
    target = Path(os.path.realpath(path))
    try:
        old = target.read_bytes() if target.exists() else None
        if old == text.encode():
            return None
        backup = target.with_name(target.name + ".bak") if old is not None else None
        if backup is not None and old is not None:
            _replace(backup, old, target.stat().st_mode)
        _replace(target, text.encode(), target.stat().st_mode if old is not None else None)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(path)) from None
    return backup


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


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(stat.S_IMODE(mode) if mode is not None else 0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
