"""Memory maps as text: a guest's address space from 0 up, the views of each actor, and the story of a build."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.model.span import KIB, Span, format_size
from planner.policy.evaluate import Report
from planner.report.ranges import never_reached, ranges
from planner.report.troubles import HARMS, Trouble, troubles
from planner.report.words import GLYPHS, Style, plain, plural, printable, wrap
from planner.xen import views
from planner.xen.build import Build, Stage
from planner.xen.segments import SegmentKind
from planner.xen.views import Belief, Claim

BAR = {
    SegmentKind.LOW_RAM: "█",
    SegmentKind.HIGH_RAM: "█",
    SegmentKind.LEGACY: "░",
    SegmentKind.FREE: "·",
    SegmentKind.MMIO_HOLE: "┄",
    SegmentKind.RESERVED: "▒",
    SegmentKind.BAR: "▓",
    SegmentKind.CONFLICT: "╳",
    SegmentKind.FIRMWARE: "░",
}
_CLAIM = {
    Claim.RAM: ("█", "low_ram"),
    Claim.RESERVED: ("▒", "reserved"),
    Claim.DEVICE: ("▓", "bar"),
    Claim.SCRATCH: ("░", "firmware"),
    Claim.CONFLICT: ("╳", "conflict"),
}
VIEWS = ("libxl", "hvmloader", "qemu", "all")
_BAR_WIDTH = 16
_WIDTH = 80


def render(
    reports: Sequence[tuple[str, Report]],
    *,
    view: str | None = None,
    stage: str | None = None,
    explain: bool = False,
    width: int = _WIDTH,
    style: Style = plain,
) -> str:
    """Every guest's map.

    `view` shows what one actor believes instead; `stage` the state after that stage and its steps; `explain` adds the
    steps of every stage.
    """
    blocks = []
    for _, report in reports:
        for build in report.builds:
            lines = [_title(build, style)]
            lines += _believed(build, view, width, style) if view else _ranges(build, stage, width, style)
            if stage or explain:
                lines += _story(build, [one for one in build.stages if stage in (None, one.name)], width, style)
            if view is None:
                lines += _clashes(build, width, style)
                lines += [] if stage or explain else _log_lines(build, width, style)
            for word in build.undefined:
                lines += wrap(f"{GLYPHS['warning']} undefined: {word}", width, "  ", style, "warning")
            lines.append(_verdict(build, style))
            blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _title(build: Build, style: Style) -> str:
    guest = build.guest
    size = format_size(build.domain.max_kib * KIB)
    return style(f"{printable(guest.name)} · {guest.type.upper()} · {size} · Xen {build.release}", "bold")


def why_no_map(build: Build) -> str:
    """Why a guest has no map."""
    return "a PV guest takes the host's own memory map" if build.guest.type == "pv" else "no map: xl refuses the config"


def _ranges(build: Build, stage: str | None, width: int, style: Style) -> list[str]:
    if build.layout is None:
        return [f"  {why_no_map(build)}"]
    lines = [f"  stage {stage}: {missed}" for missed in [never_reached(build, stage)] if missed]
    shown = ranges(build, stage)
    largest = max(one.span.size for one in shown)
    for one in shown:
        lost = one.trouble in (Trouble.LOST, Trouble.DISPLACED)
        role = "error" if one.trouble in HARMS else one.kind.value
        lines.append(_row(one.span, "▚" if lost else BAR[one.kind], role, one.name, largest, width, style))
    return lines


def _believed(build: Build, view: str, width: int, style: Style) -> list[str]:
    """What one actor takes each address for; what another contradicts is marked."""
    beliefs: tuple[Belief, ...] = ()
    if view == "libxl" and build.layout is not None:
        beliefs = views.libxl(build.layout)
    elif view == "hvmloader" and build.firmware is not None:
        beliefs = views.hvmloader(build.firmware, build.names)
    elif view == "qemu" and build.qemu is not None:
        beliefs = views.qemu(build.qemu, build.firmware, build.names)
    if view == "all":
        return _side_by_side(build, width, style)
    if not beliefs and build.domain.type != "hvm":
        return [f"  {view} plays no part in this guest"]
    if not beliefs:
        return wrap(why_no_views(build), width, "  ")
    largest = max(belief.span.size for belief in beliefs)
    lines = [f"  as {view} believes it"]
    for belief in beliefs:
        glyph, role = _CLAIM[belief.claim]
        lines.append(_row(belief.span, glyph, role, belief.label, largest, width, style))
    for clash in build.disagreements:
        lines += wrap(
            f"{GLYPHS['error']} {clash.span} {clash.kind.replace('_', ' ')}: {clash.label}", width, "  ", style, "error"
        )
    return lines


def _side_by_side(build: Build, width: int, style: Style) -> list[str]:
    """What all three take each address for.

    ✖ where guest RAM or a BAR of one is not what QEMU has there, ▲ where QEMU alone believes in RAM.
    """
    rows = views.side_by_side(build.layout, build.firmware, build.qemu, build.names)
    if not rows:
        return wrap(why_no_views(build), width, "  ")
    column = (width - 29) // 3
    believed = [span for span, what in troubles(build) if what is Trouble.BELIEVED]
    lines = [f"  {'':>25}  {'libxl':<{column}}{'hvmloader':<{column}}{'QEMU':<{column}}".rstrip()]
    for row in rows:
        clash = row.conflict or any(row.span.overlaps(one.span) for one in build.disagreements)
        alone = "RAM" not in row.cells[:2] and any(row.span.overlaps(span) for span in believed)
        sign = GLYPHS["error"] if clash else GLYPHS["warning"] if alone else " "
        cells = "".join(f"{printable(cell)[: column - 1]:<{column}}" for cell in row.cells)
        line = f"{sign} {row.span.start:>12x} {row.span.last:>12x}  {cells}".rstrip()
        lines.append(style(line, "error" if clash else "warning") if clash or alone else line)
    return lines


def why_no_views(build: Build) -> str:
    """Why there is nothing to tell of hvmloader's and QEMU's beliefs."""
    if build.domain.type != "hvm":
        return f"no views: hvmloader and QEMU play no part in a {build.domain.type.upper()} guest"
    ended = next((stage.name for stage in build.stages if not stage.ok), "")
    return f"no views: the build ends in stage {ended}, before hvmloader and QEMU run: {build.error or 'it failed'}"


def _row(span: Span, glyph: str, role: str, label: str, largest: int, width: int, style: Style) -> str:
    """One range: first and last byte, a bar by the logarithm of its size, size and label."""
    scale = math.log2(max(largest / (4 * KIB), 2))
    length = max(1, round(_BAR_WIDTH * math.log2(max(span.size / (4 * KIB), 1)) / scale))
    head = f"  {span.start:>12x} {span.last:>12x} "
    tail = f" {format_size(span.size):>9}  {printable(label)}"
    room = width - len(head) - _BAR_WIDTH
    return (
        head + style(f"{glyph * length:<{_BAR_WIDTH}}", role) + (tail if len(tail) <= room else tail[: room - 1] + "…")
    )


def _story(build: Build, stages: Sequence[Stage], width: int, style: Style) -> list[str]:
    """Each step: what was decided and why, where that stands in Xen, and the line the actor logs."""
    lines = []
    for stage in stages:
        lines.append(f"  {style(stage.name, 'bold')}{'' if stage.ok else style('  the build ends here', 'error')}")
        for step in stage.steps:
            lines += wrap(f"· {printable(step.text)} [{step.rule}]", width, "    ", hanging=True)
            if step.log:
                role = step.level if step.level in GLYPHS else "dim"
                line = f"{GLYPHS.get(step.level, '»')} {printable(step.log.strip())}"
                lines += wrap(line, width, "      ", style, role, hanging=True)
    return lines


def _clashes(build: Build, width: int, style: Style) -> list[str]:
    """What the guest loses and nobody logs."""
    lines = []
    for clash in build.disagreements:
        if clash.kind == "lost_ram":
            text = f"{GLYPHS['error']} QEMU does not know {clash.span}: emulated disks lose data there"
            lines += wrap(text, width, "  ", style, "error")
    dead = [clash for clash in build.disagreements if clash.kind == "dead_bar"]
    if dead:
        text = f"{GLYPHS['error']} {plural(len(dead), 'BAR')} from {dead[0].span.start:#x} behind QEMU's RAM: all ones"
        lines += wrap(text, width, "  ", style, "error")
    return lines


def _log_lines(build: Build, width: int, style: Style) -> list[str]:
    """What goes wrong, in the actors' own lines."""
    lines = []
    for step in (step for stage in build.stages for step in stage.steps):
        if step.log and step.level in GLYPHS:
            lines += wrap(f"{GLYPHS[step.level]} {printable(step.log.strip())}", width, "  ", style, step.level)
    return lines


def _verdict(build: Build, style: Style) -> str:
    return f"  {style('starts', 'bold')}" if build.ok else f"  {style('does not start', 'error')}"
