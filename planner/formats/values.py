"""Frozen values from what TOML holds, and back; their JSON Schemas.

msgspec reads whatever types alone decide; fields that stand in files in a form of their own carry a `Form`. Only when
something is wrong are data and types walked side by side, to name every place and what was expected there.
"""

from __future__ import annotations

import types
from functools import cache
from itertools import islice
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from planner.model.errors import InputError
from planner.model.fields import Form, FromFile

T = TypeVar("T", bound=FromFile)

_MAX_FAULTS = 5


class Shape(NamedTuple):
    """An annotation, taken apart: a form, or a Struct, a tuple, a table of more shapes, or what msgspec reads alone."""

    annotation: Any
    form: Form | None = None
    struct: type[Struct] | None = None
    items: Shape | None = None
    keys: Any = None
    values: Shape | None = None

    @property
    def has_forms(self) -> bool:
        """Whether there is a form anywhere in it."""
        inner = self.items or self.values
        within = any(field.shape.has_forms for field in fields(self.struct)) if self.struct is not None else False
        return self.form is not None or within or (inner is not None and inner.has_forms)


class Field(NamedTuple):
    """A field of a Struct; `key` is its name in files."""

    name: str
    key: str
    shape: Shape
    required: bool
    default: Any


def read(kind: type[T], data: object) -> T:
    """`data` (dicts, lists, texts, numbers, as TOML has them) as a `kind`.

    InputError tells the first faults: the key of each, what was expected and what was found.
    """
    try:
        return msgspec.convert(opened(Shape(kind, struct=kind), data), kind)
    except ValueError:
        from planner.formats import faults

        found = faults.faults(Shape(kind, struct=kind), data)
        raise InputError("; ".join(islice(found, _MAX_FAULTS))) from None


def plain(value: Struct) -> dict[str, Any]:
    """`value` as TOML holds it: defaults left out, in the order of the fields; `read` gives the same value back."""
    told: dict[str, Any] = {}
    for field in fields(type(value)):
        held = getattr(value, field.name)
        if held is not None and held != field.default:
            told[field.key] = _plain(field.shape, held)
    return told


def schema(kind: object) -> dict[str, Any]:
    """The JSON Schema of a Struct or a TypedDict, closed: no keys but those that it names."""
    whole = _finished(msgspec.json.schema(kind))
    parts = whole["$defs"]
    top = parts.pop(whole["$ref"].rpartition("/")[2])
    used = str([top, parts])
    return {**top, "$defs": {name: part for name, part in parts.items() if f"'#/$defs/{name}'" in used}}


@cache
def fields(kind: type[Struct]) -> tuple[Field, ...]:
    """The fields of a Struct, in order."""
    return tuple(
        Field(
            field.name,
            field.encode_name,
            _shape(field.type),
            field.required,
            field.default_factory() if field.default_factory is not NODEFAULT else field.default,
        )
        for field in msgspec.structs.fields(kind)
    )


def opened(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - data
    """`value` with every form in it read, for msgspec to read the rest. ValueError where one cannot be."""
    if value is None:
        return None
    if shape.form is not None:
        return shape.form.read(value)
    if shape.struct is not None and isinstance(value, dict):
        shapes = _with_forms(shape.struct)
        return {key: opened(shapes[key], item) if key in shapes else item for key, item in value.items()}
    if shape.items is not None and isinstance(value, list | tuple):
        return [opened(shape.items, item) for item in value]
    if shape.values is not None and isinstance(value, dict):
        return {key: opened(shape.values, item) for key, item in value.items()}
    return value


@cache
def _with_forms(kind: type[Struct]) -> dict[str, Shape]:
    return {field.key: field.shape for field in fields(kind) if field.shape.has_forms}


def _plain(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - data
    if shape.form is not None:
        return shape.form.write(value)
    if shape.struct is not None:
        return plain(value)
    if shape.items is not None:
        return [_plain(shape.items, item) for item in value]
    if shape.values is not None:
        return {key: _plain(shape.values, item) for key, item in value.items()}
    return msgspec.to_builtins(value)


def _shape(annotation: Any) -> Shape:  # noqa: ANN401 - an annotation
    kind, origin = annotation, get_origin(annotation)
    while origin is Annotated or origin in (Union, types.UnionType):
        first, *rest = get_args(kind)
        for meta in rest:
            if isinstance(meta, Meta) and meta.extra:
                return Shape(annotation, form=meta.extra["form"])
        kind = first  # what else a union holds is None
        origin = get_origin(kind)
    if origin is tuple:
        return Shape(annotation, items=_shape(get_args(kind)[0]))
    if origin is dict:
        return Shape(annotation, keys=get_args(kind)[0], values=_shape(get_args(kind)[1]))
    if isinstance(kind, type) and issubclass(kind, Struct):
        return Shape(annotation, struct=kind)
    return Shape(annotation)


def _finished(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        return [_finished(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("form"), dict) and "properties" not in node:
        return node["form"] | {key: node[key] for key in ("description", "default") if key in node}
    closed = {"additionalProperties": False} if "properties" in node else {}
    return {key: _finished(value) for key, value in node.items()} | closed
