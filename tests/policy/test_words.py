"""What findings say fits the device and the case, and what ends a build comes first."""

from __future__ import annotations

from dataclasses import replace

from driving import DESKTOP, HP, site
from planning import NIC, USB, at, function, guest, host, report, rmrr

from planner.model.edits import ReplaceGuest
from planner.model.host import PciDevice
from planner.model.span import MIB
from planner.policy.assignable import why_blocked
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding
from planner.policy.fixes import fixes
from planner.session import Effect, Session

SHARED = rmrr(0xFED00000, 0xFED00FFF, NIC, USB)


def _first(result: Report, rule: str) -> Finding:
    return next(one for one in result.findings if one.rule.id == rule)


def test_the_remedy_below_one_mib_fits_the_device() -> None:
    region = rmrr(0xE8000, 0xE8FFF, NIC)
    helps = {}
    for code in ("0c0320", "020000"):
        machine = host(region).changed(devices=(PciDevice(address=at(NIC), class_code=code),))
        helps[code] = _first(report(machine, guest(NIC)), "RDM107").help or ""
    assert "legacy USB" in helps["0c0320"]
    assert "legacy USB" not in helps["020000"]
    assert "vendor" in helps["020000"]


def test_what_ends_the_build_comes_first() -> None:
    found = [one for one in evaluate(site(HP)).findings if one.guest == "pfsense"]
    assert (found[0].rule.id, found[0].xen_says) == ("RDM107", "RDM conflict at 0xe8000.")


def test_what_concerns_the_map_comes_before_what_concerns_a_device_alone() -> None:
    machine = host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)).changed(devices=(function(NIC, resets=()),))
    found = report(machine, guest(f"{NIC},rdm_policy=relaxed")).findings
    assert [one.rule.id for one in found if one.severity == "warning"] == ["RDM102", "PCI503"]


def test_a_candidate_without_an_iommu_context_is_told_the_setting() -> None:
    plan = report(host(rmrr(0x99000000, 0x99000FFF, NIC)), guest()).plan
    found = _first(evaluate(replace(plan, candidates={"vm": (at(NIC),)})), "HOT701")
    assert found.help == 'passthrough = "enabled"'
    assert found.region is None


def test_the_row_and_the_text_of_a_refused_candidate_name_one_region() -> None:
    regions = (rmrr(0xF8000000, 0xF8000FFF, NIC), rmrr(0x99000000, 0x99000FFF, NIC))
    plan = report(host(*regions), guest(passthrough="enabled")).plan
    found = _first(evaluate(replace(plan, candidates={"vm": (at(NIC),)})), "HOT701")
    assert found.help is None
    assert str(found.region) == "0x99000000-0x99000fff"
    assert str(found.region) in found.message


def test_the_hole_that_is_too_small_says_so() -> None:
    bar = {"index": 0, "kind": "mem64", "start": 0xD0000000, "size": 1024 * MIB, "prefetchable": True}
    bars = [bar, {"index": 2, "kind": "mem64", "start": 0xE0000000, "size": 1024 * MIB, "prefetchable": True}]
    machine = host().changed(devices=(function(NIC, bars=bars),))
    found = _first(report(machine, guest(NIC, memory=2048)), "BAR302")
    assert "full" not in found.message
    assert found.message.endswith(" above")


def test_a_fix_that_leaves_the_guest_without_a_start_says_so() -> None:
    result = report(host(SHARED, rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)), guest(f"{NIC},rdm_policy=strict"))
    offered = fixes(result, _first(result, "RDM101")).found
    assert offered
    assert all("vm still does not start: RDM103" in fix.cost for fix in offered if not fix.needs)


def test_a_part_of_the_machine_is_called_what_it_is() -> None:
    words = {}
    for code in ("060000", "060100", "060400", "080600"):
        result = report(host().changed(devices=(PciDevice(address=at(NIC), class_code=code),)))
        words[code] = why_blocked(result.plan, result.iommu, at(NIC)) or ""
    assert "host bridge" in words["060000"]
    assert "LPC" in words["060100"]
    assert "IOMMU" in words["080600"]
    assert all("stand behind it" not in words[code] for code in ("060000", "060100", "080600"))


def test_an_amd_iommu_ends_the_build() -> None:
    machine = host(iommu="amd").changed(devices=(PciDevice(address=at(NIC), class_code="080600"),))
    result = report(machine, guest(NIC))
    assert result.builds[0].error == f"dN: assign ({NIC}) failed (-19)"
    assert _first(result, "PCI512").xen_says == result.builds[0].error


def test_a_new_name_is_no_other_problem() -> None:
    session = Session(site(DESKTOP))
    one = next(guest for guest in session.snapshot.plan.guests if guest.name == "kiosk")
    after = session.do(ReplaceGuest("kiosk", replace(one, name="desk"), "rename"))
    assert any(finding.guest == "desk" for finding in after.report.findings)
    assert after.effect == Effect()
