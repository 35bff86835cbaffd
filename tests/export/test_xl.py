"""Every kind of file that we write, through Debian's own `xl create -n`: it makes the domain that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libxlutil import LibXlUtil
from libxlutil import load as load_library
from planning import NIC, OTHER, guest, host, rmrr
from xl import Xl, load

from planner.export import shipping, templates, xlcfg
from planner.formats import host_toml
from planner.formats.xlcfg import rdm
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.guest import Guest, Passthrough, RdmPolicy
from planner.model.plan import Plan, Profile
from planner.policy.evaluate import evaluate
from planner.storage import samples_folder
from planner.xen import xl as our_xl
from planner.xen.release import RELEASES

SITES = sorted(path.parent for path in samples_folder().glob("*/host.toml"))
_FLAGS = ("permissive", "msitranslate", "seize", "power_mgmt")


@pytest.fixture(scope="module")
def xl() -> Xl:
    return load()


@pytest.fixture(scope="module")
def xlu() -> LibXlUtil:
    return load_library()


def _assert_xl_makes(xl: Xl, text: str, wanted: Guest) -> None:
    """The domain that xl prints for `text` is the one that `wanted` asks for."""
    domain, said = xl.dry_run(text)
    assert domain is not None, said
    assert _theirs(domain) == _ours(wanted)


def _theirs(domain: dict[str, Any]) -> dict[str, Any]:
    made, hvm = domain["b_info"], domain["b_info"].get("type.hvm", {})
    return {
        "name": domain["c_info"]["name"],
        "type": domain["c_info"]["type"],
        "hap": domain["c_info"].get("hap"),
        "passthrough": domain["c_info"].get("passthrough"),
        "max_kib": made.get("max_memkb"),
        "target_kib": made.get("target_memkb"),
        "video_kib": made.get("video_memkb"),
        "vcpus": made.get("max_vcpus", 1),
        "hole_kib": hvm.get("mmio_hole_memkb"),
        "boundary_kib": hvm.get("rdm_mem_boundary_memkb"),
        "strategy": hvm.get("rdm", {}).get("strategy"),
        "bios": hvm.get("bios", "seabios"),
        "vga": hvm.get("vga", {}).get("kind"),
        "devices": [_their_device(device) for device in domain.get("pcidevs", ())],
    }


def _their_device(device: dict[str, Any]) -> tuple[Any, ...]:
    address = Sbdf(*(device.get(key, 0) for key in ("domain", "bus", "dev", "func")))
    flags = [device.get(flag, False) for flag in _FLAGS]
    return (address, device.get("vdevfn", 0), device.get("rdm_policy", "invalid"), *flags)


def _ours(wanted: Guest) -> dict[str, Any]:
    domain = our_xl.configure(wanted, RELEASES["4.17"]).domain
    said = wanted.memory is not None or wanted.maxmem is not None
    return {
        "name": wanted.name,
        "type": wanted.type,
        "hap": None if wanted.hap is None else str(wanted.hap),
        "passthrough": wanted.passthrough,
        "max_kib": domain.max_kib if said else None,
        "target_kib": domain.target_kib if wanted.memory is not None else None,
        "video_kib": None if wanted.videoram is None else domain.video_kib,
        "vcpus": wanted.vcpus,
        "hole_kib": domain.mmio_hole_kib,
        "boundary_kib": domain.boundary_kib,
        "strategy": "host" if domain.strategy == "host" else None,
        "bios": wanted.firmware,
        "vga": {"cirrus": None, "stdvga": "std"}.get(wanted.vga, wanted.vga),
        "devices": [_our_device(item, device.policy) for item, device in zip(wanted.pci, domain.devices, strict=True)],
    }


def _our_device(item: Passthrough, policy: RdmPolicy | None) -> tuple[Any, ...]:
    flags = [bool(getattr(item, flag)) for flag in _FLAGS]
    return (item.address, (item.vslot or 0) << 3, policy, *flags)


def _exports() -> Iterator[tuple[str, shipping.Shipment]]:
    for site in SITES:
        machine = host_toml.parse((site / "host.toml").read_text())
        guests = [read(path.read_text(), path.name) for path in sorted(site.glob("*.cfg"))]
        for text in (None, "policy=relaxed", "strategy=host,policy=strict"):
            asked = tuple(replace(one, rdm=rdm.parse(text)) if text is not None else one for one in guests)
            plan = Plan(machine, asked, Profile.XEN, "4.17", rdm_as_documented=True)
            yield f"{site.name}, rdm = {text}", shipping.ship(evaluate(plan))


@pytest.mark.parametrize(("name", "shipment"), [pytest.param(*one, id=one[0]) for one in _exports()])
def test_every_export_of_every_sample(xl: Xl, xlu: LibXlUtil, name: str, shipment: shipping.Shipment) -> None:
    for one in shipment.report.plan.guests:
        if shipment.refusals(one.name) and one.rdm is not None:
            continue  # not written: xl would drop the rdm= that nothing else reaches
        text = shipment.text(one.name)
        assert xlu.read(text) is not None, name
        _assert_xl_makes(xl, text, one)


_PCI = st.lists(
    st.builds(
        Passthrough,
        address=st.sampled_from([Sbdf.parse(text) for text in (NIC, OTHER, "0001:1a:1f.7", "00:1d.0")]),
        policy=st.sampled_from([None, RdmPolicy.STRICT, RdmPolicy.RELAXED]),
        vslot=st.none() | st.integers(1, 31),
        permissive=st.sampled_from([None, True, False]),
        seize=st.sampled_from([None, True, False]),
    ),
    unique_by=lambda item: item.address,
    max_size=3,
).map(tuple)
_SIZE = st.none() | st.integers(1, 65536)


@given(_PCI, _SIZE, _SIZE, st.none() | st.integers(256, 3840), _SIZE)
def test_any_edit_of_a_file(
    pci: tuple[Passthrough, ...], memory: int | None, maxmem: int | None, hole: int | None, edge: int | None
) -> None:
    xl = load()
    before = guest(f"{NIC},rdm_policy=strict", "0000:05:00.0", vga="stdvga", mmio_hole=1024, hap=0)
    changed = replace(before, pci=pci, memory=memory, maxmem=maxmem, mmio_hole=hole, rdm_mem_boundary=edge)
    _assert_xl_makes(xl, xlcfg.render(changed), changed)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12))
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    xl = load()
    new = templates.new_guest(name, templates.TEMPLATES["linux-seabios"])
    _assert_xl_makes(xl, xlcfg.render(new), new)
    bare = replace(new, file=None)
    _assert_xl_makes(xl, xlcfg.render(bare), bare)


@pytest.mark.parametrize("name", ["web", 'it\'s "new" \\ here', "a,b=c # d", "naïve", "tab\there", "../../etc/passwd"])
@pytest.mark.parametrize("template", templates.TEMPLATES)
def test_new_guests_with_any_name(xl: Xl, xlu: LibXlUtil, template: str, name: str) -> None:
    kind = templates.TEMPLATES[template]
    new = templates.new_guest(name, kind, memory=2048, vcpus=4)
    assert (new.name, new.type, new.firmware, new.memory, new.file is not None) == (
        name,
        "hvm",
        kind.firmware,
        2048,
        True,
    )
    with_device = new.with_pci((Passthrough(address=Sbdf.parse(NIC)),))
    for one in (new, with_device):
        text = xlcfg.render(one)
        assert xlu.read(text) is not None
        _assert_xl_makes(xl, text, one)
    domain, _ = xl.dry_run(xlcfg.render(new))
    assert domain is not None
    assert [disk["vdev"] for disk in domain["disks"]] == ["hda" if kind.system == "windows" else "xvda"]
    assert domain["nics"][0]["bridge"] == "xenbr0"
    assert domain["b_info"]["type.hvm"].get("viridian") == ("True" if kind.system == "windows" else None)


def test_what_xl_leaves_undefined_is_seen(xl: Xl) -> None:
    """`strategy=host` alone: its policy is whatever xl's stack held, which has no name to print."""
    domain, _ = xl.dry_run("name = 'a'\ntype = 'hvm'\nmemory = 64\nrdm = 'strategy=host'\n")
    assert domain is not None
    assert domain["b_info"]["type.hvm"]["rdm"]["strategy"] == "host"
    dropped, _ = xl.dry_run("name = 'a'\ntype = 'hvm'\nmemory = 64\nrdm = 'strategy=host,policy=strict'\n")
    assert dropped is not None
    assert dropped["b_info"]["type.hvm"]["rdm"] == {}


def test_a_region_of_the_guest_stays_what_it_was(xl: Xl) -> None:
    machine = host(rmrr(0x99000000, 0x99000FFF, NIC))
    shipment = shipping.ship(evaluate(Plan(machine, (guest(NIC),), Profile.XEN, "4.17")))
    _assert_xl_makes(xl, shipment.text("vm"), shipment.report.plan.guests[0])
    assert "mmio_hole = 1648" in shipment.text("vm")
