"""The commands as a script sees them: stdout, stderr and exit code."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from acpi_tables import dmar, rmrr, scope
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from planner.cli import _group, fleet, main
from planner.cli.check import FORMATS
from planner.formats import host_toml
from planner.model.errors import InputError

ROOT = Path(__file__).parent.parent.parent
SITES = sorted(path.parent for path in (ROOT / "sample-hosts").glob("*/host.toml"))
CLEAN = """\
name = "clean"
type = "hvm"
memory = 1024
"""


def run(*arguments: str, stdin: str = "") -> Result:
    """A command in this process, with the exit code that `main` gives."""
    runner = CliRunner()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["rdm-planner", *arguments])
        result = runner.invoke(_group, list(arguments), input=stdin, prog_name="rdm-planner")
    if isinstance(result.exception, InputError):
        result.exit_code = 2
        result.stderr_bytes = (result.stderr_bytes or b"") + f"{result.exception}\n".encode()
    return result


def run_process(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, without a terminal, from any folder."""
    return subprocess.run(
        [sys.executable, "-m", "planner", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the Dell sample with one clean guest."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(ROOT / "sample-hosts" / "dell-poweredge-r820" / "host.toml", folder)
    (folder / "clean.cfg").write_text(CLEAN)
    return folder


def test_check_of_all_samples_names_the_shared_regions() -> None:
    result = run("check", *map(str, sorted((ROOT / "sample-hosts").iterdir())))
    assert result.exit_code == 1
    assert "shares RMRR 0xe8000-0xe8fff" in result.stdout
    assert "shares RMRR 0xbf458000-0xbf46ffff" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("38 guests: ")


def test_what_is_no_site_among_several_is_passed_over(site: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("sites")
    result = run("check", str(tmp_path / "README.md"), str(site), str(SITES[0]))
    assert result.exit_code == 1
    assert "README.md: no site" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("4 guests: ")
    assert run("check", str(SITES[0]), str(SITES[1]), str(site / "clean.cfg")).exit_code == 2


def test_a_mistyped_command_is_recognised() -> None:
    result = run("chekc")
    assert result.exit_code == 2
    assert 'did you mean the command "check"' in result.stderr


def test_check_of_a_clean_guest_is_silent_success(site: Path) -> None:
    result = run("check", str(site))
    assert (result.exit_code, result.stdout) == (0, "1 guest: 0 errors, 0 warnings, 0 notices\n")


def test_host_and_guests_are_the_same_as_a_site(site: Path) -> None:
    assert run("check", str(site / "host.toml"), str(site / "clean.cfg")).stdout == run("check", str(site)).stdout


def test_a_guest_from_standard_input(site: Path) -> None:
    result = run("check", str(site / "host.toml"), "-", stdin=CLEAN)
    assert (result.exit_code, result.stdout) == (0, "1 guest: 0 errors, 0 warnings, 0 notices\n")


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 0), ("warning", 1), ("notice", 1), ("never", 0)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("format_", FORMATS)
def test_exit_code_follows_the_threshold_in_every_format(site: Path, fail_on: str, code: int, format_: str) -> None:
    (site / "clean.cfg").write_text(CLEAN + 'rdm = "strategy=host"\n')
    assert run("check", str(site), "--fail-on", fail_on, "--format", format_).exit_code == code


def test_check_json_is_stable_and_as_designed() -> None:
    sites = [str(site) for site in SITES]
    first, second = run("check", *sites, "--format", "json"), run("check", *sites, "--format", "json")
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    assert list(report) == ["schema_version", "xen", "profile", "summary", "findings"]
    assert report["summary"]["guests"] == 38
    assert report["summary"]["errors"] == sum(f["severity"] == "error" for f in report["findings"])
    shared = next(f for f in report["findings"] if f["rule"] == "RDM103" and f["guest"] == "pfsense")
    assert shared["region"] == {"start": "0xe8000", "end": "0xe8fff", "size": 4096}
    assert shared["device"] == "0000:02:00.1"
    assert shared["xen_says"] == "It's disallowed to assign 0000:02:00.1 with shared RMRR at e8000 for dN."
    assert shared["file"].endswith("pfsense.cfg")
    assert shared["line"] == 19


def test_map_json_is_as_designed() -> None:
    result = json.loads(run("map", str(ROOT / "sample-hosts" / "xen-lab"), "--format", "json").stdout)
    guests = {guest["guest"]: guest for guest in result["guests"]}
    one: dict[str, Any] = guests["f_own4g"]
    assert one["libxl"]["low_ram"] == {"start": "0x0", "end": "0x98ffffff", "size": 0x99000000}
    assert one["libxl"]["high_ram"] == {"start": "0x100000000", "end": "0x165ffffff", "size": 0x66000000}
    assert one["libxl"]["regions"][0]["state"] == "reserved"
    assert guests["f_below"]["libxl"]["regions"][0]["state"] == "conflict"
    masked = guests["f_belowrel"]["libxl"]["regions"][0]
    assert (masked["state"], masked["policy"]) == ("masked", "relaxed")
    assert guests["plain512"]["libxl"]["high_ram"] is None
    assert {segment["kind"] for segment in one["segments"]} >= {"low_ram", "reserved", "mmio_hole", "high_ram"}


def test_map_prints_every_region_of_the_proliant() -> None:
    result = run("map", str(ROOT / "sample-hosts" / "hp-proliant-dl380e-gen8"))
    assert result.exit_code == 0
    assert "RDM conflict at 0xe8000." in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_xens_own_profile_lets_relaxed_pass() -> None:
    site = str(ROOT / "sample-hosts" / "xen-lab")
    guests = [f"{site}/f_bothrel.cfg"]
    assert run("check", f"{site}/host.toml", *guests).exit_code == 1
    assert run("check", f"{site}/host.toml", *guests, "--profile", "xen").exit_code == 0


def test_export_writes_every_guest(site: Path, tmp_path: Path) -> None:
    result = run("export", str(site), "-o", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out' / 'clean.cfg'}\n"
    assert (tmp_path / "out" / "clean.cfg").read_text() == CLEAN


def test_export_refuses_while_anything_blocks_and_says_what(site: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "sample-hosts" / "dell-poweredge-r820" / "scada.cfg", site)
    result = run("export", str(site), "-o", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "nothing was written" in result.stderr
    assert "RDM103" in result.stderr
    assert not (tmp_path / "out").exists()


def test_schemas_describe_what_is_read_and_written() -> None:
    schemas = {name: json.loads(run("schema", name).stdout) for name in ("host", "plan", "settings", "report")}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
    host, settings, report = (Draft202012Validator(schemas[name]) for name in ("host", "settings", "report"))
    for site in SITES:
        assert list(host.iter_errors(tomllib.loads((site / "host.toml").read_text()))) == []
    assert settings.is_valid({"paths": [{"match": ["lab/*"], "ignore": {"RDM104": "why"}}]})
    assert not settings.is_valid({"paths": [{"match": ["lab/*"], "ignore": {"RDM104": ""}}]})
    for sites in (SITES, SITES[:1]):
        found = json.loads(run("check", *map(str, sites), "--format", "json").stdout)
        assert [error.message for error in report.iter_errors(found)] == []


def test_samples_are_listed_and_found() -> None:
    listed = run("samples").stdout
    assert all(site.name in listed for site in SITES)
    assert run("samples", "xen-lab").stdout.strip().endswith("xen-lab")
    assert run("samples", "nothing").exit_code == 2


def test_collect_makes_an_inventory_that_check_reads(tmp_path: Path) -> None:
    folder = tmp_path / "artefacts"
    folder.mkdir()
    (folder / "dmar.bin").write_bytes(dmar(rmrr(0x7DFFD000, 0x7DFFFFFF, scope((0x1D, 0)), scope((0x1A, 0)))))
    (folder / "lspci.txt").write_text(
        "Slot:\t0000:00:1d.0\nClass:\tUSB controller [0c03]\nVendor:\tIntel [8086]\nDevice:\tEHCI [1d26]\n\n"
    )
    result = run("collect", str(folder), "-o", str(tmp_path / "host.toml"))
    assert result.exit_code == 0
    host = host_toml.parse((tmp_path / "host.toml").read_text())
    assert [str(scope.device) for scope in host.regions[0].scopes] == ["0000:00:1d.0", "0000:00:1a.0"]
    (tmp_path / "vm.cfg").write_text(CLEAN + 'pci = [ "00:1d.0" ]\n')
    assert "RDM103" in run("check", str(tmp_path / "host.toml"), str(tmp_path / "vm.cfg")).stdout
    assert run("check", str(folder), str(tmp_path / "vm.cfg")).exit_code == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vm.cfg", "memory = 1 2\n", "vm.cfg:1:12: expected the end of the line"),
        ("vm.cfg", 'name = "a"\nmemory = "lots"\n', "vm.cfg:2:10: memory: expected a number"),
        ("vm.cfg", 'name = "a"\npci = [ "00:1b.0" ]\n', "vm.cfg:2:9: device 0000:00:1b.0 is not in"),
        ("vm.cfg", b"\x7fELF\x02\x01\x01\0", "vm.cfg:1: expected text"),
        ("vm.cfg", None, "vm.cfg: cannot be read: No such file"),
        ("host.toml", "regions = 1\n", "host.toml: regions: expected"),
        ("host.toml", "[[regions]\n", "host.toml:1:"),
        ("host.toml", "colour = 1\n", "host.toml: colour: unknown key"),
        ("host.toml", b"\xff\xfe", "host.toml:1: expected text"),
        ("host.toml", 'xen = "3.2"\n', "Xen 3.2 is not a release we replay"),
    ],
)
def test_bad_input_is_one_clear_line(site: Path, name: str, content: str | bytes | None, message: str) -> None:
    path = site / name
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    arguments = [str(site / "host.toml"), str(site / ("vm.cfg" if name == "vm.cfg" else "clean.cfg"))]
    done = run_process("check", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_two_guests_of_one_name_are_refused(site: Path) -> None:
    (site / "again.cfg").write_text(CLEAN)
    result = run("check", str(site))
    assert result.exit_code == 2
    assert "the name 'clean' is taken by" in result.stderr


@pytest.mark.parametrize("arguments", [("check",), ("check", "--format", "xml", "x"), ("export", "x"), ("schema", "x")])
def test_bad_usage_is_exit_two(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_our_own_bug_is_exit_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], site: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(fleet, "evaluate", broken)
    with pytest.raises(SystemExit) as caught:
        main(["check", str(site)])
    assert caught.value.code == 3
    assert "internal error: ZeroDivisionError: oops" in capsys.readouterr().err


def test_without_a_terminal_the_app_prints_check_and_map(site: Path) -> None:
    done = run_process(str(site))
    assert done.returncode == 0
    assert "1 guest: 0 errors" in done.stdout
    assert "clean · HVM · 1 GiB · Xen 4.17" in done.stdout


def test_without_arguments_a_sample_opens_from_any_folder(tmp_path: Path) -> None:
    done = run_process(cwd=tmp_path)
    assert done.returncode == 0
    assert "pfsense" in done.stdout


def test_names_never_steer_the_terminal(site: Path) -> None:
    (site / "clean.cfg").write_text('name = "\x1b[31mred\x07"\nmemory = 64\n')
    result = run("map", str(site), "--color", "never")
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout


def test_colour_only_where_it_is_wanted(site: Path) -> None:
    shutil.copy(ROOT / "sample-hosts" / "dell-poweredge-r820" / "scada.cfg", site)
    assert "\x1b[" not in run("check", str(site)).stdout
    assert "\x1b[" in run("check", str(site), "--color", "always").stdout


def test_output_goes_to_a_file(site: Path, tmp_path: Path) -> None:
    result = run("check", str(site), "-o", str(tmp_path / "report.txt"))
    assert result.stdout == ""
    assert (tmp_path / "report.txt").read_text() == "1 guest: 0 errors, 0 warnings, 0 notices\n"


def test_every_command_has_help() -> None:
    for name in ("check", "map", "fix", "export", "collect", "schema", "samples"):
        result = run(name, "--help")
        assert result.exit_code == 0
        assert "Usage: rdm-planner" in result.stdout


def test_without_stderr_on_the_terminal_there_is_no_screen() -> None:
    """The screen is drawn there: `2>log` would leave a blank terminal that waits for keys."""
    handle, terminal = pty.openpty()
    command = [sys.executable, "-m", "planner", str(SITES[0].parent / "xen-lab")]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        seen = b""
        while b"low RAM" not in seen and select.select([handle], [], [], 20)[0]:
            seen += os.read(handle, 1 << 16)
        process.kill()
    os.close(handle)
    os.close(terminal)
    assert b"low RAM" in seen
    assert b"RDM" in seen
