"""Assigning devices: the order of Xen's checks, and its exact lines."""

from __future__ import annotations

import pytest
from planning import NIC, OTHER, USB, built, guest, host, report, rmrr, rules

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.host import Bridge, Host, PciDevice, PortType, ReservedRegion
from planner.model.span import Span
from planner.xen import hypervisor
from planner.xen.build import hotplug
from planner.xen.hypervisor import Attach
from planner.xen.release import RELEASES

NIC_, USB_ = Sbdf.parse(NIC), Sbdf.parse(USB)
OWN = rmrr(0xBF800000, 0xBF800FFF, NIC)
SHARED = rmrr(0xFED00000, 0xFED00FFF, NIC, USB)
STRICT, RELAXED = RdmPolicy.STRICT, RdmPolicy.RELAXED


def _attach(machine: Host, policy: RdmPolicy | None, *mapped: Span, held: tuple[Span, ...] = ()) -> Attach:
    iommu = hypervisor.boot(machine, RELEASES["4.17"])
    return hypervisor.attach(iommu, NIC_, policy, mapped, held=held)


def _lines(answer: Attach) -> list[str]:
    return [step.log for step in answer.steps if step.log]


def test_strict_over_memory_is_refused_with_xens_three_lines() -> None:
    """The lines of the real run s28, but for the machine frame that only the run knows."""
    answer = _attach(host(OWN), STRICT, Span(0xBF000000, 0xC0010000))
    assert not answer.ok
    assert _lines(answer) == [
        "Cannot setup identity map dN:bf800, gfn already mapped",
        "cannot map reserved region [bf800000,bf800fff]: -16",
        "dN: assign (0000:02:00.0) failed (-16)",
    ]


def test_relaxed_over_memory_passes_with_a_warning() -> None:
    answer = _attach(host(OWN), RELAXED, Span(0xBF000000, 0xC0010000))
    assert answer.ok
    assert _lines(answer) == ["Cannot setup identity map dN:bf800, gfn already mapped"]


def test_not_said_means_strict() -> None:
    assert not _attach(host(OWN), RdmPolicy.INVALID, Span(0xBF000000, 0xC0010000)).ok


def test_the_shared_test_comes_before_the_map() -> None:
    answer = _attach(host(SHARED, OWN), STRICT, Span(0xBF000000, 0xC0010000))
    assert _lines(answer) == [
        "It's disallowed to assign 0000:02:00.0 with shared RMRR at fed00000 for dN.",
        "dN: assign (0000:02:00.0) failed (-1)",
    ]


def test_a_duplicate_scope_entry_counts_as_sharing() -> None:
    assert not _attach(host(rmrr(0xFED00000, 0xFED00FFF, NIC, NIC)), STRICT).ok


def test_an_undefined_policy_is_refused_by_libxl() -> None:
    assert _attach(host(), None).error == "unknown rdm check flag."


def test_a_region_that_overlaps_another_of_the_guest_is_refused() -> None:
    answer = _attach(host(OWN), STRICT, held=(Span(0xBF800000, 0xBF802000),))
    assert _lines(answer)[0] == "cannot map reserved region [bf800000,bf800fff]: -98"
    assert _attach(host(OWN), STRICT, held=(Span(0xBF800000, 0xBF801000),)).ok


def test_a_device_the_host_lacks_and_a_host_bridge_are_refused() -> None:
    assert _lines(_attach(host(devices=(USB,)), STRICT)) == ["dN: assign (0000:02:00.0) failed (-19)"]
    bridge = host().changed(devices=(PciDevice(address=NIC_, class_code="0600"),))
    assert _lines(_attach(bridge, STRICT)) == ["dN: assign (0000:02:00.0) failed (-1)"]


def test_without_a_listing_every_device_is_believed() -> None:
    assert _attach(host(OWN, devices=()), STRICT).ok


def test_all_devices_are_judged_after_a_refusal() -> None:
    result = built(host(SHARED), guest(NIC, USB, OTHER))
    assert [answer.ok for answer in result.attached] == [False, False, True]


def test_hotplug_over_running_ram_is_refused_strict_and_unmapped_relaxed() -> None:
    machine = host(rmrr(0x7C4BF000, 0x7C4C0FFF, NIC))
    running = built(machine, guest(OTHER))
    assert hotplug(running, NIC_).error == "Cannot setup identity map dN:7c4bf, gfn already mapped"
    assert hotplug(running, NIC_, RELAXED).ok


def test_hotplug_where_nothing_lies_succeeds_and_the_guest_is_not_told() -> None:
    machine = host(rmrr(0xF3000000, 0xF3000FFF, NIC))
    running = built(machine, guest(OTHER))
    answer = hotplug(running, NIC_)
    assert answer.ok
    assert "e820 does not list 0xf3000000-0xf3000fff" in answer.steps[-1].text


def test_hotplug_needs_a_guest_that_was_created_for_it() -> None:
    machine = host()
    assert not hotplug(built(machine, guest()), NIC_).ok
    assert hotplug(built(machine, guest(passthrough="enabled")), NIC_).ok
    assert not hotplug(built(machine, guest(NIC, mmio_hole=1)), USB_).ok


def test_host_bridges_have_a_finding_too() -> None:
    bridge = host().changed(devices=(PciDevice(address=NIC_, class_code="0600"),))
    assert "PCI501" in rules(report(bridge, guest(NIC)))


def _behind_a_bridge(bridge: PortType | None, device: PortType | None, *regions: ReservedRegion) -> Host:
    above = PciDevice(
        address=Sbdf.parse("0000:00:1e.0"),
        class_code="0604",
        port=bridge,
        bridge=Bridge(secondary=2, subordinate=2),
    )
    return host(*regions).changed(devices=(above, PciDevice(address=NIC_, class_code="0200", port=device)))


@pytest.mark.parametrize(
    ("bridge", "device", "regions", "ok"),
    [
        (PortType.CONVENTIONAL, PortType.CONVENTIONAL, (OWN,), False),
        (PortType.PCIE_TO_PCI_BRIDGE, PortType.CONVENTIONAL, (OWN,), False),
        (PortType.PCIE_TO_PCI_BRIDGE, PortType.CONVENTIONAL, (), True),
        (PortType.ROOT_PORT, PortType.CONVENTIONAL, (OWN,), True),
        (PortType.PCIE_TO_PCI_BRIDGE, PortType.ENDPOINT, (OWN,), True),
        (None, PortType.CONVENTIONAL, (OWN,), True),
    ],
)
def test_a_conventional_device_with_a_region_behind_a_bridge_stays_with_dom0(
    bridge: PortType | None, device: PortType | None, regions: tuple[ReservedRegion, ...], ok: bool
) -> None:
    """Also with `relaxed`, and after the identity map: the line of real runs. Unknown kinds are no ground to refuse."""
    answer = _attach(_behind_a_bridge(bridge, device, *regions), RELAXED)
    assert answer.ok == ok
    assert _lines(answer) == ([] if ok else ["dN: assign (0000:02:00.0) failed (-95)"])
