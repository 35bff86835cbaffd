"""What differs between two texts, or two plans: as paragraphs, or line by line."""

from __future__ import annotations

from difflib import SequenceMatcher, unified_diff

from planner.export import xlcfg
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan
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
    before, after = ({guest.name: guest for guest in plan.guests} for plan in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name in before and name in after and before[name] == after[name]:
            continue
        found += [((name, "heading"),), *_of_guest(before.get(name), after.get(name)), ()]
    facts = (
        ("Xen release", old.release, new.release),
        ("profile", old.profile, new.profile),
        ("reasons", dict(old.reasons), dict(new.reasons)),
        ("hotplug candidates", _listed(old), _listed(new)),
    )
    found += [
        ((f"{what}: ", "strong"), (f"{_said(was)} ", "error"), ("→ ", "dim"), (_said(now), "ok"))
        for what, was, now in facts
        if was != now
    ]
    return found


def _of_guest(old: Guest | None, new: Guest | None) -> list[Paragraph]:
    if old is None or new is None:
        return [(("a new guest", "ok") if old is None else ("taken out of the plan", "error"),)]
    try:
        return changes(xlcfg.render(old), xlcfg.render(new), "then", "now")[2:]
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
