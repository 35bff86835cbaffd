"""Many sites in one run: read, judged and rendered site by site, on as many processors as are asked for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from planner.cli import load, project_file
from planner.model.errors import InputError
from planner.policy import baseline
from planner.policy.checked import Checked, Rewrite, Totals
from planner.policy.evaluate import Report, evaluate
from planner.policy.suppress import Entry, judge, unused
from planner.report import formats
from planner.report.formats import Look
from planner.report.words import printable

if TYPE_CHECKING:
    from planner.policy.fixes import Fix

_FEW = 8  # sites that one process has done before another has started
_BATCH = 4  # sites sent to a process at a time


class Task(NamedTuple):
    """What to do with each site: how to read it, the formats to render it in, and the baseline."""

    reading: load.Reading
    looks: tuple[tuple[str, Look], ...]
    known: frozenset[baseline.Key] | None = None
    keep_keys: bool = False
    with_fixes: bool = False


class Outcome(NamedTuple):
    """What one site gave: a part for each format, its sums, and what the end of the run needs to know."""

    parts: tuple[str, ...] = ()
    totals: Totals = Totals()
    touched: frozenset[Entry] = frozenset()
    used: frozenset[Entry] = frozenset()
    keys: tuple[baseline.Key, ...] = ()
    error: str | None = None


@dataclass(slots=True)
class Result:
    """The whole run: sums, how many sites could not be read, and the keys of all findings where they were asked for."""

    totals: Totals
    unreadable: int = 0
    keys: list[baseline.Key] = field(default_factory=list)


def run(
    sites: Sequence[load.Site],
    task: Task,
    jobs: int | None,
    take: Callable[[tuple[str, ...]], None],
    step: Callable[[int], None],
) -> Result:
    """Check every site: `take` gets each one's parts in the order of `sites`, `step` is called after each.

    What cannot be read is told on stderr and counted. A last part tells of project files' unused settings.
    """
    project_file.forget()
    result = Result(Totals())
    touched: set[Entry] = set()
    used: set[Entry] = set()
    for outcome in outcomes(sites, task, jobs or len(os.sched_getaffinity(0))):
        step(1)
        if outcome.error is not None:
            click.echo(f"rdm-planner: {printable(outcome.error)}", err=True)
            result.unreadable += 1
            continue
        result.totals.add(outcome.totals)
        result.keys += outcome.keys
        touched |= outcome.touched
        used |= outcome.used
        take(outcome.parts)
    left = unused(touched, used)
    if left:
        last = Checked("", left)
        result.totals.add(Totals.of([last]))
        take(_render(task, last))
    return result


def outcomes(sites: Sequence[load.Site], task: Task, jobs: int) -> Iterator[Outcome]:
    """Every site's outcome, in the order of `sites` whatever `jobs` is. A site that cannot be read has an error."""
    jobs = min(jobs, -(-len(sites) // _BATCH))
    if jobs <= 1 or len(sites) < _FEW:
        yield from (_outcome(task, site) for site in sites)
        return
    from concurrent.futures import ProcessPoolExecutor  # a single site never needs it

    with ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_parent) as pool:
        try:
            yield from pool.map(partial(_outcome, task), sites, chunksize=_BATCH)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _render(task: Task, checked: Checked) -> tuple[str, ...]:
    """The site in every format of the task."""
    return tuple(formats.find(name).part(checked, look) for name, look in task.looks)


def _outcome(task: Task, site: load.Site) -> Outcome:
    try:
        report = evaluate(load.plan(site, task.reading))
        judged = judge(site.name, report, project_file.governed(report.plan), task.known)
    except InputError as error:
        return Outcome(error=str(error))
    checked = _with_fixes(judged.checked, report) if task.with_fixes else judged.checked
    keys = tuple(baseline.key(finding) for finding in checked.findings) if task.keep_keys else ()
    return Outcome(_render(task, checked), Totals.of([checked]), judged.touched, judged.used, keys)


def _with_fixes(checked: Checked, report: Report) -> Checked:
    from planner.policy.fixes import fixes  # a search, which a check makes only where it is asked to

    found = {finding: fixes(report, finding).found for finding in checked.findings}
    rewrites = {fix: _rewrites(report, fix) for some in found.values() for fix in some}
    return checked._replace(fixes=found, rewrites=rewrites)


def _rewrites(report: Report, fix: Fix) -> tuple[Rewrite, ...]:
    """What a fix does to the guests' configs; nothing where one of them cannot be written."""
    from planner.export import xlcfg
    from planner.model.edits import apply

    after = apply(report.plan, fix.edit)
    try:
        return tuple(
            Rewrite(old.file.path, old.file.text, xlcfg.render(guest))
            for guest, old in zip(after.guests, report.plan.guests, strict=True)
            if guest != old and old.file is not None
        )
    except InputError:
        return ()


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of the group; only the parent is to say so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
