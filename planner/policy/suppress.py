"""Which findings a project has decided not to hear of: comments in configs, rdm-planner.toml, and a baseline.

An error is never hidden, whoever would refuse it or however silently it would go wrong: it can be acknowledged, which
keeps it in the report and out of the exit code. Suppressions that suppress nothing are findings themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from planner.formats.xlcfg.comments import Ignore, ignores
from planner.model.guest import Guest, Place
from planner.policy import baseline
from planner.policy.checked import Checked
from planner.policy.evaluate import Report
from planner.policy.findings import RULES, Finding, Rule, Severity
from planner.policy.rules.suppression import GONE, UNREADABLE, UNUSED

if TYPE_CHECKING:  # few projects have the file, so its types are not loaded for the others
    from planner.model.settings import Settings


UNHEEDED = "an acknowledgement counts for check alone: what fails or is unsafe is not written"
"""Why an export is refused for an error that somebody has acknowledged."""


class Entry(NamedTuple):
    """One rule that a section of a project file ignores."""

    file: str
    section: int
    rule: str


class Governed(NamedTuple):
    """The project file that a checked file falls under: its name for messages, and the file's path from its folder."""

    name: str
    relative: str
    settings: Settings


class Judged(NamedTuple):
    """A site after suppression; `touched` are the project file's entries that speak of it, `used` those it needed."""

    checked: Checked
    touched: frozenset[Entry] = frozenset()
    used: frozenset[Entry] = frozenset()


def judge(
    site: str,
    report: Report,
    settings: Mapping[str, Governed] | None = None,
    known: frozenset[baseline.Key] | None = None,
) -> Judged:
    """Apply suppressions to a report.

    `settings` says under which project file each of the site's files falls, by the file's name. `known` is the
    baseline; None: there is none.
    """
    settings = settings or {}
    comments = {guest.file.path: ignores(guest.file.text) for guest in report.plan.guests if guest.file is not None}
    if not settings and known is None and not any(comments.values()):
        return Judged(Checked.of(site, report))
    kept: list[Finding] = []
    ignored = 0
    used_comments: set[tuple[str, int, str]] = set()
    used_entries: set[Entry] = set()
    seen: set[baseline.Key] = set()
    for finding in report.findings:
        key = baseline.key(finding) if known is not None else None
        if key is not None:
            seen.add(key)
        reason = None
        comment = next((one for one in comments.get(finding.file or "", ()) if _covers(one, finding)), None)
        if comment is not None:
            used_comments.add((finding.file or "", comment.line, finding.rule.id))
            reason = comment.reason
        elif (entry := _entry(settings, finding)) is not None:
            used_entries.add(entry[0])
            reason = entry[1]
        elif known is not None and key in known:
            reason = "known: it is in the baseline"
        if reason is None:
            kept.append(finding)
        elif not can_be_hidden(finding):
            kept.append(replace(finding, acknowledged=reason))
        else:
            ignored += 1
    for guest in report.plan.guests:
        about = _comment_findings(guest, comments.get(guest.file.path if guest.file else "", ()), used_comments)
        new = [finding for finding in about if baseline.key(finding) not in (known or ())]
        seen.update(map(baseline.key, about))
        ignored += len(about) - len(new)
        kept += new
    kept += _gone(report, known or frozenset(), seen)
    checked = Checked.of(site, report)._replace(findings=tuple(kept), ignored=ignored)
    return Judged(checked, _touched(settings), frozenset(used_entries))


def as_told(report: Report, settings: Mapping[str, Governed] | None = None) -> Report:
    """The report as a person is to see it: acknowledged findings with their reasons, ignored ones only counted."""
    judged = judge("", report, settings)
    findings = (*judged.checked.findings, *unused(judged.touched, judged.used))
    if findings == report.findings:
        return report
    return replace(report, findings=findings, ignored=judged.checked.ignored)


def can_be_hidden(finding: Finding) -> bool:
    """Whether a suppression takes this out of the report: no error, and none that only the xen profile lets pass."""
    lenient = finding.rule.xen is not None and finding.severity is finding.rule.xen
    return finding.severity is not Severity.ERROR and not lenient


def unused(touched: AbstractSet[Entry], used: AbstractSet[Entry]) -> tuple[Finding, ...]:
    """Findings for a project file's entries that speak of checked files and were needed by none."""
    return tuple(
        _about(
            UNREADABLE if entry.rule not in RULES else UNUSED,
            _unknown(entry.rule)
            if entry.rule not in RULES
            else f"paths[{entry.section}]: ignoring {entry.rule} has no effect: nothing it matches has such a finding",
            entry.file,
        )
        for entry in sorted(touched - used)
    )


def _covers(comment: Ignore, finding: Finding) -> bool:
    if comment.problem is not None or finding.rule.id not in comment.rules:
        return False
    return comment.covers is None or (finding.place is not None and finding.place.line == comment.covers)


def _entry(settings: Mapping[str, Governed], finding: Finding) -> tuple[Entry, str] | None:
    for number, section in _sections(settings, finding.file or ""):
        if finding.rule.id in section:
            return Entry(settings[finding.file or ""].name, number, finding.rule.id), section[finding.rule.id]
    return None


def _sections(settings: Mapping[str, Governed], file: str) -> list[tuple[int, Mapping[str, str]]]:
    """The sections of the project file that name `file`, with their numbers."""
    found = settings.get(file)
    if found is None:
        return []
    return [
        (number, section.ignore)
        for number, section in enumerate(found.settings.paths)
        if any(fnmatchcase(found.relative, pattern) for pattern in section.match)
    ]


def _touched(settings: Mapping[str, Governed]) -> frozenset[Entry]:
    return frozenset(
        Entry(settings[file].name, number, rule)
        for file in settings
        for number, section in _sections(settings, file)
        for rule in section
    )


def _comment_findings(guest: Guest, comments: Sequence[Ignore], used: set[tuple[str, int, str]]) -> list[Finding]:
    findings = []
    for comment in comments:
        path, place = guest.file.path if guest.file else "", Place(comment.line, comment.column)
        if comment.problem is not None:
            findings.append(_about(UNREADABLE, comment.problem, path, guest.name, place))
            continue
        for rule in comment.rules:
            if rule not in RULES:
                findings.append(_about(UNREADABLE, _unknown(rule), path, guest.name, place))
            elif (path, comment.line, rule) not in used:
                where = "in this file" if comment.covers is None else f"on line {comment.covers}"
                findings.append(_about(UNUSED, f"there is no {rule} {where} to ignore", path, guest.name, place))
    return findings


def _gone(report: Report, known: frozenset[baseline.Key], seen: set[baseline.Key]) -> list[Finding]:
    files = {report.plan.host_file, *(guest.file.path for guest in report.plan.guests if guest.file is not None)}
    mine = {baseline.normal(file): file for file in files}
    return [
        _about(GONE, f"{entry.rule} of the baseline is gone", mine[entry.file], entry.guest or None)
        for entry in sorted(known - seen)
        if entry.file in mine
    ]


def _about(rule: Rule, message: str, file: str, guest: str | None = None, place: Place | None = None) -> Finding:
    return Finding(
        rule=rule, severity=rule.severity, message=message, guest=guest, file=file, place=place, help=rule.remedy
    )


def _unknown(rule: str) -> str:
    from difflib import get_close_matches  # only for a mistyped rule

    near = get_close_matches(rule.upper(), list(RULES), 1)
    return f"there is no rule {rule:.40}" + (f"; did you mean {near[0]}?" if near else "")
