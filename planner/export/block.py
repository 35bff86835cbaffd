"""The comment that an exported config carries: in three lines what is reserved, why, and for what it was planned."""

from __future__ import annotations

import re

from planner.formats.xlcfg.syntax import parse
from planner.model.guest import Guest, RdmPolicy
from planner.model.span import GIB4, KIB, format_size
from planner.xen.build import Build
from planner.xen.libxl import ReservedEntry

_MOST = 4  # regions and devices that a line names
_HEADS = ("# rdm-planner reserves: ", "# rdm-planner because: ", "# rdm-planner for: ")
_OURS = re.compile("".join(rf"^[ \t]*{re.escape(head)}[^\n]*\n" for head in _HEADS), re.MULTILINE)


def updated(text: str, guest: Guest, result: Build, host: str, reason: str = "") -> str:
    """The config `text` with our comment as `result` makes it: put in, brought up to date or taken out.

    `reason` is what somebody wrote down of why the guest may have what it has.

    Without one, a guest's own file unchanged gets no comment it did not have: an export of nothing changes nothing.
    Only our own three lines in a row are ever replaced.
    """
    lines = _lines(result, host, reason)
    present = _OURS.search(text)
    if present is not None:
        indent = text[present.start() : text.index("#", present.start())]
        block = "".join(f"{indent}{line}\n" for line in lines)
        rest = _OURS.sub("", text[present.end() :])
        return text[: present.start()] + block + rest
    as_read = guest.file is not None and guest.file.on_disk and text == guest.file.text
    if not lines or (as_read and not reason):
        return text
    place = _place(text)
    head = text[:place] + ("" if not place or text[place - 1] == "\n" else "\n")
    return head + "".join(f"{line}\n" for line in lines) + text[place:]


def _place(text: str) -> int:
    """Above the devices, where their statement begins its line; else at the end."""
    setting = parse(text).latest.get("pci")
    if setting is None:
        return len(text)
    start = text.rfind("\n", 0, setting.start) + 1
    return start if not text[start : setting.start].strip(" \t") else len(text)


def _lines(result: Build, host: str, reason: str) -> tuple[str, ...]:
    layout = result.layout
    told = [entry for entry in layout.regions if entry.policy is not RdmPolicy.INVALID] if layout is not None else []
    if layout is None or not told:
        return ()
    domain = result.domain
    lowered = layout.low_end < min((domain.max_kib - domain.video_kib) * KIB, layout.mmio_start)
    ram = f"low RAM ends at {layout.low_end:#x}"
    if layout.high_end > GIB4:
        ram += f", {format_size(layout.high_end - GIB4)} lie above 4 GiB"
    hole = result.guest.mmio_hole
    if lowered:
        ram += ", lowered for a region"
    elif hole is not None and GIB4 - (hole << 20) == layout.low_end:
        ram += f"; keep mmio_hole = {hole}: nothing else tells QEMU so, and without it disks lose data"
    if reason:
        ram += f"; the reason given for it: {reason}"
    where = f" on {host}" if host else ""
    facts = (
        _some([_region(entry) for entry in told]),
        f"these devices reach that memory 1:1 whatever Xen maps; {ram}",
        f"Xen {result.release}{where}; export keeps these three lines up to date",
    )
    return tuple(head + _one_line(fact) for head, fact in zip(_HEADS, facts, strict=True))


def _region(entry: ReservedEntry) -> str:
    owner = _some([str(address) for address in entry.devices]) if entry.devices else "any device of the host"
    return f"{entry.span} ({format_size(entry.span.size)}) for {owner}"


def _some(words: list[str]) -> str:
    more = len(words) - _MOST
    return ", ".join(words[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
