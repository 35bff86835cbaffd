"""Every format of `check`, held to what reads it."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft7Validator
from planning import NIC, USB, guest, host, report, rmrr

from planner.policy.baseline import fingerprint
from planner.policy.checked import Checked
from planner.policy.findings import RULES, Severity
from planner.report import formats
from planner.report.formats import Look, document

SHARED = rmrr(0xFED00000, 0xFED00FFF, NIC, USB)
LOW = rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)
SARIF = json.loads(gzip.decompress((Path(__file__).parent / "sarif-schema-2.1.0.json.gz").read_bytes()))


def _checked(*, name: str = "vm", acknowledged: str | None = None) -> Checked:
    """A site with errors and a clean guest; the first guest's name is as given, the first finding acknowledged."""
    guests = (guest(NIC), guest(f"{USB},rdm_policy=relaxed", name="b"), guest(name="clean"))
    found = Checked.of("rack 1/site", report(host(SHARED, LOW), *guests))
    renamed = [replace(one, guest=name, file=f"{name}.cfg") if one.guest == "vm" else one for one in found.findings]
    renamed[0] = replace(renamed[0], acknowledged=acknowledged)
    return found._replace(findings=tuple(renamed))


def _clean() -> Checked:
    return Checked.of("clean", report(host(LOW), guest()))


HOSTILE = 'a\x1b[31m"<&>%,:|\n::error::x'


@pytest.mark.parametrize("name", formats.NAMES)
def test_a_document_is_the_same_whole_and_in_parts(name: str) -> None:
    sites = [_checked(), _clean(), _checked(acknowledged="we know")]
    assert document(name, sites) == document(name, sites)
    assert document(name, []).isprintable() or "\n" in document(name, [])


@pytest.mark.parametrize("name", formats.NAMES)
def test_no_format_passes_control_characters_on(name: str) -> None:
    text = document(name, [_checked(name=HOSTILE)])
    assert "\x1b" not in text
    assert text.count("\n::error") <= len(_checked().findings)


def test_sarif_is_valid_by_its_schema() -> None:
    for sites in ([], [_clean()], [_checked(), _checked(name=HOSTILE, acknowledged="we know")]):
        log = json.loads(document("sarif", sites))
        assert [error.message for error in Draft7Validator(SARIF).iter_errors(log)] == []


def test_sarif_names_rules_places_and_acknowledgements() -> None:
    run = json.loads(document("sarif", [_checked(acknowledged="we know")]))["runs"][0]
    described = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in described} == set(RULES)
    first, *others = run["results"]
    assert all(described[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert first["suppressions"] == [{"kind": "external", "justification": "we know"}]
    assert all("suppressions" not in result for result in others)
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "vm.cfg"}, "region": {"startLine": 4, "startColumn": 8}}
    prints = [result["partialFingerprints"]["finding/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_a_fingerprint_outlives_edits_elsewhere_in_the_file() -> None:
    before = report(host(SHARED), guest(NIC)).findings[0]
    after = report(host(SHARED), guest(NIC, vcpus=4)).findings[0]
    other = report(host(SHARED), guest(USB)).findings[0]
    assert before.place != after.place
    assert fingerprint(before) == fingerprint(after) != fingerprint(other)


@pytest.mark.parametrize(("fail_on", "all_fail"), [(Severity.ERROR, False), (Severity.WARNING, True), (None, False)])
def test_junit_fails_what_the_threshold_fails(fail_on: Severity | None, all_fail: bool) -> None:
    look = Look(fail_on=fail_on)
    found = _checked()
    root = ET.fromstring(document("junit", [found, _clean()], look))  # noqa: S314 - our own document
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["rack 1/site", "clean"]
    cases = suites[0].findall("testcase")
    failed = [case for case in cases if case.find("failure") is not None]
    assert len(failed) == int(suites[0].get("failures", "")) == sum(look.fails(one) for one in found.findings)
    assert (len(failed) > 0) == (fail_on is not None)
    assert int(suites[0].get("tests", "")) == len(cases)
    assert [case.get("classname") for case in cases if case.get("name") == "no findings"] == ["rack 1/site.clean"]
    assert not all_fail or len(failed) == len(found.findings)


def test_json_lines_are_the_findings_of_json() -> None:
    sites = [_checked(), _clean()]
    whole: dict[str, Any] = json.loads(document("json", sites))
    assert [json.loads(line) for line in document("jsonl", sites).splitlines()] == whole["findings"]
    assert whole["summary"]["guests"] == 4
    assert json.loads(document("json", [_clean()]))["findings"] == []


def test_gitlab_report_has_what_gitlab_asks_for() -> None:
    issues = json.loads(document("gitlab", [_checked()]))
    assert all(set(issue) == {"description", "check_name", "fingerprint", "severity", "location"} for issue in issues)
    assert {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert json.loads(document("gitlab", [])) == []


def test_github_commands_are_one_line_each_and_escaped() -> None:
    lines = document("github", [_checked(name="a,b:c%")]).splitlines()
    assert len(lines) == len(_checked().findings)
    assert lines[0].startswith("::error file=a%2Cb%3Ac%25.cfg,line=4,col=8,title=RDM")
    assert "%0A" in lines[0]


def test_concise_is_a_line_a_finding() -> None:
    lines = document("concise", [_checked()]).splitlines()
    assert len(lines) == len(_checked().findings)
    assert lines[0].startswith("vm.cfg:4:8: error RDM")


@pytest.mark.parametrize("width", [48, 60, 80, 120])
def test_text_keeps_to_the_width(width: int) -> None:
    text = document("text", [_checked()], Look(width=width))
    assert max(len(line) for line in text.splitlines()) <= width
    assert "acknowledged: we know" in document("text", [_checked(acknowledged="we know")])
