"""xl.cfg reading: random texts against Xen's own library, hostile texts, and errors that help."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from libxlutil import LibXlUtil, load

from planner.formats.xlcfg import pci_spec, rdm
from planner.formats.xlcfg.guest import read
from planner.formats.xlcfg.syntax import Atom, Value, parse, quote
from planner.model.errors import InputError
from planner.model.guest import Passthrough

_pieces = st.sampled_from(
    ["a", "pci", "mem_1", "=", "+=", "[", "]", ",", ";", "\n", " ", "\t", "# c\n", "#", "1", "0x1f", "09", '"x"', "'y'",
     '"', "'", "\\", '"a\\nb"', '"\\101"', '"\\x41"', "A", "-", "é", '"é"', "\r"]
)  # fmt: skip
_specs = st.lists(
    st.sampled_from(
        [
            *"0123456789abcdef:.*@,=x -+",
            "rdm_policy=strict",
            "permissive=",
            "vslot=",
            "name=n",
            "bdf=00:1d.0",
            "00:1d.0",
        ]
    ),
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def xlu() -> LibXlUtil:
    return load()


def _plain(value: Value) -> Any:
    return value.text if isinstance(value, Atom) else [_plain(item) for item in value.items]


@given(st.lists(_pieces, max_size=14).map("".join))
def test_grammar_agrees_with_xen_on_random_texts(xlu: LibXlUtil, text: str) -> None:
    theirs = xlu.read(text)
    if theirs is None:
        with pytest.raises(InputError) as caught:
            parse(text)
        assert (caught.value.line or 0) >= 1
        assert (caught.value.column or 0) >= 1
    else:
        assert {name: _plain(setting.joined) for name, setting in parse(text).latest.items()} == theirs


@given(_specs)
def test_pci_specs_agree_with_xen_on_random_texts(xlu: LibXlUtil, text: str) -> None:
    try:
        spec = pci_spec.parse(text)
    except InputError:
        # Without a dot Xen reads memory it never set: nobody can agree with that.
        assume("." in text)
        assert xlu.pci(text) is None or not _has_whole_bdf(text)
        return
    theirs = xlu.pci(text)
    assert theirs is not None
    if spec.address is not None:
        assert tuple(spec.address) == (theirs["domain"], theirs["bus"], theirs["dev"], theirs["func"])
        assert spec.all_functions == (theirs["vfunc_mask"] != 1)
    assert (spec.vslot or 0) << 3 == theirs["vdevfn"]
    assert {"strict": 0, "relaxed": 1, "invalid": -1}[spec.policy or "invalid"] == theirs["rdm_policy"]
    assert [bool(getattr(spec, flag)) for flag in ("permissive", "msitranslate", "seize", "power_mgmt")] == [
        theirs[flag] for flag in ("permissive", "msitranslate", "seize", "power_mgmt")
    ]


def _has_whole_bdf(text: str) -> bool:
    """Whether every address in the text has the dot that Xen needs to know where it is."""
    return all("." in part for part in text.replace("bdf=", ",").split(",") if ":" in part)


@given(st.text(max_size=60))
def test_hostile_texts_only_raise_input_errors(text: str) -> None:
    for reader in (parse, pci_spec.parse, rdm.parse, read):
        with contextlib.suppress(InputError):
            reader(text)


def test_deep_nesting_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="nested deeper"):
        parse("a = " + "[" * 100_000)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_quoted_strings_read_back(text: str) -> None:
    value = parse(f"a = {quote(text)}").latest["a"].joined
    assert isinstance(value, Atom)
    assert value.text == text


@given(
    st.builds(
        Passthrough,
        address=st.builds(
            lambda b, d, f: pci_spec.parse(f"{b:02x}:{d:02x}.{f}").address,
            st.integers(0, 255),
            st.integers(0, 31),
            st.integers(0, 7),
        ),
        vslot=st.none() | st.integers(0, 31),
        policy=st.none() | st.sampled_from(["strict", "relaxed"]),
        permissive=st.none() | st.booleans(),
        seize=st.none() | st.booleans(),
    )
)
def test_rendered_specs_read_back(spec: Passthrough) -> None:
    assert pci_spec.parse(pci_spec.render(spec)) == spec


@pytest.mark.parametrize("text", ["10000:e1:00.0", "10000:e1:00.0,permissive=1", "bdf=10000:e1:00.0"])
def test_a_segment_that_only_linux_knows_is_told_as_such(text: str) -> None:
    with pytest.raises(InputError, match="behind a VMD controller: switch VMD off"):
        pci_spec.parse(text)


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('type = "hvm"\n', "vm.cfg:1:1", "Domain name must be specified"),
        ('name = "a"\nmemory = "lots"\n', "vm.cfg:2:10", "memory: expected a number, found 'lots'"),
        ('name = "a"\nmemory = [ 1 ]\n', "vm.cfg:2:10", "memory: expected a number, found a list"),
        ('name = "a"\nmemory = 4096MB\n', "vm.cfg:2:14", "'MB' is not a name, number or string"),
        ('name = "a"\npci = "00:1d.0"\n', "vm.cfg:2:7", "pci: expected a list"),
        ('name = "a"\npci = [ "00:1d.0",\n  "00:1d.9" ]\n', "vm.cfg:3:3", "unable to parse PCI_SPEC_STRING"),
        ('name = "a"\npci = [ "00:1d.0, rdm_policy=strict" ]\n', "vm.cfg:2:9", "has a blank"),
        ('name = "a"\npci = [ ["00:1d.0"] ]\n', "vm.cfg:2:9", "a list inside the list"),
        ('name = "a"\ntype = "hvmm"\n', "vm.cfg:2:8", "type: expected one of hvm, pvh, pv"),
        ('name = "a"\nvga = "vesa"\n', "vm.cfg:2:7", "vga: expected one of"),
        ('name = "a"\r\nmemory = 1\r\n', "vm.cfg:1:11", "carriage return"),
        ('name = "a"\nmemory = 1 # last', "vm.cfg:2:12", "comment on the last line needs a newline"),
        ('name = "a"\nhap = True\n', "vm.cfg:2:7", "'True' is not a name, number or string"),
        ('name = "a"\nhap = yes\n', "vm.cfg:2:7", "write yes and no as 1 and 0"),
        ('name = "a"\nmemory = -1\n', "vm.cfg:2:10", "looks like Python"),
        ('name = "a"\nmemory = "-1"\n', "vm.cfg:2:10", "more than Xen gives a guest"),
        ('name = "a\n', "vm.cfg:1:8", "no closing"),
        ('name = "a"\npassthrough = "maybe"\n', "vm.cfg:2:15", "passthrough: expected one of"),
        ('name = "a"\nbuilder = "linux"\n', "vm.cfg:2:11", "builder: expected"),
        ('name = "a"\nbuilder = "hvm"\ntype = "pv"\n', "vm.cfg:3:8", "contradicts builder"),
        ('name = "a\\q"\n', "vm.cfg:1:10", "not an escape"),
    ],
)
def test_errors_say_where_and_what_was_expected(text: str, where: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, "vm.cfg")
    assert str(caught.value).startswith(f"{where}: ")
    assert what in str(caught.value)


def test_later_settings_win_and_plus_joins() -> None:
    one = read('name = "a"\nmemory = 1\nmemory = 0x10\npci = [ "00:1d.0" ]\npci += [ "02:00.0" ]\n')
    assert one.memory == 16
    assert [item.label for item in one.pci] == ["0000:00:1d.0", "0000:02:00.0"]


@pytest.mark.parametrize(("text", "kind"), [("hv", "hvm"), ("", "hvm"), ("p", "pv"), ("pvh", "pvh")])
def test_type_is_matched_by_prefix(text: str, kind: str) -> None:
    assert read(f'name = "a"\ntype = "{text}"\n').type == kind


def test_guests_compare_by_what_they_ask_for() -> None:
    assert read('name="a"\nmemory=1\n', "x.cfg") == read('memory = 1 # one\nname = "a"\n', "y.cfg")


@pytest.mark.parametrize("text", ["memory = " + "9" * 5000, f'pci = [ "02:00.0,permissive={"9" * 5000}" ]'])
def test_numbers_of_thousands_of_digits_are_no_bug(text: str) -> None:
    with contextlib.suppress(InputError):
        read(f'name = "a"\n{text}\n')


@pytest.mark.parametrize(
    ("settings", "firmware"),
    [
        ("", "seabios"),
        ('bios = "ovmf"', "ovmf"),
        ('firmware = "uefi"', "ovmf"),
        ('bios = "ovmf"\nfirmware = "bios"', "ovmf"),
    ],
)
def test_bios_and_firmware_are_two_settings(settings: str, firmware: str) -> None:
    assert read(f'name = "a"\n{settings}\n').firmware == firmware


@pytest.mark.parametrize(("text", "on"), [("0", False), ("00", False), ("0x0", False), ("1", True), ("igd", True)])
def test_gfx_passthru_is_a_number_or_a_kind(text: str, on: bool) -> None:
    found = read(f'name = "a"\ngfx_passthru = "{text}"\n')
    assert (found.gfx_passthru, found.igd) == (on, text == "igd")
    with pytest.raises(InputError, match="gfx_passthru: expected"):
        read('name = "a"\ngfx_passthru = "bogus"\n')
