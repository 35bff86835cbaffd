"""rdm-planner samples."""

from __future__ import annotations

import click


@click.command("samples", short_help="The bundled sample sites.")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the bundled sample sites, or print the folder of the one called NAME.

    For instance: rdm-planner map "$(rdm-planner samples dell-poweredge-r820)"
    """
    from planner import storage
    from planner.cli import load
    from planner.model.errors import InputError
    from planner.report.words import plural, printable

    folder = storage.samples_folder()
    sites = [path for path in storage.list_folder(folder) if load.is_site(path)]
    if name is not None:
        if name not in [site.name for site in sites]:
            raise InputError(f"no sample is called {name!r}; expected one of {', '.join(site.name for site in sites)}")
        click.echo(str(folder / name))
        return
    width = max(len(site.name) for site in sites)
    for site in sites:
        machine = load.host(site / "host.toml")
        click.echo(f"{site.name:<{width}}  {printable(machine.name)}, {plural(len(load.guest_files(site)), 'guest')}")
