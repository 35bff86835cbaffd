"""The main screen: guests, devices, memory map, problems and details of one session.

What only a key brings up (dialogs, palette, export) is imported then: the first paint does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Input, Static

from planner.model.address import Sbdf
from planner.model.edits import SetProfile
from planner.model.errors import EditError
from planner.model.plan import Plan, Profile
from planner.policy.findings import Finding
from planner.report.words import plural
from planner.tui import describe, messages
from planner.tui.bands import Band
from planner.tui.commands import Where, bindings
from planner.tui.editing import Editor, next_policy, toggle
from planner.tui.view import Subject, View
from planner.tui.widgets.details import Details
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.guest_tabs import GuestTabs
from planner.tui.widgets.key_line import KeyLine
from planner.tui.widgets.lines import Lines, Picker, entitle
from planner.tui.widgets.memory_map import MemoryMap
from planner.tui.widgets.problems import Problems
from planner.tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from textual.command import Provider

    from planner.tui.exporting import Exporter

MIN_WIDTH, MIN_HEIGHT = 60, 15


def _entries() -> type[Provider]:
    from planner.tui.palette import Entries

    return Entries


class MainScreen(Screen[None]):
    """Every pane gets the frozen `view` and paints what differs from the last one."""

    WHERE = Where.MAIN
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.MAIN)
    COMMANDS = {_entries}  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (MIN_WIDTH, "-narrow"), (80, "-normal"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (MIN_HEIGHT, "-short"), (20, "-mid"), (36, "-tall")]  # noqa: RUF012
    TITLE = "rdm-planner"

    AUTO_FOCUS = ""

    view: var[View | None] = var(None, init=False)

    def __init__(self, plan: Plan, folder: Path) -> None:
        super().__init__()
        self._editor = Editor(plan)
        self._folder = folder
        self._exporter: Exporter | None = None
        self._subject: Subject = None
        self._leaving = False

    def compose(self) -> ComposeResult:
        """The lines and panes, from top to bottom."""
        yield Static(id="too-small")
        yield StatusLine(id="status")
        yield GuestTabs(id="guests")
        with Container(id="panes", classes="at-devices"):
            yield DeviceList(id="devices")
            yield MemoryMap(id="map")
            yield Details(id="details")
            yield Problems(id="problems")
        yield Input(
            placeholder="address, name, class, driver, owner, shared, rmrr, free, blocked", id="filter", compact=True
        )
        yield KeyLine(Where.MAIN, id="keys")

    def on_mount(self) -> None:
        """Title the panes and show the first view."""
        for name, title in (("devices", "Devices"), ("details", "Details"), ("problems", "Problems")):
            entitle(self.query_one(f"#{name}"), title)
        self._show(self._editor.start)
        self._point(self._pane("devices").subject())
        self._pane("devices").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Say what is needed where it does not fit."""
        text = f"terminal too small (have {event.size.width}x{event.size.height}, need {MIN_WIDTH}x{MIN_HEIGHT})"
        self.query_one("#too-small", Static).update(Content(text))

    def watch_view(self, old: View | None, view: View | None) -> None:
        """Hand the view to every pane."""
        if view is None:
            return
        if old is None or old.guest != view.guest:
            entitle(self.query_one("#map"), describe.title(view.current))
        for pane in self.query(Lines):
            if isinstance(pane, Details):
                pane.show(view, self._subject)
            else:
                pane.show(view)

    def _show(self, view: View) -> None:
        self.view = view

    @property
    def shown(self) -> View:
        """The view on the screen."""
        return self.view or self._editor.start

    def _pane(self, name: str) -> Picker:
        return self.query_one(f"#{name}", Picker)

    # Edits

    def _try(self, change: Callable[[View], View]) -> None:
        """Show the view that a change leads to, or say why there is none."""
        try:
            self._show(change(self.shown))
            if isinstance(self.focused, MemoryMap | Problems):  # what its cursor stood on may be gone
                self._subject = self.focused.subject()
                self.query_one(Details).show(self.shown, self._subject)
        except EditError as error:
            self._say(f"✖ refused: {error}")

    def _say(self, note: str) -> None:
        if self.shown.note != note:
            self._show(self.shown.having(note=note))

    def _device(self) -> Sbdf | None:
        """The device that an edit is about: under the devices pane's cursor, or what another pane's cursor names."""
        devices = self.query_one(DeviceList)
        if devices is self.focused:
            return devices.address
        return self._subject.device if isinstance(self._subject, Finding) else _named(self._subject)

    def action_toggle_device(self) -> None:
        """Assign or release the device under the cursor."""
        self._try(lambda view: self._editor.do(view, toggle(view, self._device())))

    def action_policy(self) -> None:
        """The next rdm_policy of the device under the cursor."""
        self._try(lambda view: self._editor.do(view, next_policy(view, self._device())))

    def action_undo(self) -> None:
        """Take the last edit back."""
        self._try(self._editor.undo)

    def action_redo(self) -> None:
        """Make the last undone edit again."""
        self._try(self._editor.redo)

    def action_profile(self) -> None:
        """Ask, then change the profile."""
        from planner.tui.screens.dialogs import profile_question

        now = self.shown.snapshot.plan.profile
        other = Profile.DEFAULT if now is Profile.XEN else Profile.XEN

        def change(yes: bool | None) -> None:
            if yes:
                self._try(lambda view: self._editor.do(view, SetProfile(other)))

        self.app.push_screen(profile_question(now, other), change)

    # Where we are

    def action_choose_guest(self, number: int) -> None:
        """Show guest `number`, counted from 1."""
        if 1 <= number <= len(self.shown.snapshot.plan.guests) and number - 1 != self.shown.guest:
            self._show(self.shown.having(guest=number - 1, note=""))
            self._point_again()

    def action_next_guest(self, step: int) -> None:
        """The next guest, round and round."""
        count = len(self.shown.snapshot.plan.guests)
        if count:
            self.action_choose_guest((self.shown.guest + step) % count + 1)

    def _point_again(self) -> None:
        if isinstance(self.focused, Picker):
            self.post_message(messages.Pointed(self.focused.subject()))

    def action_next_pane(self, step: int) -> None:
        """The next pane; where only one fits it takes the place of this one."""
        names = ("devices", "map", "problems")
        here = next((index for index, name in enumerate(names) if self._pane(name) is self.focused), 0)
        self._go_to_pane(names[(here + step) % len(names)])

    def _go_to_pane(self, name: str) -> None:
        panes = self.query_one("#panes")
        panes.set_classes(f"at-{name}" + (" -one" if panes.has_class("-one") else ""))
        pane = self._pane(name)
        if pane.focusable:
            self.set_focus(pane)  # at once: keys typed ahead belong to the new pane
        else:
            pane.focus()

    def action_maximise(self) -> None:
        """One pane alone, or all again."""
        self.query_one("#panes").toggle_class("-one")

    def action_back(self) -> None:
        """One level outward."""
        devices = self.query_one(DeviceList)
        if self.query_one("#filter").has_focus or devices.needle:
            self._end_filter("")
        elif self.query_one("#panes").has_class("-one"):
            self.action_maximise()
        else:
            self._go_to_pane("devices")

    def go_to_device(self, address: Sbdf) -> None:
        """Put the devices pane's cursor on that device."""
        devices = self.query_one(DeviceList)
        if devices.needle:
            self._end_filter("")
        self._go_to_pane("devices")
        if not devices.go_to(address):
            self._say(f"▲ {address} is not in the host's inventory")

    def go_to_finding(self, finding: Finding) -> None:
        """Go to a finding's device, or else to its range in the map."""
        if finding.device is not None:
            self.go_to_device(finding.device)
        elif finding.region is not None:
            self._go_to_pane("map")
            self.query_one(MemoryMap).go_to(finding.region.start)

    def action_next_problem(self, step: int) -> None:
        """The next finding of the list, and its place."""
        problems = self.query_one(Problems)
        if not problems.findings:
            self._say("no problem with this guest or the host")
            return
        found = problems.findings
        here = next((index for index, one in enumerate(found) if one is self._subject), -1 if step > 0 else 0)
        problems.move((here + step) % len(found), silently=True)
        finding = found[problems.cursor]
        if finding.device is not None:
            self.query_one(DeviceList).go_to(finding.device, silently=True)
        if finding.region is not None:
            self.query_one(MemoryMap).go_to(finding.region.start, silently=True)
        self._point(finding)

    @on(messages.Pointed)
    def _pointed(self, message: messages.Pointed) -> None:
        if message.subject != self._subject:
            self._point(message.subject)

    def _point(self, subject: Subject) -> None:
        self._subject = subject
        self.query_one(Details).show(self.shown, subject)
        self._say("")

    @on(messages.Opened)
    def _opened(self, message: messages.Opened) -> None:
        if isinstance(message.subject, Finding):
            self.go_to_finding(message.subject)
        else:
            self.action_details()

    @on(messages.ToggleAsked)
    def _toggle_asked(self) -> None:
        self.action_toggle_device()

    @on(messages.GuestChosen)
    def _guest_chosen(self, message: messages.GuestChosen) -> None:
        self.action_choose_guest(message.index + 1)

    # Filter

    def action_filter(self) -> None:
        """Type a filter in the place of the key line."""
        self._go_to_pane("devices")
        self.add_class("-filtering")
        self.query_one("#filter").focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.query_one(DeviceList).filter(event.value)

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        self._end_filter(event.value)

    def _end_filter(self, needle: str) -> None:
        field, devices = self.query_one("#filter", Input), self.query_one(DeviceList)
        with self.prevent(Input.Changed):
            field.value = needle
        devices.filter(needle)
        entitle(devices, "Devices", f"filter: {needle} · esc clears" if needle else "")
        self.remove_class("-filtering")
        self._go_to_pane("devices")

    # Other screens

    def action_details(self) -> None:
        """Everything about what the cursor stands on."""
        from planner.tui.screens.dialogs import Reading

        self.app.push_screen(Reading("Details", describe.describe(self.shown, self._subject)))

    def action_help(self) -> None:
        """Keys and signs."""
        from planner.tui.screens.dialogs import help_screen

        self.app.push_screen(help_screen())

    def action_palette(self) -> None:
        """The command palette."""
        self.app.action_command_palette()

    def action_export(self) -> None:
        """Preview the chosen guest's file, and write it there."""
        from planner.tui.exporting import Exporter
        from planner.tui.screens.export_preview import ExportPreview

        guest = self.shown.current
        if guest is None:
            self._say("✖ there is no guest to export")
            return
        self._exporter = self._exporter or Exporter()
        self.app.push_screen(ExportPreview(self.shown, guest, self._exporter, self._folder), self._exported)

    def _exported(self, names: list[str] | None) -> None:
        if names:
            self._show(self._editor.exported(self.shown, names))

    def action_leave(self) -> None:
        """Quit; ask first while edits are not exported."""
        unsaved = sorted(self.shown.unsaved)
        if not unsaved:
            self.app.exit(0)
            return
        if self._leaving:
            return
        self._leaving = True

        def leave(yes: bool | None) -> None:
            self._leaving = False
            if yes:
                self.app.exit(0)

        from planner.tui.screens.dialogs import Confirm

        text = f"{plural(len(unsaved), 'guest')} changed and not exported: {', '.join(unsaved)}."
        self.app.push_screen(Confirm("Quit and lose the changes?", [((text, ""),)]), leave)


def _named(subject: Subject) -> Sbdf | None:
    """The one device that a range of the map names."""
    devices = subject.devices if isinstance(subject, Band) else ()
    return devices[0] if len(devices) == 1 else None
