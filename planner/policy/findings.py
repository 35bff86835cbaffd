"""Findings and the registry of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from planner.model.address import Sbdf
from planner.model.guest import Guest, Place
from planner.model.plan import Plan, Profile
from planner.model.span import Span
from planner.xen.build import Build
from planner.xen.hypervisor import Iommu


class Severity(StrEnum):
    """How bad: an error blocks export, for something will fail or is unsafe."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of the catalogue. `severity` is that of the default profile; `by_profile` names the ones that differ.

    `by` says who fails today if nobody warns: libxl, Xen, QEMU, the device, or nobody.
    """

    id: str
    title: str
    severity: Severity
    by: str
    why: str
    remedy: str
    source: str
    by_profile: Mapping[Profile, Severity]

    def severity_in(self, profile: Profile) -> Severity:
        """The severity under `profile`."""
        return self.by_profile.get(profile, self.severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell the admin.

    `guest` is None where it concerns the host. `xen_says` is the line the actor would log, `help` what to do about
    this very case. `file` and `place` say where in which config.
    """

    rule: Rule
    severity: Severity
    message: str
    guest: str | None = None
    device: Sbdf | None = None
    region: Span | None = None
    xen_says: str | None = None
    help: str | None = None
    file: str | None = None
    place: Place | None = None


def grouped(findings: Sequence[Finding]) -> Iterator[tuple[Finding, tuple[Finding, ...]]]:
    """Findings to tell in one breath: the first of each run of one rule about one device, and the ones like it."""
    for _, group in groupby(findings, key=lambda one: (one.rule.id, one.file, one.guest, one.device or id(one))):
        first, *others = group
        yield first, tuple(others)


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at: the plan, what Xen knows of the host, every guest's build."""

    plan: Plan
    iommu: Iommu
    builds: tuple[Build, ...]

    def host_finding(self, rule: Rule, message: str, *, region: Span | None = None, help: str | None = None) -> Finding:  # noqa: A002
        """A finding about the host."""
        return Finding(
            rule=rule,
            severity=rule.severity_in(self.plan.profile),
            message=message,
            region=region,
            help=help,
            file=self.plan.host_file,
        )

    def finding(
        self,
        rule: Rule,
        guest: Guest,
        message: str,
        *,
        severity: Severity | None = None,
        device: Sbdf | None = None,
        region: Span | None = None,
        xen_says: str | None = None,
        help: str | None = None,  # noqa: A002
        keys: tuple[str, ...] = (),
    ) -> Finding:
        """A finding about a guest, placed at its device's item, else at the first of `keys` that the file has.

        `severity` overrides the rule's own, for a case that is less bad than the rule's usual one.
        """
        places = ((f"pci[{device}]",) if device is not None else ()) + keys
        return Finding(
            rule=rule,
            severity=severity or rule.severity_in(self.plan.profile),
            message=message,
            guest=guest.name,
            device=device,
            region=region,
            xen_says=xen_says,
            help=help,
            file=guest.file.path if guest.file else None,
            place=guest.file.place(*places, "name") if guest.file else None,
        )


HostCheck = Callable[[Context, Rule], Iterator[Finding]]
GuestCheck = Callable[[Context, Rule, Build], Iterator[Finding]]

RULES: dict[str, Rule] = {}
HOST_CHECKS: list[tuple[Rule, HostCheck]] = []
GUEST_CHECKS: list[tuple[Rule, GuestCheck]] = []


def guest_rule(
    id: str,  # noqa: A002
    title: str,
    severity: Severity,
    *,
    by: str,
    why: str,
    remedy: str,
    source: str,
    xen: Severity | None = None,
) -> Callable[[GuestCheck], GuestCheck]:
    """Register a rule that looks at one guest at a time; `xen` is its severity in that profile where it differs."""
    rule = _register(id, title, severity, by, why, remedy, source, xen)

    def add(check: GuestCheck) -> GuestCheck:
        GUEST_CHECKS.append((rule, check))
        return check

    return add


def host_rule(
    id: str,  # noqa: A002
    title: str,
    severity: Severity,
    *,
    by: str,
    why: str,
    remedy: str,
    source: str,
    xen: Severity | None = None,
) -> Callable[[HostCheck], HostCheck]:
    """Register a rule that looks at the host, or at all guests together."""
    rule = _register(id, title, severity, by, why, remedy, source, xen)

    def add(check: HostCheck) -> HostCheck:
        HOST_CHECKS.append((rule, check))
        return check

    return add


def _register(
    rule_id: str, title: str, severity: Severity, by: str, why: str, remedy: str, source: str, xen: Severity | None
) -> Rule:
    if rule_id in RULES:
        raise ValueError(f"rule {rule_id} is registered twice")
    by_profile = {} if xen is None else {Profile.XEN: xen}
    rule = Rule(
        id=rule_id, title=title, severity=severity, by=by, why=why, remedy=remedy, source=source, by_profile=by_profile
    )
    RULES[rule_id] = rule
    return rule
