"""rdm-planner export."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import exits, options

if TYPE_CHECKING:
    from planner.export.shipping import Shipment
    from planner.model.guest import Guest
    from planner.policy.evaluate import Report

TEMPLATES = ("linux-seabios", "linux-ovmf", "windows-seabios", "windows-ovmf")


@dataclass(frozen=True)
class _Files:
    """What will be written, with what is to be said of each, and what was read of it."""

    folder: Path
    texts: dict[Path, str] = field(default_factory=dict)
    notes: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    read: dict[Path, str] = field(default_factory=dict)

    def add(self, name: str, text: str, notes: tuple[str, ...] = ()) -> None:
        from planner.model.errors import InputError

        path = self.folder / name
        if path in self.texts:
            raise InputError(f"two files would be written to {path}")
        self.texts[path], self.notes[path] = text, notes


@click.command("export", short_help="Write xl.cfg files; refused while anything blocks.")
@options.inputs
@options.plan_options
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="folder to write to")
@click.option("--format", "format_", type=click.Choice(["xl", "libvirt"]), default="xl", show_default=True)
@click.option("--runbook", is_flag=True, help="write runbook.md and runbook.sh, too: what the host must be told first")
@click.option("--new", "name", metavar="NAME", help="add a new guest of that name, made from --template")
@click.option("--template", type=click.Choice(TEMPLATES), default="linux-seabios", show_default=True)
@click.option("--memory", type=click.IntRange(1, 1 << 24), metavar="MIB", help="the new guest's RAM; default 4096")
@click.option("--device", "devices", multiple=True, metavar="SBDF", help="a device for the new guest; may be repeated")
@click.option("-q", "--quiet", is_flag=True, help="do not name the files written")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str,
    rdm: str,
    folder: Path,
    format_: str,
    runbook: bool,
    name: str | None,
    template: str,
    memory: int | None,
    devices: tuple[str, ...],
    quiet: bool,
) -> None:
    """Write every guest's xl.cfg to a folder, or nothing at all while a finding blocks or one cannot be written.

    What the Xen release would drop or misread is written in settings that give the same map, which is proved by
    building it again; each such change is told. What stood in a file that is replaced is kept beside it, dated.
    """
    from planner import storage
    from planner.cli import load
    from planner.export import libvirt, shipping
    from planner.policy.evaluate import evaluate
    from planner.report.words import printable

    if name is None and (devices or memory is not None):
        raise click.UsageError("--device and --memory are for a --new guest")
    plans = [plan for _, plan in load.plans(inputs, xen=xen, profile=profile, rdm=rdm, guests_follow=name is not None)]
    if (runbook or name is not None) and len(plans) > 1:
        raise click.UsageError("--runbook and --new are for one host; name only that")
    if name is not None:
        plans = [load.with_new_guest(plans[0], _new_guest(name, template, memory, devices))]
    shipments = [shipping.ship(evaluate(plan)) for plan in plans]
    judged = [libvirt.as_said(one.report) if format_ == "libvirt" else one.report for one in shipments]
    if any(report.blocking for report in judged):
        _refuse(shipments, judged, format_)
        ctx.exit(exits.FINDINGS)
    files = _Files(folder)
    for shipment in shipments:
        _add(shipment, files, format_)
        if runbook:
            _add_runbook(shipment.report, files)
        _check_is_new(shipment, files, name)
    storage.make_folder(folder)
    for path, backup in storage.write_texts(files.texts, files.read).items():
        if quiet:
            continue
        click.echo(f"{path}" + (f" (before: {backup})" if backup else ""))
        for note in files.notes[path]:
            click.echo(f"  {printable(note)}")


def _new_guest(name: str, template: str, memory: int | None, devices: tuple[str, ...]) -> Guest:
    from planner.export import templates
    from planner.formats.xlcfg import pci_spec

    memory = templates.DEFAULT_MEMORY if memory is None else memory
    guest = templates.new_guest(name, templates.TEMPLATES[template], memory=memory)
    return guest.with_pci(tuple(pci_spec.parse(device) for device in devices))


def _check_is_new(shipment: Shipment, files: _Files, name: str | None) -> None:
    """A guest from a template replaces no file but its own like."""
    from planner import storage
    from planner.export import xlcfg
    from planner.model.errors import InputError

    guest = shipment.report.plan.guest(name) if name is not None else None
    path = files.folder / xlcfg.file_name(guest) if guest is not None else None
    if path is not None and path.exists() and files.texts.get(path) not in (None, storage.read_text(path)):
        raise InputError("is there already, and a new guest replaces no file: name another", source=str(path))


def _refuse(shipments: list[Shipment], judged: list[Report], format_: str) -> None:
    from planner.cli import project_file
    from planner.export import libvirt
    from planner.policy import suppress
    from planner.report import text
    from planner.report.words import printable

    told = [suppress.as_told(report, project_file.governed(report.plan)) for report in judged]
    blocking = [finding for report in told for finding in report.blocking]
    click.echo("rdm-planner: nothing was written, because this blocks:", err=True)
    click.echo(text.findings(blocking), err=True, nl=False)
    if any(finding.acknowledged is not None for finding in blocking):
        click.echo(f"rdm-planner: {suppress.UNHEEDED}", err=True)
    for shipment, report in zip(shipments, judged, strict=True):
        for guest in shipment.report.plan.guests:
            if any(finding.guest == guest.name for finding in report.blocking):
                unsaid = libvirt.missing(guest) if format_ == "libvirt" else ()
                for note in (*shipment.notes.get(guest.name, ()), *unsaid):
                    click.echo(f"{printable(guest.name)}: {printable(note)}", err=True)


def _add(shipment: Shipment, files: _Files, format_: str) -> None:
    from planner.export import libvirt, xlcfg

    files.read.update({Path(at): text for at, text in shipment.read.items()})
    for guest in shipment.report.plan.guests:
        name = xlcfg.file_name(guest)
        if format_ == "libvirt":
            files.add(f"{name.removesuffix('.cfg')}.hostdev.xml", libvirt.render(guest), libvirt.missing(guest))
        else:
            files.add(name, shipment.text(guest.name), shipment.notes.get(guest.name, ()))


def _add_runbook(report: Report, files: _Files) -> None:
    from planner.export import runbook, runbook_text

    book = runbook.make(report)
    left = tuple(f"not in it: {address}, {why}" for address, why in book.left_out)
    files.add("runbook.md", runbook_text.markdown(book), left)
    files.add("runbook.sh", runbook_text.script(book))
