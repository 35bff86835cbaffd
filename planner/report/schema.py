"""What `check --format json` holds, as types: mypy holds the writer to them, `rdm-planner schema report` shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

Hex = Annotated[str, Field(pattern="^0x[0-9a-f]+$")]


@with_config(extra="forbid")
class SpanValue(TypedDict):
    """A range of addresses; `end` is its last byte, `size` in bytes."""

    start: Hex
    end: Hex
    size: Annotated[int, Field(gt=0)]


@with_config(extra="forbid")
class FixValue(TypedDict):
    """A proved way to clear a finding.

    `edits` are config keys of the finding's guest with their new values (null: the key goes; `pci` is the whole new
    list), `others` those of other guests by name. `needs` is what a person must answer for first.
    """

    title: str
    edits: dict[str, Any]
    others: dict[str, dict[str, Any]]
    cost: str
    needs: str | None


@with_config(extra="forbid")
class FindingValue(TypedDict):
    """One finding. `guest` is null where it concerns the host; `acknowledged` is the reason somebody gave for it."""

    rule: Annotated[str, Field(pattern="^[A-Z]{3}[0-9]{3}$")]
    severity: Literal["error", "warning", "notice"]
    site: str
    guest: str | None
    file: str | None
    line: Annotated[int, Field(ge=1)] | None
    column: Annotated[int, Field(ge=1)] | None
    device: Annotated[str, Field(pattern="^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$")] | None
    region: SpanValue | None
    message: str
    xen_says: str | None
    help: str | None
    acknowledged: str | None
    fixes: list[FixValue]


@with_config(extra="forbid")
class Summary(TypedDict):
    """Counts; errors, warnings and notices are the open findings."""

    guests: int
    errors: int
    warnings: int
    notices: int
    acknowledged: int
    ignored: int


@with_config(extra="forbid")
class CheckReport(TypedDict):
    """The whole document; `xen` and `profile` are null where the sites differ in them."""

    schema_version: Literal[1]
    xen: str | None
    profile: str | None
    summary: Summary
    findings: list[FindingValue]


def report() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return TypeAdapter(CheckReport).json_schema()
