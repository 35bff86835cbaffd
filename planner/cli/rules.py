"""rdm-planner rules."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import options


@click.command("rules", short_help="Every rule that check knows.")
@options.output_options()
def command(format_: str, output: Path | None, color: str, quiet: bool) -> None:
    """List the rules: id, severity and what they find."""
    from planner.report import rules

    if format_ == "json":
        options.emit(lambda width, style: rules.listing_json(), output, color, quiet)
    else:
        options.emit(lambda width, style: rules.listing(width=width, style=style), output, color, quiet)
