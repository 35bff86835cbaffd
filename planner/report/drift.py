"""Drift between two inventories, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from planner.pci.drift import Change, Drift
from planner.policy.checked import Checked
from planner.policy.findings import Finding
from planner.report import text as report_text
from planner.report.json import SCHEMA_VERSION, finding_value
from planner.report.words import Style, plain, plural, printable, wrap


def text(drift: Drift, broken: Sequence[Finding], *, width: int = 80, style: Style = plain) -> str:
    """The changes by kind, then what they break."""
    lines: list[str] = []
    for change in drift.changes:
        head = f"{change.kind:9} "
        first, *rest = wrap(printable(change.text), width - len(head), "")
        lines += [style(head, "bold") + first, *(" " * len(head) + line for line in rest)]
    if broken:
        lines += [
            "",
            style("What that breaks:", "bold"),
            report_text.findings(broken, width=width, style=style).rstrip("\n"),
        ]
    guests = {finding.guest for finding in broken if finding.guest is not None}
    breaks = f"{plural(len(broken), 'new finding')} in {plural(len(guests), 'guest')}" if broken else "nothing breaks"
    lines += [*([""] if lines else []), f"{plural(len(drift.changes), 'change')}: {breaks}"]
    return "\n".join(lines) + "\n"


def as_json(drift: Drift, broken: Sequence[Finding], site: str) -> str:
    """The same with stable keys; a finding as `check` writes it."""
    found = Checked(site, tuple(broken))
    value = {
        "schema_version": SCHEMA_VERSION,
        "changes": [_change(change) for change in drift.changes],
        "moved": {str(old): str(new) for old, new in sorted(drift.now.items()) if old != new},
        "findings": [finding_value(found, finding) for finding in broken],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "old": str(change.old) if change.old is not None else None,
        "new": str(change.new) if change.new is not None else None,
        "text": change.text,
    }
