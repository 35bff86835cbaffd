"""Xen's command line from a file: the line itself, or a boot loader's configuration that holds it.

Forms: GRUB's menu (`multiboot2 /xen.gz ...`, with GRUB's quoting) and its defaults (`GRUB_CMDLINE_XEN="..."`, joined
with `GRUB_CMDLINE_XEN_DEFAULT` as grub.d/20_linux_xen does), `options=` of Xen's EFI configuration (docs/misc/efi),
`append xen.gz ... ---` of SYSLINUX, and the line of `xl info` or of a log.
"""

from __future__ import annotations

import re
import shlex
from itertools import islice

from planner.formats.facts import Facts
from planner.formats.text import clean

MAX_CHARACTERS = 4096
"""Longer than Xen's own buffer in every release; a longer line is another's."""
_MAX_ENTRIES = 32
_DEFAULTS = re.compile(r"^[ \t]{0,16}(?:export )?GRUB_CMDLINE_XEN(_DEFAULT)?=(.{0,4096})$", re.MULTILINE)
_ENTRY = re.compile(
    r"^[ \t]{0,64}(?:multiboot2?|append)[ \t]{1,16}\S{0,256}xen\S{0,256}(?:[ \t](.{0,4096}))?$",
    re.MULTILINE | re.IGNORECASE,
)
_LABEL = re.compile(r"\s*(?:options=|xen_commandline\s*:|(?:\(XEN\) )?Command line:)\s*")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}=[^\s\"']{0,4096}")
_FLAG = re.compile(
    "no[a-z0-9-]{2,32}|placeholder|dom0_vcpus_pin|sync_console|watchdog|x2apic|hap|smt|ucode|xsm|cpuidle|tboot"
)
_XEN = re.compile(
    r"(?:^|\s)(?:rmrr|ivmd|iommu|pci-phantom|dom0(?:[_-][a-z_]{2,32})?|com[12]|(?:guest_)?loglvl|extra_guest_irqs|ucode|"
    r"smt|sched|xpti|spec-ctrl|hap|ept|xsm|flask|cpufreq)="
)
_LINUX = re.compile(
    r"(?:^|\s)(?:(?:root|BOOT_IMAGE|initrd|init|intel_iommu|amd_iommu|loglevel)=|(?:ro|rw|quiet|splash|rhgb)(?:\s|$))"
)


def recognise(text: str) -> bool:
    """Whether `text` is such a line, or a configuration that boots Xen. Linux's own command line is not."""
    return bool(_command_lines(text))


def parse(text: str) -> Facts:
    """The command line of the first entry, with a note where other entries have others. Never raises."""
    lines = _command_lines(text)
    differ = "Its entries boot Xen with different options; those of the first were used."
    return Facts(
        kind="Xen's command line",
        command_line=lines[0] if lines else None,
        notes=(differ,) if len(lines) > 1 else (),
    )


def _command_lines(text: str) -> list[str]:
    """The different command lines in it, in their order."""
    lines = text.splitlines() if len(text) <= MAX_CHARACTERS * 4 else []
    said = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(said) == 1 and not _DEFAULTS.search(text) and not _ENTRY.search(text):
        line = _options(_LABEL.sub("", said[0], count=1))
        return [line] if line else []
    if defaults := {match[1]: match[2] for match in _DEFAULTS.finditer(text)}:  # the last one counts
        return [" ".join(_unquoted(defaults[suffix]) for suffix in (None, "_DEFAULT") if defaults.get(suffix))]
    entries: list[str | None] = [
        _unquoted(match[1] or "").partition(" --- ")[0] for match in islice(_ENTRY.finditer(text), _MAX_ENTRIES)
    ]
    if not entries:
        entries = [_options(line.strip()[8:]) for line in said if line.strip().startswith("options=")]
    return list(dict.fromkeys(entry for entry in entries if entry))


def _options(line: str) -> str | None:
    """`line`, if it is made of options and one of them is Xen's; None for any other text."""
    if len(line) > MAX_CHARACTERS or not _XEN.search(line) or _LINUX.search(line):
        return None
    words = line.split()
    return clean(" ".join(words)) if all(_OPTION.fullmatch(word) or _FLAG.fullmatch(word) for word in words) else None


def _unquoted(text: str) -> str:
    """The words as a shell or GRUB passes them on, without variables, whose values the file does not show."""
    try:
        words = " ".join(shlex.split(text[:MAX_CHARACTERS], comments=True)).split()
    except ValueError:
        words = text[:MAX_CHARACTERS].split()
    return clean(" ".join(word for word in words if not word.startswith("$")))
