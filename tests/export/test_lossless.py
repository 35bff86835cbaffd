"""Every file that Xen accepts comes out as it went in, and an edit touches the statement that it must and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from conformance_vectors import load as load_vectors
from hypothesis import assume, given
from hypothesis import strategies as st
from libxlutil import LibXlUtil, load

from planner.export import xlcfg
from planner.formats.xlcfg.guest import read
from planner.formats.xlcfg.syntax import Atom, Config, Setting, Value, parse
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.guest import Guest, Passthrough
from planner.storage import samples_folder

VECTORS = [
    one["input"]["text"] for one in load_vectors("xlcfg") if one["kind"] == "xlcfg-cfg" and not one["expect"]["errno"]
]
ADDRESS = Sbdf.parse("0000:7f:1e.3")
SAMPLES = [path.read_text() for path in sorted(samples_folder().glob("*/*.cfg"))]


@pytest.fixture(scope="module")
def xlu() -> LibXlUtil:
    return load()


def _plain(value: Value) -> Any:
    return value.text if isinstance(value, Atom) else [_plain(item) for item in value.items]


def _pieces(config: Config) -> Iterator[str]:
    """The text cut at its statements: between, statement, between, …"""
    position = 0
    for setting in config.settings:
        yield config.text[position : setting.start]
        yield config.text[setting.start : setting.end]
        position = setting.end
    yield config.text[position:]


def _assert_nothing_is_lost(text: str) -> None:
    """The statements and what stands between them make up the file, and each means alone what it means there."""
    config = parse(text)
    pieces = list(_pieces(config))
    assert "".join(pieces) == config.text == text
    for setting, statement in zip(config.settings, pieces[1::2], strict=True):
        alone = parse(statement + "\n").settings
        assert [(one.name, one.op, _plain(one.value)) for one in alone] == [
            (setting.name, setting.op, _plain(setting.value))
        ]
    assert all(parse(between).settings == () for between in pieces[:-1:2])


def _guest(text: str) -> Guest | None:
    """The guest in a text, with a name put before it where it has none; None where it is none that xl takes."""
    for candidate in (text, f'name = "v"\n{text}'):
        try:
            return read(candidate, "v.cfg")
        except InputError:
            continue
    return None


def _texts(settings: tuple[Setting, ...], text: str, *names: str) -> list[str]:
    return [text[one.start : one.end] for one in settings if one.name not in names]


def test_all_accepted_vectors_and_samples_are_kept() -> None:
    for text in (*VECTORS, *SAMPLES):
        _assert_nothing_is_lost(text)
    guests = [one for text in (*VECTORS, *SAMPLES) if (one := _guest(text)) is not None]
    assert len(VECTORS) == 274
    assert len(guests) >= 100  # the rest have a value of the wrong kind, which is an error here
    for one in guests:
        assert one.file is not None
        assert xlcfg.render(one) == one.file.text


def test_an_edit_of_any_of_them_leaves_the_other_statements(xlu: LibXlUtil) -> None:
    for one in filter(None, map(_guest, (*VECTORS, *SAMPLES))):
        changed = replace(one, memory=777, mmio_hole=None, pci=(*one.pci, Passthrough(address=ADDRESS)))
        assert one.file is not None
        text = xlcfg.render(changed)
        before, after = parse(one.file.text), parse(text)
        touched = ("memory", "mmio_hole", "pci")
        assert _texts(before.settings, before.text, *touched) == _texts(after.settings, after.text, *touched)
        assert [line for line in before.text.splitlines() if line.lstrip().startswith("#")] == [
            line for line in after.text.splitlines() if line.lstrip().startswith("#")
        ]
        assert xlu.read(text) == {name: _plain(setting.joined) for name, setting in after.latest.items()}
        assert read(text) == changed
        assert xlcfg.render(read(text)) == text


_blank = st.text(" \t", max_size=2)
_comment = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=10).map("#{}\n".format)
_end = st.one_of(st.just("\n"), st.just(";"), _comment, st.just("\n\n"))
_string = st.builds(
    lambda text, mark: f"{mark}{text}{mark}",
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'\"\\"), max_size=6),
    st.sampled_from("'\""),
)
_atom = st.one_of(_string, st.integers(0, 9999).map(str), st.just("0x1f"))
_space = st.one_of(_blank, st.just("\n"), _comment)
_list = st.builds(
    lambda items, tail: "[" + ",".join(items) + tail + "]",
    st.lists(st.builds("{}{}{}".format, _space, _atom, _space), max_size=3),
    st.just(""),
)
_key = st.sampled_from(["disk", "vif", "unknown.key", "extra", "on_crash", "x"])
_other = st.builds("{}{}{}={}{}{}{}".format, _blank, _key, _blank, _blank, st.one_of(_atom, _list), _blank, _end)
_memory = st.builds("memory{}={}{}".format, _blank, st.integers(1, 9999), _end)
_devices = st.lists(
    st.sampled_from(['"02:00.0"', "'03:00.0,rdm_policy=relaxed'", '"0000:04:00.1@5"']), unique=True, max_size=3
)
_pci = st.builds(
    lambda op, items, gap: f"pci {op} [" + "".join(f"{gap}{item},{gap}" for item in items) + "]\n",
    st.sampled_from(["=", "+="]),
    _devices,
    _space,
)


@given(st.lists(st.one_of(_other, _memory, _pci, _comment, st.just("\n")), max_size=8), st.integers(1, 9999))
def test_any_file_is_kept_and_edited_where_it_must_be(xlu: LibXlUtil, parts: list[str], memory: int) -> None:
    text = "name='v' ;" + "".join(parts)
    assume(xlu.read(text) is not None)
    _assert_nothing_is_lost(text)
    one = read(text)
    assert xlcfg.render(one) == text
    changed = replace(one, memory=memory, pci=one.pci[1:])
    edited = xlcfg.render(changed)
    before, after = parse(text), parse(edited)
    assert _texts(before.settings, text, "memory", "pci") == _texts(after.settings, edited, "memory", "pci")
    assert read(edited) == changed
