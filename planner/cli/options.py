"""Options that several commands share."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

ANOTHER_HOST = "planner.another_host"
"""Where `--another-host` stands in the context: only loading asks for it."""

inputs = click.argument(
    "inputs", nargs=-1, required=True, type=click.Path(), metavar="HOST GUEST... | SITE... | PLAN..."
)


colour = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="auto: on a terminal without NO_COLOR",
)


def plan_options(command: Command) -> Command:
    """--xen, --profile and --rdm, None where not given, and --another-host."""
    command = click.option(
        "--another-host",
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, _, value: ctx.meta.update({ANOTHER_HOST: value}),
        help="use a saved plan though it was made for another inventory",
    )(command)
    command = click.option(
        "--rdm",
        type=click.Choice(["shipped", "documented"]),
        help="read rdm= as the release does (default; since 4.15 it drops every valid policy=) or as the manual says",
    )(command)
    command = click.option(
        "--profile",
        type=click.Choice(["default", "xen"]),
        help="whose word counts: the design's (every shared RMRR blocks), the default, or exactly Xen's",
    )(command)
    return click.option("--xen", metavar="RELEASE", help="Xen release to replay; default: the inventory's")(command)


def another_host() -> bool:
    """Whether the running command was given --another-host."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(ANOTHER_HOST, False))


def output_options(formats: tuple[str, ...] = ("text", "json")) -> Callable[[Command], Command]:
    """--format, -o, --color and -q."""

    def add(command: Command) -> Command:
        choice = click.Choice(formats)
        command = click.option("--format", "format_", type=choice, default="text", show_default=True)(command)
        path = click.Path(path_type=Path)
        command = click.option("-o", "--output", type=path, help="write there instead of to stdout")(command)
        command = colour(command)
        return click.option("-q", "--quiet", is_flag=True, help="print nothing; the exit code says it")(command)

    return add


_COLOURS: dict[str, dict[str, Any]] = {
    "error": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow"},
    "notice": {"fg": "cyan"},
    "acknowledged": {"fg": "green"},
    "dim": {"dim": True},
    "bold": {"bold": True},
    "low_ram": {"fg": "blue"},
    "high_ram": {"fg": "blue"},
    "reserved": {"fg": "magenta"},
    "bar": {"fg": "green"},
    "conflict": {"fg": "red", "bold": True},
    "firmware": {"dim": True},
    "legacy": {"dim": True},
}


def emit(text: Callable[[int, Callable[[str, str], str]], str], output: Path | None, color: str, quiet: bool) -> None:
    """Write a result: `text` is called with the width and the colouring that suit where it goes."""
    from planner import storage
    from planner.report.words import plain

    if output is not None:
        storage.write_result(output, text(80, plain))
        return
    if quiet:
        return
    coloured = wants_colour(color)
    click.echo(text(columns(), paint if coloured else plain), nl=False, color=coloured)


def wants_colour(color: str) -> bool:
    """Whether stdout gets colours: as --color says, else on a terminal that knows them, unless NO_COLOR is set."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return color == "always" or (color == "auto" and wanted and sys.stdout.isatty())


def columns() -> int:
    """How wide to write: the terminal's width within reason, 80 elsewhere."""
    return max(40, min(shutil.get_terminal_size().columns, 120)) if sys.stdout.isatty() else 80


def paint(text: str, role: str) -> str:
    """`text` in the colour of its role."""
    return click.style(text, **_COLOURS[role]) if role in _COLOURS else text
