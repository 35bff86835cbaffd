"""`fix`: a diff that patch takes, files that are written, and what it leaves to a person."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cli.test_commands import run

SAMPLES = Path(__file__).parent.parent.parent / "sample-hosts"


def site(tmp_path: Path, name: str) -> Path:
    return Path(shutil.copytree(SAMPLES / name, tmp_path / name))


def test_the_diff_is_what_patch_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = site(Path(), "fujitsu-d3401-h2")
    before = (folder / "win10.cfg").read_text()
    result = run("fix", str(folder))
    assert result.exit_code == 1
    assert (folder / "win10.cfg").read_text() == before
    assert "+mmio_hole = 880\n" in result.stdout
    assert "MEM201 win10: mmio_hole = 880 (RAM stays where it is, no RAM lost)" in result.stderr
    subprocess.run(["git", "apply", "-p0"], input=result.stdout, text=True, check=True)
    assert (folder / "win10.cfg").read_text() == before + "mmio_hole = 880\n"
    assert run("check", str(folder)).exit_code == 0


def test_write_keeps_what_stood_there_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    folder = site(tmp_path, "fujitsu-d3401-h2")
    before = (folder / "win10.cfg").read_text()
    assert run("fix", str(folder), "--write").exit_code == 0
    assert [path.read_text() for path in folder.glob("win10.cfg.*.bak")] == [before]
    again = run("fix", str(folder), "--write")
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr.count("not fixed") == 1  # a controller that nothing can reset, in another guest
    assert "PCI503 kiosk" in again.stderr


def test_what_stays_is_said_with_its_reason(tmp_path: Path) -> None:
    folder = site(tmp_path, "dell-poweredge-r820")
    result = run("fix", str(folder), "--write")
    assert result.exit_code == 1
    assert "+mmio_hole = 1036" in result.stdout
    words = " ".join(result.stderr.split())
    assert "RDM103 scada 00:1d.0: not fixed: no size changes that; no other device will do: 00:1a.0" in words
    assert "for you to decide: take 00:1d.0 out of scada, if scada can do without 00:1d.0" in words


def test_one_rule_alone(tmp_path: Path) -> None:
    folder = site(tmp_path, "dell-poweredge-r820")
    result = run("fix", str(folder), "--rule", "MEM212", "--write", "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "+mmio_hole = 1036" in result.stdout
    assert run("fix", str(folder), "--rule", "XYZ1").exit_code == 2


def test_a_guest_from_standard_input_is_shown_and_never_written(tmp_path: Path) -> None:
    folder = site(tmp_path, "dell-poweredge-r820")
    text = (folder / "scada.cfg").read_text()
    result = run("fix", str(folder / "host.toml"), "-", stdin=text)
    assert result.stdout.startswith("--- -\n+++ -\n")
    assert run("fix", str(folder / "host.toml"), "-", "--write", stdin=text).exit_code == 2


def test_a_last_line_without_newline_stays_honest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = site(Path(), "dell-poweredge-r820")
    text = (folder / "scada.cfg").read_text()
    (folder / "scada.cfg").write_text(text.removesuffix("\n"))
    result = run("fix", str(folder))
    assert "\\ No newline at end of file\n" in result.stdout
    subprocess.run(["git", "apply", "-p0"], input=result.stdout, text=True, check=True)
    assert (folder / "scada.cfg").read_text() == text + "mmio_hole = 1036\n"
