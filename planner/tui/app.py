"""The Textual application: themes, keys, the screen, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import Input

from planner.model.errors import InputError
from planner.model.plan import Plan
from planner.policy.evaluate import Report
from planner.policy.suppress import as_told
from planner.report.words import printable
from planner.tui.commands import Keymap, Where, of, with_keys
from planner.tui.files import Files, Load
from planner.tui.screens.main import MainScreen
from planner.tui.screens.too_small import TooSmall, fits
from planner.tui.settings import Settings
from planner.tui.state import State

_PATIENCE = 1.0
"""Seconds that an end by a signal may take, or a key wait for what the one before it set off."""


class PlannerApp(App[int]):
    """One plan on one main screen.

    Exports go to `folder` unless said. `load` reads what a path names when something is opened, `load_copy` a
    recovery copy; without `state` nothing is kept between sessions. `told` is what reading the plan brought up, `judge`
    takes in what the project decided to live with.
    """

    CSS_PATH = "planner.tcss"
    TITLE = "rdm-planner"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        plan: Plan,
        folder: Path | None = None,
        *,
        ascii_only: bool = False,
        settings: Settings | None = None,
        state: State | None = None,
        load: Load | None = None,
        load_copy: Load | None = None,
        plan_file: Path | None = None,
        told: Sequence[str] = (),
        judge: Callable[[Report], Report] = as_told,
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)  # else Textual sends greys
        settings = settings or Settings()
        self._fixed_theme = settings.theme is not None
        self.changed_keys: Keymap = settings.keys
        self.state = state
        where = folder if folder is not None else Path()
        files = Files(where, load, load_copy, state, plan_file, list(told), judge)
        self._main = MainScreen(plan, files)
        self.last_word = ""
        self._resized = False
        self.set_class(ascii_only or settings.ascii, "-ascii")
        wanted = settings.theme or (state.theme if state is not None else None)
        if wanted in self.available_themes:
            self.theme = wanted
        elif self.console.color_system == "standard":  # the shades of the other themes become a few greys there
            self.theme = "ansi-dark"
        if settings.keys:
            self.set_keymap({name: ",".join(keys) for name, keys in settings.keys.items()})

    def get_driver_class(self) -> type[Driver]:
        """Textual's choice; its driver for Unix terminals with less to send."""
        found = super().get_driver_class()
        if found.__name__ == "LinuxDriver":
            from planner.tui.terminal import LeanDriver

            return LeanDriver
        return found

    def on_mount(self) -> None:
        """Keep the theme when it changes, and show the tour the first time."""
        self.theme_changed_signal.subscribe(self, self._keep_theme)
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        for number in (signal.SIGHUP, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._cut_off, number)
        self.call_after_refresh(_collect_garbage_again)
        if self.state is not None and not self.state.tour_seen:
            self._main.call_after_refresh(self._main.action_tour)

    def on_resize(self) -> None:
        """Terminals do as they like with what they show when their size changes."""
        if self._resized:  # the first size comes with the first paint
            self.call_after_refresh(self.action_redraw)
        self._resized = True
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if not fits(self.size) and not any(isinstance(screen, TooSmall) for screen in self.screen_stack):
            self.push_screen(TooSmall())

    async def on_event(self, event: events.Event) -> None:
        """Keys one by one, each once all that the one before it set off is done: it is meant for what that led to.

        Only letters go to a field. Any other key is somebody's binding, which is run now: on the way through the
        widgets, from which Textual would get it back, the next key would overtake it.
        """
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._calm()
            if isinstance(event, events.Key) and not (isinstance(self.focused, Input) and event.is_printable):
                if not await self._check_bindings(event.key, priority=True):
                    await self._on_message(event)
                return
        await super().on_event(event)

    async def _calm(self) -> None:
        """Wait until every widget of the screen is there and has read its messages; not forever."""
        until = monotonic() + _PATIENCE
        await self._flush_next_callbacks()
        while monotonic() < until and any(map(_is_busy, (self.screen, *self.screen.walk_children(Widget)))):
            await asyncio.sleep(0)
            await self._flush_next_callbacks()

    def on_key(self, event: events.Key) -> None:
        """Suspend and draw again from dialogs too, which know no command of the main screen."""
        if self.screen is self._main or not event.key.startswith("ctrl+"):
            return
        for name, action in (("suspend", self._main.action_suspend), ("redraw", self.action_redraw)):
            command = next(command for command in of(Where.MAIN) if command.id == name)
            if event.key in command.keys_in(self.changed_keys):
                event.stop()
                action()

    def _cut_off(self, number: int) -> None:
        """The terminal is gone, or somebody ends us: the recovery copy has every edit, and is offered again."""
        is_kept = self._main.keep_now() and self._main.files.keeps
        if is_kept and self._main.shown.snapshot.dirty:
            self.last_word = "the unsaved edits are kept; the next start on this host offers them"
        # A terminal that is gone may hold up whatever writes to it or reads from it: that must not keep us alive.
        last_word = threading.Timer(_PATIENCE, os._exit, [128 + number])
        last_word.daemon = True
        last_word.start()
        self.exit(128 + number)

    def stop_reading(self) -> None:
        """Let the thread that reads keys end: where the terminal is gone, Textual may not have told it to."""
        event = getattr(self._driver, "exit_event", None)
        if event is not None:
            event.set()

    def action_redraw(self) -> None:
        """Send all of the screen again."""
        forget = getattr(self._driver, "forget", None)  # only a LeanDriver remembers anything
        if forget is not None:
            forget()
            self.screen.refresh()

    def _keep_theme(self, theme: Theme) -> None:
        if self.state is not None:
            try:
                self.state.remember("theme", theme.name)
            except InputError as error:
                self._main.say(f"▲ the theme cannot be kept: {error}")
        if self._fixed_theme:
            self._main.say("▲ theme in settings.toml comes first: the next start has that again")

    def get_default_screen(self) -> Screen[None]:
        """The main screen, from the first paint on."""
        return self._main

    def action_help_quit(self) -> None:
        """Somebody pressed what ends other programs."""
        self._main.say(with_keys("{quit} quits", self.changed_keys))

    async def action_quit(self) -> None:
        """Quit as `q` does, from any screen: ask while edits are not saved."""
        self._main.action_leave()


def _is_busy(widget: Widget) -> bool:
    return not widget.is_mounted or widget.message_queue_size > 0


def _collect_garbage_again() -> None:
    """From now on, and not what start-up made: that stays, and looking at it takes 20 ms each time."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def run(app: PlannerApp) -> int:
    """Open the planner, and return its exit code when it is closed."""
    try:
        code = app.run()
    finally:
        app.stop_reading()
    if app.last_word:
        with suppress(OSError):  # the terminal may be gone
            print(f"rdm-planner: {printable(app.last_word)}", file=sys.stderr, flush=True)
    return code if code is not None else (app.return_code or 0)
