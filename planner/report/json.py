"""Reports as JSON: stable keys, versioned, the same bytes for the same input."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from planner.model.guest import RdmPolicy
from planner.model.span import Span
from planner.policy.checked import Checked, Totals
from planner.policy.evaluate import Report
from planner.policy.findings import Finding, Severity
from planner.report.formats import Look
from planner.xen.build import Build
from planner.xen.hvmloader import Outcome
from planner.xen.libxl import Layout

if TYPE_CHECKING:
    from planner.policy.fixes import Fix
    from planner.report.schema import FindingValue, FixValue, SpanValue, Summary

SCHEMA_VERSION = 1


BETWEEN = ",\n"
TOTALS_FIRST = True  # the summary stands before the findings


def part(checked: Checked, look: Look) -> str:
    """The findings of one site."""
    return BETWEEN.join(_indented(finding_value(checked, finding)) for finding in checked.findings)


def head(totals: Totals) -> str:
    """Release and profile (null where the sites differ in one) and the summary."""
    value = _head(totals.releases, totals.profiles) | {"summary": _summary(totals)}
    opened = _dump(value).removesuffix("\n}\n")
    return opened + ',\n  "findings": [' + ("\n" if _has_findings(totals) else "")


def tail(totals: Totals, look: Look) -> str:
    """The end of the findings and of the document."""
    return ("\n  ]" if _has_findings(totals) else "]") + "\n}\n"


def map(reports: Sequence[tuple[str, Report]]) -> str:  # noqa: A001
    """The memory map of every guest of one or several sites."""
    guests = [_guest(site, build) for site, report in reports for build in report.builds]
    releases = {report.release.name for _, report in reports}
    profiles = {report.plan.profile.value for _, report in reports}
    return _dump(_head(releases, profiles) | {"guests": guests})


def span(value: Span) -> SpanValue | None:
    """A span: inclusive end in hex as DMAR and lspci print it, size in bytes; None for an empty one."""
    if value.size == 0:
        return None
    return {"start": f"{value.start:#x}", "end": f"{value.last:#x}", "size": value.size}


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _indented(value: FindingValue) -> str:
    return textwrap.indent(json.dumps(value, indent=2, ensure_ascii=False), "    ")


def _head(releases: set[str], profiles: set[str]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "xen": next(iter(releases)) if len(releases) == 1 else None,
        "profile": next(iter(profiles)) if len(profiles) == 1 else None,
    }


def _summary(totals: Totals) -> Summary:
    return {
        "guests": totals.guests,
        "errors": totals.severities[Severity.ERROR],
        "warnings": totals.severities[Severity.WARNING],
        "notices": totals.severities[Severity.NOTICE],
        "acknowledged": totals.acknowledged,
        "ignored": totals.ignored,
    }


def _has_findings(totals: Totals) -> bool:
    return bool(any(totals.severities.values()) or totals.acknowledged)


def finding_value(checked: Checked, finding: Finding) -> FindingValue:
    """One finding, as README describes it."""
    return {
        "rule": finding.rule.id,
        "severity": finding.severity.value,
        "site": checked.site,
        "guest": finding.guest,
        "file": finding.file,
        "line": finding.place.line if finding.place else None,
        "column": finding.place.column if finding.place else None,
        "device": str(finding.device) if finding.device else None,
        "region": span(finding.region) if finding.region else None,
        "message": finding.message,
        "xen_says": finding.xen_says,
        "help": finding.help,
        "acknowledged": finding.acknowledged,
        "fixes": [_fix(fix, finding.guest) for fix in checked.fixes.get(finding, ())],
    }


def _fix(fix: Fix, guest: str | None) -> FixValue:
    """One fix: `edits` are the guest's config keys with their new values, `others` those of other guests by name.

    A key whose value is null goes; `pci` is the whole new list. `needs` is what a person must answer for first.
    """
    others = {name: dict(changed) for name, changed in fix.settings.items() if name != guest}
    edits = dict(fix.settings.get(guest or "", {}))
    return {"title": fix.title, "edits": edits, "others": others, "cost": fix.cost, "needs": fix.needs}


def _guest(site: str, build: Build) -> dict[str, Any]:
    return {
        "guest": build.guest.name,
        "site": site,
        "file": build.guest.file.path if build.guest.file else None,
        "ok": build.ok,
        "error": build.error,
        "undefined": list(build.undefined),
        "libxl": _libxl(build.layout) if build.layout is not None else None,
        "hvmloader": _hvmloader(build.firmware) if build.firmware is not None else None,
        "qemu": _qemu(build),
        "disagreements": [
            {"span": span(clash.span), "kind": clash.kind, "label": clash.label} for clash in build.disagreements
        ],
        "attach": [
            {"device": str(attach.address), "ok": attach.ok, "error": attach.error} for attach in build.attached
        ],
        "segments": [
            {"span": span(segment.span), "kind": segment.kind.value, "label": segment.label}
            for segment in build.segments
        ],
    }


def _libxl(layout: Layout) -> dict[str, Any]:
    return {
        "ok": layout.ok,
        "error": layout.error,
        "low_ram": span(Span(0, layout.low_end)),
        "high_ram": span(Span(1 << 32, layout.high_end)),
        "mmio_start": f"{layout.mmio_start:#x}",
        "regions": [
            {
                "span": span(entry.span),
                "policy": entry.wanted.value if entry.wanted is not None else None,
                "state": region_state(layout, entry.span, entry.policy),
                "devices": [str(device) for device in entry.devices],
            }
            for entry in layout.regions
        ],
        "e820": [{"span": span(entry.span), "type": entry.type} for entry in layout.e820],
        "log": [list(line) for line in layout.log],
    }


def region_state(layout: Layout, region: Span, policy: RdmPolicy | None) -> str:
    """What became of a region: `reserved`, `masked` (hidden from the guest), or `conflict` (libxl failed over it)."""
    if policy is RdmPolicy.INVALID:
        return "masked"
    if layout.error == f"RDM conflict at {region.start:#x}.":
        return "conflict"
    return "reserved"


def _hvmloader(outcome: Outcome) -> dict[str, Any]:
    return {
        "ok": outcome.ok,
        "error": outcome.error,
        "mmio_low": span(outcome.mmio_low),
        "mmio_high": span(outcome.mmio_high),
        "bars": [
            {
                "device": str(bar.host) if bar.host is not None else None,
                "slot": bar.slot,
                "bar": bar.number,
                "kind": bar.kind,
                "size": bar.size,
                "span": span(bar.span) if bar.span is not None else None,
            }
            for bar in outcome.bars
        ],
        "e820": [{"span": span(entry.span), "type": entry.type} for entry in outcome.e820],
        "log": list(outcome.log),
    }


def _qemu(build: Build) -> dict[str, Any] | None:
    view = build.qemu
    if view is None:
        return None
    return {
        "low_ram": span(Span(0, view.low_end)),
        "high_ram": span(Span(1 << 32, view.high_end)),
        "scratch": span(view.scratch),
        "roms": [span(rom) for rom in view.roms],
        "lost": [span(part) for part in view.lost],
    }
