"""What two guests of one plan must not share besides devices: a disk that one of them writes to, a MAC."""

from __future__ import annotations

from collections.abc import Iterator

from planner.formats.xlcfg.syntax import Atom, ListValue, parse
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.plan import Plan

_READ_ONLY = {"r", "ro", "cdrom", "devtype=cdrom", "access=ro", "access=r"}


def clashes(plan: Plan, guest: str) -> tuple[str, ...]:
    """What that guest has in common with others of the plan, in words; nothing for a guest without a config."""
    one = plan.guest(guest)
    mine = set(_claims(one)) if one is not None else set()
    found: dict[tuple[str, str], list[str]] = {}
    for other in plan.guests:
        for claim in mine & set(_claims(other)) if mine and other.name != guest else ():
            found.setdefault(claim, []).append(other.name)
    return tuple(_told(what, value, others) for (what, value), others in sorted(found.items()))


def _told(what: str, value: str, others: list[str]) -> str:
    why = "two guests that write to one disk destroy it" if what == "disk" else "no network tells the two apart"
    return f"its {what} {value} is {', '.join(others)}'s too: {why} while both run"


def _claims(guest: Guest) -> Iterator[tuple[str, str]]:
    """The disks that the guest writes to, and the MACs that its config gives it."""
    try:
        config = parse(guest.file.text if guest.file is not None else "")
    except InputError:
        return
    for key in ("disk", "vif"):
        setting = config.latest.get(key)
        items = setting.joined.items if setting is not None and isinstance(setting.joined, ListValue) else ()
        for atom in items:
            if isinstance(atom, Atom):
                yield from _disk(atom.text) if key == "disk" else _mac(atom.text)


def _disk(text: str) -> Iterator[tuple[str, str]]:
    """The target of a disk (xl-disk-configuration(5)): after `target=`, which takes the rest, else the first field."""
    head, named, rest = text.partition("target=")
    fields = [field.strip() for field in head.split(",")]
    target = rest.strip() if named else "" if "=" in fields[0] else fields[0].rpartition(":")[2]
    if target and not _READ_ONLY.intersection(field.lower().rpartition(":")[2] for field in fields):
        yield "disk", target


def _mac(text: str) -> Iterator[tuple[str, str]]:
    for field in text.split(","):
        key, _, value = field.partition("=")
        if key.strip() == "mac" and value.strip():
            yield "MAC", value.strip().lower()
