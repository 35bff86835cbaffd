"""Paths completed as they are typed."""

from __future__ import annotations

from pathlib import Path

from textual.suggester import Suggester

from planner import storage
from planner.model.errors import InputError


def meant(typed: str) -> str:
    """The path that was typed: one from the root or from home, typed behind what stood there, begins anew."""
    for sign in ("//", "/~/"):
        _, found, rest = typed.rpartition(sign)
        typed = sign[1:] + rest if found else typed
    return typed


class PathSuggester(Suggester):
    """The first name in the folder that begins as typed; folders, plans and configs only."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """What `value` may become."""
        folder, _, start = meant(value).rpartition("/")
        try:
            paths = storage.list_folder(Path(folder or ("/" if meant(value).startswith("/") else ".")).expanduser())
        except InputError:
            return None
        for path in paths:
            if start and path.name.startswith(start) and (path.is_dir() or path.suffix in (".cfg", ".toml")):
                return f"{value[: len(value) - len(start)]}{path.name}{'/' if path.is_dir() else ''}"
        return None
