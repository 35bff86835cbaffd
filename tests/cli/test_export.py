"""export on the command line: notes, refusals, new guests, runbooks, libvirt."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cli.test_commands import run

from planner.formats.xlcfg.guest import read
from planner.storage import samples_folder

DESKTOP = str(samples_folder() / "fujitsu-d3401-h2")
HOST = f"{DESKTOP}/host.toml"


def test_what_is_written_beyond_the_plan_is_told(tmp_path: Path) -> None:
    done = run("export", DESKTOP, "-o", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2] == f"{tmp_path}/win10.cfg"
    assert lines[3].startswith("  adds mmio_hole = 880: libxl lowers low RAM to 0xc9000000")
    assert read((tmp_path / "win10.cfg").read_text()).mmio_hole == 880
    again = run("export", f"{tmp_path}/../host.toml", "-o", str(tmp_path))
    assert again.exit_code == 2
    before = (tmp_path / "win10.cfg").read_bytes()
    assert run("export", HOST, str(tmp_path / "win10.cfg"), "-o", str(tmp_path)).stdout == f"{tmp_path}/win10.cfg\n"
    assert (tmp_path / "win10.cfg").read_bytes() == before
    assert not list(tmp_path.glob("*.bak"))


def test_a_new_guest_from_a_template(tmp_path: Path) -> None:
    arguments = ("--new", "gate", "--template", "windows-ovmf", "--memory", "2048", "--device", "00:1f.6")
    done = run("export", HOST, *arguments, "-o", str(tmp_path))
    assert (done.exit_code, done.stderr) == (0, "")
    gate = read((tmp_path / "gate.cfg").read_text())
    assert (gate.name, gate.firmware, gate.memory, [item.label for item in gate.pci]) == (
        "gate",
        "ovmf",
        2048,
        ["0000:00:1f.6"],
    )
    assert run("export", HOST, *arguments, "-o", str(tmp_path)).exit_code == 0  # again, and nothing changes
    assert [path.name for path in tmp_path.iterdir()] == ["gate.cfg"]


def test_a_new_guest_replaces_no_file(tmp_path: Path) -> None:
    (tmp_path / "gate.cfg").write_text("name = 'gate' # by hand\n")
    done = run("export", HOST, "--new", "gate", "-o", str(tmp_path))
    assert done.exit_code == 2
    assert "gate.cfg: is there already, and a new guest replaces no file" in done.stderr
    assert [path.read_text() for path in tmp_path.iterdir()] == ["name = 'gate' # by hand\n"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((HOST, "--new", "a", "--device", "00:99.0"), "unable to parse PCI_SPEC_STRING `00:99.0'"),
        ((HOST, "--new", "a", "--device", "00:1f.5"), "device 0000:00:1f.5 is not in"),
        ((DESKTOP, "--new", "win10"), "the plan has a guest 'win10' already"),
        ((DESKTOP, "--memory", "64"), "for a --new guest"),
        ((DESKTOP, DESKTOP, "--runbook"), "for one host"),
    ],
)
def test_faults_are_named(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run("export", *arguments, "-o", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_runbook_stands_beside_the_configs(tmp_path: Path) -> None:
    done = run("export", DESKTOP, "--runbook", "-o", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert {"runbook.md", "runbook.sh"} <= {path.name for path in tmp_path.iterdir()}
    subprocess.run(["sh", "-n", str(tmp_path / "runbook.sh")], check=True)
    assert "xl pci-assignable-add 0000:00:14.0" in (tmp_path / "runbook.md").read_text()


def test_libvirt_is_refused_where_its_maps_would_differ(tmp_path: Path) -> None:
    done = run("export", DESKTOP, "--format", "libvirt", "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "kiosk: mmio_hole = 1118 cannot be said" in done.stderr
    assert not list(tmp_path.iterdir())
    server = str(samples_folder() / "dell-poweredge-r820")
    files = [f"{server}/{name}.cfg" for name in ("edge", "storage")]
    done = run("export", f"{server}/host.toml", *files, "--format", "libvirt", "-o", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edge.hostdev.xml", "storage.hostdev.xml"]


def test_help_names_the_templates_that_there_are() -> None:
    from planner.cli.export import TEMPLATES
    from planner.export import templates

    assert list(templates.TEMPLATES) == list(TEMPLATES)


def test_an_acknowledged_error_forbids_all_the_same_and_that_is_said(tmp_path: Path) -> None:
    text = (samples_folder() / "hp-proliant-dl380e-gen8" / "pfsense.cfg").read_text()
    (tmp_path / "pfsense.cfg").write_text(f"# rdm-planner: ignore-file[RDM107] a lab\n{text}")
    host = str(samples_folder() / "hp-proliant-dl380e-gen8" / "host.toml")
    refused = run("export", host, str(tmp_path / "pfsense.cfg"), "-o", str(tmp_path / "out"))
    assert refused.exit_code == 1
    assert "✓ acknowledged RDM107" in refused.stderr
    assert "an acknowledgement counts for check alone" in refused.stderr
