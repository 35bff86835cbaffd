"""What there is to say about each guest, or release, in one line: for a list to choose from."""

from __future__ import annotations

from collections import Counter

from planner.model.span import KIB, format_size
from planner.report.words import GLYPHS, plural
from planner.tui.view import View
from planner.xen.release import Release


def of_guest(view: View, index: int) -> str:
    """A guest's state, counts, worst problem, memory and devices, most telling first."""
    report = view.snapshot.report
    build = report.builds[index]
    guest = build.guest
    counts = view.counts.get(guest.name, Counter[str]())
    found = [one for one in report.findings if one.guest == guest.name and one.standing in ("error", "warning")]
    said = [f"{glyph}{counts[standing]}" for standing, glyph in GLYPHS.items() if counts.get(standing)]
    marks = [
        "not exported" if guest.name in view.unsaved else "",
        f"{view.on_disk[guest.name]} on disk" if guest.name in view.on_disk else "",
    ]
    parts = [
        " ".join(said) or "✔",
        (f"does not start: {build.error}" if not build.ok else f"starts; {found[0].rule.title}" if found else "starts"),
        format_size(build.domain.max_kib * KIB),
        plural(len(guest.pci), "device"),
        *marks,
    ]
    return " · ".join(part for part in parts if part)


def of_release(release: Release) -> str:
    """What a release's answers rest on, and what guests with devices notice first."""
    if release.was_run:
        about = "as its own code answered"
    else:
        about = f"as 4.17, with{'out' if release.version < (4, 17) else ''} the changes since that matter"
    return f"{about}; drops rdm= with a policy" if release.drops_rdm_with_policy else about
