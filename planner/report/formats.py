"""The formats of `check`: each a module that renders one site at a time, so that many sites stream through."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import NamedTuple, Protocol, cast

from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding, Severity
from planner.report.words import Style, plain

NAMES = ("text", "concise", "json", "jsonl", "sarif", "junit", "github", "gitlab")


class Look(NamedTuple):
    """How to render: columns and colours of text, and from which severity on a finding fails (None: none does)."""

    width: int = 80
    style: Style = plain
    fail_on: Severity | None = Severity.ERROR

    def fails(self, finding: Finding) -> bool:
        """Whether this finding sets the exit code."""
        return finding.acknowledged is None and self.fail_on is not None and finding.severity.rank <= self.fail_on.rank


class Format(Protocol):
    """What a module of a format has. A document is `head`, the parts that are not empty with BETWEEN them, `tail`.

    `head` knows the totals only where TOTALS_FIRST is true: such a format cannot be written before all sites are read.
    """

    BETWEEN: str
    TOTALS_FIRST: bool

    def part(self, checked: Checked, look: Look) -> str:
        """One site."""

    def head(self, totals: Totals) -> str:
        """What stands before the first site."""

    def tail(self, totals: Totals, look: Look) -> str:
        """What stands after the last site."""


def find(name: str) -> Format:
    """The format called `name`, one of NAMES; its module is loaded only now."""
    return cast("Format", importlib.import_module(f"planner.report.{name}"))


def document(name: str, sites: Iterable[Checked], look: Look | None = None) -> str:
    """All sites in one text."""
    format_, sites, look = find(name), list(sites), look or Look()
    parts = [part for site in sites if (part := format_.part(site, look))]
    totals = Totals.of(sites)
    return format_.head(totals) + format_.BETWEEN.join(parts) + format_.tail(totals, look)
