"""Exported configs: what changed is changed, every other byte is kept, and Xen's own library reads what we meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libxlutil import LibXlUtil, load
from planning import NIC, guest, host, report, rmrr

from planner.export import xlcfg
from planner.formats.xlcfg import pci_spec, rdm
from planner.formats.xlcfg.guest import read
from planner.formats.xlcfg.syntax import Atom, parse
from planner.model.address import Sbdf
from planner.model.guest import Guest, Passthrough, RdmPolicy
from planner.storage import samples_folder

SAMPLES = sorted(samples_folder().glob("*/*.cfg"))

ADMINS_OWN = """\
# web server, asks for two cards
name = "web"   # keep short
type='hvm'
memory = 4096; maxmem = 4096
pci = [
    '02:00.0,rdm_policy=strict',   # network
    "03:00.0",   # second card
    # spare line
    '04:00.0'  # last, no comma
]
vga = "stdvga"
"""


@pytest.fixture(scope="module")
def xlu() -> LibXlUtil:
    return load()


def _device(text: str, policy: RdmPolicy | None = None) -> Passthrough:
    return Passthrough(address=Sbdf.parse(text), policy=policy)


def _lines_that_differ(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def _assert_xen_reads(xlu: LibXlUtil, text: str, wanted: Guest) -> None:
    """Every key of the file means to Xen what it means to us, and every device is the one we meant."""
    theirs = xlu.read(text)
    ours = {name: _plain(setting.joined) for name, setting in parse(text).latest.items()}
    assert theirs == ours
    assert read(text) == wanted
    assert theirs is not None
    for key in ("memory", "maxmem", "mmio_hole", "rdm_mem_boundary"):
        value = getattr(wanted, key)
        assert (int(theirs[key], 0) if key in theirs else None) == value
    items = [xlu.pci(item) for item in theirs.get("pci", [])]
    assert len(items) == len(wanted.pci)
    for item, device in zip(items, wanted.pci, strict=True):
        assert item is not None
        assert device.address is not None
        assert (item["domain"], item["bus"], item["dev"], item["func"]) == tuple(device.address)
        assert item["rdm_policy"] == {None: -1, "strict": 0, "relaxed": 1}[device.policy]
        assert item["permissive"] == bool(device.permissive)


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, Atom) else [_plain(item) for item in value.items]


def test_an_unchanged_guest_is_the_same_file() -> None:
    assert xlcfg.render(read(ADMINS_OWN, "web.cfg")) == ADMINS_OWN


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_sample_is_kept_byte_for_byte_and_read_by_xen(xlu: LibXlUtil, path: Path) -> None:
    text = path.read_text()
    one = read(text, str(path))
    assert xlcfg.render(one) == text
    _assert_xen_reads(xlu, text, one)


@pytest.mark.parametrize(
    ("change", "gone", "new"),
    [
        (lambda pci: pci[:2], ["    '04:00.0'  # last, no comma"], []),
        (lambda pci: pci[1:], ["    '02:00.0,rdm_policy=strict',   # network"], []),
        (lambda pci: (pci[0], pci[2]), ['    "03:00.0",   # second card'], []),
        (
            lambda pci: (*pci, _device("05:00.0", RdmPolicy.RELAXED)),
            ["    '04:00.0'  # last, no comma"],
            ["    '04:00.0',  # last, no comma", "    '05:00.0,rdm_policy=relaxed',"],
        ),
        (
            lambda pci: (pci[0], replace(pci[1], policy=RdmPolicy.RELAXED), pci[2]),
            ['    "03:00.0",   # second card'],
            ['    "03:00.0,rdm_policy=relaxed",   # second card'],
        ),
    ],
    ids=["drop last", "drop first", "drop middle", "add", "policy"],
)
def test_devices_change_line_by_line(xlu: LibXlUtil, change: Any, gone: list[str], new: list[str]) -> None:
    before = read(ADMINS_OWN, "web.cfg")
    wanted = before.with_pci(change(before.pci))
    text = xlcfg.render(wanted)
    assert _lines_that_differ(ADMINS_OWN, text) == (gone, new)
    _assert_xen_reads(xlu, text, wanted)


def test_a_list_that_changes_its_order_keeps_its_comments(xlu: LibXlUtil) -> None:
    before = read(ADMINS_OWN, "web.cfg")
    wanted = before.with_pci(before.pci[::-1])
    text = xlcfg.render(wanted)
    assert [line.partition("#")[2] for line in text.splitlines()] == [
        line.partition("#")[2] for line in ADMINS_OWN.splitlines()
    ]
    assert "'04:00.0',   # network" in text
    _assert_xen_reads(xlu, text, wanted)


def test_sizes_change_in_place_or_are_added_at_the_end(xlu: LibXlUtil) -> None:
    wanted = replace(read(ADMINS_OWN, "web.cfg"), memory=2048, maxmem=2048, mmio_hole=1648)
    text = xlcfg.render(wanted)
    assert "memory = 2048; maxmem = 2048\n" in text
    assert text.endswith('vga = "stdvga"\nmmio_hole = 1648\n')
    _assert_xen_reads(xlu, text, wanted)


def test_a_size_keeps_its_quotes(xlu: LibXlUtil) -> None:
    wanted = replace(read('name = "a"\nmemory = "010"  # MiB\n'), memory=512)
    assert xlcfg.render(wanted) == 'name = "a"\nmemory = "512"  # MiB\n'
    _assert_xen_reads(xlu, xlcfg.render(wanted), wanted)


def test_a_size_can_be_taken_out(xlu: LibXlUtil) -> None:
    text = 'name = "a"\nmmio_hole = 1024   # for the card\nmemory = 512\n'
    wanted = replace(read(text), mmio_hole=None)
    assert xlcfg.render(wanted) == 'name = "a"\nmemory = 512\n'
    _assert_xen_reads(xlu, xlcfg.render(wanted), wanted)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("name='a' # mine\nrdm = 'strategy=host'\n", "name='b' # mine\nrdm = 'strategy=host,x'\n"),
        ("name='a'; x=1\n", "name='b'; x=1\nrdm = \"strategy=host,x\"\n"),
        ("name='a'\nname=\"old\"\nname+='er'\n# end\n", '# end\nname = "b"\nrdm = "strategy=host,x"\n'),
        ("rdm='a'\nrdm+='b'\nname='a'\n", "name='b'\nrdm = \"strategy=host,x\"\n"),
    ],
)
def test_strings_change_in_their_quotes(xlu: LibXlUtil, before: str, after: str) -> None:
    wanted = replace(read(before), name="b", rdm=rdm.parse("strategy=host,x"))
    assert xlcfg.render(wanted) == after
    _assert_xen_reads(xlu, after, wanted)


def test_a_guest_without_a_file_is_written_from_nothing(xlu: LibXlUtil) -> None:
    wanted = replace(guest(NIC, name='it\'s "new" \\ here', vga="stdvga", videoram=32, mmio_hole=1024), file=None)
    text = xlcfg.render(wanted)
    _assert_xen_reads(xlu, text, wanted)
    assert read(text).name == 'it\'s "new" \\ here'


_addresses = st.sampled_from(["00:1d.0", "02:00.0", "03:00.0", "04:00.0", "05:00.1", "ff:1f.7"])
_layouts = st.sampled_from(
    ["pci = [{}]\n", "pci=[ {} ,]\n", "pci = [\n  {}\n]\n", "pci = [ # cards\n\t{},\n# end\n]\n", "x=1;pci=[{}];y=2\n"]
)
_separators = st.sampled_from([", ", ",\n  ", " ,# note\n", "\n,\n"])


@pytest.mark.parametrize("value", ["1", '"igd"'])
def test_the_kind_of_graphics_is_written_as_it_was_read(xlu: LibXlUtil, value: str) -> None:
    """`"igd"` and 1 are not the same: with 1 a guest without Intel graphics does not start."""
    wanted = replace(read(f'name = "a"\ngfx_passthru = {value}\n'), file=None)
    _assert_xen_reads(xlu, xlcfg.render(wanted), wanted)


@given(
    st.lists(_addresses, unique=True, min_size=1, max_size=4),
    st.lists(
        st.tuples(_addresses, st.sampled_from([None, "strict", "relaxed"])), unique_by=lambda pair: pair[0], max_size=4
    ),
    _layouts,
    _separators,
    st.sampled_from(["'", '"']),
)
def test_any_list_can_become_any_other(
    xlu: LibXlUtil, old: list[str], new: list[tuple[str, str | None]], layout: str, separator: str, mark: str
) -> None:
    text = 'name = "a"\n' + layout.format(separator.join(f"{mark}{item}{mark}" for item in old)) + "memory = 64\n"
    before = read(text)
    wanted = before.with_pci(tuple(_device(item, RdmPolicy(policy) if policy else None) for item, policy in new))
    rendered = xlcfg.render(wanted)
    _assert_xen_reads(xlu, rendered, wanted)
    assert xlcfg.render(read(rendered)) == rendered
    assert rendered.endswith("memory = 64\n")


def test_options_that_were_not_changed_stay(xlu: LibXlUtil) -> None:
    text = 'name = "a"\npci = [ "02:00.0@5,permissive=1,msitranslate=0" ]\n'
    before = read(text)
    wanted = before.with_pci((replace(before.pci[0], policy=RdmPolicy.STRICT),))
    assert pci_spec.parse(read(xlcfg.render(wanted)).pci[0].text or "") == wanted.pci[0]
    _assert_xen_reads(xlu, xlcfg.render(wanted), wanted)


def test_plus_assigned_lists_are_edited_where_the_item_stands(xlu: LibXlUtil) -> None:
    text = 'name = "a"\npci = [ "02:00.0" ]\npci += [ "03:00.0" ]\n'
    before = read(text)
    wanted = before.with_pci(before.pci[1:])
    assert xlcfg.render(wanted) == 'name = "a"\npci = [ ]\npci += [ "03:00.0" ]\n'
    _assert_xen_reads(xlu, xlcfg.render(wanted), wanted)


def test_errors_refuse_an_export_and_warnings_do_not() -> None:
    machine = host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC))
    assert [finding.rule.id for finding in xlcfg.refusals(report(machine, guest(f"{NIC},rdm_policy=strict")))] == [
        "RDM101"
    ]
    assert xlcfg.refusals(report(machine, guest(f"{NIC},rdm_policy=relaxed"))) == ()


def test_one_guest_can_be_exported_while_another_blocks() -> None:
    machine = host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC))
    result = report(machine, guest(f"{NIC},rdm_policy=strict", name="bad"), guest(name="good"))
    assert xlcfg.refusals(result, "good") == ()
    assert xlcfg.refusals(result, "bad")


@pytest.mark.parametrize(
    ("name", "file"), [("web", "web.cfg"), ("../etc/x", "_etc_x.cfg"), ("..", "guest.cfg"), ("a b", "a_b.cfg")]
)
def test_file_names_stay_in_the_folder(name: str, file: str) -> None:
    assert xlcfg.file_name(Guest(name=name)) == file


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pci = []", 'pci = [ "0000:00:14.2" ]'),
        ("pci = [ ]", 'pci = [ "0000:00:14.2" ]'),
        ("pci = [\n]", 'pci = [\n    "0000:00:14.2",\n]'),
        ("pci = [\n    # none yet\n]", 'pci = [\n    "0000:00:14.2",\n    # none yet\n]'),
        ('pci = [ "02:00.0" ] # one', 'pci = [ "00:14.2" ] # one'),
        ("pci = ['02:00.0']", "pci = ['00:14.2']"),
        ("pci=['0000:02:00.0' ]", "pci=['0000:00:14.2' ]"),
        ("pci = ['02:00.0', '03:00.0']", "pci = ['00:14.2']"),
    ],
)
def test_an_empty_list_is_filled_in_its_own_layout(before: str, after: str) -> None:
    text = 'name = "vm"\ntype = "hvm"\nmemory = 1024\n{}\n'
    one = read(text.format(before), "vm.cfg")
    assert xlcfg.render(one.with_pci((pci_spec.parse("00:14.2"),))) == text.format(after)
