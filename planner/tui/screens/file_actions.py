"""Saved plans, opening, exports, what changed on disk, recovery, the clipboard, and leaving."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from planner.model.edits import AddGuest
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.report.words import plural
from planner.tui import messages
from planner.tui.commands import with_keys
from planner.tui.describe import describe
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.view import View
from planner.tui.widgets.config_text import ConfigText
from planner.tui.widgets.lines import Picker

if TYPE_CHECKING:
    from textual.worker import Worker

    from planner.tui.exporting import Written

_OSC52_LIMIT = 74_000  # bytes that the terminals that take least still take


class FileActions(PlanScreen):
    """Everything that reads or writes a file."""

    _leaving = False
    _worker: Worker[dict[str, str]] | None = None

    # Saved plans

    def action_save_plan(self) -> None:
        """Write the plan, after asking where to the first time."""
        if self.files.plan_file is not None:
            self._save(str(self.files.plan_file))
            return
        from planner.tui.screens.dialogs import Ask
        from planner.tui.screens.paths import PathSuggester

        hint = "The plan names its files and keeps what you changed; the xl.cfg files stay as they are."
        ask = Ask("Save the plan as", self._plan_path(), hint, suggester=PathSuggester())
        self.app.push_screen(ask, self._save)

    def _plan_path(self) -> str:
        return str(self.files.folder / "plan.toml")

    def _save(self, text: str | None) -> None:
        if text is None:
            return
        try:
            self.files.save(self.shown.snapshot.plan, Path(text).expanduser())
        except InputError as error:
            self.say(f"✖ not saved: {_reason_first(error)}")
            return
        self.show(self.editor.saved(self.shown, text))

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
        self.app.push_screen(Ask("Open", start, hint, suggester=PathSuggester()), self._open)

    def _open(self, text: str | None) -> None:
        if text is None:
            return
        try:
            found = self.files.open(text)
        except InputError as error:
            self.say(f"✖ not opened: {_reason_first(error)}")
            return
        if isinstance(found, Guest):
            if self.edit(AddGuest(found)):
                self.show(self.editor.read_again(self.shown, found))
            return
        self._leave_for(lambda: self._replace(found, text))

    def _replace(self, plan: Plan, text: str) -> None:
        self.files.forget()
        path = Path(text).expanduser()
        self.files.go_on_with(path if path.suffix == ".toml" and path != Path(plan.host_file) else None)
        self.restart(plan, f"opened {text}")

    def restart(self, plan: Plan, note: str) -> None:
        """Begin a new session."""
        raise NotImplementedError

    def offer_recovery(self) -> None:
        """Offer what a session left behind that was cut off."""
        path = self.files.left_behind(self.shown.snapshot.plan)
        if path is None or self.files.load is None:
            return
        from planner.tui.screens.dialogs import Choose, Confirm
        from planner.tui.widgets.options import Option

        # Keys typed while the planner started arrive here, so nothing is lost by one of them.
        options = [
            Option("go on with it", "your files are as they were; nothing is written"),
            Option("decide later", "it is offered again at the next start"),
            Option("throw it away", "asks once more"),
        ]
        text = [(("A session on this host ended without saving. ", ""), ("Its edits were kept.", "strong"))]

        def decide(index: int | None) -> None:
            if index == 0 and self.files.load is not None:
                try:
                    plan = self.files.load(str(path))
                except InputError as error:
                    self.say(f"✖ not recovered: {_reason_first(error)}")
                    return
                self.recover(plan)
                self.files.discard(path)
            elif index == 2:
                question = [(("The edits of that session are lost then.", ""),)]
                self.app.push_screen(Confirm("Throw it away?", question), throw_away)

        def throw_away(yes: bool | None) -> None:
            if yes:
                self.files.discard(path)

        self.app.push_screen(Choose("Unsaved edits", options, text=text), decide)

    def recover(self, plan: Plan) -> None:
        """Go on with a recovered plan."""
        raise NotImplementedError

    # Exports and the disk

    def action_export(self) -> None:
        """Preview the chosen guest's file, and write it there."""
        from planner.tui.screens.export_preview import ExportPreview

        guest = self.shown.current
        if guest is None:
            self.say("✖ there is no guest to export")
            return
        self.app.push_screen(ExportPreview(self.shown, guest, self.files), self._exported)

    @on(messages.ExportAsked)
    def _export_asked(self) -> None:
        self.action_export()

    def _exported(self, written: list[Written] | None) -> None:
        if written:
            self.show(self.editor.exported(self.shown, written, is_saved=self.files.plan_file is not None))
            self.keep_soon()
            self.look_at_disk()

    def look_at_disk(self) -> None:
        """See, in a thread, which guests' files changed since they were read: a network file system may hang."""
        if self._worker is None or self._worker.is_finished:
            guests = self.shown.snapshot.plan.guests
            self._worker = self.run_worker(lambda: self.files.look(guests), thread=True, exit_on_error=False)

    def seen_on_disk(self, found: dict[str, str]) -> None:
        """Show what changed there."""
        if found == self.shown.on_disk:
            return
        new = [f"{name}'s file: {word} on disk" for name, word in found.items() if name not in self.shown.on_disk]
        keys = with_keys("{guest.reload} reads it again, {guest.export} {export.form} compares", self.keymap)
        note = f"▲ {'; '.join(new)}. {keys}" if new else self.shown.note
        self.show(self.shown.having(on_disk=found, note=note))

    # The clipboard

    def action_copy(self) -> None:
        """Send what the pane with the cursor tells to the terminal's clipboard."""
        text = self._copied()
        self.app.copy_to_clipboard(text)
        path = self.files.state.copied(text) if self.files.state is not None else None
        lines = plural(text.count("\n"), "line")
        sure = "the clipboard, if the terminal lets it"
        if len(text.encode()) > _OSC52_LIMIT:
            lines, sure = f"▲ {lines}", "perhaps the clipboard: they are more than many terminals let through"
        self.say(f"{lines} in {_short(path)} and {sure}" if path is not None else f"{lines} in {sure}")

    def _copied(self) -> str:
        view = self.shown
        if isinstance(self.focused, ConfigText):
            return self.focused.text
        pane = self.focused.id if isinstance(self.focused, Picker) else ""
        if pane in ("map", "compare") and view.build is not None:
            return copied_map(view)
        if pane == "problems":
            return "".join(
                f"{one.rule.id} {one.severity} {one.guest or 'host'}: {one.message}\n" for one in view.findings
            )
        return "".join("".join(text for text, _ in paragraph) + "\n" for paragraph in describe(view, self.subject))

    # Leaving

    def action_leave(self) -> None:
        """Quit; ask first while edits are neither saved nor exported."""
        self._leave_for(self._exit)

    def _exit(self) -> None:
        self.files.forget()
        self.app.exit(0)

    def _leave_for(self, then: Callable[[], None]) -> None:
        view = self.shown
        if not view.snapshot.dirty:
            then()
            return
        if self._leaving:
            return
        self._leaving = True

        def leave(yes: bool | None) -> None:
            self._leaving = False
            if yes:
                then()

        from planner.tui.screens.dialogs import Confirm

        unsaved = sorted(view.unsaved)
        text = "The plan is not saved."
        if unsaved:
            text += f" {plural(len(unsaved), 'guest')} changed and not exported: {', '.join(unsaved)}."
        self.app.push_screen(Confirm("Quit and lose the changes?", [((text, ""),)]), leave)


def copied_map(view: View) -> str:
    """The chosen guest's map as `rdm-planner map` prints it."""
    from dataclasses import replace

    from planner.report import memory_map
    from planner.tui.view import Look

    report = replace(view.snapshot.report, builds=(view.build,) if view.build is not None else ())
    if view.look is Look.GUESTS:
        report = view.snapshot.report
    return memory_map.render([("", report)], view="all" if view.look is Look.VIEWS else None, stage=view.stage)


def _reason_first(error: InputError) -> str:
    """What is wrong, then where: of a long line the end is cut."""
    place = ":".join(str(part) for part in (error.source, error.line, error.column) if part is not None)
    return f"{error.message}; in {place}" if place else error.message


def _short(path: Path) -> str:
    """A path as a person would type it."""
    home = Path.home()
    return f"~{os.sep}{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
