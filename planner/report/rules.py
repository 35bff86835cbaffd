"""The catalogue of rules and of log lines, for people and for scripts; and a page of documentation for each rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from planner.policy import log_lines
from planner.policy.findings import Rule, Severity
from planner.policy.log_lines import LogLine, Recognised
from planner.policy.rules import RULES
from planner.report.words import GLYPHS, Style, plain, printable, wrap

_WIDTH = 80

FAMILIES = {
    "RDM": "reserved regions",
    "MEM": "the guest's memory",
    "BAR": "holes and BARs",
    "GRP": "isolation",
    "PCI": "devices",
    "CFG": "the config",
    "HOT": "hotplug",
    "MIG": "migration",
    "INV": "the inventory",
    "SUP": "suppression",
}
"""What the letters of a rule's id stand for."""


def catalogue() -> list[Rule]:
    """Every rule: families in the order above, then by number."""
    order = list(FAMILIES)
    return sorted(RULES.values(), key=lambda rule: (order.index(rule.id[:3]), rule.id))


def listing(*, width: int = _WIDTH, style: Style = plain) -> str:
    """All rules, one or two lines each."""
    lines: list[str] = []
    family = ""
    for rule in catalogue():
        if rule.id[:3] != family:
            family = rule.id[:3]
            lines += ([""] if lines else []) + [style(f"{family}: {FAMILIES[family]}", "bold")]
        head = f"{style(GLYPHS[rule.severity], rule.severity)} {style(rule.id, 'bold')} "
        first, *rest = wrap(rule.title, width - 11, "")
        lines += [f"  {head} {first}", *(" " * 11 + line for line in rest)]
    return "\n".join([*lines, "", f"{len(RULES)} rules; `rdm-planner explain RULE` tells all about one"]) + "\n"


def listing_json() -> str:
    """All rules as JSON."""
    return _dump({"schema_version": 1, "rules": [as_json(rule) for rule in catalogue()]})


def as_json(rule: Rule) -> dict[str, Any]:
    """One rule: its texts, its severity in each profile, and the lines that are logged where nobody warned."""
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": {"default": rule.severity.value, "xen": (rule.xen or rule.severity).value},
        "by": rule.by,
        "why": rule.why,
        "remedy": rule.remedy,
        "source": rule.source,
        "log_lines": [{"actor": line.actor, "line": line.example} for line in logged(rule)],
    }


def logged(rule: Rule) -> list[LogLine]:
    """What is logged for a rule; complaints in people's own words are no log lines."""
    return [line for line in log_lines.lines_of(rule.id) if line.actor != "people"]


def explain_rule(rule: Rule, *, width: int = _WIDTH, style: Style = plain) -> str:
    """All about one rule."""
    lines = [f"{style(GLYPHS[rule.severity] + ' ' + rule.id, rule.severity)} {style(rule.title, 'bold')}", ""]
    for label, text in _facts(rule):
        lines += _entry(label, text, width, style)
    for line in logged(rule):
        lines += _entry(f"{line.actor} logs", line.example, width, style)
    return "\n".join(lines) + "\n"


def explain_line(found: Recognised, *, width: int = _WIDTH, style: Style = plain) -> str:
    """What one log line means and what to do, with its values."""
    who = "People report" if found.line.actor == "people" else f"{found.line.actor} says"
    lines = wrap(f"{who}: {printable(found.line.example)}", width, "", style, "bold")
    lines += _entry("means", printable(found.meaning), width, style)
    lines += _entry("do", printable(found.remedy), width, style)
    for name, value in found.values:
        lines += _entry(name.replace("_", " "), printable(value), width, style)
    if found.rule is not None:
        lines += _entry("rule", f"{found.rule.id} {found.rule.title}: `check` finds it before any reboot", width, style)
    return "\n".join(lines) + "\n"


def explain_json(explained: Sequence[Rule | Recognised]) -> str:
    """The same as JSON."""
    return _dump({"schema_version": 1, "explanations": [_explanation(item) for item in explained]})


def _explanation(item: Rule | Recognised) -> dict[str, Any]:
    if isinstance(item, Rule):
        return {"rule": as_json(item)}
    return {
        "actor": item.line.actor,
        "line": item.line.example,
        "meaning": item.meaning,
        "remedy": item.remedy,
        "values": dict(item.values),
        "rule": as_json(item.rule) if item.rule is not None else None,
    }


def page(rule: Rule, *, links: bool = True) -> str:
    """A rule's page of documentation, in Markdown; without links it stands alone."""
    lines = [f"# {rule.id}: {_escaped(rule.title)}", ""]
    lines += [f"* **{label}:** {_escaped(text)}" for label, text in _facts(rule)]
    logs = logged(rule)
    if logs:
        lines += ["", "## What is logged where nobody warned", "", "```"]
        lines += [f"{line.actor}: {line.example}" for line in logs]
        lines.append("```")
    lines += ["", "[All rules](README.md)"] if links else []
    return "\n".join(lines) + "\n"


def index() -> str:
    """The page that lists all others, in Markdown."""
    lines = [
        "# Rules",
        "",
        "What `rdm-planner check` reports. These pages are made from the rules themselves: `make docs`.",
    ]
    family = ""
    for rule in catalogue():
        if rule.id[:3] != family:
            family = rule.id[:3]
            lines += ["", f"## {family}: {FAMILIES[family]}", "", "| rule | severity | what |", "|---|---|---|"]
        lines.append(f"| [{rule.id}]({rule.id}.md) | {_severities(rule)} | {_escaped(rule.title)} |")
    return "\n".join(lines) + "\n"


def _facts(rule: Rule) -> list[tuple[str, str]]:
    return [
        ("severity", _severities(rule)),
        ("who fails", rule.by),
        ("why", rule.why),
        ("what to do", rule.remedy),
        ("source", rule.source),
    ]


def _severities(rule: Rule) -> str:
    if rule.xen is None or rule.xen is rule.severity:
        return rule.severity.value
    return f"{rule.severity.value} ({Severity(rule.xen).value} in the xen profile)"


def _entry(label: str, text: str, width: int, style: Style) -> list[str]:
    """A labelled text, its further lines below its first."""
    lines = wrap(f"{label}: {text}", width, "  ", hanging=True)
    return [lines[0].replace(f"{label}:", style(f"{label}:", "dim"), 1), *lines[1:]]


def _escaped(text: str) -> str:
    """`text` for Markdown: marks that mean something there are written out."""
    for mark in ("\\", "*", "_", "|", "<", "["):
        text = text.replace(mark, "\\" + mark)
    return text


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
