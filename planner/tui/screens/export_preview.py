"""The xl.cfg of a guest as it would be written, and the writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from planner.export import shipping
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.policy.findings import Finding, grouped
from planner.report.words import plural
from planner.tui.clipboard import copy
from planner.tui.commands import Where, bindings, keymap_of, with_keys
from planner.tui.differences import changes
from planner.tui.exporting import Written
from planner.tui.files import Files
from planner.tui.screens.dialogs import Reading, ask_folder
from planner.tui.text import Paragraph
from planner.tui.view import View
from planner.tui.widgets.details import Reader
from planner.tui.widgets.key_line import KeyLine
from planner.tui.widgets.lines import entitle

_FORMS = ("changes", "against the file on disk", "whole file")


class ExportPreview(Screen[list[Written]]):
    """Closes with what was written."""

    WHERE = Where.EXPORT
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.EXPORT)

    def __init__(self, view: View, guest: Guest, files: Files) -> None:
        super().__init__()
        self._view, self._guest, self._files, self._exporter = view, guest, files, files.exporter
        self._shipment = shipping.ship(view.snapshot.report)
        self._form = 0
        self._written: list[Written] = []

    def compose(self) -> ComposeResult:
        """The text and the keys."""
        yield Reader(id="preview")
        yield KeyLine(Where.EXPORT)

    def on_mount(self) -> None:
        """Show the changes first."""
        reader = self.query_one(Reader)
        self._show()
        reader.focus()

    def action_form(self) -> None:
        """Changes, against the disk, or the whole file."""
        self._form = (self._form + 1) % len(_FORMS)
        self._show()

    def action_copy(self) -> None:
        """Send what is shown to the terminal's clipboard, and say so below it."""
        reader = self.query_one(Reader)
        entitle(reader, self._title(), copy(self.app, self._files.state, reader.text))

    def action_help(self) -> None:
        """Keys and signs, those of this screen first."""
        from planner.tui.screens.help import help_screen

        self.app.push_screen(help_screen(keymap_of(self.app), "preview"))

    def action_close(self) -> None:
        """Back, with what was written."""
        self.dismiss(self._written)

    def action_export_one(self) -> None:
        """Write the shown guest."""
        self._export([self._guest], self._shipment.refusals(self._guest.name))

    def action_export_all(self) -> None:
        """Write every guest."""
        self._export(self._view.snapshot.plan.guests, self._shipment.refusals())

    def _title(self) -> str:
        file = self._guest.file
        return f"{self._guest.name} · {file.path if file is not None else 'new file'}"

    def _show(self) -> None:
        reader = self.query_one(Reader)
        try:
            new = self._shipment.text(self._guest.name)
        except InputError as error:
            entitle(reader, self._title(), "")
            reader.set_text([(("✖ ", "error"), (str(error), "error"))])
            return
        old = self._exporter.before(self._guest)
        form = _FORMS[self._form] if old is not None else _FORMS[-1]
        entitle(reader, self._title(), form)
        text = _whole(new) if form == _FORMS[-1] else _changes(old or "", new, "as read", "as planned")
        if form == _FORMS[1]:
            text = self._against_disk(new)
        reader.set_text([*self._state(), (), *text])

    def _against_disk(self, new: str) -> list[Paragraph]:
        try:
            disk = self._exporter.on_disk(self._guest)
        except InputError as error:
            return [(("✖ ", "error"), (str(error), "error"))]
        if disk is None:
            return [(("There is no such file on disk now.", "warning"),)]
        return _changes(disk, new, "on disk now", "as planned")

    def _state(self) -> list[Paragraph]:
        blocking = self._shipment.refusals(self._guest.name)
        notes = self._shipment.notes.get(self._guest.name, ())
        told: list[Paragraph] = [(("▲ ", "warning"), (note, "")) for note in notes]
        stale = self._view.on_disk.get(self._guest.name)
        if stale is not None:
            again = with_keys("{export.close} {guest.reload} reads it again", keymap_of(self.app))
            text = f"the file is {stale} on disk since it was read: it will not be overwritten. {again}"
            return [(("≠ ", "warning"), (text, "warning"))]
        if not blocking:
            return [(("✔ ", "ok"), ("nothing blocks the export of this guest", "")), *told]
        return [
            (("✖ ", "error"), (f"{plural(len(blocking), 'problem')} in the way of writing it: x lists what", "error")),
            *told,
        ]

    def _export(self, guests: Sequence[Guest], blocking: tuple[Finding, ...]) -> None:
        if blocking:
            self.app.push_screen(Reading("Nothing was written, because this blocks", _refusal(blocking)))
            return
        title = f"Export {plural(len(guests), 'guest')}"

        def write(folder: str | None) -> None:
            if folder is not None:
                self._write(guests, Path(folder).expanduser())

        self.app.push_screen(ask_folder(title, str(self._files.folder)), write)

    def _write(self, guests: Sequence[Guest], folder: Path) -> None:
        try:
            written = self._exporter.write(self._shipment, guests, folder)
        except InputError as error:
            self.app.push_screen(Reading("Not exported", [(("✖ ", "error"), (str(error), ""))]))
            return
        self._files.folder = folder
        self._written += written
        self._show()
        self.app.push_screen(
            Reading(f"Exported {plural(len(written), 'guest')}", _report(written, self._shipment.notes))
        )


def _whole(text: str) -> list[Paragraph]:
    return [((line, ""),) for line in text.expandtabs().splitlines()]


def _changes(old: str, new: str, before: str, after: str) -> list[Paragraph]:
    return changes(old, new, before, after) or [(("The file already says this; nothing to write.", "dim"),)]


def _refusal(blocking: tuple[Finding, ...]) -> list[Paragraph]:
    text: list[Paragraph] = []
    for finding, others in grouped(blocking):
        text.append(((f"✖ {finding.rule.id} ", "error"), (f"{finding.guest or 'host'}: {finding.message}", "")))
        if others:
            text.append((("    also ", "dim"), (", ".join(str(other.region) for other in others), "dim")))
        if finding.help:
            text.append((("    do: ", "ok"), (finding.help, "")))
    return text


def _report(written: list[Written], notes: Mapping[str, Sequence[str]]) -> list[Paragraph]:
    text: list[Paragraph] = []
    for one in written:
        text.append((("✔ ", "ok"), (f"{one.guest}: {one.path}", "")))
        text.append(
            ((f"    before: {one.backup}" if one.backup else "    no backup: nothing else stood there", "dim"),)
        )
        if one.own and one.guest in notes:
            text.append((("    what was added is taken into the plan, as a step that u takes back", ""),))
    return text
