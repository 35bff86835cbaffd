"""Edits of a guest's devices: what its file says of one is not lost when it is taken away and given again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, OTHER, USB, guest, host

from planner.model.edits import Assign, Release, apply
from planner.model.guest import Passthrough, RdmPolicy
from planner.model.plan import Plan

OPTIONS = st.sampled_from(["", ",rdm_policy=strict", ",rdm_policy=relaxed", "@0a", ",permissive=1,msitranslate=0"])


@given(st.permutations([NIC, USB, OTHER]), st.tuples(OPTIONS, OPTIONS, OPTIONS), st.data())
def test_release_and_assign_leave_everything_as_it_was(
    addresses: list[str], options: tuple[str, str, str], data: st.DataObject
) -> None:
    """Whatever the item says and wherever it stands, and whichever are given back first."""
    one = guest(*(address + option for address, option in zip(addresses, options, strict=True)))
    plan = Plan(host=host(), guests=(one,))
    taken = data.draw(st.lists(st.sampled_from(one.pci), unique_by=lambda item: item.address))
    for item in taken:
        assert item.address is not None
        plan = apply(plan, Release("vm", item.address))
    for item in data.draw(st.permutations(taken)):
        assert item.address is not None
        plan = apply(plan, Assign("vm", item.address))
    assert plan.guests == (one,)
    assert [item.text for item in plan.guests[0].pci] == [item.text for item in one.pci]


def test_a_policy_that_is_asked_for_replaces_the_files() -> None:
    plan = Plan(host=host(), guests=(guest(f"{NIC},rdm_policy=strict,permissive=1"),))
    (item,) = plan.guests[0].pci
    assert item.address is not None
    for edit in (Release("vm", item.address), Assign("vm", item.address, RdmPolicy.RELAXED)):
        plan = apply(plan, edit)
    (now,) = plan.guests[0].pci
    assert (now.policy, now.permissive) == (RdmPolicy.RELAXED, True)


def test_a_device_that_the_file_does_not_list_comes_last() -> None:
    plan = Plan(host=host(), guests=(guest(NIC),))
    (item,) = guest(USB).pci
    assert item.address is not None
    plan = apply(plan, Assign("vm", item.address))
    assert plan.guests[0].pci == (*plan.guests[0].pci[:1], Passthrough(address=item.address))
