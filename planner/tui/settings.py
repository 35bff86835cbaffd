"""The user's settings.toml: keys by command id, theme, ASCII. We read it, and never write it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from textual.keys import Keys, _character_to_key
from textual.theme import BUILTIN_THEMES

from planner import storage
from planner.model.errors import InputError
from planner.tui.commands import Command, Keymap, Where, of

_KNOWN = ("keys", "theme", "ascii")
_NAMED = (
    *(key.value for key in Keys if not key.value.startswith("<")),
    *(_character_to_key(chr(letter)) for letter in range(0x20, 0x7F) if not chr(letter).isalnum()),
)
"""Keys that terminals send, besides the letters themselves."""


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
    """The settings in `text`. InputError names the key, where it stands, what was expected, and what is near."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}") from None
    for key in values:
        if key not in _KNOWN:
            message = f"{key!r:.60} is no setting{_near(key, _KNOWN)}; there are {', '.join(_KNOWN)}"
            raise _at(text, key, message)
    theme, ascii_only = values.get("theme"), values.get("ascii", False)
    if theme is not None and not isinstance(theme, str):
        raise _at(text, "theme", "theme: expected a theme's name in quotes")
    if theme is not None and theme not in BUILTIN_THEMES:
        names = ", ".join(BUILTIN_THEMES)
        raise _at(text, "theme", f"theme: {theme!r:.60} is none{_near(theme, list(BUILTIN_THEMES))}; there are {names}")
    if not isinstance(ascii_only, bool):
        raise _at(text, "ascii", "ascii: expected true or false")
    return Settings(_keys(values.get("keys", {}), text), theme, ascii_only)


def _keys(values: Any, text: str) -> Keymap:  # noqa: ANN401 - whatever TOML holds
    if not isinstance(values, dict):
        raise _at(text, "keys", 'keys: expected a table, such as [keys] with "edit.undo" = "z"')
    every = {command.id: command for where in Where for command in of(where)}
    keymap: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        try:
            keymap[name] = _keys_of(name, value, every)
        except InputError as error:
            raise _at(text, name, error.message) from None
    for where in Where:
        taken: dict[str, str] = {}
        rivals = (*of(where), *(of(Where.LIST) if where is Where.MAIN else ()))
        for command in rivals:
            for key in command.keys_in(keymap):
                if key in taken:
                    moved = next(name for name in (command.id, taken[key]) if name in keymap)
                    raise _at(text, moved, f"keys: {key!r:.30} would mean both {taken[key]} and {command.id}")
                taken[key] = command.id
    return keymap


def _keys_of(name: str, value: Any, every: Mapping[str, Command]) -> tuple[str, ...]:  # noqa: ANN401 - as TOML has it
    if isinstance(value, dict):
        below = next(iter(value), "…")
        raise InputError(f'keys: {name}.{below}: the id of a command stands in quotes: "{name}.{below}"')
    if name not in every:
        raise InputError(f"keys: {name!r:.60} is no command{_near(name, list(every))}; the help names them all")
    if every[name].is_fixed:
        raise InputError(f"keys: the keys of {name} are fixed: each means its own number")
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        raise InputError(f'keys: {name}: expected a key or a list of keys, such as "x" or ["x", "ctrl+x"]')
    keys = []
    for one in given:
        key = _long(one)
        if key is None:
            near = _near(one.lower(), _NAMED)
            raise InputError(
                f'keys: {name}: {one!r:.30} is no key{near}; keys are such as "x", "f1", "ctrl+x", "pageup"'
            )
        keys.append(key)
    return tuple(keys)


def _long(key: str) -> str | None:
    """Textual's name of a key: "." is "full_stop", "Ctrl+Y" and "^y" are "ctrl+y". None for what nobody can type."""
    if len(key) == 1:
        return _character_to_key(key)
    name = key.lower()
    if name.startswith("^") and len(name) == 2:  # as the help writes it
        name = f"ctrl+{name[1]}"
    return name if name in _NAMED else None


def _at(text: str, key: str, message: str) -> InputError:
    """The error, at the line where the key stands first."""
    written = re.search(rf"""^\s*\[?\s*["']?({re.escape(key)})["']?\s*(=|\.|\])""", text, re.MULTILINE)
    if written is None:
        return InputError(message)
    start = written.start(1)
    return InputError(message, line=text.count("\n", 0, start) + 1, column=start - text.rfind("\n", 0, start))


def _near(word: str, known: Any) -> str:  # noqa: ANN401 - any sequence of names
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
