"""Sessions: edits, undo, redo, and what the profile blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import NIC, OTHER, USB, guest, host, rmrr

from planner.model.address import Sbdf
from planner.model.edits import (
    AddGuest,
    Assign,
    Edit,
    Release,
    RemoveGuest,
    ReplaceGuest,
    SetCandidate,
    SetPolicy,
    SetProfile,
    SetReason,
    SetRelease,
    SetSize,
    Together,
    apply,
)
from planner.model.errors import EditError
from planner.model.guest import RdmPolicy
from planner.model.plan import Plan, Profile
from planner.session import Effect, Session, Snapshot

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


def test_a_candidate_that_is_assigned_is_none_any_more() -> None:
    plan = apply(Plan(host=host(), guests=(guest(name="a"),)), SetCandidate("a", NIC_, True))
    assert plan.candidates == {"a": (NIC_,)}
    assert apply(plan, Assign("a", NIC_)).candidates == {}


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


def names(snapshot: Snapshot) -> list[str]:
    return [one.name for one in snapshot.plan.guests]


def test_guests_come_and_go() -> None:
    session = Session(PLAN)
    assert names(session.do(AddGuest(guest(name="c"), after="a"))) == ["a", "c", "b"]
    assert names(session.do(ReplaceGuest("c", guest(name="d"), "rename c to d"))) == ["a", "d", "b"]
    assert session.snapshot.undo == "rename c to d"
    assert names(session.do(RemoveGuest("a"))) == ["d", "b"]
    assert session.history == ("add guest c", "rename c to d", "remove guest a")
    assert names(session.undo()) == ["a", "d", "b"]
    for edit in (AddGuest(guest(name="a")), ReplaceGuest("d", guest(name="a"), "rename")):
        with pytest.raises(EditError, match="there is a guest a already"):
            session.do(edit)
    with pytest.raises(EditError, match="there is no guest x"):
        session.do(RemoveGuest("x"))


def test_release_and_reasons_are_edits() -> None:
    session = Session(PLAN)
    assert session.do(SetRelease("4.20")).report.release.name == "4.20"
    assert session.do(SetReason("a", "one owner for both")).plan.reasons == {"a": "one owner for both"}
    assert session.do(SetReason("a", "")).plan.reasons == {}
    session.undo()
    session.undo()
    assert not session.undo().dirty


def test_a_slider_is_one_step_and_other_edits_are_not() -> None:
    session = Session(PLAN)
    for value in (4160, 4224, 4288):
        session.do(SetSize("a", "memory", value), merge=True)
    session.do(SetSize("b", "memory", 5000), merge=True)
    session.do(SetSize("b", "maxmem", 6000), merge=True)
    assert session.history == ("memory of a: 4288 MiB", "memory of b: 5000 MiB", "maxmem of b: 6000 MiB")
    session.undo()
    session.undo()
    session.do(SetSize("a", "memory", 4352), merge=True)
    assert session.undo().plan.guests[0].memory == 4288


def test_several_edits_are_one_step_or_none() -> None:
    session = Session(PLAN)
    both = Together((Assign("a", OTHER_), SetSize("a", "memory", 2048)), "both")
    after = session.do(both)
    assert (len(after.plan.guests[0].pci), after.plan.guests[0].memory, after.undo) == (1, 2048, "both")
    assert session.undo().plan == PLAN
    with pytest.raises(EditError, match="shares RMRR"):
        session.do(Together((Assign("a", OTHER_), Assign("a", USB_)), "one is blocked"))
    assert session.snapshot.plan == PLAN


def test_a_step_tells_what_it_did_to_the_findings() -> None:
    machine = host(rmrr(0x99000000, 0x99000FFF, NIC))
    session = Session(Plan(host=machine, guests=(guest(name="a"),)))
    assert session.snapshot.effect == Effect()
    came = session.do(Assign("a", NIC_)).effect
    assert [finding.rule.id for finding in came.came] == ["MEM212", "RDM109"]
    assert not came.went
    assert session.undo().effect == Effect(came=(), went=came.came)
    assert session.redo().effect == came
