"""The user's settings.toml: keys by command id, theme, ASCII. We read it, and never write it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from planner import storage
from planner.model.errors import InputError
from planner.tui.commands import Keymap, Where, of

_KNOWN = ("keys", "theme", "ascii")


@dataclass(frozen=True, slots=True)
class Settings:
    """`keys` are Textual's key names by command id."""

    keys: Keymap = field(default_factory=dict)
    theme: str | None = None
    ascii: bool = False


def read(path: Path) -> Settings:
    """The settings in `path`; the defaults where it is not there. InputError for what they cannot mean."""
    if not path.is_file():
        return Settings()
    try:
        return parse(storage.read_text(path))
    except InputError as error:
        raise error.within(str(path)) from None


def parse(text: str) -> Settings:
    """The settings in `text`. InputError names the key, what was expected, and what is near."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}") from None
    for key in values:
        if key not in _KNOWN:
            raise InputError(f"{key!r:.60} is no setting{_near(key, _KNOWN)}; there are {', '.join(_KNOWN)}")
    theme, ascii_only = values.get("theme"), values.get("ascii", False)
    if theme is not None and not isinstance(theme, str):
        raise InputError("theme: expected a theme's name in quotes")
    if not isinstance(ascii_only, bool):
        raise InputError("ascii: expected true or false")
    return Settings(_keys(values.get("keys", {})), theme, ascii_only)


def _keys(values: Any) -> Keymap:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(values, dict):
        raise InputError('keys: expected a table, such as [keys] with "edit.undo" = "z"')
    commands = {command.id: command for where in Where for command in of(where) if not command.is_fixed}
    keymap: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        if name not in commands:
            raise InputError(f"keys: {name!r:.60} is no command{_near(name, list(commands))}; the help names them all")
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
            raise InputError(f'keys: {name}: expected a key or a list of keys, such as "x" or ["x", "ctrl+x"]')
        keymap[name] = tuple(_long(one) for one in given)
    for where in Where:
        taken: dict[str, str] = {}
        rivals = (*of(where), *(of(Where.LIST) if where is Where.MAIN else ()))
        for command in rivals:
            for key in command.keys_in(keymap):
                if key in taken:
                    raise InputError(f"keys: {key!r:.30} would mean both {taken[key]} and {command.id}")
                taken[key] = command.id
    return keymap


def _long(key: str) -> str:
    """Textual's name of a key that may be given as the character itself: "." is "full_stop"."""
    from textual.keys import _character_to_key

    return _character_to_key(key) if len(key) == 1 else key


def _near(word: str, known: Any) -> str:  # noqa: ANN401 - any sequence of names
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
