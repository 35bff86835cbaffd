"""What differs between two texts, or two plans: as paragraphs, or line by line."""

from __future__ import annotations

from difflib import SequenceMatcher, unified_diff

from planner.export import xlcfg
from planner.formats.xlcfg.guest import as_read
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.session import is_same, renamed
from planner.tui.text import Hung, Paragraph

_STYLES = {"+": "ok", "-": "error", "@": "accent"}


def changes(old: str, new: str, before: str, after: str) -> list[Paragraph]:
    """The lines that change with a few around them, and what the two texts are called; empty where nothing does."""
    lines = unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="")
    styled = ((line, _STYLES.get(line[:1], "")) for line in lines)
    return [Hung(((line[:1], style), (line[1:].expandtabs(), style))) for line, style in styled]


def whole(text: str) -> list[Paragraph]:
    """Every line, so that one that goes on below is seen to."""
    return [Hung(((" ", ""), (line, ""))) for line in text.expandtabs().splitlines()]


def line_by_line(old: str | None, new: str) -> list[tuple[str, str]]:
    """All of `new`, each line with "+" where it is not in `old` and " " where it is; lines that go with "-"."""
    after = new.splitlines()
    if old is None:
        return [(" ", line) for line in after]
    before = old.splitlines()
    found: list[tuple[str, str]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [(" ", line) for line in after[j1:j2]]
            continue
        found += [("-", line) for line in before[i1:i2]]
        found += [("+", line) for line in after[j1:j2]]
    return found


def between(old: Plan, new: Plan) -> list[Paragraph]:
    """What `new` decides otherwise than `old`: of each guest the lines of its config, then what no config says."""
    found: list[Paragraph] = []
    for was, now in _changed(old, new):
        found += [((_called(was, now), "heading"),), *_of_guest(was, now), ()]
    found += [
        ((f"{what}: ", "strong"), (f"{_said(before)} ", "error"), ("→ ", "dim"), (_said(after), "ok"))
        for what, before, after in _facts(old, new)
    ]
    return found


def in_short(old: Plan, new: Plan) -> list[str]:
    """What `new` decides otherwise than `old`, by name: guests first, one thing each."""
    words: dict[str, list[str]] = {"changed": [], "new": [], "taken out": []}
    told = []
    for was, now in _changed(old, new):
        name = _called(was, now)
        if was is not None and now is not None and was.name != now.name:
            told.append(name)
        else:
            words["new" if was is None else "taken out" if now is None else "changed"].append(name)
    told += [f"{what}: {', '.join(names)}" for what, names in words.items() if names]
    return told + [
        what if isinstance(after, dict) else f"{what}: {_said(before)} → {_said(after)}"
        for what, before, after in _facts(old, new)
    ]


def _changed(old: Plan, new: Plan) -> list[tuple[Guest | None, Guest | None]]:
    """The guests that differ, each as it was and as it is now; None where there is none."""
    now_called = {was: now for now, was in renamed(old, new).items()}
    pairs = [(guest, new.guest(now_called.get(guest.name, guest.name))) for guest in old.guests]
    known = {now.name for _, now in pairs if now is not None}
    found = [(was, now) for was, now in pairs if now is None or not is_same(was, now)]
    return [*found, *((None, guest) for guest in new.guests if guest.name not in known)]


def _called(was: Guest | None, now: Guest | None) -> str:
    if was is not None and now is not None and was.name != now.name:
        return f"{was.name} is called {now.name} now"
    named = now or was
    return named.name if named is not None else ""


def _facts(old: Plan, new: Plan) -> list[tuple[str, object, object]]:
    facts = (
        ("Xen release", old.release, new.release),
        ("profile", old.profile, new.profile),
        ("reasons", dict(old.reasons), dict(new.reasons)),
        ("hotplug candidates", _listed(old), _listed(new)),
    )
    return [(what, was, now) for what, was, now in facts if was != now]


def _of_guest(was: Guest | None, now: Guest | None) -> list[Paragraph]:
    if now is None:
        return [(("taken out of the plan", "error"),)]
    if was is None:
        file = now.file if now.file is not None and now.file.on_disk else None
        text: list[Paragraph] = [((f"a new guest, from {file.path}" if file is not None else "a new guest", "ok"),)]
        was = as_read(file) if file is not None else None
        return [*text, *_of_guest(was, now)] if was is not None and was != now else text
    try:
        return changes(xlcfg.render(was), xlcfg.render(now), "then", "now")[2:]
    except InputError as error:
        return [(("✖ ", "error"), (str(error), ""))]


def _listed(plan: Plan) -> dict[str, list[str]]:
    return {guest: [one.short for one in devices] for guest, devices in plan.candidates.items() if devices}


def _said(value: object) -> str:
    if isinstance(value, dict):
        return (
            "; ".join(f"{key}: {', '.join(one) if isinstance(one, list) else one}" for key, one in value.items())
            or "none"
        )
    return str(value) if value is not None else "none"
