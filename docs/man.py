"""The manual page, from the commands' own help: `python docs/make.py` writes docs/rdm-planner.1."""

from __future__ import annotations

import textwrap

import click

from planner.cli import COMMANDS, _group

_EXIT = (
    ("0", "Nothing at or above the threshold (--fail-on)."),
    ("1", "Findings."),
    ("2", "Bad usage, or input that cannot be read."),
    ("3", "A bug in rdm-planner."),
)
_FILES = (
    ("host.toml", "The inventory of a host, made by collect. A folder with one and *.cfg guests is a site."),
    ("rdm-planner.toml", "A project's settings, looked for upwards from each config."),
    ("NAME.bak", "What stood in a file that was replaced."),
)
_ENVIRONMENT = (
    ("NO_COLOR", "When set, no colours unless --color always."),
    ("RDM_PLANNER_TRACEBACK", "When set, a bug shows where it is."),
)


def page() -> str:
    """The page in man(7) macros."""
    context = click.Context(_group, info_name="rdm-planner")
    lines = [
        '.TH RDM-PLANNER 1 "" rdm-planner "User Commands"',
        ".SH NAME",
        "rdm-planner \\- see the memory map Xen will build for guests with PCI devices",
        ".SH SYNOPSIS",
        ".B rdm-planner",
        _roff("[HOST [GUEST.cfg]... | SITE | PLAN]"),
        ".br",
        ".B rdm-planner",
        _roff("COMMAND [OPTIONS] [ARGUMENTS]"),
        ".SH DESCRIPTION",
        *_paragraphs(_group.help or ""),
        ".SH COMMANDS",
    ]
    for name in COMMANDS:
        command = _group.get_command(context, name)
        assert command is not None  # noqa: S101 - COMMANDS names them
        lines += _command(command, click.Context(command, info_name=name, parent=context))
    lines += _table("EXIT STATUS", _EXIT) + _table("FILES", _FILES) + _table("ENVIRONMENT", _ENVIRONMENT)
    lines += [".SH SEE ALSO", ".BR xl.cfg (5),", ".BR xl (1),", ".BR xl-pci-configuration (5)"]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_roff(f'{context.info_name} {usage}')}", *_paragraphs(command.help or "")]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            lines += [".TP", f".B {_roff(record[0])}", _roff(" ".join(record[1].split()))]
    return lines


def _table(title: str, rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [f".SH {title}", *(line for name, text in rows for line in (".TP", f".B {name}", _roff(text)))]


def _paragraphs(text: str) -> list[str]:
    """Help as click has it: paragraphs, and blocks marked with a backspace whose lines stay as they are."""
    lines: list[str] = []
    for block in textwrap.dedent(text).strip().split("\n\n"):
        kept = block.startswith("\b")
        body = block.lstrip("\b\n")
        shown = [".nf", *map(_roff, body.split("\n")), ".fi"] if kept else [_roff(" ".join(body.split()))]
        lines += [".PP", *shown]
    return lines


def _roff(text: str) -> str:
    """`text` as roff takes it literally."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
