"""Files held in memory by their path: a tar, a folder, or what was read of a live machine."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import normpath
from typing import Final

from planner.formats.text import clean
from planner.model.errors import InputError
from planner.model.span import MIB, format_size

MAX_MEMBER_BYTES: Final = 16 * MIB
MAX_BYTES: Final = 64 * MIB
"""Unpacked; more than any machine's artefacts are."""
MAX_MEMBERS: Final = 20_000
_CHUNK = MIB
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Archive:
    """`files` and `links` (their targets, never followed) by path; `notes` says what was left out, in sentences."""

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, path: str, data: bytes) -> None:
        """Keep a file, unless it is too large."""
        if len(data) > MAX_MEMBER_BYTES:
            self.notes.append(f"{path} was left alone: larger than {format_size(MAX_MEMBER_BYTES)}.")
        else:
            self.files[path] = data


def is_tar(data: bytes) -> bool:
    """Whether `data` is a tar, plain or compressed with gzip, by its first bytes."""
    head = data[:512]
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(data[: 64 << 10], 512)
        except zlib.error:
            return False
    return head[257:262] == b"ustar"


def read_tar(data: bytes) -> Archive:
    """The members of a tar (or .tar.gz), kept in memory: nothing is unpacked to disk.

    Members that climb out ("..", or absolute), devices, pipes and hard links are left alone and noted. Symbolic links
    are kept as text, which is how sysfs names a driver. InputError when it is damaged, holds more than 20,000 members,
    or is larger than 64 MiB unpacked.
    """
    archive = Archive()
    plain = _inflate(data) if data.startswith(_GZIP) else data
    if len(plain) > MAX_BYTES:
        raise InputError(f"larger than {format_size(MAX_BYTES)} unpacked, which no machine's artefacts are")
    refused: dict[str, list[str]] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
            for number, member in enumerate(tar):
                if number >= MAX_MEMBERS:
                    raise InputError(f"more than {MAX_MEMBERS} members: expected one machine's artefacts")
                _keep(tar, member, archive, refused)
    except (tarfile.TarError, ValueError, OSError, EOFError, RecursionError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("this tar is damaged or cut short: copy it again, in binary mode") from None
    for why, names in refused.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        archive.notes.append(
            f"{', '.join(clean(name[:100]) for name in names[:3])}{more} in the tar: {why}, left alone."
        )
    return archive


def _keep(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Archive, refused: dict[str, list[str]]) -> None:
    path = clean(normpath(member.name))
    if member.name.startswith("/") or path.startswith("../") or path == "..":
        refused.setdefault("leads out of the folder", []).append(member.name)
    elif member.issym():
        archive.links[path] = member.linkname
    elif member.isreg():
        if member.size > MAX_MEMBER_BYTES:
            archive.notes.append(f"{path} was left alone: larger than {format_size(MAX_MEMBER_BYTES)}.")
        elif (content := tar.extractfile(member)) is not None:
            archive.files[path] = content.read(MAX_MEMBER_BYTES)
    elif not member.isdir():
        refused.setdefault("neither a file nor a folder", []).append(member.name)


def _inflate(data: bytes) -> bytes:
    parts = bytearray()
    try:
        for chunk in _members(data):
            parts += chunk
            if len(parts) > MAX_BYTES:
                break
    except zlib.error:
        raise InputError("this compressed tar is damaged: copy it again, in binary mode") from None
    return bytes(parts)


def _members(data: bytes) -> Iterator[bytes]:
    """Unpacked chunks of each gzip member in turn."""
    while data.startswith(_GZIP):
        stream = zlib.decompressobj(31)
        chunk = stream.decompress(data, _CHUNK)
        while chunk:
            yield chunk
            chunk = stream.decompress(stream.unconsumed_tail, _CHUNK)
        if not stream.eof:
            raise InputError("this compressed tar is cut short: copy it again, in binary mode")
        data = stream.unused_data.lstrip(b"\0")
