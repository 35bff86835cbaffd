"""rdm-planner explain."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import exits, options

if TYPE_CHECKING:
    from planner.policy.findings import Rule
    from planner.policy.log_lines import Recognised

_RULE_ID = re.compile(r"[A-Za-z]{3}[0-9]{3}")


@click.command("explain", short_help="What a rule or a pasted log line means.")
@click.argument("words", nargs=-1, required=True, metavar='RULE | "LOG LINE" | -')
@options.output_options()
def command(words: tuple[str, ...], format_: str, output: Path | None, color: str, quiet: bool) -> None:
    """Explain a rule (RDM103), or a line that Xen, xl, libxl, hvmloader, QEMU or Linux logged.

    - reads a log from standard input and explains every line of it that is known. Exits 1 where none is.
    """
    from planner import storage
    from planner.report import rules

    if all(_RULE_ID.fullmatch(word) for word in words):
        explained: list[Rule | Recognised] = [_rule(word.upper()) for word in words]
    elif words == ("-",):
        explained = [*_from_log(storage.read_bytes(Path("-")).decode(errors="replace"))]
    else:
        explained = [*_pasted(" ".join(words))]
    if format_ == "json":
        options.emit(lambda width, style: rules.explain_json(explained), output, color, quiet)
        return
    from planner.policy.findings import Rule

    options.emit(
        lambda width, style: "\n".join(
            rules.explain_rule(item, width=width, style=style)
            if isinstance(item, Rule)
            else rules.explain_line(item, width=width, style=style)
            for item in explained
        ),
        output,
        color,
        quiet,
    )


def _rule(wanted: str) -> Rule:
    from planner.policy.rules import RULES

    if wanted not in RULES:
        near = get_close_matches(wanted, list(RULES), 1)
        hint = f", did you mean {near[0]}" if near else ""
        raise click.UsageError(f"there is no rule {wanted}{hint}; `rdm-planner rules` lists them all")
    return RULES[wanted]


def _line(text: str) -> Recognised:
    from planner.policy import log_lines

    found = log_lines.recognise(text)
    if found is None:
        near = log_lines.nearest(text)
        hint = f"; the nearest that is known:\n  {near.actor}: {near.example}" if near is not None else ""
        click.echo(f"rdm-planner: no line that we know{hint}", err=True)
        raise click.exceptions.Exit(exits.FINDINGS)
    return found


def _pasted(text: str) -> list[Recognised]:
    """Every known line of a pasted text; where none is known, the text as one line that a terminal broke."""
    from planner.policy import log_lines

    if not any(log_lines.recognise(line) for line in text.splitlines()):
        return [_line(text)]
    return _from_log(text)


def _from_log(text: str) -> list[Recognised]:
    """Every known line of a log, each kind with the same values once."""
    from planner.policy import log_lines

    lines = [line for line in text.splitlines() if line.strip()]
    found = [recognised for line in lines if (recognised := log_lines.recognise(line)) is not None]
    if not found:
        if len(lines) == 1:
            return [_line(lines[0])]
        click.echo(f"rdm-planner: none of {len(lines)} lines is one that we know", err=True)
        raise click.exceptions.Exit(exits.FINDINGS)
    return list(dict.fromkeys(found))
