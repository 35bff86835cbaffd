"""What the parts of the main screen share: the view, the editor, the panes, and a way to say things."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Input

from planner.model.address import Sbdf
from planner.model.edits import Edit
from planner.model.errors import EditError
from planner.policy.findings import Finding
from planner.tui.bands import Band
from planner.tui.commands import Keymap, keymap_of
from planner.tui.describe import title
from planner.tui.editing import Editor, NothingToDoError
from planner.tui.view import Look, Subject, View
from planner.tui.widgets.addressed import Addressed
from planner.tui.widgets.details import Details
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.lines import Picker, Scroller, entitle
from planner.xen.build import Stage

if TYPE_CHECKING:
    from planner.tui.files import Files

LEFT, MIDDLE = ("devices", "sizes", "host"), ("map", "compare")
"""The panes that take turns in a place, the one that is there first in front; the others are made when asked for."""

KEEP_AFTER = 1.0
"""Seconds from an edit to the recovery copy that has it."""

_TITLES = {"sizes": "What if", "host": "Host"}


class PlanScreen(Screen[None]):
    """The part of the main screen that every group of actions builds on."""

    view: var[View | None] = var(None, init=False)

    def __init__(self, editor: Editor, files: Files) -> None:
        super().__init__()
        self.editor = editor
        self.files = files
        self.subject: Subject = None
        self.said: list[str] = []
        self._follows = True
        self.left, self.middle = LEFT[0], MIDDLE[0]
        self._place = "left"
        self.maximised = False
        self._keeping = False
        self._told_unkept = False

    @property
    def keymap(self) -> Keymap:
        """The keys that the user's settings change."""
        return keymap_of(self.app)

    @property
    def shown(self) -> View:
        """The view on the screen."""
        return self.view or self.editor.start

    def show(self, view: View) -> None:
        """Show another view, and keep what it says."""
        if view.note and view.note != self.shown.note:
            self.said.append(view.note)
        self.view = view

    def say(self, note: str) -> None:
        """Say something in the status line."""
        if self.shown.note != note:
            self.show(self.shown.having(note=note))

    def attempt(self, change: Callable[[View], View]) -> bool:
        """Show the view that a change leads to, or say why there is none."""
        try:
            self.show(change(self.shown))
        except EditError as error:
            self.say(str(error) if isinstance(error, NothingToDoError) else f"✖ refused: {error}")
            return False
        gone = isinstance(self.subject, Finding) and self.subject not in self.shown.findings
        if isinstance(self.focused, Picker) and (gone or not isinstance(self.focused, DeviceList)):
            stage = self.reached if isinstance(self.subject, Stage) else None
            self.subject = stage or self.focused.subject()
            self.query_one(Details).show(self.shown, self.subject)
        self.keep_soon()
        return True

    def keep_soon(self) -> None:
        """Have the recovery copy written in a moment, once for many edits."""
        if self.files.keeps and not self._keeping:
            self._keeping = True
            self.set_timer(KEEP_AFTER, self.keep_now)

    def keep_now(self) -> bool:
        """Write the recovery copy, or take it away where nothing is unsaved. False, and told once, where it cannot."""
        self._keeping = False
        why = self.files.keep(self.shown.snapshot)
        if why and not self._told_unkept:
            self._told_unkept = True
            self.say(f"▲ no recovery copy can be written: {why}")
        return not why

    def edit(self, edit: Callable[[View], Edit] | Edit, *, merge: bool = False, note: str = "") -> bool:
        """Make an edit, or say why not."""
        done = self.attempt(
            lambda view: self.editor.do(view, edit(view) if callable(edit) else edit, merge=merge, note=note)
        )
        if done:
            self.after_edit()
        return done

    def after_edit(self) -> None:
        """An edit was made."""

    def device(self) -> Sbdf | None:
        """The device that an edit is about: under the devices pane's cursor, or what another pane's cursor names."""
        devices = self.query_one(DeviceList)
        if devices is self.focused:
            return devices.address
        subject = self.subject
        if isinstance(subject, Finding):
            return subject.device
        if isinstance(subject, Band):
            return subject.devices[0] if len(subject.devices) == 1 else None
        return subject if isinstance(subject, Sbdf) else None

    # Panes

    def pane(self, name: str) -> Scroller:
        """The pane of that name, made now if it was never shown."""
        found = self.query(f"#{name}")
        if found:
            return found.first(Scroller)
        pane = _late(name)
        self.query_one("#panes").mount(pane, before="#map" if name in LEFT else "#details")
        pane.listener, pane.follower = self.pointed, self.follow
        entitle(pane, _TITLES.get(name, ""))
        pane.show(self.shown)
        return pane

    @property
    def panes(self) -> tuple[str, ...]:
        """The panes that are there now, in order; a comparison has the room of the left one and the xl.cfg."""
        roomy = self.has_class("-wide") and self.has_class("-tall") and self.shown.look is Look.MAP
        return (self.left, self.middle, "problems", *(["config"] if roomy else []))

    def go_to_pane(self, name: str, *, quietly: bool = False) -> None:
        """Put the cursor in a pane; where only one pane fits, it takes the place of the one there.

        `quietly`: the details are about something else than what the cursor stands on there.
        """
        pane = self.pane(name)
        if name in LEFT:
            self.leave_look()
            self.left = name
        elif name in MIDDLE:
            self.middle = name
            entitle(pane, title(self.shown))
        self._place = "left" if name in LEFT else "middle" if name in MIDDLE else name
        self.set_panes()
        pane.show(self.shown)
        if isinstance(pane, Picker):
            pane.quiet = quietly and pane is not self.focused
        if pane is self.focused and isinstance(pane, Picker) and not quietly:
            pane.tell()
        elif pane.focusable:
            self.set_focus(pane)  # at once: keys typed ahead belong to the new pane
        else:
            pane.focus()

    def put_left(self, name: str) -> None:
        """Show that pane on the left; the cursor stays in its own, unless that is the one which gives way."""
        if self.focused is self.pane(self.left):
            self.go_to_pane(name, quietly=True)
            return
        pane = self.pane(name)
        self.left = name
        self.set_panes()
        pane.show(self.shown)

    @property
    def alone(self) -> bool:
        """Whether a comparison has the screen, as it must where there are no three columns."""
        return self.shown.look is not Look.MAP and not self.has_class("-wide")

    def set_panes(self) -> None:
        """Have the panes seen that are to be: one alone where the user wants that, or a comparison needs it."""
        one = " -one" if self.maximised or self.alone else ""
        classes = f"at-{self._place} left-{self.left} middle-{self.middle}{one}"
        self.query_one("#panes").set_classes(classes)

    def leave_look(self) -> None:
        """The map again in the place of a comparison, at the address that the cursor had there."""
        if self.shown.look is Look.MAP:
            return
        address = self.address
        self.middle = MIDDLE[0]
        self.show(self.shown.having(look=Look.MAP))
        self.go_to_address(address)

    @property
    def address(self) -> int | None:
        """Where the middle pane's cursor was put, if anywhere."""
        pane = self.pane(self.middle)
        return pane.address if isinstance(pane, Addressed) else None

    def go_to_address(self, address: int | None) -> None:
        """Put the middle pane's cursor there."""
        pane = self.pane(self.middle)
        if address is not None and isinstance(pane, Addressed):
            pane.go_to(address, silently=True)

    def end_filter(self, needle: str) -> None:
        """Leave the filter's field, with the filter as it is or none."""
        self.drop_filter(needle)
        self.go_to_pane("devices")

    def drop_filter(self, needle: str = "") -> None:
        """The filter is another, or none; the cursor stays in its pane."""
        needle = needle.strip()
        field, devices = self.query_one("#filter", Input), self.query_one(DeviceList)
        with self.prevent(Input.Changed):
            field.value = needle
        devices.filter(needle)
        found = f"filter: {needle} · {len(devices.listed)} found · esc clears" if devices.listed is not None else ""
        entitle(devices, "Devices", found)
        self.remove_class("-filtering")

    def pointed(self, subject: Subject) -> None:
        """A pane's cursor stands on something else, perhaps."""
        if subject != self.subject:
            self.point(subject)

    def point(self, subject: Subject) -> None:
        """Tell about something else."""
        pane = self.focused
        self._follows = isinstance(pane, Picker) and pane.subject() == subject
        self.subject = subject
        self.query_one(Details).show(self.shown, subject)
        self.say("")

    @property
    def reached(self) -> Stage | None:
        """The stage whose map is shown, if the build got there."""
        build = self.shown.build if self.shown.look is Look.MAP else None
        return next((one for one in build.stages if one.name == self.shown.stage), None) if build is not None else None

    def point_at_stage(self) -> None:
        """Tell about the stage whose map is shown; where the build ends before it, say so."""
        name, build, reached = self.shown.stage, self.shown.build, self.reached
        self.point(reached or self.pane("map").subject())
        if name is not None and build is not None and reached is None:
            self.say(
                f"the build ends before {name}: {build.error}" if build.error else f"no stage {name} in this build"
            )

    def follow(self) -> None:
        """Something else may lie under the cursor now, though it did not move: details about that follow it."""
        pane = self.focused
        if self._follows and isinstance(pane, Picker) and pane.subject() != self.subject:
            self.subject = pane.subject()
            self.query_one(Details).show(self.shown, self.subject)


def _late(name: str) -> Picker:
    """The panes that the first paint does not wait for."""
    if name == "sizes":
        from planner.tui.widgets.size_list import SizeList

        return SizeList(id=name)
    if name == "host":
        from planner.tui.widgets.host_list import HostList

        return HostList(id=name)
    from planner.tui.widgets.comparison import Comparison

    return Comparison(id=name)
