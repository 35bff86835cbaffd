"""Fixes: each is applied and judged again, by a report made from nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import NIC, OTHER, USB, guest, host, report, rmrr, rules

from planner.model.address import Sbdf
from planner.model.edits import Assign, Release, SetPolicy, SetSize, apply
from planner.model.guest import Guest, RdmPolicy
from planner.model.host import Bar, Host
from planner.model.span import MIB
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding
from planner.policy.fixes import Fix, fixes, repair
from planner.session import Session

NIC_, USB_, OTHER_ = (Sbdf.parse(text) for text in (NIC, USB, OTHER))
STRICT, RELAXED = f"{NIC},rdm_policy=strict", f"{NIC},rdm_policy=relaxed"
LOW = rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)
ABOVE = rmrr(0x99000000, 0x99000FFF, NIC)
HIGH = rmrr(0x140000000, 0x140000FFF, NIC)
SHARED = rmrr(0xFED00000, 0xFED00FFF, NIC, USB)


def of_class(machine: Host, code: str, **changes: object) -> Host:
    """Every device of one class."""
    devices = tuple(device.changed(**{"class_code": code} | changes) for device in machine.devices)
    return machine.changed(devices=devices)


def with_bar(machine: Host, size: int) -> Host:
    bar = Bar(index=0, kind="mem32", start=0x80000000, size=size)
    return of_class(machine, "0302", bars=(bar,))


def first(result: Report, rule: str) -> Finding:
    return next(finding for finding in result.findings if finding.rule.id == rule)


def applied(result: Report, fix: Fix) -> Report:
    """The plan with the fix made, judged from nothing."""
    return evaluate(apply(result.plan, fix.edit))


MOVES = "moves 1.8 GiB above 4 GiB, no RAM lost"
CASES: list[tuple[str, Host, Guest, tuple[object, ...], str]] = [
    ("RDM101", host(LOW), guest(STRICT), (SetSize("vm", "mmio_hole", 2108),), MOVES),
    (
        "RDM102",
        host(LOW),
        guest(RELAXED),
        (SetSize("vm", "mmio_hole", 2108),),
        "moves 1.8 GiB above 4 GiB, no RAM lost",
    ),
    ("RDM106", host(HIGH), guest(STRICT, memory=8192), (SetSize("vm", "memory", 4863),), "3.3 GiB less RAM"),
    (
        "RDM108",
        host(rmrr(0x80000000, 0x80000FFF, NIC)),
        guest(STRICT),
        (SetSize("vm", "mmio_hole", 2048),),
        "moves 1.8 GiB above 4 GiB, no RAM lost",
    ),
    (
        "MEM202",
        host(),
        guest(mmio_hole=255),
        (SetSize("vm", "mmio_hole", None),),
        "RAM stays where it is, no RAM lost",
    ),
    (
        "MEM204",
        host(),
        guest(NIC, memory=2048, maxmem=4096),
        (SetSize("vm", "memory", 4096),),
        "2 GiB more RAM from the start, no RAM lost",
    ),
    ("MEM212", host(ABOVE), guest(STRICT), (SetSize("vm", "mmio_hole", 1648),), "RAM stays where it is, no RAM lost"),
    (
        "MEM213",
        host(rmrr(0xBF800000, 0xBF800FFF, NIC)),
        guest(NIC, memory=3072, vga="stdvga"),
        (SetSize("vm", "mmio_hole", 1280),),
        "moves 240 MiB above 4 GiB, no RAM lost",
    ),
    (
        "MEM201",
        host(ABOVE, rmrr(0xF3000000, 0xF3000FFF, USB)),
        guest(NIC, USB),
        (SetSize("vm", "mmio_hole", 1648),),
        "RAM stays where it is, no RAM lost",
    ),
    (
        "BAR301",
        with_bar(host(), 512 * MIB),
        guest(NIC),
        (SetSize("vm", "mmio_hole", 1024),),
        "moves 768 MiB above 4 GiB, no RAM lost",
    ),
    (
        "MEM215",
        host(rmrr(0x180000, 0x180FFF, NIC)),
        guest(STRICT, rdm_mem_boundary=0),
        (),
        "",
    ),
    (
        "CFG612",
        host(),
        guest(NIC, rdm="strategy=host"),
        (SetPolicy("vm", NIC_, RdmPolicy.STRICT),),
        "no RAM lost",
    ),
    (
        "RDM103",
        of_class(host(SHARED), "0200"),
        guest(STRICT),
        (Release("vm", NIC_), Assign("vm", OTHER_, RdmPolicy.STRICT)),
        "no RAM lost, 03:00.0 leaves dom0",
    ),
]


@pytest.mark.parametrize(("rule", "machine", "one", "edits", "cost"), CASES, ids=[case[0] for case in CASES])
def test_the_cheapest_fix_clears_its_finding(
    rule: str, machine: Host, one: Guest, edits: tuple[object, ...], cost: str
) -> None:
    before = report(machine, one)
    found = fixes(before, first(before, rule)).found
    if not edits:
        assert all(_takes_out(fix) for fix in found)
        return
    assert (found[0].edits, found[0].cost) == (edits, cost)
    for fix in found:
        assert rule not in rules(applied(before, fix))


REGIONS = st.builds(
    lambda start, pages, device: rmrr(start << 12, (start + pages << 12) - 1, device),
    st.one_of(st.integers(0x10, 0xFFF00), st.integers(0x100000, 0x180000)),
    st.integers(1, 64),
    st.sampled_from([NIC, USB, OTHER]),
)


@settings(max_examples=40, deadline=None)
@given(
    regions=st.lists(REGIONS, min_size=1, max_size=4),
    memory=st.integers(512, 9000),
    hole=st.one_of(st.none(), st.integers(256, 3840)),
    boundary=st.one_of(st.none(), st.integers(0, 4096)),
    relaxed=st.booleans(),
    profile=st.sampled_from(["default", "xen"]),
)
def test_every_fix_is_proved_and_the_order_holds(
    regions: list[object], memory: int, hole: int | None, boundary: int | None, relaxed: bool, profile: str
) -> None:
    item = RELAXED if relaxed else NIC
    one = guest(item, USB, memory=memory, mmio_hole=hole, rdm_mem_boundary=boundary)
    before = report(of_class(host(*regions), "0200"), one, profile=profile)  # type: ignore[arg-type]
    for finding in before.findings:
        answer = fixes(before, finding)
        assert any(not _takes_out(fix) for fix in answer.found) != bool(answer.reason)
        assert fixes(before, finding) == answer
        loses = ["less RAM" in fix.cost for fix in answer.found if not _is_last(fix)]
        assert loses == sorted(loses)
        for fix in answer.found:
            after = applied(before, fix)
            assert all(
                (f.rule.id, f.device, f.region) != (finding.rule.id, finding.device, finding.region)
                for f in after.findings
            )
            worse = Counter(f.severity.rank for f in after.findings)
            limit = finding.severity.rank
            known = Counter(f.severity.rank for f in before.findings)
            assert sum(worse[rank] for rank in range(limit + 1)) < sum(known[rank] for rank in range(limit + 1)) + 1
            assert fix.needs or "relaxed" not in fix.title


def _takes_out(fix: Fix) -> bool:
    return all(isinstance(edit, Release) for edit in fix.edits)


def _is_last(fix: Fix) -> bool:
    return "relaxed" in fix.title or _takes_out(fix)


def test_relaxed_is_offered_under_xen_alone_and_last_with_its_risk() -> None:
    default = report(host(SHARED), guest(STRICT))
    answer = fixes(default, first(default, "RDM103"))
    assert [fix.title for fix in answer.found] == ["take 02:00.0 out of vm"]
    assert answer.takes_xen
    assert "takes the xen profile and a written reason" in (answer.reason or "")
    xen = report(host(LOW), guest(STRICT), profile="xen")
    last, none = fixes(xen, first(xen, "RDM101")).found[-2:]
    assert none.title == "take 02:00.0 out of vm"
    assert last.edits == (SetPolicy("vm", NIC_, RdmPolicy.RELAXED),)
    assert "risk: the device may do DMA into the guest's own RAM" in last.cost
    assert last.needs == "somebody writes down why: Xen then only warns"
    assert last.reason_for == "vm"


def test_a_fix_is_one_undoable_step() -> None:
    session = Session(report(of_class(host(SHARED), "0200"), guest(STRICT)).plan)
    before = session.snapshot
    fix = fixes(before.report, first(before.report, "RDM103")).found[0]
    after = session.do(fix.edit)
    assert [item.address for item in after.plan.guests[0].pci] == [OTHER_]
    assert after.undo == "give 03:00.0 instead of 02:00.0"
    assert session.undo().plan == before.plan


def test_two_settings_where_one_brings_another_finding() -> None:
    """The device must be strict, and strict then collides with RAM."""
    before = report(host(LOW), guest(NIC, rdm="strategy=host"))
    fix = fixes(before, first(before, "CFG612")).found[0]
    assert fix.title == "rdm_policy=strict for 02:00.0 and mmio_hole = 2108"
    assert fix.settings == {"vm": {"mmio_hole": 2108, "pci": [STRICT]}}
    assert not rules(applied(before, fix)) & {"CFG612", "RDM101", "RDM102"}


def test_where_there_is_none_it_says_why() -> None:
    below = report(host(rmrr(0xE8000, 0xE8FFF, NIC)), guest(STRICT))
    assert "disable legacy USB" in (fixes(below, first(below, "RDM107")).reason or "")
    firmware = report(host(rmrr(0x2000, 0x1FFF, NIC)))
    assert "no guest's setting changes" in (fixes(firmware, first(firmware, "RDM112")).reason or "")
    disks = report(of_class(host(SHARED), "0107"), guest(STRICT))
    assert "another storage controller has other disks" in (fixes(disks, first(disks, "RDM103")).reason or "")
    used = report(of_class(host(SHARED), "0200", in_use="management"), guest(STRICT))
    assert "03:00.0 (dom0 needs it: management)" in (fixes(used, first(used, "RDM103")).reason or "")


def test_moving_sharers_to_one_guest_is_for_a_person_to_say() -> None:
    plan = report(host(SHARED), guest(RELAXED, name="a"), guest(f"{USB},rdm_policy=relaxed", name="b"), profile="xen")
    found = fixes(plan, first(plan, "RDM105")).found
    assert [fix.title for fix in found] == ["00:1d.0, 02:00.0 for a alone", "00:1d.0, 02:00.0 for b alone"]
    assert found[0].needs == "b can do without 00:1d.0"
    after = applied(plan, found[0])
    assert "RDM105" not in rules(after)
    assert [item.policy for item in after.plan.guests[0].pci] == [RdmPolicy.RELAXED, RdmPolicy.RELAXED]


def test_guests_that_list_the_same_device_are_fixed_one_by_one() -> None:
    before = report(host(ABOVE), guest(STRICT, name="a"), guest(STRICT, name="b"))
    for finding in before.findings:
        if finding.rule.id == "MEM212":
            assert fixes(before, finding).found[0].edits == (SetSize(str(finding.guest), "mmio_hole", 1648),)


def test_repair_goes_on_until_nothing_helps() -> None:
    before = report(host(LOW, SHARED), guest(STRICT, name="a"), guest(USB, name="b"))
    result = repair(before, lambda finding: finding.severity != "notice")
    assert [(finding.rule.id, fix.title) for finding, fix in result.made] == [("RDM101", "mmio_hole = 2108")]
    assert {finding.rule.id for finding, _ in result.left} == {"RDM103", "RDM105"}
    assert all(answer.reason or all(fix.needs for fix in answer.found) for _, answer in result.left)
    assert rules(evaluate(result.report.plan)) == rules(before) - {"RDM101"} | {"RDM109"}


def test_a_fix_is_not_missed_for_what_another_guest_has_already() -> None:
    """Both guests list the device, and one has MEM212 by it: to bring it to the other is new all the same."""
    plan = report(host(ABOVE), guest(STRICT, name="a", hap=0, mmio_hole=255), guest(STRICT, name="b", hap=0))
    found = fixes(plan, first(plan, "MEM202"))
    assert found.found
    assert not {"MEM202", "MEM212"} & {
        one.rule.id for one in applied(plan, found.found[0]).findings if one.guest == "a"
    }


def test_memory_that_video_ram_takes_whole_is_raised() -> None:
    result = report(host(), guest(memory=16, videoram=64))
    cheapest = fixes(result, first(result, "MEM214")).found[0]
    assert (cheapest.edits, cheapest.cost) == ((SetSize("vm", "memory", 128),), "112 MiB more RAM, no RAM lost")
    assert rules(applied(result, cheapest)) == set()


def test_a_device_of_two_guests_is_taken_from_either() -> None:
    before = report(host(ABOVE), guest(NIC, name="a"), guest(NIC, name="b"))
    found = [fix for fix in fixes(before, first(before, "PCI508")).found if _takes_out(fix)]
    assert [(fix.title, fix.needs) for fix in found] == [
        ("take 02:00.0 out of a", "a can do without 02:00.0"),
        ("take 02:00.0 out of b", "b can do without 02:00.0"),
    ]
    assert "b loses 02:00.0" in found[1].cost
    assert all("PCI508" not in rules(applied(before, fix)) for fix in found)


def test_two_policies_of_one_region_become_one() -> None:
    one = guest(STRICT, f"{USB},rdm_policy=relaxed")
    before = report(host(SHARED), one, profile="xen")
    fix = next(fix for fix in fixes(before, first(before, "RDM118")).found if not _takes_out(fix))
    assert fix.edits == (SetPolicy("vm", NIC_, RdmPolicy.RELAXED),)
    assert fix.reason_for == "vm"
    assert not {"RDM118", "RDM103"} & rules(applied(before, fix))


def test_what_a_region_costs_is_not_hidden_by_a_hole() -> None:
    before = report(host(ABOVE), guest(STRICT, mmio_hole=1648))
    found = fixes(before, first(before, "RDM109")).found
    assert found
    for fix in found:
        after = applied(before, fix).builds[0].layout
        assert not any(isinstance(edit, SetSize) and edit.key == "mmio_hole" for edit in fix.edits)
        assert after is not None


def test_a_size_goes_back_to_what_the_file_says() -> None:
    before = report(host(ABOVE), guest(STRICT, mmio_hole=1648))
    turned = evaluate(apply(before.plan, SetSize("vm", "maxmem", 6144)))
    titles = [fix.title for fix in fixes(turned, first(turned, "MEM204")).found]
    assert "drop maxmem, as the file has it" in titles
    plan = apply(report(host(LOW), guest(STRICT, mmio_hole=2108)).plan, SetSize("vm", "mmio_hole", None))
    collides = evaluate(plan)
    assert "mmio_hole = 2108, as the file has it" in [
        fix.title for fix in fixes(collides, first(collides, "RDM101")).found
    ]


def test_who_has_the_region_now_may_keep_it_alone_though_the_profile_blocks_more() -> None:
    shared = host(SHARED)
    before = report(shared, guest(STRICT, name="a"), guest(USB, name="b"))
    mine = next(one for one in before.findings if one.rule.id == "RDM105" and one.guest == "a")
    fix = fixes(before, mine).found[0]
    assert fix.title == "02:00.0 for a alone"
    assert fix.edits == (Release("b", USB_),)
    assert "a still does not start: RDM103" in fix.cost


def test_a_free_device_takes_no_reason() -> None:
    machine = of_class(host(SHARED), "0200", driver="pciback")
    before = report(machine, guest(STRICT))
    fix = fixes(before, first(before, "RDM103")).found[0]
    assert (fix.needs, fix.reason_for) == ("03:00.0 is cabled for this", None)
    bound = report(of_class(host(SHARED), "0200", driver="e1000e"), guest(STRICT))
    fix = fixes(bound, first(bound, "RDM103")).found[0]
    assert fix.reason_for == OTHER
