"""Sessions: edits, undo, redo, and what the profile blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, OTHER, USB, guest, host, rmrr

from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, Release, SetPolicy, SetProfile, SetSize, apply
from planner.model.errors import EditError
from planner.model.guest import RdmPolicy
from planner.model.plan import Plan, Profile
from planner.session import Session

NIC_, USB_, OTHER_ = (Sbdf.parse(text) for text in (NIC, USB, OTHER))
SHARED = rmrr(0xFED00000, 0xFED00FFF, USB, "0000:00:1a.0")
PLAN = Plan(host=host(SHARED), guests=(guest(name="a"), guest(NIC, name="b")))


def test_an_assignment_changes_the_guest_and_its_map() -> None:
    plan = Plan(host=host(rmrr(0x99000000, 0x99000FFF, NIC)), guests=(guest(name="a"), guest(name="b")))
    session = Session(plan)
    before = session.snapshot
    after = session.do(Assign("a", NIC_))
    assert [item.label for item in after.plan.guests[0].pci] == [NIC]
    assert after.report.builds[0].segments != before.report.builds[0].segments
    assert after.report.builds[1] is before.report.builds[1]
    assert (after.last, after.undo, after.redo) == ("assign 02:00.0 to a", "assign 02:00.0 to a", None)


def test_a_shared_device_is_blocked_in_words_under_default() -> None:
    session = Session(PLAN)
    with pytest.raises(EditError, match=r"shares RMRR 0xfed00000-0xfed00fff \(4 KiB\) with 00:1a.0 \(absent\)"):
        session.do(Assign("a", USB_))
    assert session.snapshot.plan is PLAN
    assert session.why_blocked(USB_) is not None
    assert session.why_blocked(NIC_) is None
    session.do(SetProfile(Profile.XEN))
    assert session.do(Assign("a", USB_)).plan.guests[0].pci[0].address == USB_


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (Assign("a", NIC_), "belongs to b"),
        (Assign("b", NIC_), "has 02:00.0 already"),
        (Assign("a", Sbdf(0, 9, 0, 0)), "the host has no device 0000:09:00.0"),
        (Assign("c", OTHER_), "there is no guest c"),
        (Release("a", NIC_), "does not have 02:00.0"),
        (SetPolicy("a", NIC_, RdmPolicy.STRICT), "does not have 02:00.0"),
        (SetSize("a", "vcpus", 1), "not a size"),
        (SetSize("a", "memory", -1), "cannot be negative"),
    ],
)
def test_edits_that_make_no_sense_say_why(edit: Edit, reason: str) -> None:
    with pytest.raises(EditError, match=reason):
        apply(PLAN, edit)


_edits = st.one_of(
    st.builds(Assign, st.sampled_from("ab"), st.sampled_from([NIC_, USB_, OTHER_])),
    st.builds(Release, st.sampled_from("ab"), st.sampled_from([NIC_, OTHER_])),
    st.builds(SetPolicy, st.sampled_from("ab"), st.just(NIC_), st.sampled_from([None, *RdmPolicy])),
    st.builds(SetSize, st.sampled_from("ab"), st.sampled_from(SetSize.KEYS), st.none() | st.integers(256, 8192)),
    st.builds(SetProfile, st.sampled_from(Profile)),
)


@given(st.lists(_edits, max_size=8))
def test_undo_takes_everything_back_and_redo_makes_it_again(edits: list[Edit]) -> None:
    session = Session(PLAN)
    done = 0
    for edit in edits:
        try:
            session.do(edit)
            done += 1
        except EditError:
            continue
    final = session.snapshot.plan
    for _ in range(done):
        session.undo()
    assert session.snapshot.plan is PLAN
    assert not session.snapshot.dirty
    assert session.snapshot.undo is None
    for _ in range(done):
        session.redo()
    assert session.snapshot.plan is final


def test_dirty_means_different_from_what_was_saved() -> None:
    session = Session(PLAN)
    assert session.do(SetSize("a", "memory", 1024)).dirty
    assert not session.do(SetSize("a", "memory", 4096)).dirty
    session.do(SetSize("a", "memory", 2048))
    assert not session.mark_saved().dirty
    assert session.undo().dirty


def test_undo_and_redo_without_history_change_nothing() -> None:
    session = Session(PLAN)
    assert session.undo().plan is session.redo().plan is PLAN
