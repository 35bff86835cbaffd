"""What a command is, and the questions that bindings, key line, palette, help and settings ask of the list of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Which screen or kind of pane knows the command."""

    MAIN = "main screen"
    LIST = "lists and texts"
    EXPORT = "export preview"


Keymap = Mapping[str, tuple[str, ...]]
"""Keys by the id of the command, for those that the user's settings give other keys."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `keys` are Textual's key names, letters and ctrl combinations only; a "{key}" in `action` stands for the key
    pressed. `hint` is its word in the key line. `group` is its heading in the help.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    action: str
    where: Where = Where.MAIN
    group: str = ""
    hint: str = ""

    @property
    def is_fixed(self) -> bool:
        """Whether its keys mean something by themselves, such as the digits for the guests."""
        return "{key}" in self.action

    def keys_in(self, keymap: Keymap) -> tuple[str, ...]:
        """The keys that it has under the user's settings."""
        return keymap.get(self.id, self.keys)

    def shown_keys(self, keymap: Keymap) -> str:
        """The keys as a person reads them."""
        return " ".join(show_key(key) for key in self.keys_in(keymap))

    def bindings(self) -> Iterator[Binding]:
        """Its Textual bindings: one id for all its keys, so that a keymap can replace them."""
        if self.is_fixed:
            for key in self.keys:
                yield Binding(key, self.action.format(key=key), self.title, show=False, id=f"{self.id}.{key}")
        else:
            yield Binding(",".join(self.keys), self.action, self.title, show=False, id=self.id)


_SHOWN = {
    "space": "␣",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "underscore": "_",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "enter": "⏎",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def show_key(key: str) -> str:
    """A key's name as a person reads it: "ctrl+p" is "^p", "right_parenthesis" is ")"."""
    if key in _SHOWN:
        return _SHOWN[key]
    with suppress(KeyError):
        sign = unicodedata.lookup(key.replace("_", " "))
        if sign.isprintable():  # a tab is none
            return sign
    return key.replace("ctrl+", "^")


def keymap_of(app: object) -> Keymap:
    """The keys that the user's settings change in that app."""
    keymap: Keymap = getattr(app, "changed_keys", {})
    return keymap


def keys_of(keymap: Keymap, id: str) -> tuple[str, ...]:  # noqa: A002
    """The keys of that command, as Textual calls them."""
    return next(command for where in Where for command in of(where) if command.id == id).keys_in(keymap)


def key_of(keymap: Keymap, id: str) -> str:  # noqa: A002
    """The first key of that command, as a person reads it: every text that names a key asks here."""
    return show_key(keys_of(keymap, id)[0])


def with_keys(text: str, keymap: Keymap) -> str:
    """`text` with the first key of each command that it names as "{id}"."""
    return re.sub(r"\{([a-z._]+)\}", lambda found: key_of(keymap, found[1]), text)


@cache
def of(where: Where) -> tuple[Command, ...]:
    """The commands of a screen or pane, in order."""
    from planner.tui.command_list import COMMANDS

    return tuple(command for command in COMMANDS if command.where is where)


def bindings(where: Where) -> list[BindingType]:
    """The Textual bindings of a screen or pane."""
    return [binding for command in of(where) for binding in command.bindings()]
