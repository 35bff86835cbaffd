"""What is written for a release gives, as that release reads it, the map that was planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, OTHER, guest, host, report, rmrr

from planner.export import shipping
from planner.formats import host_toml
from planner.formats.xlcfg import rdm
from planner.formats.xlcfg.guest import read
from planner.model.host import Host
from planner.model.plan import Plan, Profile
from planner.policy.evaluate import evaluate
from planner.storage import samples_folder
from planner.xen.build import Build
from planner.xen.release import RELEASES

SITES = sorted(path.parent for path in samples_folder().glob("*/host.toml"))
MACHINE = host(rmrr(0x99000000, 0x99000FFF, NIC), rmrr(0xF3000000, 0xF3000FFF, OTHER))
BELOW = host(rmrr(0x3D000000, 0x3D000FFF, NIC), rmrr(0xF3000000, 0xF3000FFF, OTHER))


def _facts(build: Build) -> tuple[object, ...]:
    """What a guest is told and given: RAM, e820, devices with what they hold, and how it ends."""
    layout = build.layout
    laid = (layout.low_end, layout.high_end, sorted(layout.e820)) if layout is not None else ()
    return (build.error, build.undefined, laid, [(one.address, one.ok, one.held) for one in build.attached])


def _ship(machine: Host, *pci: str, release: str = "4.17", **settings: Any) -> shipping.Shipment:
    one = guest(*pci, **settings)
    return shipping.ship(report(machine, one, rdm_as_documented=True, xen=release, profile="xen"))


@pytest.mark.parametrize("site", SITES, ids=lambda path: path.name)
@pytest.mark.parametrize("release", RELEASES)
def test_every_sample_as_shipped_is_as_planned(site: Path, release: str) -> None:
    """With each rdm= that the manual knows: what is not refused gives the planned RAM, e820 and devices."""
    machine = host_toml.parse((site / "host.toml").read_text())
    guests = [read(path.read_text(), str(path)) for path in sorted(site.glob("*.cfg"))]
    texts = (None, "policy=relaxed", "policy=strict", "strategy=host,policy=relaxed", "strategy=host,policy=strict")
    for text in texts:
        asked = tuple(replace(one, rdm=rdm.parse(text) if text is not None else None) for one in guests)
        plan = Plan(machine, asked, Profile.XEN, release, rdm_as_documented=True)
        planned = evaluate(plan)
        shipment = shipping.ship(planned)
        for before, after in zip(planned.builds, shipment.report.builds, strict=True):
            if shipment.refusals(after.guest.name):
                continue
            assert _facts(before)[:1] + _facts(before)[2:] == _facts(after)[:1] + _facts(after)[2:]
            assert not after.undefined
            text = shipment.text(after.guest.name)
            written = read(text, after.guest.file.path if after.guest.file is not None else "-")
            assert written == after.guest
            if release in ("4.14", "4.17"):
                again = shipping.ship(evaluate(replace(plan, guests=(written,), rdm_as_documented=False)))
                assert again.text(written.name) == text
            if RELEASES[release].drops_rdm_with_policy:
                assert written.rdm is None or written.rdm.as_shipped.accepted


_pages = st.integers(0x100, 0xFEFFF)


@given(
    st.lists(st.tuples(_pages, st.integers(1, 0x4000)), min_size=1, max_size=3),
    st.lists(st.sampled_from([NIC, OTHER]), unique=True),
    st.sampled_from(["policy=relaxed", "policy=strict", "strategy=host,policy=relaxed", "policy=strict,strategy=host"]),
    st.integers(256, 8192),
    st.sampled_from(["4.14", "4.17", "master"]),
)
def test_any_layout_is_reached_or_refused(
    regions: list[tuple[int, int]], devices: list[str], text: str, memory: int, release: str
) -> None:
    spans = [(page << 12, ((page + count) << 12) - 1) for page, count in regions]
    machine = host(
        *(rmrr(start, end, at) for (start, end), at in zip(spans, (NIC, OTHER, "0000:04:00.0"), strict=False))
    )
    one = guest(*devices, memory=memory, rdm=text)
    planned = report(machine, one, rdm_as_documented=True, xen=release, profile="xen")
    shipment = shipping.ship(planned)
    if not shipment.refusals():
        assert _facts(planned.builds[0]) == _facts(shipment.report.builds[0])
        assert "MEM212" not in {finding.rule.id for finding in shipment.report.findings}


def test_a_policy_goes_to_each_device() -> None:
    shipment = _ship(MACHINE, NIC, f"{OTHER},rdm_policy=strict", memory=1024, rdm="policy=relaxed")
    assert "rdm" not in shipment.text("vm").replace("rdm_policy", "").replace("# rdm-planner", "")
    assert [item.policy for item in shipment.report.plan.guests[0].pci] == ["relaxed", "strict"]
    assert "".join(shipment.notes["vm"]) == (
        'Xen 4.17 drops rdm = "policy=relaxed" without a word; instead: no rdm=, rdm_policy=relaxed on '
        "0000:02:00.0. Built again as shipped, the map is the planned one"
    )


def test_a_wish_for_the_whole_hosts_regions_is_kept() -> None:
    shipment = _ship(MACHINE, NIC, memory=1024, rdm="strategy=host,policy=strict")
    assert "rdm = 'strategy=host'\n" in shipment.text("vm")
    assert shipment.refusals() == ()


def test_what_nothing_reaches_is_refused_with_the_reason() -> None:
    """RAM covers a region of no assigned device: documented it is relaxed, as shipped nobody sets its policy."""
    shipment = _ship(BELOW, memory=1024, rdm="strategy=host,policy=relaxed")
    assert [finding.rule.id for finding in shipment.refusals()] == ["CFG601"]
    assert "".join(shipment.notes["vm"]) == (
        'Xen 4.17 drops rdm = "strategy=host,policy=relaxed", and nothing else that it reads gives the planned map: '
        "with strategy=host alone Xen leaves undefined whether libxl fails over 0x3d000000-0x3d000fff"
    )


@pytest.mark.parametrize(("release", "documented"), [("4.14", True), ("4.14", False), ("4.17", True), ("4.17", False)])
def test_nothing_is_changed_where_both_readings_are_one(release: str, documented: bool) -> None:
    one = guest(NIC, memory=1024, rdm="strategy=host" if release == "4.17" else "policy=relaxed")
    shipment = shipping.ship(report(MACHINE, one, rdm_as_documented=documented, xen=release, profile="xen"))
    assert shipment.notes == {}
    assert one.file is not None
    assert shipment.text("vm") == one.file.text


def test_lowered_ram_gets_the_hole_that_qemu_needs_and_says_so() -> None:
    shipment = shipping.ship(report(MACHINE, guest(NIC)))
    assert shipment.refusals() == ()
    assert shipment.report.plan.guests[0].mmio_hole == 1648
    assert shipment.notes["vm"][0].startswith(
        "adds mmio_hole = 1648: libxl lowers low RAM to 0x99000000 and tells QEMU nothing, so emulated devices "
        "would silently lose data in 1.4 GiB of RAM. RAM and regions stay as planned; BARs move: "
    )


def test_a_hole_that_the_admin_chose_is_not_replaced() -> None:
    shipment = shipping.ship(report(MACHINE, guest(NIC, mmio_hole=512)))
    assert shipment.notes == {"vm": ("mmio_hole = 512 is the plan's own, so export does not replace it",)}
    refused = [finding for finding in shipment.refusals() if finding.rule.id == "MEM212"]
    assert [str(finding.help).partition(" (MiB)")[0] for finding in refused] == ["mmio_hole = 1648"]


def test_the_comment_says_what_is_reserved_and_is_kept_up_to_date() -> None:
    machine = MACHINE.changed(name="lab \n\x1b[31m")
    first = shipping.ship(report(machine, guest(NIC))).text("vm")
    assert (
        first
        == """\
name = 'vm'
type = 'hvm'
memory = 4096
# rdm-planner reserves: 0x99000000-0x99000fff (4 KiB) for 0000:02:00.0
# rdm-planner because: these devices reach that memory 1:1 whatever Xen maps; low RAM ends at 0x99000000, \
1.6 GiB lie above 4 GiB; keep mmio_hole = 1648: nothing else tells QEMU so, and without it disks lose data
# rdm-planner for: Xen 4.17 on lab ??[31m; export keeps these three lines up to date
pci = ['0000:02:00.0']
mmio_hole = 1648
"""
    )
    assert shipping.ship(report(machine, read(first, "vm.cfg"))).text("vm") == first
    mine = first.replace("type =", "# rdm-planner reserves: no, this comment is mine\ntype =")
    moved = replace(read(mine, "vm.cfg"), memory=2048)
    second = shipping.ship(report(machine, moved)).text("vm")
    assert "comment is mine" in second
    assert second.count("# rdm-planner because: ") == 1
    assert "low RAM ends at 0x7f000000" not in first
    assert "keep mmio_hole" not in second
    without = shipping.ship(report(machine, read(second, "vm.cfg").with_pci(()))).text("vm")
    assert "# rdm-planner because" not in without
    assert "comment is mine" in without


def test_ram_that_ends_below_the_region_was_not_lowered_for_it() -> None:
    below = shipping.ship(report(MACHINE, replace(guest(NIC), memory=2048))).text("vm")
    assert "low RAM ends at 0x7f800000\n" in below
    lowered = shipping.ship(report(MACHINE, replace(guest(NIC), mmio_hole=512))).text("vm")
    assert "low RAM ends at 0x99000000, 1.6 GiB lie above 4 GiB, lowered for a region\n" in lowered


def test_the_reason_for_a_risk_is_in_the_comment() -> None:
    shared = host(rmrr(0xF3000000, 0xF3000FFF, NIC, OTHER))
    told = report(shared, guest(f"{NIC},rdm_policy=relaxed"), profile="xen", reasons={"vm": "the lab\nis ours"})
    assert "; the reason given for it: the lab?is ours\n" in shipping.ship(told).text("vm")


def test_errors_that_what_is_added_cures() -> None:
    shipment = shipping.ship(report(MACHINE, guest(NIC), guest(OTHER, name="other", mmio_hole=512)))
    assert "MEM212" in shipment.cured("vm")
    assert shipment.cured("other") == ()
