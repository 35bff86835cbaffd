"""The Textual application: themes, the screen, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.app import App, SystemCommand
from textual.screen import Screen

from planner.model.plan import Plan
from planner.tui.screens.main import MainScreen


class PlannerApp(App[int]):
    """One plan on one main screen."""

    CSS_PATH = "planner.tcss"
    TITLE = "rdm-planner"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMAND_PALETTE_DISPLAY = "^p"

    def __init__(self, plan: Plan, folder: Path | None = None, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._main = MainScreen(plan, folder if folder is not None else Path())
        self.set_class(ascii_only, "-ascii")

    def get_default_screen(self) -> Screen[None]:
        """The main screen, from the first paint on."""
        return self._main

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Of Textual's own commands those that ours do not cover."""
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command

    async def action_quit(self) -> None:
        """Quit as `q` does, from any screen: ask while edits are not exported."""
        self._main.action_leave()


def run(plan: Plan, folder: Path | None = None, *, ascii_only: bool = False) -> int:
    """Open the planner on `plan` and return its exit code when it is closed; exports go to `folder` unless said."""
    app = PlannerApp(plan, folder, ascii_only=ascii_only)
    code = app.run()
    return code if code is not None else (app.return_code or 0)
