"""What there is to say about an export: what is in its way, what it adds, what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from planner.export.clashes import clashes
from planner.export.shipping import Shipment
from planner.policy.assignable import wants_reason
from planner.policy.findings import Finding, grouped
from planner.policy.suppress import UNHEEDED
from planner.report.words import plural
from planner.tui.commands import Keymap, with_keys
from planner.tui.exporting import Written
from planner.tui.text import Paragraph
from planner.tui.view import View

ON_DISK = {"changed": "changed on disk", "gone": "is gone from disk", "unreadable": "cannot be read now"}
"""What happened to a guest's file, by the word for it."""

_WAYS_ON = {
    "changed": (
        "changed on disk since it was read, and is not overwritten. {export.reload} takes it as it is now; "
        "{export.one} with a folder writes a copy. Changes are shown against it as it is now."
    ),
    "gone": "is gone from disk: {export.one} writes it anew.",
    "unreadable": "cannot be read now, and is not overwritten: {export.one} with a folder writes a copy.",
}


def state(view: View, shipment: Shipment, guest: str, keymap: Keymap) -> Iterator[Paragraph]:
    """Whether the guest can be written, what is in the way, and what is written beyond the plan."""
    if guest in view.on_disk:
        yield (("≠ ", "warning"), (f"its file {with_keys(_WAYS_ON[view.on_disk[guest]], keymap)}", "warning"))
    blocking = shipment.refusals(guest)
    cured = shipment.cured(guest)
    if blocking:
        yield (("✖ ", "error"), (f"{plural(len(blocking), 'problem')} in the way of writing it:", "error"))
        yield from refusal(blocking)
        known = {(one.rule.id, one.guest) for one in view.snapshot.report.findings if one.acknowledged is not None}
        if any((one.rule.id, one.guest) in known for one in blocking):
            yield (("✓ ", "acknowledged"), (UNHEEDED, ""))
    elif cured:
        text = f"{plural(len(cured), 'error')} now, none as exported: what the export adds cures {' '.join(cured)}"
        yield (("✔ ", "ok"), (text, ""))
    elif view.on_disk.get(guest, "gone") == "gone":
        yield (("✔ ", "ok"), ("nothing blocks the export of this guest", ""))
    if not blocking and lacks_reason(shipment, guest):
        text = "the xen profile wants a reason: {export.one} asks for it, and the file will have it"
        yield (("▲ ", "warning"), (with_keys(text, keymap), ""))
    for note in (*shipment.notes.get(guest, ()), *clashes(shipment.planned.plan, guest)):
        yield (("▲ ", "warning"), (note, ""))


def lacks_reason(shipment: Shipment, guest: str) -> bool:
    """Whether nobody has written down why the guest may have what only the xen profile lets it have."""
    report = shipment.planned
    one = report.plan.guest(guest)
    return one is not None and bool(wants_reason(report.plan, report.iommu, one))


def refusal(blocking: Sequence[Finding]) -> Iterator[Paragraph]:
    """The findings in the way, with what to do about each."""
    for finding, others in grouped(blocking):
        yield ((f"✖ {finding.rule.id} ", "error"), (f"{finding.guest or 'host'}: {finding.message}", ""))
        if others:
            yield (("    also ", "dim"), (", ".join(str(other.region) for other in others), "dim"))
        if finding.help:
            yield (("    do: ", "ok"), (finding.help, ""))


def in_the_way(blocking: Iterable[Finding]) -> str:
    """The rules in the way, each once; "" where none is."""
    rules = " ".join(dict.fromkeys(finding.rule.id for finding in blocking))
    return f"{rules} in the way" if rules else ""


def added(shipment: Shipment, guest: str) -> str:
    """What is written beyond the plan, or why nothing is, in a few words, and what that cures; "" for nothing."""
    words = ", ".join(re.split("[:;]", note)[0] for note in shipment.notes.get(guest, ()))
    cured = " ".join(shipment.cured(guest))
    return f"{words}, which cures {cured}" if words and cured else words


def where_to(own: Iterable[Path], taken: Sequence[Path], left: Mapping[str, str]) -> str:
    """Which files are written unless a folder is typed, those `taken` by somebody, and which guests are left out."""
    names = [str(path) for path in own]
    each = "each to its own file: " if len(names) > 1 else ""
    words = [f"⏎ writes {each}{', '.join(names)}." if names else ""]
    words += [f"{path.name} is there already, and is replaced." for path in taken]
    words.append("A folder typed here gets copies instead. What stands there is kept beside it, dated.")
    if left:
        words.append(f"Left out: {', '.join(f'{guest} ({why})' for guest, why in left.items())}.")
    return " ".join(filter(None, words))


def outcome(written: Sequence[Written], left: Mapping[str, str]) -> str:
    """What was done, as a title; `left`: guests that were left out, with why."""
    new = sum(not one.already for one in written)
    already = len(written) - new
    words = [
        f"Exported {plural(new, 'guest')}" if new else "Nothing to write",
        f"{already} already so" if new and already else "",
        f"{len(left)} left out" if left else "",
    ]
    return ", ".join(filter(None, words))


def report(
    written: Sequence[Written], left: Mapping[str, str], notes: Mapping[str, Sequence[str]], undo: str
) -> Iterator[Paragraph]:
    """What became of each guest, and what its file says beyond the plan."""
    for one in (one for one in written if not one.already):
        yield (("✔ ", "ok"), (f"{one.guest}: {one.path}", ""))
        kept = f"before: {one.backup.name}, beside it" if one.backup else "no backup: nothing else stood there"
        yield ((f"    {kept}", "dim"),)
        for note in notes.get(one.guest, ()):
            yield ((f"    {note}", ""),)
        if one.own and one.guest in notes:
            yield ((f"    what was added is taken into the plan, as a step that {undo} takes back", ""),)
    yield from left_out(left)
    for one in (one for one in written if one.already):
        yield (("• ", "dim"), (f"{one.guest}: already so, {one.path} is left alone", "dim"))


def left_out(left: Mapping[str, str]) -> Iterator[Paragraph]:
    """The guests that are not written, with why."""
    for guest, why in left.items():
        yield (("✖ ", "error"), (f"{guest}: left out, {why}", ""))
