"""From a key to a new view: what an edit of the chosen guest is, and what it leaves to export. No Textual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING

from planner.formats.xlcfg import guest as guest_reader
from planner.model.address import Sbdf
from planner.model.edits import Assign, Edit, Recover, Release, ReplaceGuest, SetPolicy, SetSize, Together, apply
from planner.model.errors import EditError, InputError
from planner.model.guest import Guest, RdmPolicy
from planner.model.plan import Plan
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import Finding, Severity
from planner.policy.sizes import Size
from planner.policy.suppress import as_told
from planner.policy.together import together
from planner.report.words import GLYPHS, plural
from planner.session import Effect, Session, effect
from planner.tui.view import Inventory, View

if TYPE_CHECKING:
    from planner.policy.fixes import Fix
    from planner.tui.exporting import Written

_POLICIES = (None, RdmPolicy.STRICT, RdmPolicy.RELAXED)


class NothingToDoError(EditError):
    """There is nothing to do, which harms nobody."""


class Editor:
    """Owns the session. Takes a view, gives the view after an edit; EditError, in words, where there is none.

    `saved_plan` is the plan as it was read or saved last.
    """

    def __init__(self, plan: Plan, judge: Callable[[Report], Report] = as_told) -> None:
        self._session = Session(plan, judge)
        self.saved_plan = plan
        self._in_files = {_place(guest): found for guest in plan.guests if (found := in_file(guest)) is not None}
        self.start = View(
            self._session.snapshot, Inventory(plan.host), unsaved=self._unsaved(plan), in_files=self._in_files
        )

    @property
    def report(self) -> Report:
        """What a search for fixes starts from: nothing of it is suppressed."""
        return self._session.report

    @property
    def history(self) -> tuple[str, ...]:
        """The steps that undo would take back, oldest first."""
        return self._session.history

    @property
    def undone(self) -> tuple[str, ...]:
        """The steps that redo would make again, the next one first."""
        return self._session.undone

    def do(self, view: View, edit: Edit, *, merge: bool = False, note: str = "") -> View:
        """The view after `edit`; `merge` makes a slider's moves one step, `note` is told after what the edit did."""
        names = [guest.name for guest in view.snapshot.plan.guests]
        if view.current is not None and names.count(view.current.name) > 1:
            raise EditError(f"two guests are called {view.current.name}: give one of them another name first")
        gone = len(self.undone)
        try:
            self._session.do(edit, merge=merge)
        except InputError as error:
            raise EditError(str(error)) from None
        after = self._after(view, note)
        return after.having(note=f"{after.note}  {plural(gone, 'undone step')} dropped") if gone else after

    def recover(self, view: View, plan: Plan) -> View:
        """The view with what a recovered plan decides, as one step."""
        try:
            self._session.do(Recover(plan))
        except InputError as error:
            raise EditError(str(error)) from None
        return self._after(view)

    def undo(self, view: View, steps: int = 1) -> View:
        """The view before the last edit, or the last `steps`."""
        if view.snapshot.undo is None:
            raise NothingToDoError("nothing to undo")
        first = self.history[-steps]
        for _ in range(steps):
            self._session.undo()
        return self._after(view) if steps == 1 else self._jumped(view, f"back {steps} steps, to before: {first}")

    def redo(self, view: View, steps: int = 1) -> View:
        """The view after the last undone edit, or the last `steps`."""
        if view.snapshot.redo is None:
            raise NothingToDoError("nothing to redo")
        last = self.undone[steps - 1]
        for _ in range(steps):
            self._session.redo()
        return self._after(view) if steps == 1 else self._jumped(view, f"on {steps} steps, to just after: {last}")

    def exported(self, view: View, written: Sequence[Written], *, is_saved: bool) -> View:
        """The view once these files are written. What they say beyond the plan is taken into it, as one step.

        Copies in another folder change nothing here. `is_saved`: the plan is in a file of its own, which then says
        something else; without one, nothing is unsaved once the guests' files say all that the plan does.
        """
        plan = view.snapshot.plan
        edits: list[Edit] = []
        for one in {one.guest: one for one in written if one.own}.values():
            guest = plan.guest(one.guest)
            if guest is None:
                continue
            known = guest.file is not None and guest.file.on_disk
            found = guest_reader.read(one.text, guest.file.path if known and guest.file is not None else str(one.path))
            self._in_files[_place(found)] = found
            if found != guest or not known:
                edits.append(ReplaceGuest(guest.name, found, f"take in {one.path.name} as exported"))
        if edits:
            self._session.do(edits[0] if len(edits) == 1 else Together(tuple(edits), "take in what was exported"))
        plan = self._session.snapshot.plan
        unsaved = self._unsaved(plan)
        if not any(one.own for one in written):
            return view
        all_are_there = {*map(_place, self.saved_plan.guests)} <= {*map(_place, plan.guests)}
        in_guests_alone = plan.decides_the_same(replace(self.saved_plan, guests=plan.guests))
        if not unsaved and not is_saved and all_are_there and in_guests_alone:
            self.saved_plan = plan
            self._session.mark_saved()
        return view.having(snapshot=self._session.snapshot, unsaved=unsaved)

    def read_again(self, view: View, guest: Guest) -> View:
        """The view once it is known that this is what the guest's file holds."""
        self._in_files[_place(guest)] = guest
        return view.having(unsaved=self._unsaved(view.snapshot.plan))

    def saved(self, view: View, note: str) -> View:
        """The view once the plan is written."""
        self.saved_plan = view.snapshot.plan
        return view.having(snapshot=self._session.mark_saved(), note=note)

    def _jumped(self, view: View, note: str) -> View:
        """The view after several steps at once: what the last of them was is not what was done."""
        return self._after(view).having(note=note)

    def _after(self, view: View, note: str = "") -> View:
        snapshot = self._session.snapshot
        plan = snapshot.plan
        here = _chosen(view, [guest.name for guest in plan.guests])
        after = view.having(snapshot=snapshot, guest=here, unsaved=self._unsaved(plan))
        words = (snapshot.last or "", taken_from_dom0(view, after), told(snapshot.effect), note)
        return after.having(note="  ".join(word for word in words if word))

    def _unsaved(self, plan: Plan) -> frozenset[str]:
        return frozenset(guest.name for guest in plan.guests if guest != self._in_files.get(_place(guest)))


def _place(guest: Guest) -> str:
    """Where the guest's file is; "" for one that no file holds."""
    return guest.file.path if guest.file is not None and guest.file.on_disk else ""


def in_file(guest: Guest) -> Guest | None:
    """The guest as the file it was read from has it; None where no file does."""
    if guest.file is None or not guest.file.on_disk:
        return None
    return guest_reader.read(guest.file.text, guest.file.path)


def _chosen(view: View, names: Sequence[str]) -> int:
    """The guest to show after a step: one that it brought, else the same one, else the one in its place."""
    before = {guest.name for guest in view.snapshot.plan.guests}
    new = [name for name in names if name not in before]
    wanted = new[0] if len(new) == 1 else view.current.name if view.current is not None else ""
    return names.index(wanted) if wanted in names else min(view.guest, max(0, len(names) - 1))


def outcome(report: Report, fix: Fix, finding: Finding) -> str:
    """What a fix would do to the findings of all guests, and which errors it leaves to the finding's own."""
    after = evaluate(apply(report.plan, fix.edit), report)
    left = [one for one in after.findings if one.guest == finding.guest and one.severity is Severity.ERROR]
    rules = " ".join(dict.fromkeys(one.rule.id for one in left))
    return told(effect(report, after)) + (f"  leaves {GLYPHS[Severity.ERROR]} {rules}" if rules else "")


def told(effect: Effect) -> str:
    """What a step did to the findings: "+1 ✖ RDM103  -2 ▲ MEM205"."""
    words = [_counted("+", effect.came), _counted("-", effect.went)]
    return "  ".join(word for word in words if word)


def _counted(sign: str, findings: Sequence[Finding]) -> str:
    counts = Counter(finding.standing for finding in findings)
    words = []
    for standing, glyph in GLYPHS.items():
        rules = dict.fromkeys(finding.rule.id for finding in findings if finding.standing == standing)
        if counts[standing]:
            words.append(f"{sign}{counts[standing]} {glyph} {' '.join(rules)}")
    return "  ".join(words)


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
        raise EditError(f"{address.short} belongs to {', '.join(others)}: release it there first")
    return Assign(guest.name, address)


def together_with(
    view: View, address: Sbdf | None, what: str, listed: AbstractSet[Sbdf] | None = None
) -> tuple[Edit, str]:
    """The edit that gives the device's whole unit or slot (`what`), or takes it away; and what is to be said of it.

    That is what it leaves out, and what of it is not among the devices `listed` (None: all are).
    """
    guest, address = _both(view, address)
    if what == "unit":
        unit = view.inventory.unit_of.get(address)
        devices: Iterable[Sbdf] = unit.devices if unit is not None else (address,)
        name = f"the unit of {address.short}"
    else:
        devices = view.functions(address)
        name = f"slot {address.short.rpartition('.')[0]}"
    step = together(view.snapshot.plan, view.snapshot.report.iommu, guest, devices, name)
    left = [f"{one.short} ({reason.split(':')[0]})" for one, reason in step.left_out]
    more = f" and {len(left) - 2} more" if len(left) > 2 else ""
    notes = [f"without {', '.join(left[:2])}{more}"] if left else []
    moved = [one.address for one in step.edit.edits if isinstance(one, Assign | Release)]
    hidden = [one.short for one in moved if listed is not None and one not in listed]
    notes += [f"{', '.join(hidden)} too, which the filter hides"] if hidden else []
    return step.edit, "  ".join(notes)


def taken_from_dom0(before: View, after: View) -> str:
    """What dom0 loses by a step, as its drivers still have it; "" where that is nothing."""
    lost = [f"{one.short} ({use})" for one in after.given if one not in before.given and (use := before.use(one))]
    return f"takes dom0's {', '.join(sorted(lost))}" if lost else ""


def next_policy(view: View, address: Sbdf | None) -> Edit:
    """The edit that sets the next rdm_policy of the guest's device. EditError where the guest does not have it."""
    guest, address = _both(view, address)
    item = guest.device(address)
    if item is None:
        raise EditError(f"{guest.name} does not have {address.short}")
    index = _POLICIES.index(item.policy) if item.policy in _POLICIES else -1
    return SetPolicy(guest.name, address, _POLICIES[(index + 1) % len(_POLICIES)])


def resize(view: View, steps: int) -> Edit:
    """The edit that moves the chosen size by so many steps. EditError at the end of its range."""
    if view.current is None or not view.sizes:
        raise EditError("there is no guest to change")
    size = view.sizes[view.size]
    value = size.moved(steps)
    if value == size.effective:
        end = f"more than {size.most}" if steps > 0 else f"less than {size.least}"
        raise NothingToDoError(f"{size.key} of {view.current.name} is turned to no {end} MiB")
    return turned(view, view.current, size, value)


def turned(view: View, guest: Guest, size: Size, value: int) -> Edit:
    """The edit that turns a size of the chosen guest: back at the default it is said no more, unless the file says it.

    A maxmem that is said, and the same as memory, goes along with that: more memory than maxmem is never meant.
    """
    in_file = getattr(view.in_file, size.key) if view.in_file is not None else None
    edit = SetSize(guest.name, size.key, value if value != size.default or in_file is not None else None)
    if size.key == "memory" and guest.maxmem == size.effective:
        both = (edit, SetSize(guest.name, "maxmem", value))
        return Together(both, f"memory and maxmem of {guest.name}: {value} MiB")
    return edit


def as_in_file(view: View) -> Edit:
    """The edit that makes the chosen size what the guest's file says. EditError where it is that."""
    if view.current is None or not view.sizes:
        raise EditError("there is no guest to change")
    size, file = view.sizes[view.size], view.in_file
    in_file = getattr(file, size.key) if file is not None else None
    if file is None or in_file == size.said:
        raise EditError(f"{size.key} is as the file has it" if file is not None else "the guest has no file yet")
    return SetSize(view.current.name, size.key, in_file)


def exact_size(view: View, text: str) -> Edit | None:
    """The edit that sets the chosen size to what was typed; nothing typed takes the setting out of the config.

    None where that is what the plan says already. EditError for what xl does not take.
    """
    if view.current is None or not view.sizes:
        raise EditError("there is no guest to change")
    size = view.sizes[view.size]
    value = size.typed(text)
    return SetSize(view.current.name, size.key, value) if value != size.said else None


def _both(view: View, address: Sbdf | None) -> tuple[Guest, Sbdf]:
    if view.current is None:
        raise EditError("there is no guest to give a device to")
    if address is None:
        raise EditError("no device here: choose one in the devices pane")
    return view.current, address
