"""The main screen: guests, devices, memory map, problems and details of one session, put together.

What only a key brings up (dialogs, palette, export, further panes) is imported then: the first paint does not wait.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from planner.model.errors import InputError
from planner.model.plan import Plan
from planner.model.span import Span
from planner.policy.findings import Finding
from planner.tui import describe, messages
from planner.tui.commands import Where, bindings, keys_of
from planner.tui.editing import Editor
from planner.tui.files import Files, is_sample
from planner.tui.screens.device_actions import DeviceActions
from planner.tui.screens.export_actions import ExportActions
from planner.tui.screens.map_actions import MapActions
from planner.tui.screens.plan_screen import LEFT, MIDDLE
from planner.tui.view import View
from planner.tui.widgets.config_text import ConfigText
from planner.tui.widgets.details import Details
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.guest_tabs import GuestTabs
from planner.tui.widgets.key_line import KeyLine
from planner.tui.widgets.lines import Lines, Picker, Scroller, entitle
from planner.tui.widgets.memory_map import MemoryMap
from planner.tui.widgets.problems import Problems
from planner.tui.widgets.status_line import StatusLine

LOOK_EVERY = 2.0
"""Seconds between two looks at the guests' files."""


class MainScreen(ExportActions, DeviceActions, MapActions):
    """Every pane gets the frozen `view` and paints what differs from the last one."""

    WHERE = Where.MAIN
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.MAIN)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-mid"), (36, "-tall")]  # noqa: RUF012
    TITLE = "rdm-planner"
    AUTO_FOCUS = ""

    def __init__(self, plan: Plan, files: Files) -> None:
        super().__init__(Editor(plan, files.judge), files)

    def compose(self) -> ComposeResult:
        """The lines and panes, from top to bottom."""
        yield StatusLine(id="status")
        yield GuestTabs(id="guests")
        with Container(id="panes", classes="at-left left-devices middle-map"):
            yield DeviceList(id="devices")
            yield MemoryMap(id="map")
            yield Details(id="details")
            yield ConfigText(lambda guest: self.files.exporter.before(guest), id="config")
            yield Problems(id="problems")
        yield Input(
            placeholder="name, class, driver, owner, address or region, rmrr, shared, blocked, free",
            id="filter",
            compact=True,
        )
        yield KeyLine(Where.MAIN, id="keys")

    def on_mount(self) -> None:
        """Title the panes, show the first view, and look at the files now and then."""
        for name, title in (
            ("devices", "Devices"),
            ("details", "Details"),
            ("problems", "Problems"),
            ("config", "xl.cfg"),
        ):
            entitle(self.query_one(f"#{name}"), title)
        for pane in self.query(Picker):
            pane.listener, pane.follower = self.pointed, self.follow
        self.show(self.editor.start.having(plan_name=self.files.plan_name))
        self.point(self.pane("devices").subject())
        self.pane("devices").focus()
        self.set_interval(LOOK_EVERY, self.look_at_disk)
        self.call_after_refresh(self.greet)

    def on_resize(self) -> None:
        """A pane that the new size has no room for hands the cursor on."""
        self.call_after_refresh(self._keep_in_sight)

    def _keep_in_sight(self) -> None:
        pane = self.focused
        self.set_panes()
        if isinstance(pane, Scroller) and pane.id not in self.panes:
            self.go_to_pane("devices")

    def watch_focused(self, pane: Widget | None) -> None:
        """The key line tells the keys of the pane with the cursor."""
        if isinstance(pane, Scroller):
            self.query_one(KeyLine).turn_to(pane.id or "")

    def watch_view(self, old: View | None, view: View | None) -> None:
        """Hand the view to every pane."""
        if view is None:
            return
        title = describe.title(view)
        if old is None or describe.title(old) != title:
            entitle(self.pane(self.middle), title)
        unseen = {*LEFT[1:], *MIDDLE[1:]}.difference(self.panes)
        for pane in self.query(Lines):
            if not isinstance(pane, Details) and pane.id not in unseen:
                pane.show(view)
        if self._follows and isinstance(self.focused, Picker):
            self.subject = self.focused.subject()
        self.query_one(Details).show(view, self.subject)

    def restart(self, editor: Editor, note: str) -> None:
        """Begin a new session."""
        self.editor = editor
        self.show(self.editor.start.having(plan_name=self.files.plan_name))
        self.go_to_pane("devices")
        self.point(self.pane("devices").subject())
        self.say(note)
        self.look_at_disk()

    # Panes

    def action_next_pane(self, step: int) -> None:
        """The next pane; where only one fits it takes the place of this one."""
        here = next((index for index, name in enumerate(self.panes) if self.pane(name) is self.focused), 0)
        self.go_to_pane(self.panes[(here + step) % len(self.panes)])

    def action_problems(self) -> None:
        """To the problems; alone on the screen where that has no room for them beside the others."""
        hidden = self.has_class("-short") and not self.has_class("-narrow")
        if hidden and not self.maximised and not self.alone:
            self.action_maximise()
        self.go_to_pane("problems")

    def action_maximise(self) -> None:
        """One pane alone, or all again."""
        if self.alone:
            self.say("it has the whole screen already")
            return
        self.maximised = not self.maximised
        self.set_panes()

    def action_host(self) -> None:
        """The host's inventory in the place of the devices, and back."""
        self.go_to_pane("devices" if self.left == "host" else "host")

    def action_back(self) -> None:
        """One level outward."""
        devices = self.query_one(DeviceList)
        if self.query_one("#filter").has_focus or devices.needle:
            self.end_filter("")
        elif self.leave_looks():
            pass
        elif self.maximised:
            self.action_maximise()
        else:
            self.go_to_pane("devices")

    @on(messages.Opened)
    def _opened(self, message: messages.Opened) -> None:
        if isinstance(message.subject, Finding):
            self.go_to_finding(message.subject)
        else:
            self.action_details()

    @on(Worker.StateChanged)
    def _looked(self, event: Worker.StateChanged) -> None:
        if event.worker is self._worker and event.state is WorkerState.SUCCESS:
            self.seen_on_disk(*(event.worker.result or ({}, {})))

    # Other screens

    def action_details(self) -> None:
        """Everything about what the cursor stands on."""
        from planner.tui.screens.dialogs import Reading

        text = describe.describe(self.shown, self.subject, full=True)
        self.app.push_screen(Reading("Details", text, closes=keys_of(self.keymap, "details")))

    def action_messages(self) -> None:
        """Everything that was said, newest first."""
        from planner.tui.screens.dialogs import Reading

        text = [((f"{number}  ", "dim"), (note, "")) for number, note in reversed([*enumerate(self.said, 1)])]
        nothing = [(("Nothing was said yet.", "dim"),)]
        self.app.push_screen(Reading("Messages so far", text or nothing, closes=keys_of(self.keymap, "messages")))

    def action_help(self) -> None:
        """Keys and signs, those of this pane first."""
        from planner.tui.screens.help import help_screen

        pane = self.focused.id if isinstance(self.focused, Picker) else None
        self.app.push_screen(help_screen(self.keymap, pane or ""))

    def action_tour(self) -> None:
        """The guided tour."""
        from planner.tui.screens.help import Tour

        self.app.push_screen(Tour(self.keymap, sample=is_sample(self.shown.snapshot.plan.host_file)), self.tour_closed)

    def tour_closed(self, _: None) -> None:
        """It is not shown by itself again."""
        if self.files.state is not None:
            with suppress(InputError):  # then it is shown again
                self.files.state.remember("tour_seen", True)

    def action_palette(self) -> None:
        """Find anything by its name, and go or do."""
        from planner.tui.palette import commands, entries
        from planner.tui.screens.find import Find

        first = sum(1 for _ in commands())
        self.app.push_screen(Find(entries(self), first), lambda act: act() if act is not None else None)

    def go_to_problem(self, finding: Finding) -> None:
        """Choose the guest that a finding is about, and go to the finding."""
        names = [guest.name for guest in self.shown.snapshot.plan.guests]
        if finding.guest in names:
            self.action_choose_guest(names.index(finding.guest) + 1)
        self.go_to_finding(finding)

    def go_to_region(self, span: Span) -> None:
        """Put the host panel's cursor on a reserved region."""
        from planner.tui.widgets.host_list import HostList

        self.go_to_pane("host")
        hosts = self.query_one(HostList)

        def go() -> None:
            hosts.go_to(span)
            hosts.tell()

        hosts.call_after_refresh(go)  # it folds its regions when it is drawn first

    def in_preview(self, action: str) -> None:
        """Do what the export preview knows, in front of it."""
        self.action_export()
        top = self.app.screen
        if top is not self:
            top.call_after_refresh(top.run_action, action)

    def action_theme(self) -> None:
        """Choose a theme."""
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        themes = sorted(self.app.available_themes)

        def choose(index: int | None) -> None:
            if index is not None:
                self.app.theme = themes[index]

        self.app.push_screen(Choose("Theme", [*map(Option, themes)], at=themes.index(self.app.theme)), choose)

    def action_suspend(self) -> None:
        """To the shell, until fg; the terminal may be closed meanwhile."""
        if os.getpgrp() == os.getsid(0) != os.getpid():  # a shell with job control gives each job a group of its own
            self.say("✖ there is no shell to suspend to: nothing would bring the planner back")
            return
        self.keep_now()
        self.app.action_suspend_process()
