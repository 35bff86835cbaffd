"""From the main screen to the export preview, and what it wrote back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on

from planner.tui import messages
from planner.tui.screens.file_actions import FileActions
from planner.tui.screens.guest_actions import GuestActions

if TYPE_CHECKING:
    from planner.tui.exporting import Written


class ExportActions(FileActions, GuestActions):
    """What the preview follows: the chosen guest, the plan, and the disk."""

    def action_export(self) -> None:
        """Preview the chosen guest's file, and write it there."""
        from planner.tui.screens.export_preview import ExportPreview

        if self.shown.current is None:
            self.say("✖ there is no guest to export")
            return
        self.app.push_screen(ExportPreview(self))

    @on(messages.ExportAsked)
    def _export_asked(self) -> None:
        self.action_export()

    def exported(self, written: list[Written]) -> None:
        """Take in what was written, and say it."""
        from planner.tui.exporting import told

        view = self.editor.exported(self.shown, written, is_saved=self.files.plan_file is not None)
        self.show(view.having(note=told(written)))
        if self.shown.snapshot.dirty:
            self.keep_soon()
        else:
            self.files.forget()
        self.look_at_disk()
