"""What there is to say about what a cursor stands on, most important first."""

from __future__ import annotations

from collections.abc import Iterator

from planner.model.address import Sbdf
from planner.pci.isolation import Unit
from planner.policy.findings import Finding
from planner.policy.sizes import Size
from planner.report.troubles import HARMS, troubles
from planner.report.words import GLYPHS
from planner.tui.bands import Band
from planner.tui.comparison import Line
from planner.tui.describe import devices, memory
from planner.tui.text import Paragraph
from planner.tui.view import BELOW, Heading, Look, Subject, View
from planner.xen.build import STAGES, Stage
from planner.xen.rdm import Rdm


def describe(view: View, subject: Subject, *, full: bool = False) -> Iterator[Paragraph]:
    """Paragraphs about `subject`; `full` shortens no list."""
    match subject:
        case Sbdf():
            return devices.of_device(view, subject, full=full)
        case Heading():
            return devices.of_heading(view, subject)
        case Unit():
            return devices.of_unit(view, subject)
        case Rdm():
            return devices.of_region(view, subject)
        case Band():
            return memory.of_band(view, subject)
        case Stage():
            return memory.of_stage(subject)
        case Line():
            return memory.of_line(view, subject)
        case Size():
            return memory.of_size(view, subject)
        case Finding():
            return finding(subject, view.group_of(subject))
    return iter([(("Nothing is chosen.", "dim"),)])


def finding(found: Finding, group: tuple[Finding, ...]) -> Iterator[Paragraph]:
    """Paragraphs about a finding, and where else the same holds: the others of its `group`."""
    yield ((f"{GLYPHS[found.standing]} {found.rule.id} ", found.standing), (found.rule.title, "strong"))
    yield ((found.message, ""),)
    if found.acknowledged is not None:
        yield (("acknowledged: ", "ok"), (found.acknowledged, ""))
    also = [str(one.region) for one in group if one is not found and one.region is not None]
    if also:
        yield (("also ", "strong"), (", ".join(also), ""))
    remedy = "" if found.help and _same(found.help, found.rule.remedy) else found.rule.remedy
    if found.help:
        yield (("do: ", "ok"), (found.help, ""))
    if found.xen_says:
        yield ((f"{found.said_by} logs ", "dim"), (f'"{found.xen_says}"', "warning"))
    if found.file is not None:
        place = f":{found.place.line}:{found.place.column}" if found.place is not None else ""
        yield ((f"at {found.file}{place}", "dim"),)
    yield ((found.rule.why, ""),)
    if remedy:
        yield (("remedy: ", "ok"), (remedy, ""))
    yield (("source: ", "dim"), (found.rule.source, "dim"))


def _same(help_: str, remedy: str) -> bool:
    """Whether one of them says no more than the other."""
    one, other = (text.lower().rstrip(".") for text in (help_, remedy))
    return one in other or other in one


def title(view: View) -> str:
    """The middle pane's title: what is shown of whom."""
    guest = view.current
    if view.look is Look.GUESTS:
        without = [build.guest.name for build in view.snapshot.report.builds if build.layout is None]
        return "All guests" + (f" · no map: {', '.join(without)}" if without else "")
    if guest is None:
        return "Memory map"
    if view.look is Look.VIEWS:
        return f"{guest.name} as each believes it"
    if view.zoom is None:
        return guest.name
    found = troubles(view.build) if view.build is not None and view.stage in (None, *STAGES[3:]) else ()
    beyond = any(what in HARMS and not span.overlaps(view.zoom) for span, what in found)
    zoom = "below 4 GiB" if view.zoom == BELOW else f"{view.zoom.start:#x}-{view.zoom.last:#x}"
    return f"{guest.name} · {zoom}" + (" · ✖ beyond" if beyond else "")
