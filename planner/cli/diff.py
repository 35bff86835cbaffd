"""rdm-planner diff."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import exits, options


@click.command("diff", short_help="What changed between two inventories, and which guests that breaks.")
@click.argument("old", type=click.Path(path_type=Path), metavar="OLD")
@click.argument("new", type=click.Path(path_type=Path), metavar="NEW")
@click.argument("guests", nargs=-1, type=click.Path(path_type=Path), metavar="[GUEST... | SITE | PLAN]")
@options.plan_options
@options.output_options()
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "notice", "never"]),
    default="error",
    show_default=True,
    help="exit 1 for new findings of this severity or worse",
)
@click.pass_context
def command(
    ctx: click.Context,
    old: Path,
    new: Path,
    guests: tuple[Path, ...],
    xen: str | None,
    profile: str | None,
    rdm: str | None,
    format_: str,
    output: Path | None,
    color: str,
    quiet: bool,
    fail_on: str,
) -> None:
    """Compare two inventories of one machine, such as before and after a firmware update.

    OLD and NEW are inventories, folders of artefacts or sites. Guests are the named ones, those of a SITE or of a
    saved PLAN, else those of OLD or NEW where that is a site. Their devices are known by identity: another device at
    the same address is an error.
    """
    from planner.cli import load
    from planner.policy.drift import assess
    from planner.policy.findings import Severity
    from planner.report import drift as report

    plan = load.guests_on(old, guests or tuple(path for path in (old, new) if load.is_site(path))[:1])
    plan = load.chosen(plan, load.Reading(xen, profile, rdm))
    drift, _, broken = assess(plan, load.named(load.host_of(new)), str(new))
    if format_ == "json":
        options.emit(lambda width, style: report.as_json(drift, broken, str(new)), output, color, quiet)
    else:
        options.emit(lambda width, style: report.text(drift, broken, width=width, style=style), output, color, quiet)
    limit = None if fail_on == "never" else Severity(fail_on).rank
    ctx.exit(exits.FINDINGS if any(limit is not None and one.severity.rank <= limit for one in broken) else exits.OK)
