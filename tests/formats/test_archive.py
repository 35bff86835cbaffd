from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.formats import archive as archive_module
from planner.formats.archive import MAX_MEMBER_BYTES, is_tar, read_tar
from planner.model.errors import InputError


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target.getvalue()


def test_files_and_the_text_of_links() -> None:
    data = packed(
        (member("./sys/a"), b"one"),
        (member("sys/driver", tarfile.SYMTYPE, "../../bus/pci/drivers/igb"), b""),
        (member("sys", tarfile.DIRTYPE), b""),
    )
    for form in (data, gzip.compress(data), gzip.compress(data[:1024]) + gzip.compress(data[1024:])):
        assert is_tar(form)
        found = read_tar(form)
        assert (found.files, found.links) == ({"sys/a": b"one"}, {"sys/driver": "../../bus/pci/drivers/igb"})
        assert found.notes == []


def test_members_that_are_refused() -> None:
    found = read_tar(
        packed(
            (member("../../etc/passwd"), b"root"),
            (member("a/../../b"), b"x"),
            (member("/etc/passwd"), b"root"),
            (member("console", tarfile.CHRTYPE), b""),
            (member("disk", tarfile.BLKTYPE), b""),
            (member("pipe", tarfile.FIFOTYPE), b""),
            (member("hard", tarfile.LNKTYPE, "/etc/shadow"), b""),
            (member("good"), b"good"),
        )
    )
    assert (found.files, found.links) == ({"good": b"good"}, {})
    assert found.notes == [
        "../../etc/passwd, a/../../b, /etc/passwd in the tar: leads out of the folder, left alone.",
        "console, disk, pipe and 1 more in the tar: neither a file nor a folder, left alone.",
    ]


def test_names_are_data() -> None:
    found = read_tar(packed((member("logs/a\x1b[31m\udcff\n"), b"x"), (member("../\x07"), b"")))
    assert list(found.files) == ["logs/a[31m"]
    assert all(note.isprintable() for note in found.notes)


def test_huge_members_are_left_alone() -> None:
    found = read_tar(packed((member("large"), bytes(MAX_MEMBER_BYTES + 1)), (member("good"), b"x")))
    assert list(found.files) == ["good"]
    assert found.notes == ["large was left alone: larger than 16 MiB."]


def test_a_member_that_claims_more_than_there_is() -> None:
    data = bytearray(packed((member("a"), b"x" * 600)))
    header = tarfile.TarInfo("a")
    header.size = 1 << 33
    data[:512] = header.tobuf(tarfile.GNU_FORMAT)[:512]
    with pytest.raises(InputError, match="cut short"):
        read_tar(bytes(data))


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="unpacked"):
        read_tar(gzip.compress(bytes(80 << 20), 1))
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 3)
    with pytest.raises(InputError, match="more than 3 members"):
        read_tar(packed(*((member(str(number)), b"") for number in range(5))))


@pytest.mark.parametrize("cut", [1, 20, 100, 511])
def test_what_is_damaged_is_refused(cut: int) -> None:
    data = packed((member("a"), b"x" * 5000))
    whole = gzip.compress(data)
    with pytest.raises(InputError, match=r"cut short|damaged"):
        read_tar(whole[:-cut])
    assert not is_tar(b"DMAR" + bytes(600))
    assert not is_tar(b"\x1f\x8bnot really")


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    is_tar(data)
    for form in (data, b"\x1f\x8b" + data, gzip.compress(data)):
        try:
            read_tar(form)
        except InputError:
            continue


@given(st.lists(st.tuples(st.integers(0, 2047), st.integers(0, 255)), min_size=1, max_size=20))
def test_damaged_headers(damage: list[tuple[int, int]]) -> None:
    data = bytearray(packed((member("a"), b"x"), (member("b", tarfile.SYMTYPE, "c"), b"")))
    for at, value in damage:
        data[at] = value
    try:
        found = read_tar(bytes(data))
    except InputError:
        return
    assert all(not path.startswith(("/", "../")) for path in found.files)
