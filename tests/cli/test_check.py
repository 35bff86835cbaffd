"""`check`: several outputs, suppression, baselines, standard input, and many sites in one run."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cli.test_commands import CLEAN, ROOT, run, run_process
from jsonschema import Draft7Validator

from planner.cli import main
from planner.cli.check import FORMATS
from planner.cli.options import wants_colour

DELL = ROOT / "sample-hosts" / "dell-poweredge-r820"
STRICT = CLEAN + 'pci = [ "00:1d.0" ]\n'  # the USB controller shares its RMRR: Xen refuses
UNDEFINED = CLEAN + 'rdm = "strategy=host"{comment}\n'  # xl leaves the policy undefined: nobody says so


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty site on the Dell, in the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(DELL / "host.toml", folder)
    return Path("site")


def _rules(result: str) -> list[tuple[str, str | None]]:
    return [(one["rule"], one["acknowledged"]) for one in map(json.loads, result.splitlines())]


def _check(*arguments: str) -> tuple[int, list[tuple[str, str | None]]]:
    result = run("check", *arguments, "--format", "jsonl")
    return result.exit_code, _rules(result.stdout)


def test_one_run_writes_several_formats(site: Path) -> None:
    (site / "vm.cfg").write_text(STRICT)
    result = run("check", str(site), "-o", "sarif:out.sarif", "-o", "junit:out.xml")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("1 guest: ")
    assert json.loads(Path("out.sarif").read_text())["version"] == "2.1.0"
    assert Path("out.xml").read_text().startswith("<?xml")


def test_a_file_without_a_format_takes_stdouts_place(site: Path) -> None:
    (site / "vm.cfg").write_text(STRICT)
    result = run("check", str(site), "--format", "concise", "-o", "out.txt", "-o", "json:out.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert Path("out.txt").read_text().startswith("site/vm.cfg:4:9: error RDM103")
    assert json.loads(Path("out.json").read_text())["summary"]["guests"] == 1
    assert run("check", str(site), "-q", "-o", "jsonl:out.jsonl").stdout == ""
    assert Path("out.jsonl").read_text()


def test_fixes_are_searched_for_where_they_are_asked_for(site: Path) -> None:
    shutil.copy(DELL / "scada.cfg", site)
    plain, asked = (run("check", str(site), "--format", "jsonl", *more).stdout for more in ((), ("--fixes",)))
    assert all(json.loads(line)["fixes"] == [] for line in plain.splitlines())
    found = {one["rule"]: one["fixes"] for one in map(json.loads, asked.splitlines())}
    assert found["MEM212"][0] == {
        "title": "mmio_hole = 1036",
        "edits": {"mmio_hole": 1036},
        "others": {},
        "cost": "scada still does not start: RDM103, RAM stays where it is, no RAM lost",
        "needs": None,
    }
    assert [fix["title"] for fix in found["RDM103"]] == ["take 00:1d.0 out of scada"]
    assert found["RDM103"][0]["needs"] == "scada can do without 00:1d.0"
    text = run("check", str(site), "--fixes").stdout
    assert "fix: mmio_hole = 1036 (scada still does not start: RDM103, RAM stays" in text


def test_hosts_to_move_to_are_looked_at_where_they_are_named(site: Path) -> None:
    shutil.copy(DELL / "storage.cfg", site)
    assert not {"MIG801", "MIG802"} & {rule for rule, _ in _check(str(site))[1]}
    moved = _check(str(site), "--moves-to", str(ROOT / "sample-hosts" / "fujitsu-d3401-h2"))[1]
    assert {"MIG801", "MIG802"} <= {rule for rule, _ in moved}


def test_two_reports_in_one_file_and_a_report_over_its_input_are_refused(site: Path) -> None:
    (site / "vm.cfg").write_text(STRICT)
    assert run("check", str(site), "-o", "sarif:a", "-o", "junit:a").exit_code == 2
    refused = run("check", str(site), "-o", "json:site/vm.cfg")
    assert refused.exit_code == 2
    assert (site / "vm.cfg").read_text() == STRICT


@pytest.mark.parametrize("format_", FORMATS)
def test_exit_codes_are_the_same_in_every_format(site: Path, format_: str) -> None:
    (site / "vm.cfg").write_text(CLEAN)
    assert run("check", str(site), "--format", format_).exit_code == 0
    (site / "vm.cfg").write_text(STRICT)
    assert run("check", str(site), "--format", format_).exit_code == 1
    assert run("check", str(site), "--format", format_, "--fail-on", "never").exit_code == 0
    (site / "vm.cfg").write_text("memory = 1 2\n")
    broken = run("check", str(site), "--format", format_)
    assert (broken.exit_code, broken.stdout) == (2, "")
    assert run("check", str(site), "--format", format_, "--jobs", "0").exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        UNDEFINED.format(comment="  # rdm-planner: ignore[CFG603] the lab's Xen is patched"),
        UNDEFINED.replace("rdm =", "# rdm-planner: ignore[CFG603, RDM120] patched\nrdm =").format(comment=""),
        "# rdm-planner: ignore-file[CFG603] patched\n" + UNDEFINED.format(comment=""),
    ],
    ids=["at the end", "above", "whole file"],
)
def test_a_comment_hides_what_nobody_enforces(site: Path, text: str) -> None:
    (site / "vm.cfg").write_text(UNDEFINED.format(comment=""))
    assert ("CFG603", None) in _check(str(site))[1]
    (site / "vm.cfg").write_text(text)
    assert "CFG603" not in {rule for rule, _ in _check(str(site))[1]}
    assert "1 ignored" in run("check", str(site)).stdout


def test_an_error_is_acknowledged_and_stays_in_the_report(site: Path) -> None:
    (site / "vm.cfg").write_text(
        STRICT.replace("pci", "# rdm-planner: ignore[RDM103, RDM105] waits for new firmware\npci")
    )
    code, found = _check(str(site))
    assert (code, found) == (0, [("RDM103", "waits for new firmware"), ("RDM105", "waits for new firmware")])
    assert _check(str(site), "--profile", "xen") == (code, found)  # a warning there, and a hole all the same
    text = run("check", str(site)).stdout
    assert "✓ acknowledged RDM103" in text
    assert text.splitlines()[-1] == "1 guest: 0 errors, 0 warnings, 0 notices, 2 acknowledged"


@pytest.mark.parametrize(
    ("comment", "rule", "message"),
    [
        ("ignore[CFG603]", "SUP002", "a reason is missing"),
        ("ignore[] why", "SUP002", "names no rule"),
        ("ignroe[CFG603] why", "SUP002", "found 'ignroe'"),
        ("ignore[CFG999] why", "SUP002", "there is no rule CFG999"),
        ("ignore[cfg603] why", "SUP002", "did you mean CFG603?"),
        ("ignore[RDM101] why", "SUP001", "there is no RDM101 on line 4 to ignore"),
        ("ignore-file[RDM101] why", "SUP001", "there is no RDM101 in this file to ignore"),
    ],
)
def test_a_comment_that_does_nothing_is_a_finding(site: Path, comment: str, rule: str, message: str) -> None:
    (site / "vm.cfg").write_text(UNDEFINED.format(comment=f" # rdm-planner: {comment}"))
    result = [json.loads(line) for line in run("check", str(site), "--format", "jsonl").stdout.splitlines()]
    found = next(one for one in result if one["rule"] == rule)
    assert message in found["message"]
    assert (found["line"], found["guest"]) == (4, "clean")
    assert "CFG603" in {one["rule"] for one in result}


def test_a_hash_inside_a_string_is_no_comment(site: Path) -> None:
    (site / "vm.cfg").write_text(CLEAN + 'kernel = "# rdm-planner: ignore[CFG603] no"\n')
    assert _check(str(site)) == (0, [])


def test_a_project_file_is_found_upwards_and_its_unused_entries_are_findings(site: Path) -> None:
    (site / "vm.cfg").write_text(UNDEFINED.format(comment=""))
    Path("rdm-planner.toml").write_text('[[paths]]\nmatch = ["site/*.cfg"]\nignore = { CFG603 = "patched" }\n')
    assert _check(str(site)) == (0, [])
    assert _check(str(site.absolute())) == (0, [])
    assert _check(str(site / "host.toml")) == (0, [])
    Path("rdm-planner.toml").write_text(
        '[[paths]]\nmatch = ["site/*"]\nignore = { CFG603 = "patched", RDM101 = "gone" }\n'
        '[[paths]]\nmatch = ["other/*"]\nignore = { RDM102 = "elsewhere" }\n'
    )
    assert _check(str(site)) == (0, [("SUP001", None)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[paths]]\nmatch = ["*"]\nignore = { CFG603 = "" }\n', "ignore.CFG603: expected"),
        ('[[paths]]\nmatch = ["*"]\nignore = { cfg = "x" }\n', "ignore.cfg"),
        ("colour = 1\n", "colour: unknown key"),
        ("[[paths]\n", "rdm-planner.toml:1:"),
    ],
)
def test_a_project_file_that_cannot_be_read_is_exit_two(site: Path, text: str, message: str) -> None:
    (site / "vm.cfg").write_text(CLEAN)
    Path("rdm-planner.toml").write_text(text)
    result = run("check", str(site))
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_baseline_lets_only_new_findings_fail(site: Path) -> None:
    (site / "vm.cfg").write_text(STRICT)
    assert run("check", str(site), "--write-baseline", "known.json").exit_code == 0
    first = Path("known.json").read_text()
    known = [(rule, "known: it is in the baseline") for rule in ("RDM103", "RDM105")]
    assert _check(str(site), "--baseline", "known.json") == (0, known)
    (site / "vm.cfg").write_text("# moved by a comment\n" + STRICT)
    assert _check(f"./{site}", "--baseline", "known.json")[0] == 0
    (site / "new.cfg").write_text(STRICT.replace("clean", "new"))
    code, found = _check(str(site), "--baseline", "known.json")
    assert code == 1
    assert ("RDM103", None) in found
    (site / "new.cfg").unlink()
    (site / "vm.cfg").write_text(CLEAN)
    assert _check(str(site), "--baseline", "known.json") == (0, [("SUP003", None)] * 2)
    run("check", str(site), "--write-baseline", "empty.json")
    assert json.loads(Path("empty.json").read_text()) == {"schema_version": 1, "findings": []}
    assert json.loads(first)["findings"][0]["rule"] == "RDM103"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', '{"schema_version": 1, "findings": [1]}'])
def test_a_file_that_is_no_baseline_is_exit_two(site: Path, text: str) -> None:
    (site / "vm.cfg").write_text(CLEAN)
    Path("known.json").write_text(text)
    result = run("check", str(site), "--baseline", "known.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "known.json" in result.stderr


def test_a_guest_from_standard_input_has_the_name_it_is_given(site: Path) -> None:
    host = str(site / "host.toml")
    result = run("check", host, "-", "--stdin-filename", "guests/web.cfg", "--format", "concise", stdin=STRICT)
    assert result.exit_code == 1
    assert result.stdout.startswith("guests/web.cfg:4:9: error RDM103")
    broken = run("check", host, "-", "--stdin-filename", "guests/web.cfg", stdin="memory = 1 2\n")
    assert broken.stderr.startswith("rdm-planner: guests/web.cfg:1:12: ")


def test_a_hook_names_files_and_whole_sites_are_checked(site: Path) -> None:
    (site / "vm.cfg").write_text(CLEAN)
    (site / "other.cfg").write_text(STRICT.replace("clean", "other"))
    Path("setup.cfg").write_text("[metadata]\n")
    result = run("check", "--sites", "setup.cfg", "site/host.toml", "site/vm.cfg", "--format", "jsonl")
    assert result.exit_code == 1
    assert {json.loads(line)["guest"] for line in result.stdout.splitlines()} == {"other"}
    assert "setup" in result.stderr
    assert run("check", "--sites", "setup.cfg", "--format", "concise").exit_code == 0


def test_sarif_has_the_fixes_as_edits_of_the_file(site: Path) -> None:
    sample = ROOT / "sample-hosts" / "xen-lab"
    shutil.copy(sample / "host.toml", site)
    text = (sample / "f_below.cfg").read_text()
    (site / "vm.cfg").write_text(text)
    log = json.loads(run("check", str(site), "--format", "sarif", "--fixes").stdout)
    schema = json.loads(gzip.decompress((ROOT / "tests" / "report" / "sarif-schema-2.1.0.json.gz").read_bytes()))
    assert [error.message for error in Draft7Validator(schema).iter_errors(log)] == []
    result = next(one for one in log["runs"][0]["results"] if one["ruleId"] == "RDM101")
    change = result["fixes"][0]["artifactChanges"][0]
    assert change["artifactLocation"] == {"uri": "site/vm.cfg"}
    lines = text.splitlines(keepends=True)
    for one in change["replacements"]:
        gone = one["deletedRegion"]
        assert (gone["startColumn"], gone["endColumn"]) == (1, 1)
        lines[gone["startLine"] - 1 : gone["endLine"] - 1] = [one["insertedContent"]["text"]]
    (site / "vm.cfg").write_text("".join(lines))
    assert "RDM101" not in {rule for rule, _ in _check(str(site))[1]}


def _fleet(folder: Path, count: int) -> list[str]:
    for number in range(count):
        one = folder / f"host{number:03}"
        one.mkdir()
        shutil.copy(DELL / "host.toml", one)
        (one / "vm.cfg").write_text(STRICT if number % 3 else CLEAN)
    return sorted(str(path) for path in folder.iterdir())


def test_many_sites_give_the_same_bytes_on_any_number_of_processes(tmp_path: Path) -> None:
    sites = _fleet(tmp_path, 10)
    for jobs in ("1", "2"):
        files = [part for name in FORMATS for part in ("-o", f"{name}:{tmp_path / jobs}.{name}")]
        done = run_process("check", *sites, *files, "--jobs", jobs)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.splitlines()[-1].startswith("10 guests: ")
        assert (tmp_path / f"{jobs}.text").read_text() == done.stdout
    for name in FORMATS:
        assert (tmp_path / f"1.{name}").read_text() == (tmp_path / f"2.{name}").read_text() != ""


def test_a_site_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    sites = _fleet(tmp_path, 10)
    (tmp_path / "host004" / "vm.cfg").write_text("memory = 1 2\n")
    result = run_process("check", *sites, "--format", "json", "--jobs", "2")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "host004/vm.cfg:1:12: " in result.stderr
    assert json.loads(result.stdout)["summary"]["guests"] == 9


def test_a_baseline_knows_findings_about_suppressions_too(site: Path) -> None:
    (site / "vm.cfg").write_text(CLEAN + "# rdm-planner: ignore[RDM101] gone\n")
    assert run("check", str(site), "--write-baseline", "base.json").exit_code == 0
    assert _check(str(site), "--baseline", "base.json", "--fail-on", "notice") == (0, [])
    assert run("check", str(site), "--baseline", "base.json", "--write-baseline", "b.json").exit_code == 2


def test_an_interrupt_is_no_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("planner.cli.load.sites", interrupted)
    with pytest.raises(SystemExit) as stopped:
        main(["check", "site"])
    assert stopped.value.code == 130
    assert capsys.readouterr().err.strip() == "rdm-planner: interrupted"


def test_a_quoted_line_names_who_logs_it(site: Path) -> None:
    shutil.copy(DELL / "edge.cfg", site)
    for format_ in ("text", "sarif", "junit", "github"):
        said = run("check", str(site), "--format", format_).stdout
        assert "libxl says: The kernel doesn" in said
        assert "nobody says" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("command", ["check", "map"])
def test_a_full_disk_behind_stdout_is_no_bug_of_ours(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "planner", command, str(DELL)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert done.returncode == 2
    assert done.stderr == "rdm-planner: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("color", "set_", "expected"),
    [
        ("auto", {}, True),
        ("auto", {"NO_COLOR": "1"}, False),
        ("auto", {"TERM": "dumb"}, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", {}, False),
    ],
)
def test_colours_are_for_terminals_that_know_them(
    monkeypatch: pytest.MonkeyPatch, color: str, set_: dict[str, str], expected: bool
) -> None:
    for name, value in {"NO_COLOR": "", "TERM": "xterm", **set_}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert wants_colour(color) is expected
