"""The one module that opens files: read with limits, write all or nothing."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from planner.model.errors import InputError
from planner.model.span import MIB, format_size

MAX_BYTES = 16 * MIB
_PCI_IDS = tuple(
    Path(name) for name in ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids", "/var/lib/pciutils/pci.ids")
)
"""More than any inventory, table, listing or config is: a larger file was named by mistake."""


_read: set[str] = set()  # what this process has read: a result must not replace it


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
            _read.add(str(path))
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


def write_texts(
    files: Mapping[Path, str], expected: Mapping[Path, str] | None = None, *, now: datetime | None = None
) -> dict[Path, Path | None]:
    """Replace several files, all or none: every one is finished beside its place before the first is moved there.

    Mode, owner and extended attributes are kept, and a link's target is replaced, not the link. What stood in a file
    is kept beside it as `NAME.2026-11-22T21-40-05.bak` (local time; no backup is ever overwritten, and one with the
    same content is not made again); the answer has that path, None where nothing stood there or it already had this
    content. A terminal or /dev/null is simply written to. `expected` is what files held when they were read.
    InputError, and nothing changed, when one of them holds something else now or cannot be written.
    """
    known = {Path(os.path.realpath(path)): text.encode() for path, text in (expected or {}).items()}
    stamp = (now or datetime.now().astimezone()).strftime("%Y-%m-%dT%H-%M-%S")
    batch = _Batch(known, stamp)
    try:
        backups = {path: batch.add(path, text) for path, text in files.items()}
        batch.move()
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(batch.at)) from None
    finally:
        batch.clean()
    return backups


@dataclass(frozen=True, slots=True)
class _Staged:
    """A finished file beside its place; `old` is what stands there, None where nothing does."""

    temporary: Path
    target: Path
    old: bytes | None = None


class _Batch:
    """Files on their way: all are finished first, then all are moved; a move that fails takes back those before it."""

    def __init__(self, known: Mapping[Path, bytes], stamp: str) -> None:
        self._known, self._stamp = known, stamp
        self._staged: list[_Staged] = []
        self.at = Path()

    def add(self, path: Path, text: str) -> Path | None:
        """Finish `path` beside its place, and the backup of what stands there, whose path is the answer."""
        self.at = path
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            _write_through(target, text)
            return None
        old = _content(target)
        if old is not None and target in self._known:
            _check_unchanged(target, old, self._known[target])
        if old == text.encode():
            return None
        backup = _free_backup(target, old, self._stamp) if old is not None else None
        if backup is not None and old is not None and not backup.exists():
            self._staged.append(_Staged(_stage(backup, old, target), backup))
        self._staged.append(_Staged(_stage(target, text.encode(), target), target, old))
        return backup

    def move(self) -> None:
        """Move all into their places."""
        for one in self._staged:
            _check_unchanged(one.target, _content(one.target), one.old)
        moved: list[_Staged] = []
        try:
            while self._staged:
                self.at = self._staged[0].target
                self._staged[0].temporary.replace(self.at)
                moved.append(self._staged.pop(0))
        except OSError:
            for one in reversed(moved):
                _take_back(one)
            raise
        for folder in {one.target.parent for one in moved}:
            _sync(folder)

    def clean(self) -> None:
        """Remove what was not moved."""
        for one in self._staged:
            with contextlib.suppress(OSError):
                one.temporary.unlink()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _check_unchanged(target: Path, now: bytes | None, then: bytes | None) -> None:
    if now != then:
        raise InputError("changed on disk since it was read; nothing was written", source=str(target))


def _take_back(one: _Staged) -> None:
    with contextlib.suppress(OSError):
        if one.old is None:
            one.target.unlink()
        else:
            _stage(one.target, one.old, one.target).replace(one.target)


def write_result(path: Path, text: str) -> None:
    """Write a report or an inventory; "-" is standard output.

    InputError, and nothing written, where that would replace what it was made of.
    """
    if str(path) == "-":
        sys.stdout.write(text)
        return
    if os.path.realpath(path) in map(os.path.realpath, _read):
        raise InputError("is one of the files that were read; name another for the result", source=str(path))
    write_text(path, text)


def path_from(folder: Path, path: str) -> str:
    """`path` as one in `folder` would write it: relative where it can be, with slashes."""
    here = Path(path)
    return Path(os.path.relpath(here.parent.resolve() / here.name, folder.resolve())).as_posix()


def keep(*paths: Path) -> None:
    """Let no result replace these files: a process beside this one reads them."""
    _read.update(map(str, paths))


Stamp = tuple[int, int, int]
"""When a file last changed (ns), how long it is, and when its mode changed: another stamp, perhaps another content."""


def stamp(path: Path) -> Stamp | None:
    """The file's stamp; None where there is no file to be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ctime_ns


def write_unkept(path: Path, text: str) -> None:
    """Replace a file of our own in one step, for its owner alone, without a backup. InputError where that cannot be."""
    try:
        temporary = _stage(path, text.encode("utf-8", "surrogateescape"), path)
        temporary.chmod(0o600)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(path)) from None


def remove(path: Path) -> None:
    """Take a file of our own away; nothing happens where that cannot be."""
    with contextlib.suppress(OSError):
        path.unlink()


def process_name(pid: int) -> str:
    """What to call the process of that number so that no other is ever called the same, where the system tells."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except (OSError, IndexError):
        return str(pid)
    return f"{pid}.{boot}.{started}"


def is_running(process: str) -> bool:
    """Whether the process of that name, which `process_name` gave it, is there still."""
    number = process.partition(".")[0]
    if not (number.isascii() and number.isdigit() and int(number)):
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # somebody else's
    return process_name(int(number)) in (process, number)


def state_folder() -> Path:
    """Where this program keeps what it wants to find again (XDG base directories)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "rdm-planner"


def settings_file() -> Path:
    """Where the user's settings are, if there are any (XDG base directories)."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "rdm-planner" / "settings.toml"


def make_folder(path: Path) -> None:
    """Create `path` and its parents where missing. InputError when that cannot be."""
    if str(path) == "-":
        raise InputError("expected a folder to write to, not standard output", source="-")
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


def matching(pattern: str) -> list[Path]:
    """The files that match a pattern as shells have them, by name."""
    return sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207 - Path.glob takes no absolute pattern


def holds_configs_alone(folder: Path) -> bool:
    """Whether everything in the folder is an xl.cfg, as far as names tell."""
    found = list_folder(folder)
    return bool(found) and all(path.suffix == ".cfg" for path in found)


def pci_ids() -> str:
    """The text of pci.ids: the system's where it has one, else the bundled copy."""
    for path in _PCI_IDS:
        try:
            if 0 < path.stat().st_size <= MAX_BYTES:
                return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    import lzma  # only where a name is asked for and the system knows none

    bundled = Path(__file__).parent / "data" / "pci.ids.xz"
    return lzma.decompress(bundled.read_bytes()).decode("utf-8", errors="replace")


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


def _free_backup(target: Path, old: bytes, stamp: str) -> Path:
    """Where to keep `old`: the backup that keeps the very same already, else the first name of now that is free."""
    for backup in sorted(target.parent.glob(f"{glob.escape(target.name)}.*.bak")):
        if backup.is_file() and backup.read_bytes() == old:
            return backup
    for number in count():
        backup = target.with_name(f"{target.name}.{stamp}{f'.{number}' if number else ''}.bak")
        if not os.path.lexists(backup):
            return backup
    raise AssertionError("count() does not end")


def _stage(target: Path, data: bytes, like: Path) -> Path:
    """A finished file beside `target`, ready to be moved there, with mode, owner and attributes of `like` if any."""
    import tempfile  # only where something is written: it loads a lot

    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            _dress(file.fileno(), like)
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return Path(name)


def _dress(handle: int, like: Path) -> None:
    """Give an open file the owner, mode and extended attributes (ACLs, SELinux labels) of `like`, if there is one."""
    if not like.exists():
        os.fchmod(handle, 0o666 & ~_umask())
        return
    facts = like.stat()
    if (facts.st_uid, facts.st_gid) != (os.fstat(handle).st_uid, os.fstat(handle).st_gid):
        try:
            os.fchown(handle, facts.st_uid, facts.st_gid)
        except PermissionError:
            raise InputError(
                f"belongs to user {facts.st_uid}, group {facts.st_gid}, and only root can write it anew so",
                source=str(like),
            ) from None
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not every file system has them
            for name in os.listxattr(like):
                with contextlib.suppress(OSError):
                    os.setxattr(handle, name, os.getxattr(like, name))
    os.fchmod(handle, stat.S_IMODE(facts.st_mode))


def _sync(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the file system can."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
