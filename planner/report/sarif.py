"""SARIF 2.1.0, which code hosts and editors read (OASIS standard)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from planner import __version__
from planner.policy.baseline import fingerprint
from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding, Rule, Severity
from planner.report import rules
from planner.report.formats import Look

BETWEEN = ",\n"
TOTALS_FIRST = False
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}


def part(checked: Checked, look: Look) -> str:
    """A result for every finding of the site."""
    order = {rule.id: number for number, rule in enumerate(rules.catalogue())}
    return BETWEEN.join(
        json.dumps(_result(finding, order[finding.rule.id]), ensure_ascii=False) for finding in checked.findings
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


def _result(finding: Finding, number: int) -> dict[str, Any]:
    said = f" {finding.rule.by} says: {finding.xen_says}" if finding.xen_says else ""
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
    return result


def _location(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file or "")}}
    if finding.place is not None:
        location["region"] = {"startLine": finding.place.line, "startColumn": finding.place.column}
    return location
