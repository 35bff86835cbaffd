"""Findings and the registry of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the catalogue. `xen` is its severity in the xen profile, where that differs.

    `by` says who fails today if nobody warns: xl, libxl, Xen, hvmloader, QEMU, the device, or nobody.
    """

    id: str
    title: str
    severity: Severity
    _: KW_ONLY
    by: str
    why: str
    remedy: str
    source: str
    xen: Severity | None = None

    def severity_in(self, profile: Profile) -> Severity:
        """The severity under `profile`."""
        return self.xen if self.xen is not None and profile is Profile.XEN else self.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell the admin.

    `guest` is None where it concerns the host. `xen_says` is the line that would be logged, by `speaker` where that is
    not who the rule says fails; `help` is what to do about this very case. `file` and `place` say where in which
    config; `setting` is the config key to turn, where it is about neither device nor range. `acknowledged` is the
    reason somebody gave for living with it.
    """

    rule: Rule
    severity: Severity
    message: str
    guest: str | None = None
    device: Sbdf | None = None
    region: Span | None = None
    xen_says: str | None = None
    speaker: str | None = None
    help: str | None = None
    file: str | None = None
    place: Place | None = None
    setting: str | None = None
    acknowledged: str | None = None

    @property
    def standing(self) -> str:
        """Its severity, or "acknowledged" where somebody gave a reason for living with it."""
        return self.severity.value if self.acknowledged is None else "acknowledged"

    @property
    def quoted(self) -> str | None:
        """The line that would be logged, and who logs it."""
        return f"{self.said_by} says: {self.xen_says}" if self.xen_says else None

    def ends(self, error: str | None) -> bool:
        """Whether it is why a build ends that ends with `error`."""
        return error is not None and self.xen_says == error

    @property
    def said_by(self) -> str:
        """Who logs `xen_says`."""
        return self.speaker or self.rule.by


def grouped(findings: Sequence[Finding]) -> Iterator[tuple[Finding, tuple[Finding, ...]]]:
    """Findings to tell in one breath: the first of each run of one rule about one device, and the ones like it."""
    for _, group in groupby(findings, key=lambda one: (one.rule.id, one.file, one.guest, one.device or id(one))):
        first, *others = group
        yield first, tuple(others)


class Context(NamedTuple):
    """What a rule may look at: the plan, what Xen knows of the host, every guest's build."""

    plan: Plan
    iommu: Iommu
    builds: tuple[Build, ...]

    def host_finding(
        self,
        rule: Rule,
        message: str,
        *,
        severity: Severity | None = None,
        region: Span | None = None,
        xen_says: str | None = None,
        help: str | None = None,  # noqa: A002
        setting: str | None = None,
    ) -> Finding:
        """A finding about the host; `severity` overrides the rule's own."""
        return Finding(
            rule=rule,
            severity=severity or rule.severity_in(self.plan.profile),
            message=message,
            region=region,
            xen_says=xen_says,
            help=help,
            file=self.plan.host_file,
            setting=setting,
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
        speaker: str | None = None,
        help: str | None = None,  # noqa: A002
        keys: tuple[str, ...] = (),
    ) -> Finding:
        """A finding about a guest, placed at its device's item, else at the first of `keys` that the file has.

        A setting that is planned and in no file yet has no place. `severity` overrides the rule's own, for a case that
        is less bad than the rule's usual one.
        """
        setting = keys[0] if keys and device is None and region is None else None
        planned = setting is not None and guest.file is not None and guest.file.place(setting) is None
        whole = () if planned and getattr(guest, setting or "", None) is not None else ("name",)
        places = ((f"pci[{device}]",) if device is not None else ()) + keys + whole
        return Finding(
            rule=rule,
            severity=severity or rule.severity_in(self.plan.profile),
            message=message,
            guest=guest.name,
            device=device,
            region=region,
            xen_says=xen_says,
            speaker=speaker,
            help=help,
            file=guest.file.path if guest.file else None,
            place=guest.file.place(*places) if guest.file else None,
            setting=setting,
        )


HostCheck = Callable[[Context, Rule], Iterator[Finding]]
GuestCheck = Callable[[Context, Rule, Build], Iterator[Finding]]

RULES: dict[str, Rule] = {}
HOST_CHECKS: list[tuple[Rule, HostCheck]] = []
GUEST_CHECKS: list[tuple[Rule, GuestCheck]] = []


def guest_rule(rule: Rule) -> Callable[[GuestCheck], GuestCheck]:
    """Register a rule that looks at one guest at a time."""

    def add(check: GuestCheck) -> GuestCheck:
        GUEST_CHECKS.append((register(rule), check))
        return check

    return add


def host_rule(rule: Rule) -> Callable[[HostCheck], HostCheck]:
    """Register a rule that looks at the host, or at all guests together."""

    def add(check: HostCheck) -> HostCheck:
        HOST_CHECKS.append((register(rule), check))
        return check

    return add


def register(rule: Rule) -> Rule:
    """Take `rule` into the catalogue. ValueError for an id that is there."""
    if rule.id in RULES:
        raise ValueError(f"rule {rule.id} is registered twice")
    RULES[rule.id] = rule
    return rule
