"""Saved plans, opening, what changed on disk, recovery, the clipboard, and leaving."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from planner.model.edits import AddGuest
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.report.words import plural
from planner.tui.clipboard import copy
from planner.tui.commands import with_keys
from planner.tui.describe import describe
from planner.tui.screens.recovery_actions import RecoveryActions
from planner.tui.view import View
from planner.tui.widgets.config_text import ConfigText
from planner.tui.widgets.lines import Picker

if TYPE_CHECKING:
    from textual.worker import Worker


class FileActions(RecoveryActions):
    """Everything that reads or writes a file."""

    _leaving = False
    _worker: Worker[dict[str, str]] | None = None

    # Saved plans

    def action_save_plan(self) -> None:
        """Write the plan, after asking where to the first time."""
        self._save_and(lambda: None)

    def _save_and(self, then: Callable[[], None]) -> None:
        def save(text: str | None) -> None:
            if text is not None and self._save(text):
                then()

        if self.files.plan_file is not None:
            save(str(self.files.plan_file))
            return
        from planner.tui.screens.dialogs import Ask
        from planner.tui.screens.paths import PathSuggester

        hint = "The plan names its files and keeps what you changed; the xl.cfg files stay as they are."
        self.app.push_screen(Ask("Save the plan as", self._plan_path(), hint, suggester=PathSuggester()), save)

    def _plan_path(self) -> str:
        return str(self.files.folder / "plan.toml")

    def _save(self, text: str) -> bool:
        try:
            backup = self.files.save(self.shown.snapshot.plan, Path(text).expanduser())
        except InputError as error:
            self.say(f"✖ not saved: {error.reason_first}")
            return False
        note = f"saved {text}" + (f"; before: {backup.name}" if backup is not None else "")
        self.show(self.editor.saved(self.shown, note).having(plan_name=self.files.plan_name))
        return True

    def action_changes(self) -> None:
        """What changed since the plan was saved, or else since the files were read."""
        from planner.tui.differences import between
        from planner.tui.screens.dialogs import Reading

        file = self.files.plan_file
        since = f"{file} was saved" if file is not None else "the files were read; no plan is saved"
        text = between(self.editor.saved_plan, self.shown.snapshot.plan)
        self.app.push_screen(Reading(f"Since {since}", text or [(("Nothing changed.", "dim"),)]))

    def action_open(self) -> None:
        """Ask for a path, and open what it names."""
        from planner.tui.screens.dialogs import Ask
        from planner.tui.screens.paths import PathSuggester

        hint = "A guest's xl.cfg joins the plan. A site, an inventory or a plan.toml takes its place. → completes."
        start = f"{self.files.folder}{os.sep}" if str(self.files.folder) != "." else ""
        if self._plan_is_here():
            start = self._plan_path()
        self.app.push_screen(Ask("Open", start, hint, suggester=PathSuggester()), self._open)

    def _open(self, text: str | None) -> None:
        if text is None:
            return
        try:
            found = self.files.open(text)
        except InputError as error:
            self.say(f"✖ not opened: {error.reason_first}")
            return
        if isinstance(found, Guest):
            if self.edit(AddGuest(found)):
                self.show(self.editor.read_again(self.shown, found))
            return
        self._leave_for(lambda: self._replace(found, text), f"Open {Path(text).name} and lose the changes?")

    def _plan_is_here(self) -> bool:
        """Whether a saved plan lies where one is saved unless said, and another or none is open."""
        path = Path(self._plan_path())
        return path.is_file() and self.files.plan_file is None

    def _replace(self, plan: Plan, text: str) -> None:
        self.files.forget()
        path = Path(text).expanduser()
        self.files.go_on_with(path if path.suffix == ".toml" and path != Path(plan.host_file) else None)
        self.restart(plan, f"opened {text}")
        self.tell()

    def restart(self, plan: Plan, note: str) -> None:
        """Begin a new session."""
        raise NotImplementedError

    def greet(self) -> None:
        """Say what there is to know once the first screen is there."""
        if self._plan_is_here():
            self.say(with_keys("plan.toml is here: {plan.open} opens it", self.keymap))
        self.tell()
        self.offer_recovery()

    # The disk

    def look_at_disk(self) -> None:
        """See, in a thread, which guests' files changed since they were read: a network file system may hang."""
        if self._worker is None or self._worker.is_finished:
            guests = self.shown.snapshot.plan.guests
            self._worker = self.run_worker(lambda: self.files.look(guests), thread=True, exit_on_error=False)

    def seen_on_disk(self, found: dict[str, str]) -> None:
        """Show what changed there."""
        if found == self.shown.on_disk:
            return
        guests = [guest.name for guest in self.shown.snapshot.plan.guests]
        new = {name: found[name] for name in guests if name in found and found[name] != self.shown.on_disk.get(name)}
        note = self._told_of_disk(new, guests)
        self.show(self.shown.having(on_disk=found, note=note or self.shown.note))

    def _told_of_disk(self, new: dict[str, str], guests: list[str]) -> str:
        """What happened to guests' files, and the keys that go on with the first of them; "" for nothing."""
        if not new:
            return ""
        from planner.tui.describe.exports import ON_DISK

        first, word = next(iter(new.items()))
        number = guests.index(first)
        choose = f"{number + 1} " if number != self.shown.guest else ""
        keys = (
            "{guest.reload} reads it again, {guest.export} compares"
            if word == "changed"
            else "{guest.export} tells more"
        )
        told = "; ".join(f"{name}'s file {ON_DISK[word]}" for name, word in new.items())
        return f"▲ {told}: {choose}{with_keys(keys, self.keymap)}"

    # The clipboard

    def action_copy(self) -> None:
        """Send what the pane with the cursor tells to the terminal's clipboard."""
        self.say(copy(self.app, self.files.state, self._copied()))

    def _copied(self) -> str:
        view = self.shown
        if isinstance(self.focused, ConfigText):
            return self.focused.text
        pane = self.focused.id if isinstance(self.focused, Picker) else ""
        if pane in ("map", "compare") and view.build is not None:
            return copied_map(view)
        if pane == "problems":
            return "".join(
                f"{one.rule.id} {one.standing} {one.guest or 'host'}: {one.message}\n"
                + (f"  {one.quoted}\n" if one.quoted else "")
                for one in view.findings
            )
        return "".join("".join(text for text, _ in paragraph) + "\n" for paragraph in describe(view, self.subject))

    # Leaving

    def action_leave(self) -> None:
        """Quit; ask first while edits are neither saved nor exported."""
        self._leave_for(self._exit, "Quit and lose the changes?")

    def _exit(self) -> None:
        self.files.forget()
        self.app.exit(0)

    def _leave_for(self, then: Callable[[], None], title: str) -> None:
        view = self.shown
        if not view.snapshot.dirty:
            then()
            return
        if self._leaving:
            return
        self._leaving = True

        def leave(answer: str | None) -> None:
            self._leaving = False
            if answer == "lose":
                then()
            elif answer == "save":
                self._save_and(then)

        from planner.tui.screens.leaving import Leaving

        unsaved = sorted(view.unsaved)
        text = "The plan is not saved."
        if unsaved:
            text += f" {plural(len(unsaved), 'guest')} changed and not exported: {', '.join(unsaved)}."
        self.app.push_screen(Leaving(title, text), leave)


def copied_map(view: View) -> str:
    """The chosen guest's map as `rdm-planner map` prints it."""
    from dataclasses import replace

    from planner.report import memory_map
    from planner.tui.view import Look

    report = replace(view.snapshot.report, builds=(view.build,) if view.build is not None else ())
    if view.look is Look.GUESTS:
        report = view.snapshot.report
    return memory_map.render([("", report)], view="all" if view.look is Look.VIEWS else None, stage=view.stage)
