"""Xen's command line as people have it: bare, in GRUB's files, in Xen's EFI configuration."""

from __future__ import annotations

import pytest

from planner.collect.merge import merge
from planner.collect.recognise import recognise
from planner.formats import xen_command_line
from planner.formats.archive import Archive
from planner.xen import boot_options

RMRR = "rmrr=0x8d5a8=0:0:1d.0;0x8d5b0-0x8d5b1=0:0:1a.0"
QUOTED = f"'{RMRR}'"
DEFAULTS = f'GRUB_CMDLINE_XEN_DEFAULT="{RMRR}"\nGRUB_CMDLINE_XEN=dom0_mem=4G\n'
MENU = """
menuentry 'Debian GNU/Linux, with Xen hypervisor' --class debian {
	insmod part_gpt
	multiboot2	/boot/xen-4.17-amd64.gz placeholder dom0_mem=4G %s ${xen_rm_opts}
	module2	/boot/vmlinuz-6.1.0-18-amd64 placeholder root=UUID=1 ro  quiet
}
menuentry 'Debian GNU/Linux' {
	linux	/boot/vmlinuz-6.1.0-18-amd64 root=UUID=1 ro quiet
}
"""
FORMS = {
    "bare": (f"dom0_mem=4G {RMRR}\n", f"dom0_mem=4G {RMRR}"),
    "one option": ("iommu=verbose,debug", "iommu=verbose,debug"),
    "with comments": (f"# ours\n\n{RMRR}\r\n", RMRR),
    "xl info's line": (f"xen_commandline        : placeholder {RMRR}\n", f"placeholder {RMRR}"),
    "GRUB's menu": (MENU % f'"{RMRR}"', f"placeholder dom0_mem=4G {RMRR}"),
    "GRUB's escapes": (MENU % RMRR.replace(";", "\\;"), f"placeholder dom0_mem=4G {RMRR}"),
    "GRUB's menu with an empty line": (MENU.replace(" placeholder dom0_mem=4G", "") % QUOTED, RMRR),
    "GRUB's defaults": (
        "\n".join(["GRUB_DEFAULT=0", 'GRUB_CMDLINE_LINUX="quiet"', '#GRUB_CMDLINE_XEN="no"', DEFAULTS]),
        f"dom0_mem=4G {RMRR}",
    ),
    "EFI": (
        f"[global]\ndefault=xen\n\n[xen]\noptions=console=vga {RMRR}\nkernel=vmlinuz root=/dev/sda1 ro\n",
        f"console=vga {RMRR}",
    ),
    "EFI's line": (f"options={RMRR}", RMRR),
    "SYSLINUX": (f"label xen\n  kernel mboot.c32\n  append /xen.gz {RMRR} --- /vmlinuz ro --- /initrd\n", RMRR),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_each_form_is_read(text: str, expected: str) -> None:
    archive = Archive(files={"lspci.txt": b"00:1d.0 USB controller: Intel\n", "boot.txt": text.encode()})
    collection = merge(recognise(archive), archive, "host")
    assert collection.host.xen_command_line == expected
    assert len(boot_options.rmrr(expected).regions) == (2 if RMRR in expected else 0)


@pytest.mark.parametrize(
    "text",
    [
        "BOOT_IMAGE=/vmlinuz-6.1 root=/dev/sda1 ro quiet iommu=pt console=ttyS0\n",
        "iommu=pt intel_iommu=on\n",
        "What iommu=1 does is a question\n",
        "quiet\n",
        "menuentry 'Debian' {\n\tlinux /boot/vmlinuz root=/dev/sda1 ro\n}\n",
        "options=-o foo\nrw=1\n",
        'GRUB_CMDLINE_LINUX="quiet iommu=pt"\n',
        "\0" * 9,
    ],
)
def test_what_is_not_xens_is_left_alone(text: str) -> None:
    assert not xen_command_line.recognise(text)
    assert xen_command_line.parse(text).command_line is None


def test_entries_that_differ_are_told_of() -> None:
    facts = xen_command_line.parse(MENU % QUOTED + MENU % "iommu=no-intremap")
    assert facts.command_line == f"placeholder dom0_mem=4G {RMRR}"
    assert "different options" in facts.notes[0]
    assert not xen_command_line.parse(MENU % QUOTED + MENU % QUOTED).notes


def test_what_runs_counts_before_what_is_configured() -> None:
    archive = Archive(
        files={"boot.cfg": b"dom0_mem=2G\n", "xen.log": b"(XEN) Xen version 4.17.3\n(XEN) Command line: dom0_mem=4G\n"}
    )
    collection = merge(recognise(archive), archive, "host")
    assert collection.host.xen_command_line == "dom0_mem=4G"
    assert any("Xen's command line" in note and "dom0_mem=2G" in note for note in collection.differs)
