"""SARIF 2.1.0, which code hosts and editors read (OASIS standard)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from planner import __version__
from planner.policy.baseline import fingerprint
from planner.policy.checked import Checked, Rewrite, Totals
from planner.policy.findings import Finding, Rule, Severity
from planner.report import rules
from planner.report.formats import Look

if TYPE_CHECKING:
    from planner.policy.fixes import Fix

BETWEEN = ",\n"
TOTALS_FIRST = False
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}


def part(checked: Checked, look: Look) -> str:
    """A result for every finding of the site."""
    order = {rule.id: number for number, rule in enumerate(rules.catalogue())}
    return BETWEEN.join(
        json.dumps(_result(checked, finding, order[finding.rule.id]), ensure_ascii=False)
        for finding in checked.findings
    )


def head(totals: Totals) -> str:
    """The log up to its results: one run of one tool, with the whole catalogue of rules."""
    driver = {
        "name": "rdm-planner",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_descriptor(rule) for rule in rules.catalogue()],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}}]}
    opened = json.dumps(log, ensure_ascii=False).removesuffix("}]}")
    return f'{opened}, "columnKind": "unicodeCodePoints", "results": [\n'


def tail(totals: Totals, look: Look) -> str:
    """The end of the results, the run and the log."""
    return "\n]}]}\n"


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} {rule.remedy}", "markdown": rules.page(rule, links=False)},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {"tags": [rule.id[:3]], "who fails": rule.by, "source": rule.source},
    }


def _result(checked: Checked, finding: Finding, number: int) -> dict[str, Any]:
    said = f" {finding.quoted}" if finding.quoted else ""
    hint = f" Help: {finding.help}" if finding.help else ""
    subject = f"{finding.guest}: " if finding.guest else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "ruleIndex": number,
        "level": _LEVEL[finding.severity],
        "message": {"text": f"{subject}{finding.message}.{said}{hint}"},
        "locations": [{"physicalLocation": _location(finding)}] if finding.file else [],
        "partialFingerprints": {"finding/v1": fingerprint(finding)},
    }
    if finding.acknowledged is not None:
        result["suppressions"] = [{"kind": "external", "justification": finding.acknowledged}]
    fixes = [_fix(fix, checked.rewrites[fix]) for fix in checked.fixes.get(finding, ()) if checked.rewrites.get(fix)]
    return result | {"fixes": fixes} if fixes else result


def _fix(fix: Fix, rewrites: Sequence[Rewrite]) -> dict[str, Any]:
    condition = f", if {fix.needs}" if fix.needs else ""
    return {
        "description": {"text": f"{fix.title} ({fix.cost}){condition}"},
        "artifactChanges": [
            {"artifactLocation": {"uri": quote(one.file)}, "replacements": [_replacement(one)]} for one in rewrites
        ],
    }


def _replacement(rewrite: Rewrite) -> dict[str, Any]:
    """The lines that differ, as one replacement of whole lines."""
    old, new = rewrite.old.splitlines(keepends=True), rewrite.new.splitlines(keepends=True)
    start = _alike(old, new)
    same = _alike(old[start:][::-1], new[start:][::-1])
    return {
        "deletedRegion": {
            "startLine": start + 1,
            "startColumn": 1,
            "endLine": len(old) - same + 1,
            "endColumn": 1,
        },
        "insertedContent": {"text": "".join(new[start : len(new) - same])},
    }


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file or "")}}
    if finding.place is not None:
        location["region"] = {"startLine": finding.place.line, "startColumn": finding.place.column}
    return location


def _alike(first: Sequence[str], second: Sequence[str]) -> int:
    """How many items two sequences have in common from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
