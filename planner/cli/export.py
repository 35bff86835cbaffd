"""rdm-planner export."""

from __future__ import annotations

from pathlib import Path

import click

from planner.cli import exits, options


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

    What stood in a file that is replaced is kept beside it as NAME.bak.
    """
    from planner import storage
    from planner.cli import load
    from planner.export import xlcfg
    from planner.model.errors import InputError
    from planner.policy.evaluate import evaluate
    from planner.report import text

    reports = [(name, evaluate(plan)) for name, plan in load.plans(inputs, xen=xen, profile=profile, rdm=rdm)]
    blocked = [(name, report) for name, report in reports if xlcfg.refusals(report)]
    if blocked:
        click.echo("rdm-planner: nothing was written, because this blocks:", err=True)
        click.echo(
            text.refusals([finding for _, report in blocked for finding in xlcfg.refusals(report)]), err=True, nl=False
        )
        ctx.exit(exits.FINDINGS)
    files: dict[Path, str] = {}
    for _, report in reports:
        for guest in report.plan.guests:
            name = xlcfg.file_name(guest)
            if folder / name in files:
                raise InputError(f"two guests would be written to {folder / name}")
            files[folder / name] = xlcfg.render(guest)
    storage.make_folder(folder)
    for path, backup in storage.write_texts(files).items():
        if not quiet:
            click.echo(f"{path}" + (f" (before: {backup})" if backup else ""))
