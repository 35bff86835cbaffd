"""rdm-planner without a command: the app."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from planner.cli import COMMANDS, is_utf8, options
from planner.model.plan import Plan

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
@click.argument("inputs", nargs=-1, type=click.Path(), metavar="[HOST [GUEST.cfg]... | SITE | PLAN.toml]")
@options.plan_options
@click.option("--ascii", "ascii_only", is_flag=True, help="draw with ASCII characters only")
@click.pass_context
def command(
    ctx: click.Context, inputs: tuple[str, ...], xen: str | None, profile: str, rdm: str, ascii_only: bool
) -> None:
    """Open the planner; without a terminal, print the check and the map instead.

    Keys, theme and ASCII can be set in $XDG_CONFIG_HOME/rdm-planner/settings.toml (~/.config where that is not set):
    theme = "nord", ascii = true, and in [keys] a key or a list of keys by command id, as the help (?) names them.
    """
    from planner import storage
    from planner.cli import load, project_file
    from planner.policy import suppress
    from planner.policy.checked import Checked
    from planner.policy.evaluate import Report, evaluate
    from planner.report import formats, memory_map
    from planner.report.words import to_ascii

    sites = inputs or (str(storage.samples_folder() / SAMPLE),)
    if len(inputs) == 1 and not Path(inputs[0]).exists():
        near = get_close_matches(inputs[0], COMMANDS, 1)
        if near:
            raise click.UsageError(f'there is no file {inputs[0]!r}; did you mean the command "{near[0]}"?')
    to_screen = sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()  # the screen is drawn on stderr
    if to_screen and os.environ.get("TERM") == "dumb":
        load.to_stderr("TERM is dumb: nothing can be drawn in such a terminal, so this is the text")
        to_screen = False
    told: list[str] = []
    tell = told.append if to_screen else load.to_stderr
    plans = load.plans(sites, xen=xen, profile=profile, rdm=rdm, mend=to_screen, tell=tell)
    if len(plans) > 1:
        raise click.UsageError("the planner opens one site; name several only to `check`, `map` and `export`")
    name, plan = plans[0]
    if not to_screen:
        report = suppress.as_told(evaluate(plan), project_file.governed(plan))
        found = formats.document("text", [Checked.of(name, report)])
        text = found + "\n" + memory_map.render([(name, report)])
        options.emit(lambda width, style: to_ascii(text) if ascii_only else text, None, "never", False)
        return
    if not os.environ.get("NO_COLOR"):
        os.environ.pop("NO_COLOR", None)  # an empty one asks for nothing, but Textual would follow it
    gc.disable()  # until the first paint, which it delays by a tenth: nearly all that is made before it stays
    from planner.tui import settings, state
    from planner.tui.app import PlannerApp, run

    def opened(path: str, tell: Callable[[str], None]) -> Plan:
        found = load.plans([path], xen=xen, profile=profile, rdm=rdm, mend=True, tell=tell)[0][1]
        project_file.governed(found)  # if it cannot be read, nothing is opened
        return _named(found)

    def kept(path: str, tell: Callable[[str], None]) -> Plan:
        return _named(load.saved_plan(Path(path), True, tell, mend=True))

    def judge(report: Report) -> Report:
        return suppress.as_told(report, project_file.governed(report.plan))

    chosen = Path(name)
    app = PlannerApp(
        _named(plan),
        chosen if inputs and load.is_site(chosen) else chosen.parent if load.is_plan(chosen) else None,
        ascii_only=ascii_only or not is_utf8(sys.stderr),
        settings=settings.read(storage.settings_file()),
        state=state.State(storage.state_folder()),
        load=opened,
        load_copy=kept,
        plan_file=chosen if load.is_plan(chosen) else None,
        told=told,
        judge=judge,
    )
    ctx.exit(run(app))


def _named(plan: Plan) -> Plan:
    """`plan` with names for devices that came without: on a screen they are read."""
    from planner.cli import load

    return replace(plan, host=load.named(plan.host))
