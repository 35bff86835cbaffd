"""rdm-planner fix."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli import exits, options

if TYPE_CHECKING:  # --help must not load the engine
    from planner.model.guest import ConfigFile
    from planner.policy.evaluate import Report


@click.command("fix", short_help="The smallest changes that clear the findings, as a unified diff.")
@options.inputs
@options.plan_options
@click.option("--write", is_flag=True, help="change the files; what stood in one is kept beside it, dated")
@click.option("--rule", "only", metavar="ID", multiple=True, help="clear findings of this rule alone; may repeat")
@click.option("-q", "--quiet", is_flag=True, help="do not say what is done, and what cannot be and why")
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str,
    rdm: str,
    write: bool,
    only: tuple[str, ...],
    quiet: bool,
) -> None:
    """Clear errors and warnings one after the other, each with its cheapest fix, and print how the configs change.

    Every fix is proved: with it the finding is gone and nothing as bad is new. What only a person can decide is named
    and not done: a device that dom0 or another guest would lose, a relaxed policy.

    The diff goes to stdout, the rest to stderr. Exits 1 while the files on disk have an error, 0 otherwise.
    """
    from planner import storage
    from planner.cli import load
    from planner.model.errors import InputError
    from planner.policy.evaluate import evaluate
    from planner.policy.findings import RULES, Finding, Severity
    from planner.policy.fixes import repair
    from planner.report import fixes

    unknown = [rule for rule in only if rule not in RULES]
    if unknown:
        raise click.UsageError(f'there is no rule {unknown[0]!r}; "rdm-planner rules" lists them')

    def wanted(finding: Finding) -> bool:
        return finding.rule.id in only if only else finding.severity is not Severity.NOTICE

    files: dict[Path, str] = {}
    read: dict[Path, str] = {}
    blocking = False
    for _, plan in load.plans(inputs, xen=xen, profile=profile, rdm=rdm):
        before = evaluate(plan)
        repaired = repair(before, wanted)
        on_disk = repaired.report if write else before
        blocking = blocking or any(wanted(finding) for finding in on_disk.blocking)
        for file, text in _edited(before, repaired.report):
            shown = fixes.diff(file.path, file.text, text)
            click.echo(fixes.on_terminal(shown) if sys.stdout.isatty() else shown, nl=False)
            files[Path(file.path)], read[Path(file.path)] = text, file.text
        if not quiet:
            click.echo(fixes.notes(repaired), err=True, nl=False)
    if write:
        if Path("-") in files:
            raise InputError("a guest from standard input cannot be written; leave out --write", source="-")
        for path, backup in storage.write_texts(files, read).items():
            if not quiet:
                click.echo(f"{path} written" + (f" (before: {backup})" if backup else ""), err=True)
    ctx.exit(exits.FINDINGS if blocking else exits.OK)


def _edited(before: Report, after: Report) -> Iterator[tuple[ConfigFile, str]]:
    """The files of the guests that changed, each with its new text."""
    from planner.export import xlcfg

    for guest, old in zip(after.plan.guests, before.plan.guests, strict=True):
        if guest != old and old.file is not None:
            yield old.file, xlcfg.render(guest)
