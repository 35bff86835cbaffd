"""host.toml: the inventory file, made by `collect` and edited by hand."""

from __future__ import annotations

import tomllib
from typing import TypeVar

from planner.formats import values
from planner.model.errors import InputError
from planner.model.fields import FromFile
from planner.model.host import Host

Value = TypeVar("Value", bound=FromFile)

_HEADER = """\
# Host inventory for rdm-planner. `rdm-planner schema host` describes every key.
# Addresses are hexadecimal; a region's `end` is its last byte; regions stand in the order of the firmware's table.

"""

_MAX_LINE = 4000


def parse(text: str) -> Host:
    """The inventory in `text`. InputError names the line (bad TOML) or the key and what was expected there."""
    return parse_value(Host, text)


def render(host: Host) -> str:
    """`host` as TOML: defaults left out, stable order; `parse` gives the same value back."""
    import tomli_w  # only where an inventory is written

    return _HEADER + tomli_w.dumps({"schema_version": 1} | values.plain(host))


def parse_value(kind: type[Value], text: str) -> Value:
    """TOML `text` as a `kind`, with errors a person can act on."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _MAX_LINE:  # tomllib takes quadratic time over a key of very many parts
            raise InputError(f"a line of {len(line)} characters; no inventory has one above {_MAX_LINE}", line=number)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text) from None
    except RecursionError:
        raise InputError("nested too deeply to be an inventory") from None
    except ValueError:  # tomllib lets this one of int() through
        raise InputError("not valid TOML: a number in it has thousands of digits") from None
    return values.read(kind, data)


def _syntax_error(error: tomllib.TOMLDecodeError, document: str) -> InputError:
    text, _, place = str(error).rpartition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if len(words) == 4 and words[0] == "line":
        return InputError(f"not valid TOML: {text}", line=int(words[1]), column=int(words[3]))
    return InputError(f"not valid TOML: {text or error}", line=document.count("\n") + 1)  # at the end of the document
