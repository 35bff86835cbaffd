from __future__ import annotations

from dataclasses import replace
from typing import Any

from planning import guest

from planner.formats import values
from planner.model.address import Sbdf
from planner.model.edits import Assign, Release, apply
from planner.model.host import Bridge, Host, PciDevice
from planner.model.plan import Pin, Plan
from planner.pci.identity import differs, find, pin, pinned, pins
from planner.pci.topology import resolve, scope_path


def at(text: str) -> Sbdf:
    return Sbdf.parse(text)


def device(address: str, **facts: Any) -> PciDevice:
    return values.read(PciDevice, {"address": address} | facts)


def machine(bus: int) -> Host:
    """A host whose card stands on `bus` behind the same root port."""
    port = device("00:1c.7", bridge=Bridge(secondary=bus, subordinate=bus))
    card = device(f"{bus:02x}:00.0", id="8086:1521", subsystem="103c:339e")
    return Host(devices=(port, card, device("00:1d.0", id="8086:1d26")))


def test_a_path_survives_a_renumbering_of_buses() -> None:
    before, after = machine(1), machine(4)
    known = pin(before, at("01:00.0"))
    assert known == Pin("8086:1521", "103c:339e", "00:1c.7/00.0")
    assert pin(after, at("04:00.0")) == known
    assert find(after, known) == (at("04:00.0"),)
    assert scope_path(before, at("00:1d.0")) == "00:1d.0"
    assert resolve(known.path, 0, after.by_address).device == at("04:00.0")


def test_what_makes_it_another_device() -> None:
    known = Pin("8086:1521", "103c:339e", "00:1c.7/00.0")
    assert differs(known, known) is None
    assert differs(known, Pin("8086:1533", "103c:339e", known.path)) == "id 8086:1533 instead of 8086:1521"
    assert differs(known, Pin(known.id, "1028:0001", known.path)) == "subsystem 1028:0001 instead of 103c:339e"
    assert differs(known, Pin(known.id, known.subsystem, "00:1c.6/00.0")) == "path 00:1c.6/00.0 instead of 00:1c.7/00.0"
    assert differs(known, Pin(path=known.path)) is None


def test_the_same_card_elsewhere_is_found_by_its_ids() -> None:
    moved = Pin("8086:1521", "103c:339e", "00:01.0/00.0")
    assert find(machine(4), moved) == (at("04:00.0"),)
    assert find(machine(4), Pin("8086:ffff", "", "00:1c.7/00.0")) == ()
    assert list(pins(machine(4), (at("04:00.0"), at("00:1d.0")))) == [at("00:1d.0"), at("04:00.0")]


def test_a_saved_plan_pins_what_its_guests_have() -> None:
    plan = Plan(machine(4), (guest("04:00.0", "00:1d.0"), guest("04:00.1", name="other")))
    kept = Pin("10de:2684")
    found = pinned(replace(plan, pins={at("00:1d.0"): kept, at("05:00.0"): kept})).pins
    assert found == {at("04:00.0"): pin(machine(4), at("04:00.0")), at("00:1d.0"): kept}
    later = replace(plan, guests=(guest(name="vm"),), candidates={"vm": (at("04:00.0"),)})
    assert pinned(later).pins == {at("04:00.0"): pin(machine(4), at("04:00.0"))}


def test_choosing_a_device_anew_means_what_is_there_now() -> None:
    plan = replace(Plan(machine(4), (guest("04:00.0", name="vm"),)), pins={at("04:00.0"): Pin("10de:2684")})
    released = apply(plan, Release("vm", at("04:00.0")))
    assert released.pins == {}
    assert apply(released, Assign("vm", at("04:00.0"))).pins == {}
