"""`explain` and `rules` as a script sees them, and the pages made from the rules."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_commands import run, run_process

from planner.cli import COMMANDS
from planner.policy.findings import RULES

ROOT = Path(__file__).parent.parent.parent
LOG = """\
(XEN) Xen version 4.17.7
(XEN) [VT-D] It's disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for d5.
libxl: error: libxl_dm.c:620:libxl__domain_device_construct_rdm: Domain 5:RDM conflict at 0x7e000000.
(XEN) [VT-D] It's disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for d5.
"""


def test_a_rule_is_explained_in_either_case() -> None:
    result = run("explain", "rdm103")
    assert result.exit_code == 0
    assert RULES["RDM103"].title in result.stdout
    assert "Xen logs: [VT-D] It's disallowed to assign" in result.stdout


def test_a_pasted_line_is_explained_with_its_values_quoted_or_not() -> None:
    result = run("explain", "RDM conflict at 0x7e000000.")
    assert result.exit_code == 0
    assert "0x7e000000" in result.stdout
    assert "RDM101" in result.stdout
    assert run("explain", "RDM", "conflict", "at", "0x7e000000.").stdout == result.stdout


def test_a_log_is_explained_line_by_line_each_thing_once() -> None:
    result = run("explain", "-", "--format", "json", stdin=LOG)
    found = json.loads(result.stdout)["explanations"]
    assert [one["rule"]["id"] for one in found] == ["RDM103", "RDM101"]
    assert found[0]["values"] == {"device": "0000:08:00.0", "address": "0x7ba77000", "domain": "d5"}


def test_what_is_unknown_is_said_and_the_nearest_named() -> None:
    result = run("explain", "RDM konflict at adress 0x7e000000")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "RDM conflict at" in result.stderr
    assert run("explain", "-", stdin="one\ntwo\n").exit_code == 1
    assert run("explain", "-", stdin="").exit_code == 1
    wrong = run("explain", "RDM999")
    assert wrong.exit_code == 2
    assert "there is no rule RDM999" in wrong.stderr


def test_control_characters_of_a_log_never_reach_the_terminal() -> None:
    result = run("explain", "It's risky to assign 0000:08:00.0 with shared RMRR at 7ba77000 for d\x1b[31m5")
    assert "\x1b" not in result.output


def test_rules_lists_them_all() -> None:
    text, found = run("rules").stdout, json.loads(run("rules", "--format", "json").stdout)["rules"]
    assert {rule["id"] for rule in found} == set(RULES)
    assert all(rule in text for rule in RULES)
    assert max(map(len, text.splitlines())) <= 80


def test_a_process_of_its_own_knows_every_rule() -> None:
    for words in (["explain", "MEM206"], ["explain", "igbvf probe error -22"], ["rules"]):
        done = run_process(*words)
        assert done.returncode == 0
        assert "MEM206" in done.stdout


def test_pages_are_current() -> None:
    """`make docs` rebuilds them."""
    made = runpy.run_path(str(ROOT / "docs" / "make.py"))["pages"]()
    assert {path.name: path.read_text() for path in (ROOT / "docs" / "rules").iterdir()} == made


def test_the_manual_page_is_current_and_formats_without_a_word_of_complaint() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "man.py"))["page"]()
    assert (ROOT / "docs" / "rdm-planner.1").read_text() == made
    for name in COMMANDS:
        assert f".SS {name}" in made
    if shutil.which("groff") is None:
        return
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=made, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rdm-planner che", ["plain,check"]),
        ("rdm-planner ho", ["file,ho"]),
        ("rdm-planner check --form", ["plain,--format"]),
        ("rdm-planner check --format sa", ["plain,sarif"]),
        ("rdm-planner check ho", ["file,ho"]),
        ("rdm-planner schema rep", ["plain,report"]),
    ],
)
def test_a_shell_is_told_what_completes(words: str, expected: list[str]) -> None:
    number = str(len(words.split()) - 1)
    asked = {"_RDM_PLANNER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    done = subprocess.run(
        [sys.executable, "-m", "planner"], env=os.environ | asked, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout.splitlines() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_code_is_what_the_shell_reads(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_RDM_PLANNER_COMPLETE" in result.stdout
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=result.stdout, text=True, check=True)


def test_several_rules_or_pasted_lines_are_all_explained() -> None:
    assert "MEM201" in run("explain", "rdm103", "MEM201").stdout
    both = run("explain", "RDM conflict at 0x7e000000.\nunknown rdm check flag.").stdout
    assert "RDM101" in both
    assert "CFG612" in both
    assert "RDM101" in run("explain", "libxl: RDM conflict\n at 0x7e000000.").stdout
