"""rdm-planner map."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import options


@click.command("map", short_help="The memory map Xen would build for each guest.")
@options.inputs
@options.plan_options
@options.output_options
def command(
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str,
    format_: str,
    output: Path | None,
    color: str,
    quiet: bool,
) -> None:
    """Print each guest's address space from 0 up, with what libxl and Xen would log.

    Exits 0 whether or not a guest would start: `check` judges.
    """
    from planner.cli import load
    from planner.policy.evaluate import evaluate
    from planner.report import json, text

    reports = [(name, evaluate(plan)) for name, plan in load.plans(inputs, xen=xen, profile=profile)]
    if format_ == "json":
        options.emit(lambda width, style: json.map(reports), output, color, quiet)
    else:
        options.emit(lambda width, style: text.map(reports, width=width, style=style), output, color, quiet)
