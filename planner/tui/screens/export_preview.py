"""The xl.cfg of a guest as it would be written, and the writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from planner.export import shipping
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.tui.clipboard import copy
from planner.tui.commands import Where, bindings, key_of, keymap_of
from planner.tui.describe import exports
from planner.tui.differences import changes, whole
from planner.tui.exporting import is_own, place, places
from planner.tui.screens.dialogs import Reading, ask_folder
from planner.tui.text import Paragraph
from planner.tui.view import View
from planner.tui.widgets.details import Reader
from planner.tui.widgets.key_line import KeyLine
from planner.tui.widgets.lines import entitle

if TYPE_CHECKING:
    from planner.tui.screens.export_actions import ExportActions


class ExportPreview(Screen[None]):
    """Follows the main screen: its chosen guest, its plan, and what it sees on the disk."""

    WHERE = Where.EXPORT
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.EXPORT)

    def __init__(self, main: ExportActions) -> None:
        super().__init__()
        self._main = main
        self._shipment = shipping.ship(main.shown.snapshot.report)
        self._whole = False
        self._shown: list[Paragraph] = []

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        yield Reader(id="preview")
        yield KeyLine(Where.EXPORT)

    def on_mount(self) -> None:
        """Show the changes first, and from then on what the main screen comes to know."""
        self._show()
        self.set_focus(self.query_one(Reader))
        self.watch(self._main, "view", self._follow, init=False)

    def _follow(self, old: View, new: View) -> None:
        if old.snapshot.report is not new.snapshot.report:
            self._shipment = shipping.ship(new.snapshot.report)
        self._show()

    @property
    def _guest(self) -> Guest:
        guest = self._main.shown.current
        if guest is None:
            raise AssertionError("no guest is taken away while its export is shown")
        return guest

    # What is shown

    def action_form(self) -> None:
        """Changes or the whole file."""
        self._whole = not self._whole
        self._show()

    def action_choose_guest(self, number: int) -> None:
        """Guest `number`, counted from 1."""
        self._main.action_choose_guest(number)

    def action_next_guest(self, step: int) -> None:
        """The next guest, round and round."""
        self._main.action_next_guest(step)

    def action_reload_guest(self) -> None:
        """Take what the guest's file says now."""
        self._main.action_reload_guest()
        self._say(self._main.shown.note)

    def action_copy(self) -> None:
        """Send what is shown to the terminal's clipboard, and say so below it."""
        self._say(copy(self.app, self._main.files.state, self.query_one(Reader).text))

    def action_help(self) -> None:
        """Keys and signs, those of this screen first."""
        from planner.tui.screens.help import help_screen

        self.app.push_screen(help_screen(keymap_of(self.app), "preview"))

    def action_close(self) -> None:
        """Back to the plan."""
        self.dismiss(None)

    def _say(self, text: str) -> None:
        view = self._main.shown
        number = f"{view.guest + 1}/{len(view.snapshot.plan.guests)}"
        title = f"{number} {self._guest.name} · {place(self._guest, self._main.files.folder)}"
        entitle(self.query_one(Reader), title, text)

    def _show(self) -> None:
        """Show the guest, from the beginning where anything is new."""
        self._say("whole file" if self._whole else "changes")
        state = exports.state(self._main.shown, self._shipment, self._guest.name, keymap_of(self.app))
        try:
            text = self._text(self._shipment.text(self._guest.name))
        except InputError as error:
            text = [(("✖ ", "error"), (error.reason_first, "error"))]
        shown = [*state, (), *text]
        if shown != self._shown:
            self._shown = shown
            self.query_one(Reader).set_text(shown)

    def _text(self, new: str) -> list[Paragraph]:
        if self._whole:
            return whole(new)
        old = self._in_file(self._guest)
        if old is None:
            return changes("", new, "no file", "as planned")
        same: list[Paragraph] = [(("The file already says this; nothing to write.", "dim"),)]
        return changes(old, new, "in the file", "as planned") or same

    def _in_file(self, guest: Guest) -> str | None:
        """What the guest's file holds; None where there is none. InputError where it cannot be read."""
        seen = self._main.shown.on_disk.get(guest.name)
        if seen == "gone":
            return None
        files = self._main.files
        return files.exporter.before(guest) if seen is None else files.exporter.now(guest)

    # Writing

    def action_export_one(self) -> None:
        """Write the shown guest; first ask for the reason that the profile wants."""
        name = self._guest.name
        if exports.lacks_reason(self._shipment, name) and not self._shipment.refusals(name):
            self._main.ask_why(self._guest, lambda: self._export(self._guest))
        else:
            self._export(self._guest)

    def action_export_all(self) -> None:
        """Write every guest that can be written."""
        guests = self._shipment.planned.plan.guests
        lacking = [one.name for one in guests if exports.lacks_reason(self._shipment, one.name)]
        self._export(*guests, left=dict.fromkeys(lacking, "the xen profile wants a reason"))

    def _export(self, *guests: Guest, left: Mapping[str, str] | None = None) -> None:
        """Ask where to, and write those of the guests that can be written; `left` are out already, with why."""
        blocked = {one.name: exports.in_the_way(self._shipment.refusals(one.name)) for one in guests}
        lacking = exports.left_out(left or {})
        left = {**(left or {}), **{name: why for name, why in blocked.items() if why}}
        able = [one for one in guests if one.name not in left]
        if not able:
            found = [one for one in self._shipment.report.blocking if one.guest in (None, *blocked)]
            text = [*exports.refusal(found), *lacking]
            self.app.push_screen(Reading("Nothing was written, because this blocks", text))
            return

        def refused(text: str) -> str | None:
            try:
                found, out = self._chosen(able, text)
            except InputError as error:
                return error.message
            return None if found else f"{', '.join(f'{name}: {why}' for name, why in out.items())}. Name a folder."

        def write(text: str | None) -> None:
            if text is not None:
                found, out = self._chosen(able, text)
                self._write(found, {**left, **out})

        of = f" of {len(guests)}" if left else ""
        title = f"Export {able[0].name if len(guests) == 1 else f'{len(able)}{of} guests'}"
        self.app.push_screen(ask_folder(title, self._where_to(able, left), refused), write)

    def _where_to(self, guests: Sequence[Guest], left: Mapping[str, str]) -> str:
        """What becomes of the guests where no folder is typed."""
        try:
            found, out = self._chosen(guests, "")
        except InputError as error:
            return error.message
        here = [path for path, guest in found.items() if not is_own(guest, path) or self._in_file(guest) is None]
        taken = [path for path in here if path.exists()]
        return exports.where_to(found, taken, {**left, **out})

    def _chosen(self, guests: Sequence[Guest], text: str) -> tuple[dict[Path, Guest], dict[str, str]]:
        """Which file each guest goes to by what was typed, and which cannot, for theirs changed on disk."""
        folder = Path(text).expanduser() if text else None
        found = places(guests, folder, self._main.files.folder, self._shipment.planned.plan)
        out = {
            guest.name: f"its file {exports.ON_DISK[seen]}"
            for path, guest in found.items()
            if (seen := self._main.shown.on_disk.get(guest.name, "gone")) != "gone" and is_own(guest, path)
        }
        return {path: guest for path, guest in found.items() if guest.name not in out}, out

    def _write(self, files: Mapping[Path, Guest], left: Mapping[str, str]) -> None:
        notes = self._shipment.notes
        try:
            written = self._main.files.exporter.write(self._shipment, files)
        except InputError as error:
            self._main.look_at_disk()
            self.app.push_screen(Reading("Not exported", [(("✖ ", "error"), (error.reason_first, ""))]))
            return
        self._main.exported(written)
        undo = key_of(keymap_of(self.app), "edit.undo")
        self.app.push_screen(Reading(exports.outcome(written, left), exports.report(written, left, notes, undo)))
