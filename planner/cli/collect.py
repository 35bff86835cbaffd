"""rdm-planner collect."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("collect", short_help="Make a host.toml from a folder of artefacts.")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="write there instead of to stdout")
@click.option("-q", "--quiet", is_flag=True, help="do not say what was found and what is missing")
def command(folder: Path, output: Path | None, quiet: bool) -> None:
    """Read a raw DMAR, RMAD or IVRS table and an lspci listing, and write the inventory they make.

    The files are recognised by what is in them. `lspci -vv -nn` says most; `lspci -vmmnnD` does too.
    """
    from planner import storage
    from planner.collect import collect
    from planner.formats import host_toml
    from planner.report.words import printable

    collection = collect(folder)
    rendered = host_toml.render(collection.host)
    if output is not None:
        storage.write_result(output, rendered)
    else:
        click.echo(rendered, nl=False)
    if not quiet:
        for note in collection.notes:
            click.echo(f"note: {printable(note)}", err=True)
