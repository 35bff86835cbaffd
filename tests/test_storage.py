"""Reading with limits, writing all or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner import storage
from planner.model.errors import InputError


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
    assert storage.write_text(path, "new\n") == tmp_path / "vm.cfg.bak"
    assert (path.read_text(), (tmp_path / "vm.cfg.bak").read_text()) == ("new\n", "old\n")
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
        storage.write_text(path, text)
    assert [(tmp_path / name).read_text() for name in ("vm.cfg", "vm.cfg.bak", "vm.cfg.bak.1")] == [
        "third\n",
        "first\n",
        "second\n",
    ]
    path.write_text("first\n")
    assert storage.write_text(path, "fourth\n") == tmp_path / "vm.cfg.bak"


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
