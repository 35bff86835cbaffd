"""What is wrong with data that is to become a value: each place by its key, what was expected, what was found."""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from planner.formats.values import Shape, fields, opened

# What a text with a fixed form looks like, by its key: a person can copy these, but not a pattern.
_EXAMPLES = {
    "id": '"vendor:device" such as "8086:1521"',
    "subsystem": '"vendor:device" such as "103c:3380"',
    "class": 'a class code such as "0200"',
    "revision": 'two hexadecimal digits such as "05"',
    "path": 'a path in lower case such as "00:1c.7/00.0"',
    "ignore": 'a rule such as "MEM001"',
    "pins": 'a PCI address such as "0000:00:1d.0"',
}
_WORDS = {str: "text in quotes", bool: "true or false", int: "a whole number"}
_MAX_MESSAGE = 300


def faults(shape: Shape, value: object, key: str = "") -> Iterator[str]:
    """Everything wrong with `value`, which is to have `shape` and stands at `key`; short and printable."""
    if shape.form is not None:
        try:
            shape.form.read(value)
        except ValueError as error:
            yield _told(key, str(error))
    elif shape.struct is not None:
        yield from _of_table(shape, value, key)
    elif shape.items is not None:
        if isinstance(value, list | tuple):
            inner = [fault for at, item in enumerate(value) for fault in faults(shape.items, item, f"{key}[{at}]")]
            yield from inner or _of_value(shape, value, key)
        else:
            yield _told(key, f"expected a list, found {value!r:.60}")
    elif shape.values is not None and isinstance(value, dict):
        for name, item in value.items():
            place = f"{key}.{_printable(name)}"
            if not _accepted(shape.keys, name):
                yield _told(place, f"expected {_EXAMPLES[key.rpartition('.')[2]]} for a key")
            yield from faults(shape.values, item, place)
    else:
        yield from _of_value(shape, value, key)


def _of_table(shape: Shape, value: object, key: str) -> Iterator[str]:
    assert shape.struct is not None  # noqa: S101 - for mypy
    if not isinstance(value, dict):
        if not isinstance(value, shape.struct):
            yield _told(key, f"expected a table, found {value!r:.60}")
        return
    known = {field.key: field for field in fields(shape.struct)}
    found = [f"{_within(key, name)}: missing" for name, field in known.items() if field.required and name not in value]
    for name, item in value.items():
        place = _within(key, _printable(name))
        found += faults(known[name].shape, item, place) if name in known else [f"{place}: unknown key"]
    yield from found
    if not found:  # each key for itself is right, so it is what they say together
        try:
            msgspec.convert(opened(shape, value), shape.struct)
        except ValueError as error:
            yield _told(key, str(error))


def _of_value(shape: Shape, value: object, key: str) -> Iterator[str]:
    try:
        msgspec.convert(opened(shape, value), shape.annotation)
    except ValueError:
        yield _told(key, f"expected {_expected(shape.annotation, key)}, found {value!r:.60}")


def _accepted(annotation: Any, value: object) -> bool:  # noqa: ANN401 - an annotation
    try:
        msgspec.convert(value, annotation)
    except ValueError:
        return False
    return True


def _expected(annotation: Any, key: str) -> str:  # noqa: ANN401 - an annotation
    metas: list[Meta] = []
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation, *rest = get_args(annotation)
        metas += [meta for meta in rest if isinstance(meta, Meta)]
    if get_origin(annotation) is Literal:
        return _one_of(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _one_of([member.value for member in annotation])
    name = key.rpartition(".")[2]
    if get_origin(annotation) is dict:
        return "a table"
    if get_origin(annotation) is tuple:
        return "at least one"
    least = next((meta.ge for meta in metas if meta.ge is not None), None)
    most = next((meta.le for meta in metas if meta.le is not None), None)
    if least is not None:
        return f"a whole number from {least} to {most}" if most is not None else f"a whole number of at least {least}"
    if any(meta.pattern for meta in metas):
        return _EXAMPLES[name]
    if any(meta.min_length for meta in metas):
        return "at least one character"
    return _WORDS[annotation]


def _one_of(values: Any) -> str:  # noqa: ANN401 - a sequence of anything
    *others, last = (repr(value) for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _within(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _told(key: str, message: str) -> str:
    message = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"
    return f"{key}: {message}" if key else message


def _printable(key: str) -> str:
    return "".join(char for char in key[:60] if char.isprintable())
