"""rdm-planner collect."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("collect", short_help="Make a host.toml of this machine, or of a folder or tar of artefacts.")
@click.argument("artefacts", type=click.Path(path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="write there instead of to stdout")
@click.option("--script", is_flag=True, help="print a shell script that packs the artefacts of a host into a tar")
@click.option(
    "--redact/--no-redact", default=True, help="leave out host names, MAC addresses and serial numbers (default)"
)
@click.option("-q", "--quiet", is_flag=True, help="do not say what was found and what is missing")
def command(artefacts: Path | None, output: Path | None, script: bool, redact: bool, quiet: bool) -> None:
    """Write the inventory of this machine, or of a folder or tar of artefacts.

    Files are recognised by what is in them: ACPI tables (raw, acpidump, iasl -d), sysfs, lspci in any form, logs of
    Linux and Xen, IOMMU groups, xl info. Root may read more; what is missing is said, with the command that gives it.

    On a host where nothing can be installed: rdm-planner collect --script > gather.sh; run `sh gather.sh` there, and
    collect the tar that it makes.
    """
    from planner import collect, storage
    from planner.cli.load import LIVE, named
    from planner.formats import host_toml
    from planner.report.words import printable

    if script:
        if artefacts is not None:
            raise click.UsageError("--script takes no folder: it prints a script to run on the host")
        text = storage.read_text(collect.SCRIPT)
        rendered = text if redact else text.replace("redact=yes", "redact=no", 1)
    else:
        collection = (
            collect.collect_live(private=not redact)
            if artefacts is None or str(artefacts) == LIVE
            else collect.collect(artefacts, private=not redact)
        )
        rendered = host_toml.render(named(collection.host))
    if output is not None:
        storage.write_result(output, rendered)
    else:
        click.echo(rendered, nl=False)
    if quiet or script:
        return
    for word, notes in (("found", collection.found), ("differs", collection.differs), ("missing", collection.missing)):
        for note in notes:
            click.echo(f"{word}: {printable(note)}", err=True)
