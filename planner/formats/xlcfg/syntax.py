"""The grammar of xl.cfg files, as Xen's libxlutil reads it.

Source of every rule: xlu/libxlu_cfg_l.l and libxlu_cfg_y.y, the same text from 4.14 to master. Values keep their
place in the text, so that an edit can replace one value and leave every other byte alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from planner.formats.xlcfg.cnumbers import strtol
from planner.model.errors import InputError

_TOKEN = re.compile(
    r"""[ \t]+
    | (?P<IDENT>[a-z][._0-9a-z]*)
    | (?P<NUMBER>[0-9][0-9a-fx]*)
    | (?P<STRING>'(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*")
    | (?P<NEWLINE>\n|\#[^\n]*\n)
    | (?P<PUNCTUATION>\+=|[\[\]=,;])
    """,
    re.VERBOSE,
)
_NOT_BLANK = re.compile(r"[^ \t\n]+")
_PYTHON = re.compile(r"[-+.():]")
_ESCAPE = re.compile(r"\\([0-7][0-9]{2,}|[^\n])")
_ESCAPES = {"'": "'", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MAX_DEPTH = 100  # of nested lists; Xen's parser gives up at some depth too, and no key has more than two

_NAMES = {"IDENT": "a name", "NUMBER": "a number", "STRING": "a string", "NEWLINE": "the end of the line"}
_VALUE = 'a value: a "string", a number or a [list]'
_ASSIGNMENT = '"=" or "+="'
_END = 'the end of the line or ";"'


class Atom(NamedTuple):
    """A string or number; `text` is what it means, `start` and `end` are where it stands in the file."""

    text: str
    start: int
    end: int
    line: int

    @property
    def long(self) -> int | None:
        """What xl reads it as where it wants a number (strtol, base 0); None where it is not one."""
        return strtol(self.text)


class ListValue(NamedTuple):
    """A `[…]` list; `start` and `end` enclose the brackets."""

    items: tuple[Atom | ListValue, ...]
    start: int
    end: int
    line: int


Value = Atom | ListValue


class Setting(NamedTuple):
    """One assignment. `value` is what stands there, `joined` what the name then means: `+=` joins the two values."""

    name: str
    op: str
    line: int
    value: Value
    joined: Value
    start: int
    end: int


class Config(NamedTuple):
    """A whole file: its text, its assignments in order, and the last one of each name."""

    text: str
    settings: tuple[Setting, ...]
    latest: Mapping[str, Setting]

    def column(self, offset: int) -> int:
        """The column, from 1, of a position in the text."""
        return offset - (self.text.rfind("\n", 0, offset) + 1) + 1


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    line: int


def parse(text: str) -> Config:
    """Read a config. InputError with line and column exactly where Xen's parser rejects the file."""
    return _Parser(text).config()


def quote(text: str) -> str:
    """`text` as an xl.cfg string that reads back as `text`. ValueError for what no string of Xen's can hold (NUL)."""
    if "\0" in text:
        raise ValueError("a NUL byte cannot stand in an xl.cfg string")
    back = {meaning: f"\\{letter}" for letter, meaning in _ESCAPES.items() if letter not in "'\""}
    body = "".join(back.get(letter, letter) for letter in text)
    return f"'{body}'" if '"' in body and "'" not in body else '"' + body.replace('"', '\\"') + '"'


def _tokens(text: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            if position == len(text) - 1 and text[position].isascii():
                break  # Xen's lexer takes a bad byte that ends the file for the end of the file
            raise _lexical_error(text, position, line)
        if match.lastgroup:
            kind = match[0] if match.lastgroup == "PUNCTUATION" else match.lastgroup
            yield _Token(kind, match[0], position, line)
            line += kind == "NEWLINE"
        position = match.end()
    yield _Token("END", "", position, line)


def _lexical_error(text: str, position: int, line: int) -> InputError:
    match = _NOT_BLANK.match(text, position)
    near = match[0] if match else text[position]
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    if near.startswith("#"):
        message = "a comment on the last line needs a newline after it, or Xen rejects the file"
    elif near.startswith(("'", '"')):
        message = f"this string has no closing {near[0]} on its line"
    elif "\r" in near:
        message = "a carriage return: Xen rejects DOS line endings, convert the file with dos2unix"
    elif near[0].isupper() or near[0] == "_":
        message = f"{near!r:.60} is not a name, number or string; names are lower case and values need quotes"
    else:
        message = f"{near!r:.60} is not part of an xl config"
    if _PYTHON.match(near):
        message += " (it looks like Python, which xl does not run)"
    return InputError(message, line=line, column=column)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._token = next(self._tokens)

    def config(self) -> Config:
        settings: list[Setting] = []
        latest: dict[str, Setting] = {}
        while self._token.kind != "END":
            if self._token.kind in ("NEWLINE", ";"):
                self._next()
                continue
            setting = self._setting(latest)
            settings.append(setting)
            latest[setting.name] = setting
            if self._token.kind not in ("NEWLINE", ";", "END"):
                raise self._unexpected(_END)
        return Config(self._text, tuple(settings), latest)

    def _next(self) -> _Token:
        token = self._token
        if token.kind != "END":
            self._token = next(self._tokens)
        return token

    def _unexpected(self, expected: str) -> InputError:
        token = self._token
        found = _NAMES.get(token.kind, "the end of the file" if token.kind == "END" else f'"{token.text}"')
        if token.kind in ("IDENT", "NUMBER", "STRING"):
            found += f" ({token.text:.40})"
        hint = ""
        if expected is _VALUE and token.kind == "IDENT":
            hint = "; quote it, and write yes and no as 1 and 0"
        return InputError(
            f"expected {expected}, found {found}{hint}", line=token.line, column=self._column(token.start)
        )

    def _column(self, offset: int) -> int:
        return offset - (self._text.rfind("\n", 0, offset) + 1) + 1

    def _setting(self, latest: Mapping[str, Setting]) -> Setting:
        if self._token.kind != "IDENT":
            raise self._unexpected("a name")
        name = self._next()
        if self._token.kind not in ("=", "+="):
            raise self._unexpected(_ASSIGNMENT)
        op = self._next()
        value = self._value(0)
        joined = value
        if op.kind == "+=" and name.text in latest:
            joined = self._join(latest[name.text].joined, value)
        return Setting(name.text, op.kind, name.line, value, joined, name.start, value.end)

    def _join(self, old: Value, new: Value) -> Value:
        if isinstance(old, Atom) and isinstance(new, Atom):
            return Atom(old.text + new.text, new.start, new.end, new.line)
        if isinstance(old, ListValue) and isinstance(new, ListValue):
            return ListValue(old.items + new.items, new.start, new.end, new.line)
        kinds = ("a list", "a string") if isinstance(new, ListValue) else ("a string", "a list")
        message = f"cannot add {kinds[0]} to {kinds[1]}: both sides of += must be of one kind"
        raise InputError(message, line=new.line, column=self._column(new.start))

    def _value(self, depth: int) -> Value:
        if self._token.kind in ("STRING", "NUMBER"):
            token = self._next()
            text = token.text if token.kind == "NUMBER" else self._dequote(token)
            return Atom(text, token.start, token.start + len(token.text), token.line)
        if self._token.kind != "[":
            raise self._unexpected(_VALUE)
        if depth == _MAX_DEPTH:
            message = f"lists nested deeper than {_MAX_DEPTH}"
            raise InputError(message, line=self._token.line, column=self._column(self._token.start))
        opening = self._next()
        items: list[Value] = []
        self._skip_newlines()
        while self._token.kind != "]":
            if items:
                if self._token.kind != ",":
                    raise self._unexpected('"," or "]"')
                self._next()
                self._skip_newlines()
                if self._token.kind == "]":
                    break
            if self._token.kind not in ("STRING", "NUMBER", "["):
                raise self._unexpected(f'{_VALUE}, or "]"')
            items.append(self._value(depth + 1))
            self._skip_newlines()
        closing = self._next()
        return ListValue(tuple(items), opening.start, closing.start + 1, opening.line)

    def _skip_newlines(self) -> None:
        while self._token.kind == "NEWLINE":
            self._next()

    def _dequote(self, token: _Token) -> str:
        body = token.text[1:-1]
        if "\\" not in body:
            return body

        def meaning(match: re.Match[str]) -> str:
            letter = match[1]
            if letter in _ESCAPES:
                return _ESCAPES[letter]
            if len(letter) > 1:
                return ""  # \ooo is read as a number and then forgotten, in every release
            offset = token.start + 1 + match.start()
            raise InputError(
                f"\\{letter} is not an escape that Xen reads; write the character itself, or \\\\ for a backslash",
                line=token.line,
                column=self._column(offset),
            )

        return _ESCAPE.sub(meaning, body)
