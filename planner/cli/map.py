"""rdm-planner map."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import options

STAGES = ("asked", "reserved", "e820", "firmware", "attach")
VIEWS = ("libxl", "hvmloader", "qemu", "all")


@click.command("map", short_help="The memory map Xen would build for each guest.")
@options.inputs
@options.plan_options
@options.output_options(formats=("text", "json", "svg"))
@click.option("--explain", is_flag=True, help="tell every step: what was decided, from what, by which rule of Xen")
@click.option("--stage", type=click.Choice(STAGES), help="the map after that stage, and its steps")
@click.option("--view", type=click.Choice(VIEWS), help="what that actor believes; all: the three side by side")
def command(
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str,
    rdm: str,
    format_: str,
    output: Path | None,
    color: str,
    quiet: bool,
    explain: bool,
    stage: str | None,
    view: str | None,
) -> None:
    """Print each guest's address space from 0 up, with what libxl and Xen would log.

    Exits 0 whether or not a guest would start: `check` judges.
    """
    from planner.cli import load
    from planner.policy.evaluate import evaluate
    from planner.report import json, memory_map, svg

    reports = [(name, evaluate(plan)) for name, plan in load.plans(inputs, xen=xen, profile=profile, rdm=rdm)]
    if format_ == "json":
        options.emit(lambda width, style: json.map(reports), output, color, quiet)
    elif format_ == "svg":
        options.emit(lambda width, style: svg.map(reports), output, "never", quiet)
    else:
        options.emit(
            lambda width, style: memory_map.render(
                reports, view=view, stage=stage, explain=explain, width=width, style=style
            ),
            output,
            color,
            quiet,
        )
