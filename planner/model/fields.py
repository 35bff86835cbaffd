"""What files hold: the base of their values, and the fields that stand in them in a form of their own.

msgspec rather than dataclasses, for it refuses unknown keys and wrong types and prints JSON Schemas; rather than its
rivals, because it is imported in half of their time. Constructors check nothing: types do, and `formats.values`
whatever comes from a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, Self

from msgspec import Meta, Struct
from msgspec.structs import replace

from planner.model.address import Sbdf
from planner.model.span import exact_size, parse_size

MAX_ADDRESS = (1 << 64) - 1


class FromFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value that a file holds."""

    def changed(self, **changes: Any) -> Self:  # noqa: ANN401 - any of its fields
        """The same with other values in some fields."""
        return replace(self, **changes)


class Form(NamedTuple):
    """How a value stands in a file, where its type does not say it; `read` raises ValueError in words for a person."""

    read: Callable[[object], Any]
    write: Callable[[Any], str]


def _in_files(form: Form, schema: dict[str, Any]) -> Meta:
    """The annotation of a field in such a form. Its schema is the form's, whatever the type would have."""
    return Meta(extra={"form": form}, extra_json_schema={"form": schema})


def whole(pattern: str) -> Meta:
    """A text that is `pattern` from end to end: in Python, unlike elsewhere, `$` also stands before a last newline."""
    return Meta(pattern=rf"^{pattern}$(?!\n)")


def _sbdf(value: object) -> Sbdf:
    if isinstance(value, Sbdf):
        return value
    if not isinstance(value, str):
        raise ValueError('expected a PCI address in quotes, such as "0000:00:1d.0"')
    return Sbdf.parse(value)


def _integer(value: object, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"expected {expected}")
    if isinstance(value, str):
        try:
            value = int(value, 0)
        except ValueError:
            raise ValueError(f"expected {expected}, found {value!r}") from None
    if not 0 <= value <= MAX_ADDRESS:
        raise ValueError(f"expected {expected} of at most 64 bits")
    return value


def _address(value: object) -> int:
    return _integer(value, 'an address such as "0x7dffd000"')


def _size(value: object) -> int:
    size = parse_size(value) if isinstance(value, str) else value
    return _integer(size, 'a size such as "64 KiB"')


def _bus(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFF:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{1,2}", value):
        return int(value, 16)
    raise ValueError(f'expected a bus number such as "1d", found {value!r:.40}')


def _reason(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f"expected a reason in words, found {value!r:.60}")


_SBDF = r"([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[01]?[0-9a-fA-F]\.[0-7]"
_HEX_SCHEMA = {"anyOf": [{"type": "string", "pattern": "^0[xX][0-9a-fA-F]{1,16}$"}, {"type": "integer", "minimum": 0}]}
_SIZE_SCHEMA = {"anyOf": [{"type": "string", "examples": ["64 KiB", "0x1000"]}, {"type": "integer", "minimum": 0}]}

SbdfField = Annotated[Sbdf, _in_files(Form(_sbdf, str), {"type": "string", "pattern": f"^{_SBDF}$"})]
AddressField = Annotated[int, _in_files(Form(_address, hex), _HEX_SCHEMA)]
SizeField = Annotated[int, _in_files(Form(_size, exact_size), _SIZE_SCHEMA)]
BusField = Annotated[int, _in_files(Form(_bus, "{:02x}".format), {"type": "string", "pattern": "^[0-9a-fA-F]{1,2}$"})]
Reason = Annotated[str, _in_files(Form(_reason, str), {"type": "string", "minLength": 1})]
SbdfText = Annotated[str, whole(_SBDF)]
PciId = Annotated[str, whole("[0-9a-f]{4}:[0-9a-f]{4}")]
ClassCode = Annotated[str, whole("[0-9a-f]{4}([0-9a-f]{2})?")]
ScopePath = Annotated[str, whole(r"[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]{1,2}(/[0-9a-f]{2}\.[0-9a-f]{1,2})*")]
