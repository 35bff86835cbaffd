"""host.toml: the inventory file, made by `collect` and edited by hand."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from planner.model.errors import InputError
from planner.model.host import Host

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_HEADER = """\
# Host inventory for rdm-planner. `rdm-planner schema host` describes every key.
# Addresses are hexadecimal; a region's `end` is its last byte; regions stand in the order of the firmware's table.

"""

# What a text with a fixed form looks like, by its key: a person can copy these, but not a pattern.
_EXAMPLES = {
    "id": '"vendor:device" such as "8086:1521"',
    "subsystem": '"vendor:device" such as "103c:3380"',
    "class": 'a class code such as "0200"',
    "revision": 'two hexadecimal digits such as "05"',
    "path": 'a path in lower case such as "00:1c.7/00.0"',
}
_MAX_MESSAGE = 300
_MAX_LINE = 4000


def parse(text: str) -> Host:
    """The inventory in `text`. InputError names the line (bad TOML) or the key and what was expected there."""
    return parse_model(Host, text)


def render(host: Host) -> str:
    """`host` as TOML: defaults left out, stable order; `parse` gives the same value back."""
    import tomli_w  # only where an inventory is written

    return _HEADER + tomli_w.dumps(
        {"schema_version": 1} | host.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    )


def parse_model(model: type[Model], text: str) -> Model:
    """TOML `text` as a `model`, with errors a person can act on."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _MAX_LINE:  # tomllib takes quadratic time over a key of very many parts
            raise InputError(f"a line of {len(line)} characters; no inventory has one above {_MAX_LINE}", line=number)
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text) from None
    except RecursionError:
        raise InputError("nested too deeply to be an inventory") from None
    except ValidationError as error:
        raise InputError("; ".join(_explain(item) for item in error.errors()[:5])) from None
    except ValueError:  # tomllib lets this one of int() through
        raise InputError("not valid TOML: a number in it has thousands of digits") from None


def _syntax_error(error: tomllib.TOMLDecodeError, document: str) -> InputError:
    text, _, place = str(error).rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if len(words) == 4 and words[0] == "line":
        return InputError(f"not valid TOML: {text}", line=int(words[1]), column=int(words[3]))
    return InputError(f"not valid TOML: {text or error}", line=document.count("\n") + 1)  # at the end of the document


def _explain(item: ErrorDetails) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in item["loc"]).lstrip(".")
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if item["type"] == "missing":
        return f"{key}: missing"
    message = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if item["type"] == "string_pattern_mismatch":
        message = _EXAMPLES.get(str(item["loc"][-1]), f"text like {item['ctx']['pattern']}")
    if item["type"] != "value_error":
        message = f"expected {message}, found {item['input']!r:.60}"
    message = message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}…"
    return f"{key}: {message}" if key else message


def _printable(key: str) -> str:
    return "".join(char for char in key[:60] if char.isprintable())
