"""Fixes in an admin's words: what is changed, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.model.edits import Assign, Edit, OfGuest, Release, SetPassthrough, SetPolicy, SetSize
from planner.model.plan import Plan
from planner.model.span import GIB4, KIB, Span, format_size
from planner.policy.evaluate import Report
from planner.policy.owners import is_set_aside
from planner.policy.ways import Way
from planner.xen.build import Build


def by_guest(edits: Iterable[Edit]) -> Iterator[tuple[str, Edit]]:
    """Each edit with the guest that it changes."""
    for edit in edits:
        if isinstance(edit, OfGuest):
            yield edit.guest, edit


def title(edits: tuple[Edit, ...]) -> str:
    """The change in an admin's words."""
    sizes: dict[int | None, list[str]] = {}
    parts: list[str] = []
    for edit in edits:
        if isinstance(edit, SetSize):
            sizes.setdefault(edit.value, []).append(edit.key)
        elif isinstance(edit, SetPassthrough):
            parts.append(f'passthrough = "{edit.value}"' if edit.value is not None else "drop passthrough")
        elif isinstance(edit, SetPolicy):
            parts.append(f"rdm_policy={edit.policy} for {edit.address.short}")
    parts += [
        f"drop {' and '.join(keys)}" if value is None else f"{' = '.join(keys)} = {value}"
        for value, keys in sizes.items()
    ]
    given = [edit for edit in edits if isinstance(edit, Assign)]
    taken = [edit for edit in edits if isinstance(edit, Release)]
    if given and taken:
        parts.append(f"give {_devices(given)} instead of {_devices(taken)}")
    elif given:
        parts.append(f"give {_devices(given)} to {given[0].guest}")
    return " and ".join(parts)


def _devices(edits: Iterable[Assign | Release]) -> str:
    return ", ".join(edit.address.short for edit in edits)


def cost(
    before: Report, after: Report, edits: tuple[Edit, ...], way: Way, guest: str | None = None
) -> tuple[str, int, int]:
    """What a fix costs in words; the RAM lost and the RAM moved above 4 GiB, in bytes (negative: back below).

    `guest` is whom it is for, which may be another than those that change.
    """
    words: list[str] = []
    lost = moved = 0
    for name in dict.fromkeys(guest for guest, _ in by_guest(edits)):
        old, new = before.build(name), after.build(name)
        if old is None or new is None:
            continue
        fewer = (old.domain.max_kib - new.domain.max_kib) * KIB
        lost += max(0, fewer)
        if fewer:
            words.append(f"{format_size(abs(fewer))} {'less' if fewer > 0 else 'more'} RAM")
        elif new.domain.target_kib != old.domain.target_kib:
            more = (new.domain.target_kib - old.domain.target_kib) * KIB
            words.append(f"{format_size(more)} more RAM from the start")
        elif (up := _above(new) - _above(old)) and old.layout is not None:
            moved += up
            words.append(f"moves {format_size(abs(up))} {'above' if up > 0 else 'back below'} 4 GiB")
        elif any(isinstance(edit, SetSize) for edit in edits):
            words.append("RAM stays where it is")
    if not lost:
        words.append("no RAM lost")
    words += [f"{_called(edit, before.plan)} leaves dom0" for edit in edits if _leaves_dom0(edit, before.plan)]
    if way.kind == "release":
        words += [f"{edit.guest} loses {edit.address.short}" for edit in edits if isinstance(edit, Release)]
    words += [f"risk: {way.risk}"] if way.risk else []
    stopped = [f"{name} still does not start: {why}" for name, why in _stopped(after, edits, guest)]
    return ", ".join([*stopped, *words]), lost, moved


def _stopped(after: Report, edits: tuple[Edit, ...], guest: str | None) -> Iterator[tuple[str, str]]:
    """`guest` and those that the edits change, where they do not start all the same: with the rule that says why."""
    for name in dict.fromkeys([*([guest] if guest is not None else []), *(name for name, _ in by_guest(edits))]):
        build = after.build(name)
        if build is not None and not build.ok:
            mine = [one for one in after.findings if one.guest == name]
            why = next((one.rule.id for one in mine if one.ends(build.error)), build.error or "")
            yield name, why


def _above(build: Build) -> int:
    return Span(GIB4, build.layout.high_end).size if build.layout is not None else 0


def _leaves_dom0(edit: Edit, plan: Plan) -> bool:
    if not isinstance(edit, Assign) or plan.owners(edit.address):
        return False
    device = plan.host.by_address.get(edit.address)
    return device is None or not is_set_aside(device)


def _called(edit: Edit, plan: Plan) -> str:
    if not isinstance(edit, Assign):
        return ""
    device = plan.host.by_address.get(edit.address)
    return f"{edit.address.short} ({device.name})" if device is not None and device.name else edit.address.short


def lower(sentence: str) -> str:
    """A sentence to go on with after a colon: an acronym or a setting keeps its letters."""
    word = sentence.split(" ")[0]
    common = len(word) == 1 or word[1:].islower()
    text = sentence[0].lower() + sentence[1:] if common and word != "Xen" else sentence
    return text.removesuffix(".")
