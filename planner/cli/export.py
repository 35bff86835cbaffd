"""rdm-planner export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import exits, options

if TYPE_CHECKING:
    from planner.export.shipping import Shipment


@click.command("export", short_help="Write xl.cfg files; refused while anything blocks.")
@options.inputs
@options.plan_options
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="folder to write to")
@click.option("-q", "--quiet", is_flag=True, help="do not name the files written")
@click.pass_context
def command(
    ctx: click.Context, inputs: tuple[str, ...], xen: str | None, profile: str, rdm: str, folder: Path, quiet: bool
) -> None:
    """Write every guest's xl.cfg to a folder, or nothing at all while a finding blocks or one cannot be written.

    What the Xen release would drop or misread is written in settings that give the same map, which is proved by
    building it again; each such change is told. What stood in a file that is replaced is kept beside it, dated.
    """
    from planner import storage
    from planner.cli import load
    from planner.export import shipping
    from planner.policy.evaluate import evaluate
    from planner.report.words import printable

    plans = load.plans(inputs, xen=xen, profile=profile, rdm=rdm)
    shipments = [shipping.ship(evaluate(plan)) for _, plan in plans]
    if any(shipment.refusals() for shipment in shipments):
        _refuse(shipments)
        ctx.exit(exits.FINDINGS)
    files: dict[Path, str] = {}
    notes: dict[Path, tuple[str, ...]] = {}
    for shipment in shipments:
        _add(shipment, folder, files, notes)
    read = {Path(at): text for shipment in shipments for at, text in shipment.read.items()}
    storage.make_folder(folder)
    for path, backup in storage.write_texts(files, read).items():
        if quiet:
            continue
        click.echo(f"{path}" + (f" (before: {backup})" if backup else ""))
        for note in notes.get(path, ()):
            click.echo(f"  {printable(note)}")


def _refuse(shipments: list[Shipment]) -> None:
    from planner.report import text
    from planner.report.words import printable

    click.echo("rdm-planner: nothing was written, because this blocks:", err=True)
    blocking = [finding for shipment in shipments for finding in shipment.refusals()]
    click.echo(text.refusals(blocking), err=True, nl=False)
    for shipment in shipments:
        for guest in sorted({finding.guest for finding in shipment.refusals() if finding.guest is not None}):
            for note in shipment.notes.get(guest, ()):
                click.echo(f"{printable(guest)}: {printable(note)}", err=True)


def _add(shipment: Shipment, folder: Path, files: dict[Path, str], notes: dict[Path, tuple[str, ...]]) -> None:
    from planner.export import xlcfg
    from planner.model.errors import InputError

    for guest in shipment.report.plan.guests:
        path = folder / xlcfg.file_name(guest)
        if path in files:
            raise InputError(f"two guests would be written to {path}")
        files[path] = shipment.text(guest.name)
        notes[path] = shipment.notes.get(guest.name, ())
