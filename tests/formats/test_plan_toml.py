"""Saved sessions: what is written comes back, paths are relative, and another inventory is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, USB, guest, host, rmrr

from planner.formats import plan_toml, values
from planner.formats.xlcfg import rdm
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.guest import Guest, Passthrough, RdmPolicy
from planner.model.host import Host
from planner.model.plan import Pin, Plan, Profile

HOST = host(rmrr(0xAC6D3000, 0xAC6EFFFF, USB), rmrr(0xBF458000, 0xBF46FFFF, NIC))
WEB = 'name = "web"   # keep\ntype = "hvm"\nmemory = 4096\nmmio_hole = 1024\npci = [ "02:00.0" ]\n'


def _restored(plan: Plan, host: Host = HOST, **options: Any) -> plan_toml.Restored:
    texts = {one.file.path: one.file.text for one in plan.guests if one.file is not None and one.file.on_disk}
    saved = plan_toml.parse(plan_toml.render(plan_toml.save(plan)))
    return plan_toml.restore(saved, host, texts, PurePath(), plan.moves_to, **options)


def test_a_plan_reads_well() -> None:
    web = replace(read(WEB, "guests/web.cfg"), memory=2048, mmio_hole=None)
    web = web.with_pci((*web.pci, Passthrough(address=Sbdf.parse(USB), policy=RdmPolicy.RELAXED)))
    plan = Plan(HOST, (web,), Profile.XEN, "4.17", reasons={"web": "the owner of both guests agreed"})
    plan = replace(plan, pins={Sbdf.parse(NIC): Pin(id="8086:1521", path="00:01.0/00.0")})
    text = plan_toml.render(plan_toml.save(plan))
    assert text.startswith("# A plan of rdm-planner.")
    assert (
        text.split("\n\n", 1)[1]
        == f"""\
schema_version = 1
host = "host.toml"
host_identity = "{plan_toml.identity(HOST)}"
profile = "xen"
xen = "4.17"

[reasons]
web = "the owner of both guests agreed"

[pins."0000:02:00.0"]
id = "8086:1521"
path = "00:01.0/00.0"

[[guests]]
name = "web"
file = "guests/web.cfg"
digest = "{plan_toml.digest(WEB)}"
unset = [
    "mmio_hole",
]

[guests.set]
memory = 2048
pci = [
    "0000:02:00.0",
    "0000:00:1d.0,rdm_policy=relaxed",
]
"""
    )


_mib = st.none() | st.integers(0, (1 << 24) - 1)
_flag = st.none() | st.booleans()
_addresses = st.builds(Sbdf, st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))
_items = st.builds(
    Passthrough,
    address=_addresses,
    policy=st.none() | st.sampled_from(RdmPolicy),
    vslot=st.none() | st.integers(0, 31),
    permissive=_flag,
    msitranslate=_flag,
    seize=_flag,
    power_mgmt=_flag,
)
_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_settings: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "name": st.uuids().map(str),
        "type": st.sampled_from(["hvm", "pv", "pvh"]),
        "memory": _mib,
        "maxmem": _mib,
        "vcpus": st.integers(1, 64),
        "vga": st.sampled_from(["stdvga", "cirrus", "qxl", "none"]),
        "videoram": _mib,
        "hap": _flag,
        "mmio_hole": _mib,
        "rdm_mem_boundary": _mib,
        "rdm": st.none() | _words.map(rdm.parse),
        "passthrough": st.sampled_from([None, "share_pt", "enabled"]),
        "gfx_passthru": st.booleans(),
        "igd": st.booleans(),
        "firmware": st.sampled_from(["seabios", "ovmf"]),
        "usb": st.booleans(),
        "usbversion": st.none() | st.integers(1, 3),
        "soundhw": st.none() | _words,
        "nics": st.lists(_words, max_size=3).map(tuple),
        "ahci": st.booleans(),
        "pci": st.lists(_items, max_size=3).map(tuple),
    },
)
_comments = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), max_size=20)


@st.composite
def _guests(draw: st.DrawFn, name: str) -> Guest:
    """A guest from a file, from a text that no file holds, or from nothing; changed in any way."""
    settings = draw(_settings)
    kind = draw(st.sampled_from(["file", "text", "nothing"]))
    if kind == "nothing":
        return replace(Guest(name=name), **settings)
    text = f'# {draw(_comments)}\nname = "{name}"\n' + WEB.split("\n", 1)[1]
    one = read(text, f"{name}.cfg")
    assert one.file is not None
    return replace(one, file=replace(one.file, on_disk=kind == "file"), **settings)


@given(
    st.lists(st.sampled_from("abc"), unique=True, max_size=3).flatmap(lambda names: st.tuples(*map(_guests, names))),
    st.sampled_from(Profile),
    st.sampled_from([None, "4.14", "master"]),
    st.booleans(),
    st.dictionaries(_words, _words, max_size=2),
    st.dictionaries(_words, st.lists(_addresses, max_size=2).map(tuple), max_size=2),
    st.dictionaries(_addresses, st.builds(Pin, _words, _words, _words), max_size=2),
    st.sets(st.sampled_from(["a.toml", "far/b.toml", "live"])),
)
def test_every_plan_comes_back(
    guests: tuple[Guest, ...],
    profile: Profile,
    xen: str | None,
    documented: bool,
    reasons: dict[str, str],
    candidates: dict[str, tuple[Sbdf, ...]],
    pins: dict[Sbdf, Pin],
    others: set[str],
) -> None:
    plan = Plan(HOST, guests, profile, xen, documented, reasons, candidates, pins)
    plan = replace(plan, moves_to=dict.fromkeys(sorted(others), HOST))
    restored = _restored(plan)
    assert restored == plan_toml.Restored(plan)
    for before, after in zip(plan.guests, restored.plan.guests, strict=True):
        assert (before.file is None) == (after.file is None)
        if before.file is not None and after.file is not None:
            assert (before.file.text, before.file.on_disk) == (after.file.text, after.file.on_disk)
    saved = plan_toml.save(plan)
    assert plan_toml.render(plan_toml.parse(plan_toml.render(saved))) == plan_toml.render(saved)


def test_another_inventory_is_refused_unless_told() -> None:
    plan = Plan(HOST, (guest(NIC),))
    other = host(rmrr(0xAC6D3000, 0xAC6EFFFF, USB))
    with pytest.raises(InputError, match=r"made for another inventory: host\.toml has other .* --another-host"):
        _restored(plan, other)
    assert _restored(plan, other, another_host=True).plan.host is other


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"name": "renamed", "xen": "4.18", "notes": "new"}, True),
        ({"devices": tuple(one.changed(driver="pciback") for one in HOST.devices)}, True),
        ({"devices": HOST.devices[1:]}, False),
        ({"regions": HOST.regions[::-1]}, False),
    ],
)
def test_what_makes_a_host_another(change: dict[str, Any], same: bool) -> None:
    assert (plan_toml.identity(HOST.changed(**change)) == plan_toml.identity(HOST)) is same


def test_a_file_that_changed_since_is_named_and_edits_go_on_top() -> None:
    plan = Plan(HOST, (replace(read(WEB, "web.cfg"), memory=2048), replace(read(WEB, "b.cfg"), name="b")))
    saved = plan_toml.save(replace(plan, guests=plan.guests[:1]))
    now = WEB.replace("mmio_hole = 1024", "mmio_hole = 512")
    restored = plan_toml.restore(saved, HOST, {"web.cfg": now}, PurePath("plans"))
    assert restored.changed == ("plans/web.cfg",)
    assert (restored.plan.guests[0].memory, restored.plan.guests[0].mmio_hole) == (2048, 512)
    written = WEB.replace("4096", "2048")
    assert plan_toml.restore(saved, HOST, {"web.cfg": written}, PurePath()).changed == ()


def test_paths_start_from_the_folder_of_the_plan() -> None:
    others = {"hosts/two/host.toml": HOST, "live": HOST}
    plan = Plan(HOST, (read(WEB, "guests/web.cfg"),), host_file="hosts/one/host.toml", moves_to=others)
    saved = plan_toml.save(plan, lambda path: f"../{path}")
    assert (saved.host, saved.files) == ("../hosts/one/host.toml", ("../guests/web.cfg",))
    assert saved.moves_to == ("../hosts/two/host.toml", "live")
    hosts = dict.fromkeys(saved.moves_to, HOST)
    restored = plan_toml.restore(saved, HOST, {saved.files[0]: WEB}, PurePath("plans"), hosts).plan
    assert restored.moves_to == others
    assert restored.host_file == "hosts/one/host.toml"
    assert restored.guests[0].file == plan.guests[0].file


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("schema_version = 2", "schema_version: expected 1, found 2"),
        ("schema_version = 1\nhots = 1", "hots: unknown key"),
        ("schema_version = 1\nhost = 1", "host: expected text in quotes, found 1"),
        ("[[guests]]\nname='a'\nfile='x'\ntext='y'", "a guest has a file or a text, not both"),
        ("[[guests]]\nname='a'\nunset=['vcpus']", "unset: 'vcpus' is none of memory"),
        ("[[guests]]\nname='a'\n[[guests]]\nname='a'", "guest 'a' is listed twice"),
        (
            "[[guests]]\nname='a'\n[guests.set]\nmemory=-1",
            "guests[0].set.memory: expected a whole number from 0 to 16777215, found -1",
        ),
    ],
)
def test_faults_are_named(line: str, message: str) -> None:
    head = "" if line.startswith("schema") else 'schema_version = 1\nhost = "h"\nhost_identity = "x"\n'
    with pytest.raises(InputError) as caught:
        plan_toml.parse(head + line)
    assert message in str(caught.value)


def test_a_device_that_cannot_be_read_names_its_guest() -> None:
    text = plan_toml.render(plan_toml.save(Plan(HOST, (Guest(name="a"),)))) + "[guests.set]\npci = ['nonsense']\n"
    with pytest.raises(InputError, match=r"guest 'a': unable to parse PCI_SPEC_STRING `nonsense'"):
        plan_toml.restore(plan_toml.parse(text), HOST, {}, PurePath())


def test_the_schema_takes_what_we_write() -> None:
    schema = values.schema(plan_toml.SavedPlan)
    assert json.dumps(schema)
    assert set(schema["required"]) == {"schema_version", "host", "host_identity"}
    assert {"memory", "pci"} <= set(schema["$defs"]["Settings"]["properties"])


def test_the_machine_that_we_run_on_is_no_file() -> None:
    saved = plan_toml.save(Plan(HOST, host_file="live"), lambda path: f"../{path}")
    assert saved.host == "live"
    assert plan_toml.restore(saved, HOST, {}, PurePath("plans")).plan.host_file == "live"


def test_a_renamed_guest_comes_back_with_both_names() -> None:
    plan = Plan(HOST, (replace(read(WEB, "web.cfg"), name="shop"), replace(read(WEB, "b.cfg"))))
    saved = plan_toml.save(plan)
    assert [(one.name, one.set.name) for one in saved.guests] == [("web", "shop"), ("web", None)]
    assert _restored(plan).plan == plan
    with pytest.raises(InputError, match=r"web\.cfg: holds the guest 'other', but the plan was made for 'web'"):
        plan_toml.restore(saved, HOST, {"web.cfg": WEB.replace("web", "other"), "b.cfg": WEB}, PurePath())
