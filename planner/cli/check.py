"""rdm-planner check."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import exits, options


@click.command("check", short_help="Findings; the exit code says whether anything blocks.")
@options.inputs
@options.plan_options
@options.output_options()
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "notice", "never"]),
    default="error",
    show_default=True,
    help="exit 1 for findings of this severity or worse",
)
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str,
    rdm: str,
    format_: str,
    output: Path | None,
    color: str,
    quiet: bool,
    fail_on: str,
) -> None:
    """Say what would fail or be unsafe, before any reboot.

    HOST is an inventory (.toml) or a folder of artefacts, GUEST an xl.cfg or - for standard input; a SITE is a
    folder with a host.toml and *.cfg guests.
    """
    from planner.cli import load
    from planner.policy.evaluate import evaluate
    from planner.report import json, text

    reports = [(name, evaluate(plan)) for name, plan in load.plans(inputs, xen=xen, profile=profile, rdm=rdm)]
    if format_ == "json":
        options.emit(lambda width, style: json.check(reports), output, color, quiet)
    else:
        options.emit(lambda width, style: text.check(reports, width=width, style=style), output, color, quiet)
    ctx.exit(exits.of_reports((report for _, report in reports), fail_on))
