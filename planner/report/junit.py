"""JUnit's XML: a suite a site, a test case a finding, and one for each guest without findings."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from planner.policy.checked import Checked, Totals
from planner.policy.findings import Finding
from planner.report.formats import Look
from planner.report.words import printable

BETWEEN = ""
TOTALS_FIRST = False


def part(checked: Checked, look: Look) -> str:
    """The site's suite."""
    cases = list(_cases(checked, look))
    failures = sum(look.fails(finding) for finding in checked.findings)
    named = f"name={_attribute(checked.site)} tests={_attribute(str(len(cases)))} failures={_attribute(str(failures))}"
    return f'  <testsuite {named} errors="0" skipped="0">\n{"".join(cases)}  </testsuite>\n'


def head(totals: Totals) -> str:
    """The root; its sums are optional, and unknown while sites stream."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="rdm-planner">\n'


def tail(totals: Totals, look: Look) -> str:
    """The root's end."""
    return "</testsuites>\n"


def _cases(checked: Checked, look: Look) -> Iterator[str]:
    for finding in checked.findings:
        about = [one for one in (finding.device, finding.region) if one is not None]
        name = " ".join([finding.rule.id, *map(str, about)])
        case = f"    <testcase name={_attribute(name)} classname={_attribute(_class(checked.site, finding.guest))}"
        case += f" file={_attribute(finding.file)}" if finding.file else ""
        case += f" line={_attribute(str(finding.place.line))}" if finding.place else ""
        if look.fails(finding):
            attributes = f"message={_attribute(finding.message)} type={_attribute(finding.severity)}"
            yield f"{case}>\n      <failure {attributes}>{_text(finding)}</failure>\n    </testcase>\n"
        else:
            yield f"{case}>\n      <system-out>{_text(finding)}</system-out>\n    </testcase>\n"
    found = {finding.guest for finding in checked.findings}
    for guest in checked.guests:
        if guest not in found:
            yield f'    <testcase name="no findings" classname={_attribute(_class(checked.site, guest))}/>\n'


def _class(site: str, guest: str | None) -> str:
    return f"{site}.{guest}" if guest is not None else site


def _text(finding: Finding) -> str:
    severity = finding.severity.value if finding.acknowledged is None else f"acknowledged: {finding.acknowledged}"
    lines = [f"{severity}: {finding.message}"]
    lines += [finding.quoted] if finding.quoted else []
    lines += [f"help: {finding.help}"] if finding.help else []
    return "\n".join(escape(printable(line)) for line in lines)


def _attribute(text: str) -> str:
    return quoteattr(printable(text))
