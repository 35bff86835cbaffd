"""The machine itself, and the script that packs it: both read the same files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from config_spaces import MSI, PM, config, express

from planner.cli.collect import command
from planner.collect import SCRIPT, collect, collect_live, live
from planner.collect.merge import merge
from planner.collect.recognise import recognise
from planner.formats import host_toml
from planner.formats.archive import Archive
from planner.formats.sysfs import FILES, LINKS
from planner.model.errors import InputError

has_pci = pytest.mark.skipif(not Path("/sys/bus/pci/devices").is_dir(), reason="this machine shows no PCI")
has_shell = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"]]


@has_pci
@has_shell
def test_the_script_packs_what_a_live_run_reads(tmp_path: Path) -> None:
    functions = list(Path("/sys/bus/pci/devices").iterdir())
    if not functions:
        pytest.skip("this machine has no PCI functions")
    packed = tmp_path / "host.tar"
    subprocess.run(["sh", SCRIPT, packed], check=True, capture_output=True, timeout=60)
    from_tar, from_live = collect(packed).host, collect_live().host
    assert len(from_tar.devices) == len(functions)
    assert from_tar.changed(name="") == from_live
    assert host_toml.parse(host_toml.render(from_tar)) == from_tar


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_every_shell_takes_the_script(shell: list[str], tmp_path: Path) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"there is no {shell[0]}")
    subprocess.run([*shell, "-n", SCRIPT], check=True)
    if Path("/sys/bus/pci/devices").is_dir():
        subprocess.run([*shell, SCRIPT, tmp_path / "out.tar"], check=True, capture_output=True, timeout=60)
        assert (tmp_path / "out.tar").stat().st_size
        assert not list(tmp_path.glob("rdm-gather*"))


def test_the_script_reads_the_files_that_are_used() -> None:
    text = SCRIPT.read_text()
    words = set(text.replace("\\\n", " ").replace(";", " ").split())
    assert set(FILES) | set(LINKS) <= words
    assert all(f"run {label} {' '.join(words)}\n" in text for label, words in live.COMMANDS.items())
    assert all(f"/{path}" in text for path in live.SINGLE if "hostname" not in path)


@has_shell
def test_the_script_takes_serial_numbers_out(tmp_path: Path) -> None:
    """The functions of the script, on a made-up configuration space and text."""
    serial = (3, bytes(range(0x11, 0x19)))
    raw = config(capabilities=(PM, MSI, express(0)), extended=((1, bytes(44)), serial, (0x0D, b"\x1f\0\x1d\0")))
    (tmp_path / "config").write_bytes(raw)
    definitions = SCRIPT.read_text().split('mkdir "$work/files"\n')[0]
    text = "link/ether 00:1b:21:aa:bb:cc\nDevice Serial Number 00-1b-21-ff-ff-aa-bb-cc\n\t[SN] Serial number: XK47\n"
    script = f'{definitions}\nunserial "{tmp_path}/config"\nprintf "%s" "$TEXT" | clean\n'
    done = subprocess.run(
        ["sh", "-c", script], check=True, capture_output=True, text=True, env={**os.environ, "TEXT": text}
    )
    blank = (tmp_path / "config").read_bytes()
    assert len(blank) == len(raw)
    assert blank == raw.replace(bytes(range(0x11, 0x19)), bytes(8))
    assert done.stdout == (
        "link/ether xx:xx:xx:xx:xx:xx\nDevice Serial Number (redacted)\n\t[SN] Serial number: (redacted)\n"
    )


def test_scripts_are_printed_with_and_without_redaction(tmp_path: Path) -> None:
    runner = CliRunner()
    plain = runner.invoke(command, ["--script"])
    assert plain.stdout == SCRIPT.read_text()
    open_ = runner.invoke(command, ["--script", "--no-redact"])
    assert open_.stdout == plain.stdout.replace("redact=yes", "redact=no")
    assert open_.stdout != plain.stdout
    assert runner.invoke(command, ["--script", str(tmp_path)]).exit_code == 2


def made_up_machine(root: Path) -> Path:
    """What a user without root sees of a small machine: 64 bytes of each configuration space and no tables."""
    place = root / "sys/devices/pci0000:00/0000:00:1f.2"
    place.mkdir(parents=True)
    (place / "config").write_bytes(config(capabilities=(PM,))[:64])
    for name, text in (("vendor", "0x8086"), ("device", "0x1d02"), ("class", "0x010601"), ("irq", "19")):
        (place / name).write_text(f"{text}\n")
    devices = root / "sys/bus/pci/devices"
    devices.mkdir(parents=True)
    (devices / "0000:00:1f.2").symlink_to(place)
    (root / "sys/firmware/acpi/tables").mkdir(parents=True)
    (root / "sys/firmware/acpi/tables/FACP").write_bytes(b"")
    return root


def test_what_a_user_without_root_can_learn(tmp_path: Path) -> None:
    archive = live.archive(made_up_machine(tmp_path))
    found = merge(recognise(archive), archive, "")
    (device,) = found.host.devices
    assert (device.id, device.class_code, device.irq, device.port) == ("8086:1d02", "010601", 19, None)
    assert any("capabilities of 1 function were not read" in note for note in found.missing)
    assert any("firmware shows no DMAR, RMAD or IVRS" in note for note in found.found)


def test_a_table_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = made_up_machine(tmp_path)
    (root / "sys/firmware/acpi/tables/RMAD").write_bytes(b"")

    def refused(path: Path, limit: int = 0) -> bytes:
        if path.name == "RMAD":
            raise InputError("cannot be read: Permission denied", source=str(path))
        return path.read_bytes()

    monkeypatch.setattr(live, "read_bytes", refused)
    assert live.archive(root).notes == [
        "/sys/firmware/acpi/tables/RMAD cannot be read: Permission denied: run this as root."
    ]


def test_a_machine_without_pci(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no PCI functions"):
        live.archive(tmp_path)


def test_commands_that_fail_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lspci").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "dmesg").write_text("#!/bin/sh\nexec sleep 9\n")
    for name in ("lspci", "dmesg"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(live, "TIMEOUT", 0.2)
    found = Archive()
    for words in (("lspci", "-D"), ("dmesg",), ("nowhere-to-be-found",), ("xl", "info")):
        live.run(found, "out.txt", words)
    assert found.notes == [
        "`lspci -D` failed: run this as root.",
        "`dmesg` did not answer.",
        "There is no nowhere-to-be-found here.",
    ]
