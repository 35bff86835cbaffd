"""rdm-planner without a command: the app."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from planner.cli import COMMANDS, options

SAMPLE = "hp-proliant-dl380e-gen8"
"""The sample that opens when nothing is named: the machine that shows most."""


class _App(click.Command):
    """The program without a command: its usage line is the program's own."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> click.Context:
        return super().make_context("rdm-planner", args, **extra)


@click.command("rdm-planner", cls=_App)
@click.argument("inputs", nargs=-1, metavar="[HOST [GUEST.cfg]... | SITE]")
@options.plan_options
@click.pass_context
def command(ctx: click.Context, inputs: tuple[str, ...], xen: str | None, profile: str, rdm: str) -> None:
    """Open the planner; without a terminal, print the check and the map instead."""
    from planner import storage
    from planner.cli import load
    from planner.policy.evaluate import evaluate
    from planner.report import memory_map, text

    sites = inputs or (str(storage.samples_folder() / SAMPLE),)
    if len(inputs) == 1 and not Path(inputs[0]).exists():
        near = get_close_matches(inputs[0], COMMANDS, 1)
        if near:
            raise click.UsageError(f'there is no file {inputs[0]!r}; did you mean the command "{near[0]}"?')
    plans = load.plans(sites, xen=xen, profile=profile, rdm=rdm)
    if len(plans) > 1:
        raise click.UsageError("the planner opens one site; name several only to `check`, `map` and `export`")
    name, plan = plans[0]
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        reports = [(name, evaluate(plan))]
        options.emit(lambda width, style: text.check(reports) + "\n" + memory_map.render(reports), None, "never", False)
        return
    from planner.tui.app import run

    ctx.exit(run(plan, Path(name) if inputs and load.is_site(Path(name)) else None))
