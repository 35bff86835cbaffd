"""Copies for the terminal's clipboard (OSC 52), which nobody can know to have arrived: a file has each of them too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from textual.app import App

from planner.report.words import plural
from planner.tui.state import State

_LIMIT = 74_000
"""Bytes that the terminals that take least still take."""


def copy(app: App[Any], state: State | None, text: str) -> str:
    """Send `text` to the terminal's clipboard and to a file, and tell what came of it."""
    app.copy_to_clipboard(text)
    path = state.copied(text) if state is not None else None
    lines = plural(text.count("\n"), "line")
    note = f"copied {lines} to the clipboard, if the terminal lets it"
    if len(text.encode()) > _LIMIT:
        note = f"▲ copied {lines}: more than many terminals let through"
    return f"{note}; also in {_short(path)}" if path is not None else note


def _short(path: Path) -> str:
    """A path as a person would type it."""
    home = Path.home()
    return f"~{os.sep}{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
