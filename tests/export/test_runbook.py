"""The runbook, run against a pretended dom0: it does nothing until told, and stops at the first surprise."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from planning import NIC, OTHER, guest, host, report, rmrr

from planner.export import runbook, runbook_text
from planner.model.address import Sbdf
from planner.model.host import DeviceScope, Host, PciDevice, ReservedRegion, ScopeKind
from planner.policy.evaluate import Report

XL = """\
#!/bin/sh
echo "xl $*" >>"$LAB/log"
case "$*" in
pci-assignable-list) cat "$LAB/assignable" ;;
"info xen_commandline") cat "$LAB/commandline" ;;
"pci-assignable-add "*) [ ! -e "$LAB/broken" ] && echo "$2" >>"$LAB/assignable" ;;
"pci-assignable-remove -r "*) grep -vF "$3" "$LAB/assignable" >"$LAB/left"; mv "$LAB/left" "$LAB/assignable" ;;
*) exit 1 ;;
esac
"""
MODPROBE = '#!/bin/sh\necho "modprobe $*" >>"$LAB/log"\nmkdir -p "$SYSFS/bus/pci/drivers/pciback"\n'
UPDATE_GRUB = (
    '#!/bin/sh\necho "update-grub" >>"$LAB/log"\ncat "$GRUB_FILE" >"$GRUB_CONFIG" 2>/dev/null || : >"$GRUB_CONFIG"\n'
)


def _device(text: str, **facts: Any) -> PciDevice:
    return PciDevice(address=Sbdf.parse(text), id="8086:1521", driver="igb", **facts)


def _machine(**changes: Any) -> Host:
    machine = host(rmrr(0xF3000000, 0xF3000FFF, NIC))
    devices = (_device(NIC, name="I350 $(reboot) `x` 'y' \x1b[31m"), _device(OTHER))
    return machine.changed(**{"devices": devices} | changes)


def _plan(machine: Host, *pci: str, **changes: Any) -> Report:
    return report(machine, guest(*pci, memory=1024), **changes)


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is missing")
    return found


class Lab:
    """A folder that stands for a dom0, with the commands the script calls."""

    def __init__(self, folder: Path, *devices: str) -> None:
        self.folder = folder
        for name, text in (("xl", XL), ("modprobe", MODPROBE), ("update-grub", UPDATE_GRUB)):
            (folder / "bin").mkdir(exist_ok=True)
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        for device in devices:
            at = folder / "sys/bus/pci/devices" / device
            at.mkdir(parents=True)
            (at / "vendor").write_text("0x8086\n")
            (at / "device").write_text("0x1521\n")
            (at / "driver").symlink_to("../../drivers/igb")
        (folder / "assignable").write_text("")

    def run(self, script: str, *words: str, shell: str = "dash") -> subprocess.CompletedProcess[str]:
        (self.folder / "runbook.sh").write_text(script)
        (self.folder / "log").write_text("")
        places = {"SYSFS": "sys", "GRUB_FILE": "grub.d", "GRUB_CONFIG": "grub.cfg"}
        environment = {name: str(self.folder / place) for name, place in places.items()}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [
                *([_tool("busybox"), "sh"] if shell == "busybox" else [_tool(shell)]),
                str(self.folder / "runbook.sh"),
                *words,
            ],
            capture_output=True,
            text=True,
            check=False,
            env=environment | {"PATH": path, "LAB": str(self.folder)},
        )

    @property
    def log(self) -> list[str]:
        """The commands that would change something."""
        return [
            line
            for line in (self.folder / "log").read_text().splitlines()
            if line.partition(" ")[2].split()[:1] not in (["pci-assignable-list"], ["info"])
        ]

    @property
    def state(self) -> dict[str, str]:
        """Every file's content but the log's and the script's."""
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {str(path): path.read_text() for path in files if path.name not in ("log", "runbook.sh")}


@pytest.mark.parametrize("shell", ["dash", "busybox", "bash"])
def test_it_does_nothing_until_told_then_all_and_takes_it_back(tmp_path: Path, shell: str) -> None:
    lab = Lab(tmp_path, NIC, OTHER)
    script = runbook_text.script(runbook.make(_plan(_machine(), NIC, OTHER)))
    before = lab.state
    dry = lab.run(script, shell=shell)
    assert (dry.returncode, dry.stderr, lab.state, lab.log) == (0, "", before, [])
    assert f"would do: {NIC} can be assigned now" in dry.stdout
    done = lab.run(script, "--apply", shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert lab.log == ["update-grub", "modprobe xen-pciback"] + [f"xl pci-assignable-add {at}" for at in (NIC, OTHER)]
    assert (tmp_path / "grub.d").read_text() == (
        f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX xen-pciback.hide=({NIC})({OTHER})"\n'
    )
    again = lab.run(script, "--apply", shell=shell)
    assert (again.returncode, lab.log) == (0, [])
    assert again.stdout.count("already so") == 6
    assert lab.run(script, "--undo", shell=shell).returncode == 0
    assert lab.log == []
    undone = lab.run(script, "--undo", "--apply", shell=shell)
    assert (undone.returncode, undone.stderr) == (0, "")
    assert lab.log == [f"xl pci-assignable-remove -r {at}" for at in (OTHER, NIC)] + ["update-grub"]
    assert not (tmp_path / "grub.d").exists()
    assert (tmp_path / "assignable").read_text() == ""


@pytest.mark.parametrize(
    ("surprise", "said"),
    [
        (lambda folder: (folder / f"sys/bus/pci/devices/{OTHER}/device").write_text("0x9999\n"), "STOPPED at step 2"),
        (lambda folder: (folder / f"sys/bus/pci/devices/{NIC}/driver").unlink(), None),
        (lambda folder: shutil.rmtree(folder / f"sys/bus/pci/devices/{NIC}"), "STOPPED at step 1: not so"),
        (lambda folder: (folder / "broken").write_text(""), "STOPPED at step 5: a command failed"),
        (lambda folder: (folder / "bin/update-grub").write_text("#!/bin/sh\n"), "STOPPED at step 3: it was done, but"),
    ],
)
def test_it_stops_at_the_first_surprise(tmp_path: Path, surprise: Any, said: str | None) -> None:
    lab = Lab(tmp_path, NIC, OTHER)
    surprise(tmp_path)
    done = lab.run(runbook_text.script(runbook.make(_plan(_machine(), NIC, OTHER))), "--apply")
    assert done.returncode == (0 if said is None else 1)
    assert said is None or said in done.stderr
    if said is not None:
        assert f"xl pci-assignable-add {OTHER}" not in lab.log


def test_another_driver_than_the_inventory_names_is_a_surprise(tmp_path: Path) -> None:
    lab = Lab(tmp_path, NIC)
    driver = tmp_path / f"sys/bus/pci/devices/{NIC}/driver"
    driver.unlink()
    driver.symlink_to("../../drivers/vfio-pci")
    done = lab.run(runbook_text.script(runbook.make(_plan(_machine(), NIC))), "--apply")
    assert (done.returncode, lab.log) == (1, [])


def test_unknown_words_change_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path, NIC)
    done = lab.run(runbook_text.script(runbook.make(_plan(_machine(), NIC))), "--aply")
    assert (done.returncode, lab.log) == (2, [])


def test_dom0s_own_devices_stay_out_unless_there_is_a_reason() -> None:
    machine = _machine(devices=(_device(NIC, in_use="root disk"), _device(OTHER)))
    book = runbook.make(_plan(machine, NIC, OTHER))
    assert book.left_out == ((Sbdf.parse(NIC), "dom0's root disk: the plan gives no reason to take it away"),)
    assert all(NIC not in "".join((step.title, step.check, *step.do, *step.undo)) for step in book.steps)
    assert f"NOT in it: {NIC}, dom0's root disk" in runbook_text.markdown(book)
    assert f"# NOT in it: {NIC}" in runbook_text.script(book)
    assert "PCI502" in {finding.rule.id for finding in _plan(machine, NIC).blocking}
    given = runbook.make(reasoned := _plan(machine, NIC, OTHER, reasons={NIC: "the host boots from the network"}))
    assert "PCI502" not in {finding.rule.id for finding in reasoned.blocking}
    assert given.left_out == ()
    assert given.taken == ((Sbdf.parse(NIC), "root disk, given away because: the host boots from the network"),)
    assert any(f"({NIC})" in step.check for step in given.steps)
    assert not any(f"pci-assignable-add {NIC}" in step.do for step in given.steps)  # not while dom0 runs from it
    assert given.reboot is not None


def test_regions_of_the_command_line_must_still_be_there(tmp_path: Path) -> None:
    line = f"dom0_mem=4G rmrr=f3000-f3001={NIC} rmrr=d0000={OTHER}"
    machine = _machine(regions=(), xen_command_line=line)
    lab = Lab(tmp_path, NIC)
    script = runbook_text.script(runbook.make(_plan(machine, NIC)))
    done = lab.run(script, "--apply")
    assert done.stderr == f"STOPPED at step 2: not so: Xen runs with rmrr=f3000-f3001={NIC}\n"
    (tmp_path / "commandline").write_text(line)
    assert lab.run(script, "--apply").returncode == 0
    assert OTHER not in script


def test_a_region_that_xen_does_not_take_up_goes_to_its_command_line() -> None:
    """Xen drops an RMRR whose only scope entry is of a kind it does not count; as an option it takes it."""
    scope = DeviceScope(kind=ScopeKind.NAMESPACE, device=Sbdf.parse(NIC))
    region = ReservedRegion(start=0xF3000000, end=0xF3001FFF, scopes=(scope,))
    book = runbook.make(_plan(_machine(regions=(region,)), NIC))
    boot = next(step for step in book.steps if "xen-pciback.hide" in step.why)
    assert f'GRUB_CMDLINE_XEN="$GRUB_CMDLINE_XEN rmrr=f3000-f3001={NIC}"' in boot.do[0]
    assert book.reboot == f"Xen reads rmrr=f3000-f3001={NIC} only when it starts"
    taken = _machine(regions=(rmrr(0xF3000000, 0xF3001FFF, NIC),))
    assert runbook.make(_plan(taken, NIC)).reboot is None


def test_many_interrupts_need_a_boot_option_and_a_restart() -> None:
    book = runbook.make(_plan(_machine(devices=(_device(NIC, msix=64), _device(OTHER, msix=10))), NIC, OTHER))
    assert book.reboot == "Xen reads extra_guest_irqs=74 only when it starts"
    assert "extra_guest_irqs=74" in runbook_text.markdown(book)
    assert runbook.make(_plan(_machine(devices=(_device(NIC, msix=32),)), NIC)).reboot is None
    said = _machine(devices=(_device(NIC, msix=64),), xen_command_line="extra_guest_irqs=128")
    assert runbook.make(_plan(said, NIC)).reboot is None


def test_markdown_names_every_step_with_check_and_undo() -> None:
    text = runbook_text.markdown(runbook.make(_plan(_machine(name="lab #1 <b>"), NIC)))
    assert text.startswith(
        "# Runbook for lab \\#1 \\<b\\>\n\nFor Xen 4.17, in this order, as root in dom0. No restart is needed.\n"
    )
    assert text.count("\nCheck:\n") == 3
    assert text.count("\nUndo:") == 3
    assert "\x1b" not in text
    assert "\\`x\\`" in text


def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    """Of a script with every kind of step."""
    bound = PciDevice(address=Sbdf.parse(OTHER), id="8086:1521", driver="pciback", msix=64)
    machine = _machine(devices=(*_machine().devices[:1], bound), xen_command_line=f"rmrr=fed00={OTHER}")
    (tmp_path / "runbook.sh").write_text(runbook_text.script(runbook.make(_plan(machine, NIC, OTHER))))
    done = subprocess.run([_tool("shellcheck"), tmp_path / "runbook.sh"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_assigned_needs_nothing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    book = runbook.make(_plan(_machine()))
    done = lab.run(runbook_text.script(book), "--apply")
    assert (book.steps, done.returncode, done.stdout) == ((), 0, "No restart is needed\n")
