"""Fixes for people and for scripts: a unified diff, what was done, and what could not be done and why."""

from __future__ import annotations

from difflib import unified_diff

from planner.policy.findings import Finding
from planner.policy.fixes import Fixes, Repair
from planner.report.words import printable, wrap

_NO_NEWLINE = "\\ No newline at end of file\n"


def diff(path: str, old: str, new: str) -> str:
    """How a file changes, as `patch` takes it; "" where it does not."""
    lines = unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), path, path)
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def on_terminal(text: str) -> str:
    """A diff whose lines cannot steer a terminal; tabs stay."""
    return "\n".join("\t".join(printable(part) for part in line.split("\t")) for line in text.split("\n"))


def notes(repair: Repair, *, width: int = 80) -> str:
    """What was done for which finding and at what cost, then what is left, why, and what a person could decide."""
    lines: list[str] = []
    for finding, fix in repair.made:
        lines += wrap(f"{_subject(finding)}: {fix.title} ({fix.cost})", width, "", hanging=True)
    told: set[tuple[str, str | None, str]] = set()
    for finding, ways_out in repair.left:
        why = _why_left(ways_out)
        if (finding.rule.id, finding.guest, why) not in told:
            told.add((finding.rule.id, finding.guest, why))
            lines += wrap(f"{_subject(finding)}: not fixed: {why}", width, "", hanging=True)
    return "".join(f"{line}\n" for line in lines)


def _why_left(ways_out: Fixes) -> str:
    why = printable(ways_out.reason or "")
    if not ways_out.found:
        return why
    offers = (f"{fix.title}, if {fix.needs} ({fix.cost})" for fix in ways_out.found)
    return (f"{why}; " if why else "") + printable(f"for you to decide: {'; or '.join(offers)}")


def _subject(finding: Finding) -> str:
    parts = (finding.rule.id, finding.guest, finding.device.short if finding.device is not None else None)
    return " ".join(printable(part) for part in parts if part)
