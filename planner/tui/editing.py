"""From a key to a new view: what an edit of the chosen guest is, and what it leaves to export. No Textual."""

from __future__ import annotations

from collections.abc import Iterable

from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, Release, SetPolicy
from planner.model.errors import EditError
from planner.model.guest import Guest, RdmPolicy
from planner.model.plan import Plan
from planner.session import Session, Snapshot
from planner.tui.view import Change, Inventory, View

_POLICIES = (None, RdmPolicy.STRICT, RdmPolicy.RELAXED)


class Editor:
    """Owns the session. Takes a view, gives the view after an edit; EditError, in words, where there is none."""

    def __init__(self, plan: Plan) -> None:
        self._session = Session(plan)
        self._exported = {guest.name: guest for guest in plan.guests}
        self.start = View(self._session.snapshot, Inventory(plan.host))

    def do(self, view: View, edit: Edit) -> View:
        """The view after `edit`."""
        names = [guest.name for guest in view.snapshot.plan.guests]
        if view.current is not None and names.count(view.current.name) > 1:
            raise EditError(f"two guests are called {view.current.name}: give one of them another name first")
        return self._after(view, self._session.do(edit))

    def undo(self, view: View) -> View:
        """The view before the last edit."""
        if view.snapshot.undo is None:
            raise EditError("nothing to undo")
        return self._after(view, self._session.undo())

    def redo(self, view: View) -> View:
        """The view after the last undone edit."""
        if view.snapshot.redo is None:
            raise EditError("nothing to redo")
        return self._after(view, self._session.redo())

    def exported(self, view: View, names: Iterable[str]) -> View:
        """The view once these guests are written."""
        names = list(dict.fromkeys(names))
        plan = view.snapshot.plan
        self._exported |= {guest.name: guest for guest in plan.guests if guest.name in names}
        unsaved = self._unsaved(plan)
        snapshot = view.snapshot if unsaved else self._session.mark_saved()
        return view.having(snapshot=snapshot, unsaved=unsaved, note=f"exported {', '.join(names)}")

    def _after(self, view: View, snapshot: Snapshot) -> View:
        change = Change(view.current.name, view.build) if view.current is not None else None
        unsaved = self._unsaved(snapshot.plan)
        return view.having(snapshot=snapshot, note=snapshot.last or "", change=change, unsaved=unsaved)

    def _unsaved(self, plan: Plan) -> frozenset[str]:
        return frozenset(guest.name for guest in plan.guests if guest != self._exported.get(guest.name))


def toggle(view: View, address: Sbdf | None) -> Edit:
    """The edit that gives the device to the chosen guest, or takes it away. EditError where another guest has it."""
    guest, address = _both(view, address)
    if guest.device(address) is not None:
        return Release(guest.name, address)
    item = view.item(address)
    if item is not None:
        raise EditError(f"{address.short} comes with {item.label}, which gives {guest.name} every function")
    others = view.others(address)
    if others:
        raise EditError(f"{address.short} belongs to {others[0]}: release it there first")
    return Assign(guest.name, address)


def next_policy(view: View, address: Sbdf | None) -> Edit:
    """The edit that sets the next rdm_policy of the guest's device. EditError where the guest does not have it."""
    guest, address = _both(view, address)
    item = guest.device(address)
    if item is None:
        raise EditError(f"{guest.name} does not have {address.short}")
    index = _POLICIES.index(item.policy) if item.policy in _POLICIES else -1
    return SetPolicy(guest.name, address, _POLICIES[(index + 1) % len(_POLICIES)])


def _both(view: View, address: Sbdf | None) -> tuple[Guest, Sbdf]:
    if view.current is None:
        raise EditError("there is no guest to give a device to")
    if address is None:
        raise EditError("no device is chosen: put the cursor of the devices pane on one")
    return view.current, address
