"""What a check says of one site, after suppression: the unit that every output format renders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Self

from planner.policy.evaluate import Report
from planner.policy.findings import Finding, Severity

if TYPE_CHECKING:  # a check searches for fixes only where it is asked to
    from planner.policy.fixes import Fix


class Rewrite(NamedTuple):
    """How a fix changes one config: its name, its text, and its new text."""

    file: str
    old: str
    new: str


class Checked(NamedTuple):
    """One site: its name as the user gave it, the names of its guests, and what is to be told.

    `findings` holds open findings and acknowledged ones; `ignored` counts those that a suppression or the baseline
    took out. `fixes` are there where they were asked for, `rewrites` what each of them does to the configs. `xen` and
    `profile` are None where the part is about no site (a project file's unused settings).
    """

    site: str
    findings: tuple[Finding, ...]
    guests: tuple[str, ...] = ()
    xen: str | None = None
    profile: str | None = None
    ignored: int = 0
    fixes: Mapping[Finding, tuple[Fix, ...]] = {}
    rewrites: Mapping[Fix, tuple[Rewrite, ...]] = {}

    @classmethod
    def of(cls, site: str, report: Report) -> Self:
        """All findings of a report as it is."""
        guests = tuple(build.guest.name for build in report.builds)
        return cls(site, report.findings, guests, report.release.name, report.plan.profile.value, report.ignored)

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that count: nobody has acknowledged them."""
        return tuple(finding for finding in self.findings if finding.acknowledged is None)


@dataclass(slots=True)
class Totals:
    """Sums over sites, in whatever order they come."""

    guests: int = 0
    severities: Counter[Severity] = field(default_factory=Counter)
    acknowledged: int = 0
    ignored: int = 0
    releases: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, parts: Iterable[Checked]) -> Self:
        """The sums of these sites."""
        totals = cls()
        for part in parts:
            totals.guests += len(part.guests)
            totals.severities.update(finding.severity for finding in part.open)
            totals.acknowledged += len(part.findings) - len(part.open)
            totals.ignored += part.ignored
            totals.releases |= {part.xen} if part.xen else set()
            totals.profiles |= {part.profile} if part.profile else set()
        return totals

    def add(self, other: Totals) -> None:
        """Take the sums of `other` in."""
        self.guests += other.guests
        self.severities.update(other.severities)
        self.acknowledged += other.acknowledged
        self.ignored += other.ignored
        self.releases |= other.releases
        self.profiles |= other.profiles

    def worst(self) -> Severity | None:
        """The worst severity among open findings; None where there are none."""
        return next((severity for severity in Severity if self.severities[severity]), None)
