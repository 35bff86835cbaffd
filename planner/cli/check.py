"""rdm-planner check."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from planner.cli import exits, options

if TYPE_CHECKING:  # --help must not load the engine
    from planner.policy.checked import Totals
    from planner.report.formats import Look

FORMATS = ("text", "concise", "json", "jsonl", "sarif", "junit", "github", "gitlab")
_LONG = 16  # sites from which on a run is worth a bar


class Target(NamedTuple):
    """Where one format of the report goes; None: to stdout."""

    format: str
    path: Path | None


@click.command("check", short_help="Findings; the exit code says whether anything blocks.")
@options.inputs
@options.plan_options
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="[FORMAT:]FILE",
    help="write there instead of to stdout; with FORMAT: as well. May repeat: -o sarif:out.sarif -o junit:out.xml",
)
@options.colour
@click.option("-q", "--quiet", is_flag=True, help="print nothing; the exit code says it")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "notice", "never"]),
    default="error",
    show_default=True,
    help="exit 1 for findings of this severity or worse",
)
@click.option(
    "--stdin-filename", metavar="NAME", default="-", help="what to call a guest that comes from standard input (-)"
)
@click.option("--sites", "of_files", is_flag=True, help="check the whole site that each named file is in (for hooks)")
@click.option("-j", "--jobs", type=click.IntRange(1), help="processes for many sites; default: one a processor")
@click.option(
    "--fixes", "with_fixes", is_flag=True, help="search the fixes of every finding, for text, json, jsonl and sarif"
)
@click.option(
    "--moves-to",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="HOST",
    help="a host that the guests are to be migrated to, or restored on; may repeat",
)
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE", help="known findings: only new ones fail")
@click.option(
    "--write-baseline", type=click.Path(path_type=Path), metavar="FILE", help="write all findings there, and exit 0"
)
@click.pass_context
def command(
    ctx: click.Context,
    inputs: tuple[str, ...],
    xen: str | None,
    profile: str | None,
    rdm: str | None,
    format_: str,
    outputs: tuple[str, ...],
    color: str,
    quiet: bool,
    fail_on: str,
    stdin_filename: str,
    of_files: bool,
    jobs: int | None,
    with_fixes: bool,
    moves_to: tuple[Path, ...],
    baseline: Path | None,
    write_baseline: Path | None,
) -> None:
    """Say what would fail or be unsafe, before any reboot.

    HOST is an inventory (.toml) or a folder of artefacts, GUEST an xl.cfg or - for standard input; a SITE is a
    folder with a host.toml and *.cfg guests. Hundreds of sites may be named; what cannot be read is told on stderr.
    """
    from planner import storage
    from planner.cli import fleet, load
    from planner.policy import baseline as baselines
    from planner.policy.findings import Severity
    from planner.report.formats import Look
    from planner.report.words import plain

    if baseline is not None and write_baseline is not None:
        raise click.UsageError("--write-baseline writes all findings; leave out --baseline, which hides some")
    limit = None if fail_on == "never" else Severity(fail_on)
    coloured = options.wants_colour(color)
    screen = Look(options.columns(), options.paint if coloured else plain, limit)
    targets = _targets(format_, outputs, quiet)
    looks = tuple((target.format, screen if target.path is None else Look(fail_on=limit)) for target in targets)
    known = baselines.parse(storage.read_text(baseline), str(baseline)) if baseline is not None else None
    reading = load.Reading(xen, profile, rdm, stdin_filename, options.another_host(), moves_to)
    task = fleet.Task(reading, looks, known, write_baseline is not None, with_fixes)
    sites = load.sites_of(inputs) if of_files else load.sites(inputs)
    if any(target.path is not None for target in targets):
        for site in sites:
            storage.keep(*site.files())
    documents = [_Document(target, look, coloured) for target, (_, look) in zip(targets, looks, strict=True)]

    def take(parts: tuple[str, ...]) -> None:
        for document, part in zip(documents, parts, strict=True):
            document.add(part)

    with _progress(len(sites), to_terminal=any(target.path is None for target in targets)) as step:
        result = fleet.run(sites, task, jobs, take, step)
    if result.unreadable < len(sites) or not sites:
        for document in documents:
            document.finish(result.totals)
    if result.unreadable:
        ctx.exit(exits.USAGE)
    if write_baseline is not None:
        storage.write_result(write_baseline, baselines.render(result.keys))
        ctx.exit(exits.OK)
    ctx.exit(exits.of(result.totals, limit))


class _Document:
    """One target's document as the sites come in: written at once where it goes to stdout and may, else kept."""

    def __init__(self, target: Target, look: Look, coloured: bool) -> None:
        from planner.report import formats

        self._format = formats.find(target.format)
        self._target = target
        self._look = look
        self._coloured = coloured
        self._streams = target.path is None and not self._format.TOTALS_FIRST
        self._waiting: list[str] = []
        self._begun = False

    def add(self, part: str) -> None:
        """Take one site's part in."""
        if not part:
            return
        between = self._format.BETWEEN if self._begun or self._waiting else ""
        if not self._streams:
            self._waiting.append(between + part)
            return
        if not self._begun:
            from planner.policy.checked import Totals

            between = self._format.head(Totals())
            self._begun = True
        self._print(between + part)

    def finish(self, totals: Totals) -> None:
        """Write what is not written yet."""
        from planner import storage

        head = "" if self._begun else self._format.head(totals)
        text = "".join([head, *self._waiting, self._format.tail(totals, self._look)])
        if self._target.path is None:
            self._print(text)
        else:
            storage.write_result(self._target.path, text)

    def _print(self, text: str) -> None:
        click.echo(text, nl=False, color=self._coloured)


def _targets(format_: str, outputs: Sequence[str], quiet: bool) -> tuple[Target, ...]:
    """What goes where. A FILE without a format takes --format, and stdout then stays empty."""
    files = []
    for text in outputs:
        name, colon, path = text.partition(":")
        files.append(Target(name, Path(path)) if colon and name in FORMATS else Target(format_, Path(text)))
    paths = [str(target.path) for target in files]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise click.UsageError(f"two reports would be written to {twice}")
    redirected = any(text.partition(":")[0] not in FORMATS or ":" not in text for text in outputs)
    return tuple(files) if redirected or quiet else (Target(format_, None), *files)


@contextmanager
def _progress(sites: int, *, to_terminal: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr for long runs, where a person looks at it and no result is printed to the same terminal."""
    if sites < _LONG or not sys.stderr.isatty() or (to_terminal and sys.stdout.isatty()):
        yield lambda count: None
        return
    width = max(1, min(36, os.get_terminal_size(sys.stderr.fileno()).columns - 30))  # 30: what stands around the bar
    with click.progressbar(length=sites, label="sites", file=sys.stderr, width=width) as bar:
        yield bar.update
