"""What `check --format json` holds, as types: mypy holds the writer to them, `rdm-planner schema report` shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from planner.formats import values

Hex = Annotated[str, Meta(pattern="^0x[0-9a-f]+$")]


class SpanValue(TypedDict):
    """A range of addresses; `end` is its last byte, `size` in bytes."""

    start: Hex
    end: Hex
    size: Annotated[int, Meta(gt=0)]


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


class FindingValue(TypedDict):
    """One finding. `guest` is null where it concerns the host; `acknowledged` is the reason somebody gave for it."""

    rule: Annotated[str, Meta(pattern="^[A-Z]{3}[0-9]{3}$")]
    severity: Literal["error", "warning", "notice"]
    site: str
    guest: str | None
    file: str | None
    line: Annotated[int, Meta(ge=1)] | None
    column: Annotated[int, Meta(ge=1)] | None
    device: Annotated[str, Meta(pattern="^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$")] | None
    region: SpanValue | None
    message: str
    xen_says: str | None
    help: str | None
    acknowledged: str | None
    fixes: list[FixValue]


class Summary(TypedDict):
    """Counts; errors, warnings and notices are the open findings."""

    guests: int
    errors: int
    warnings: int
    notices: int
    acknowledged: int
    ignored: int


class CheckReport(TypedDict):
    """The whole document; `xen` and `profile` are null where the sites differ in them."""

    schema_version: Literal[1]
    xen: str | None
    profile: str | None
    summary: Summary
    findings: list[FindingValue]


def report() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return values.schema(CheckReport)
