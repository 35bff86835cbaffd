"""Reading with limits, writing all or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from planner import storage
from planner.model.errors import InputError

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 22, 21, 40, 5)  # noqa: DTZ001 - names a backup, in local time


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "this is a folder"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.write_bytes(b"ok\n\xff\xfe"), r":2: expected text, but byte 3 \(0xff\) is not UTF-8"),
        (lambda path: path.write_bytes(b"a\0b"), "NUL byte"),
        (lambda path: path.write_bytes(b"x" * 101), "larger than 100 B"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "vm.cfg"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=message) as caught:
        storage.read_text(path, limit=100)
    assert str(caught.value).startswith(str(path))


def test_a_new_file_needs_no_backup(tmp_path: Path) -> None:
    assert storage.write_text(tmp_path / "vm.cfg", "a\n") is None
    assert (tmp_path / "vm.cfg").read_text() == "a\n"
    assert [path.name for path in tmp_path.iterdir()] == ["vm.cfg"]


def test_what_stood_there_is_kept_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("old\n")
    path.chmod(0o640)
    backup = storage.write_texts({path: "new\n"}, now=NOW)[path]
    assert backup == tmp_path / "vm.cfg.2026-11-22T21-40-05.bak"
    assert (path.read_text(), backup.read_text()) == ("new\n", "old\n")
    assert backup.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_same_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("same\n")
    before = path.stat().st_mtime_ns
    assert storage.write_text(path, "same\n") is None
    assert path.stat().st_mtime_ns == before


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "real.cfg"
    target.write_text("old\n")
    link = tmp_path / "vm.cfg"
    link.symlink_to(target)
    storage.write_text(link, "new\n")
    assert link.is_symlink()
    assert target.read_text() == "new\n"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("old\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        storage.write_text(path, "new\n")
    assert path.read_text() == "old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["vm.cfg"]


def test_a_failed_move_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path, target: Path) -> None:
        raise PermissionError(1, f"Operation not permitted ({target.name})")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(InputError, match=r"a\.cfg: cannot be written: Operation not permitted \(a\.cfg\)"):
        storage.write_texts({tmp_path / "a.cfg": "a\n", tmp_path / "b.cfg": "b\n"})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made a folder"):
        storage.make_folder(tmp_path / "file" / "sub")


def test_backups_are_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "vm.cfg"
    for text in ("first\n", "second\n", "third\n"):
        storage.write_texts({path: text}, now=NOW)
    stamp = "vm.cfg.2026-11-22T21-40-05"
    assert [(tmp_path / name).read_text() for name in ("vm.cfg", f"{stamp}.bak", f"{stamp}.1.bak")] == [
        "third\n",
        "first\n",
        "second\n",
    ]
    path.write_text("first\n")
    assert storage.write_text(path, "fourth\n") == tmp_path / f"{stamp}.bak"


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path, link = tmp_path / "vm.cfg", tmp_path / "link.cfg"
    path.write_text("another's\n")
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(InputError, match=r"vm\.cfg: changed on disk since it was read; nothing was written"):
            storage.write_texts({tmp_path / "a.cfg": "a\n", path: "new\n"}, {name: "as read\n"})
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.cfg", "vm.cfg"]
    assert path.read_text() == "another's\n"
    assert storage.write_texts({path: "new\n"}, {link: "another's\n"})[path] is not None


def test_a_move_that_fails_takes_back_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, refused = (tmp_path / name for name in ("old.cfg", "new.cfg", "refused.cfg"))
    old.write_text("old\n")
    move = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target == refused:
            raise OSError(28, "No space left on device")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(InputError, match=r"refused\.cfg: cannot be written: No space left on device"):
        storage.write_texts({old: "changed\n", new: "new\n", refused: "x\n"})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.cfg", "old\n")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("old\n")
    os.chown(path, 1234, 4321)
    backup = storage.write_text(path, "new\n")
    assert backup is not None
    assert {(one.stat().st_uid, one.stat().st_gid) for one in (path, backup)} == {(1234, 4321)}


def test_extended_attributes_are_kept_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("old\n")
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    storage.write_text(path, "new\n")
    assert os.getxattr(path, "user.note") == b"mine"

    def none(_: object) -> list[str]:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "listxattr", none)
    storage.write_text(path, "newer\n")
    assert path.read_text() == "newer\n"


WRITER = """
import sys
from pathlib import Path
from planner import storage
print("ready", flush=True)
for number in range(1_000_000):
    storage.write_text(Path(sys.argv[1]), ("ab"[number % 2] * 9 + "\\n") * 40_000)
"""


def test_a_kill_in_the_middle_leaves_one_whole_file_or_the_other(tmp_path: Path) -> None:
    path = tmp_path / "vm.cfg"
    path.write_text("first\n")
    path.chmod(0o600)
    whole = {(letter * 9 + "\n") * 40_000 for letter in "ab"} | {"first\n"}
    seen = set()
    for number in range(12):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.003 * number)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        text = path.read_text()
        assert text in whole
        assert path.stat().st_mode & 0o777 == 0o600
        seen.add(text)
    assert len(seen) > 1  # it was killed at work, not before
    for backup in tmp_path.glob("vm.cfg.*.bak"):
        assert backup.read_text() in whole


FILLER = """
import sys
from pathlib import Path
from planner import storage
from planner.model.errors import InputError
folder = Path(sys.argv[1])
(folder / "vm.cfg").write_text("old\\n")
try:
    storage.write_texts({folder / "new.cfg": "n\\n", folder / "vm.cfg": "x" * 100_000})
except InputError as error:
    print(error)
print(sorted((path.name, path.read_text()) for path in folder.iterdir()))
"""


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """A file system of 64 KiB, mounted where nobody else sees it."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    mount = f'mount -t tmpfs -o size=64k tmpfs "{tmp_path}" || exit 77; exec "$@"'
    command = ["unshare", "--mount", *as_root, "sh", "-c", mount, "sh", sys.executable, "-c", FILLER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode in (1, 77) and "planner" not in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert done.stdout.splitlines() == [
        f"{tmp_path}/vm.cfg: cannot be written: No space left on device",
        "[('vm.cfg', 'old\\n')]",
    ]


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "b.cfg").mkdir()
    with pytest.raises(InputError, match=r"b\.cfg: cannot be written: it is a folder"):
        storage.write_texts({tmp_path / "a.cfg": "a\n", tmp_path / "b.cfg": "b\n"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.cfg"]


def test_devices_are_written_through_and_pipes_refused(tmp_path: Path) -> None:
    storage.write_text(Path(os.devnull), "gone\n")
    assert Path(os.devnull).is_char_device()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a terminal"):
        storage.write_text(tmp_path / "pipe", "x\n")


def test_a_result_never_replaces_what_it_was_made_of(tmp_path: Path) -> None:
    path = tmp_path / "host.toml"
    path.write_text("a = 1\n")
    storage.read_text(path)
    with pytest.raises(InputError, match="one of the files that were read"):
        storage.write_result(path, "report\n")
    assert path.read_text() == "a = 1\n"


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    (tmp_path / "vm.cfg").write_bytes(b"\xef\xbb\xbfname = 'a'\n")
    with pytest.raises(InputError, match="byte order mark"):
        storage.read_text(tmp_path / "vm.cfg")


def test_a_file_that_nobody_may_read_any_more_has_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a.cfg"
    file.write_text("name = 'a'\n")
    before = storage.stamp(file)
    file.chmod(0)
    assert storage.stamp(file) != before
