"""Units and slots given away as one step, and the sizes that a person can turn."""

from __future__ import annotations

import pytest
from planning import NIC, OTHER, USB, built, guest, host, rmrr

from planner.model.address import Sbdf
from planner.model.edits import SetSize, apply
from planner.model.errors import EditError
from planner.model.plan import Plan
from planner.policy.sizes import sizes
from planner.policy.together import Step, together
from planner.xen import hypervisor
from planner.xen.release import DEFAULT

ALL = tuple(Sbdf.parse(text) for text in (USB, NIC, OTHER))


def step(plan: Plan, *devices: Sbdf) -> Step:
    return together(plan, hypervisor.boot(plan.host, DEFAULT), plan.guests[0], devices, "the unit")


def test_what_is_free_is_assigned_and_what_is_not_is_said() -> None:
    shared = rmrr(0xFED00000, 0xFED00FFF, USB, "0000:00:1a.0")
    plan = Plan(host=host(shared), guests=(guest(name="a"), guest(NIC, name="b")))
    found = step(plan, *ALL)
    assert found.edit.label == "assign the unit to a (03:00.0)"
    assert [(address.short, reason.split()[0]) for address, reason in found.left_out] == [
        ("00:1d.0", "blocked:"),
        ("02:00.0", "b"),
    ]
    after = apply(plan, found.edit)
    assert step(after, *ALL).edit.label == "release the unit from a (03:00.0)"
    assert apply(after, step(after, *ALL).edit) == plan


def test_nothing_to_assign_says_why() -> None:
    plan = Plan(host=host(), guests=(guest(name="a"), guest(NIC, name="b")))
    with pytest.raises(EditError, match=r"nothing of the unit can be assigned: 02:00.0: b has it"):
        step(plan, ALL[1])
    with pytest.raises(EditError, match="the unit has no device for a guest"):
        step(plan)


def test_sizes_say_what_holds_and_keep_to_what_xl_takes() -> None:
    found = {size.key: size for size in sizes(built(host(), guest(memory=3000)), host())}
    assert tuple(found) == SetSize.KEYS
    assert (found["memory"].said, found["memory"].effective) == (3000, 3000)
    assert (found["maxmem"].said, found["maxmem"].effective) == (None, 3000)
    assert (found["mmio_hole"].said, found["mmio_hole"].effective) == (None, 256)
    assert (found["rdm_mem_boundary"].said, found["rdm_mem_boundary"].effective) == (None, 2048)
    assert [found["memory"].moved(steps) for steps in (1, 2, -1, -2)] == [3072, 3328, 2816, 2560]
    assert found["mmio_hole"].moved(-1) == 256
    assert found["mmio_hole"].moved(1000) == 3840
