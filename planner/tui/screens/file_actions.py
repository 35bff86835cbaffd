"""Saved plans, opening, what changed on disk, recovery, the clipboard, and leaving."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from planner.model.edits import AddGuest, Together
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.report.words import plural
from planner.tui.clipboard import copy
from planner.tui.commands import keys_of, with_keys
from planner.tui.describe import describe
from planner.tui.editing import Editor
from planner.tui.screens.recovery_actions import RecoveryActions
from planner.tui.view import View
from planner.tui.widgets.config_text import ConfigText
from planner.tui.widgets.lines import Picker

if TYPE_CHECKING:
    from textual.worker import Worker


class FileActions(RecoveryActions):
    """Everything that reads or writes a file."""

    _leaving = False
    _worker: Worker[tuple[dict[str, str], dict[str, str]]] | None = None
    _others_on_disk: Mapping[str, str] = {}

    # Saved plans

    def action_save_plan(self) -> None:
        """Write the plan, after asking where to the first time."""
        self._save_and(lambda: None)

    def action_save_plan_as(self) -> None:
        """Write the plan to a file to be named."""
        self._ask_where(lambda: None)

    def _save_and(self, then: Callable[[], None]) -> None:
        if self.files.plan_file is not None:
            self._save(self.files.plan_file, then)
        else:
            self._ask_where(then)

    def _ask_where(self, then: Callable[[], None]) -> None:
        from planner.tui.screens.dialogs import Ask, Confirm
        from planner.tui.screens.paths import PathSuggester

        def refused(text: str) -> str | None:
            return self.files.no_plan_goes_there(Path(text).expanduser())

        def save(text: str | None) -> None:
            if text is None:
                return
            path = Path(text).expanduser()
            if not path.exists() or path == self.files.plan_file:
                self._save(path, then)
                return
            question = [((f"{path} is a saved plan. It is kept beside the new one, dated.", ""),)]

            def save_there(yes: bool | None) -> None:
                if yes:
                    self._save(path, then)

            self.app.push_screen(Confirm(f"Replace {path.name}?", question), save_there)

        hint = "The plan names its files and keeps what you changed; the xl.cfg files stay as they are."
        start = str(self.files.plan_file or self._plan_path())
        self.app.push_screen(Ask("Save the plan as", start, hint, refused=refused, suggester=PathSuggester()), save)

    def _plan_path(self) -> str:
        return str(self.files.folder / "plan.toml")

    def _save(self, path: Path, then: Callable[[], None], *, over: bool = False) -> None:
        try:
            backup, lost = self.files.save(self.shown.snapshot.plan, path, over=over)
        except InputError as error:
            self._not_saved(path, error, then)
            return
        note = f"saved {path}" + (f"; before: {backup.name}" if backup is not None else "")
        if lost:
            note += f"; it has the text of {', '.join(lost)}, as no file holds that any more"
        self.show(self.editor.saved(self.shown, note).having(plan_name=self.files.plan_name))
        then()

    def _not_saved(self, path: Path, error: InputError, then: Callable[[], None]) -> None:
        """Offer the ways out: another place, over what somebody else wrote, or not now."""
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        self.say(f"✖ not saved: {error.reason_first}")
        ways: list[Callable[[], None]] = [lambda: self._ask_where(then)]
        options = [Option("save under another name", "asks where to")]
        if path == self.files.plan_file and self.files.plan_changed:
            ways.append(lambda: self._save(path, then, over=True))
            options.append(Option("save over it", "what stands there now is kept beside it, dated"))
        options.append(Option("leave it unsaved", "nothing was written"))

        def decide(index: int | None) -> None:
            if index is not None and index < len(ways):
                ways[index]()

        self.app.push_screen(Choose("Not saved", options, text=[(("✖ ", "error"), (str(error), ""))]), decide)

    def action_changes(self) -> None:
        """What changed since the plan was saved, or else since the files were read."""
        from planner.tui.differences import between
        from planner.tui.screens.dialogs import Reading

        file = self.files.plan_file
        since = f"{file} was saved" if file is not None else "the files were read (no plan is open)"
        text = between(self.editor.saved_plan, self.shown.snapshot.plan)
        self.app.push_screen(
            Reading(
                f"Since {since}", text or [(("Nothing changed.", "dim"),)], closes=keys_of(self.keymap, "plan.changes")
            )
        )

    def action_open(self, *, guests_only: bool = False) -> None:
        """Ask for a path, and open what it names; what cannot be opened is said there."""
        from planner.tui.screens.dialogs import Ask
        from planner.tui.screens.paths import PathSuggester

        hint = "An xl.cfg, several or more/*.cfg join the plan as guests."
        hint += "" if guests_only else " A site, an inventory or a plan.toml takes its place."
        folder = self.files.opened_in or self.files.folder
        start = f"{folder}{os.sep}" if str(folder) != "." else ""
        if self._plan_is_here() and not guests_only:
            start = self._plan_path()
        found: list[tuple[Guest, ...] | Editor] = []

        def refused(text: str) -> str | None:
            try:
                opened = self.files.open(text, self.shown.snapshot.plan, guests_only=guests_only)
                found[:] = [Editor(opened, self.files.judge) if isinstance(opened, Plan) else opened]
            except InputError as error:
                self.files.told.clear()
                return f"not opened: {error}"
            return None

        def take(text: str | None) -> None:
            if text is None:
                return
            if isinstance(found[0], Editor):
                editor, name = found[0], Path(text).name
                self._leave_for(lambda: self._replace(editor, text), f"Open {name} and lose the changes?")
            else:
                self._add_guests(found[0])

        hint += " → completes."
        self.app.push_screen(Ask("Open", start, hint, refused=refused, suggester=PathSuggester()), take)

    def _add_guests(self, guests: tuple[Guest, ...]) -> None:
        edits = tuple(map(AddGuest, guests))
        if not self.edit(edits[0] if len(edits) == 1 else Together(edits, f"add {len(edits)} guests")):
            return
        for guest in guests:
            self.show(self.editor.read_again(self.shown, guest))
            if guest.file is not None:
                self.files.opened_in = Path(guest.file.path).parent

    def _plan_is_here(self) -> bool:
        """Whether a saved plan lies where one is saved unless said, and another or none is open."""
        path = Path(self._plan_path())
        return path.is_file() and self.files.plan_file is None

    def _replace(self, editor: Editor, text: str) -> None:
        path = Path(text).expanduser()
        is_plan = path.suffix == ".toml" and path != Path(editor.saved_plan.host_file)
        folder = path if path.is_dir() else path.parent
        self.files = replace(self.files, folder=folder, opened_in=None, plan_file=path if is_plan else None)
        self.restart(editor, f"opened {text}")
        self.tell()
        self.offer_recovery()

    def restart(self, editor: Editor, note: str) -> None:
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
            plan, files = self.shown.snapshot.plan, self.files
            self._worker = self.run_worker(lambda: files.look(plan), thread=True, exit_on_error=False)

    def seen_on_disk(self, found: dict[str, str], others: dict[str, str]) -> None:
        """Show what changed there: guests' files, then the saved plan and the inventory."""
        for name, word in others.items():
            if self._others_on_disk.get(name) != word:
                self.say(f"▲ {name}: {word} on disk since it was read")
        self._others_on_disk = others
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
        self.app.exit(0)

    def _leave_for(self, then: Callable[[], None], title: str) -> None:
        view = self.shown
        if not view.snapshot.dirty:
            self.keep_now()  # what was recovered and undone
            then()
            return
        if self._leaving:
            return
        self._leaving = True

        def leave(answer: str | None) -> None:
            self._leaving = False
            if answer == "lose":
                self.files.forget()
                then()
            elif answer == "save":
                self._save_and(saved)

        def saved() -> None:
            setattr(self.app, "last_word", self.shown.note)  # noqa: B010
            then()

        from planner.tui.screens.leaving import Leaving

        unsaved = sorted(view.unsaved)
        text = "The plan is not saved."
        if unsaved:
            text += f" {plural(len(unsaved), 'guest')} changed and not exported: {', '.join(unsaved)}."
        self.app.push_screen(Leaving(title, text), leave)


def copied_map(view: View) -> str:
    """The chosen guest's map as `rdm-planner map` prints it."""
    from planner.report import memory_map
    from planner.tui.view import Look

    report = replace(view.snapshot.report, builds=(view.build,) if view.build is not None else ())
    if view.look is Look.GUESTS:
        report = view.snapshot.report
    return memory_map.render([("", report)], view="all" if view.look is Look.VIEWS else None, stage=view.stage)
