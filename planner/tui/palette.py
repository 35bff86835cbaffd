"""What the palette finds: commands, guests, devices, regions, problems, releases, themes. No Textual."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from planner.model.edits import SetRelease
from planner.model.span import format_size
from planner.pci import names
from planner.tui.commands import Command, Where, of
from planner.tui.describe.guests import of_guest
from planner.xen.release import RELEASES

if TYPE_CHECKING:
    from planner.tui.screens.main import MainScreen

_ALSO = {
    "guest.new": "add create copy duplicate clone template",
    "guest.remove": "delete drop",
    "guest.export": "write xl.cfg",
    "guest.reload": "refresh",
    "plan.open": "import load add",
    "plan.save": "store write",
    "plan.release": "version",
    "plan.changes": "diff",
    "edit.history": "history",
    "size.pane": "memory ram maxmem mmio_hole slider",
    "theme": "colours colors dark light",
    "help": "keys shortcuts",
    "host": "regions rmrr",
    "messages": "log",
}
"""Words that people type for a command and that its name does not have."""

_OF_THE_PREVIEW = ("export.one", "export.all")
"""Commands of the export preview that are worth a name here."""


class Entry(NamedTuple):
    """Something to find: its name, what there is to say about it, words that mean it too, and what choosing it does."""

    title: str
    about: str
    also: str
    act: Callable[[], object]


def score(query: str, entry: Entry) -> float:
    """How well every word of the query begins a word of the entry: 0 where one does not, its own name counts most."""
    words = query.lower().split()
    if not words:
        return 0
    texts = (entry.title, f"{entry.title} {entry.also}", f"{entry.title} {entry.also} {entry.about}")
    points = next((3 - number for number, text in enumerate(texts) if _begin(words, text)), 0)
    return points + 0.5 if points and entry.title.lower().startswith(words[0]) else points


def _begin(words: Sequence[str], text: str) -> bool:
    return all(re.search(rf"(?<![a-z0-9]){re.escape(word)}", text.lower()) for word in words)


def found(query: str, entries: Iterable[Entry]) -> list[Entry]:
    """The entries that match, best first, else in their order."""
    scored = [(score(query, entry), entry) for entry in entries]
    return [entry for points, entry in sorted(scored, key=lambda one: -one[0]) if points > 0]


def commands() -> Iterator[Command]:
    """The commands that stand in the palette."""
    yield from (command for command in of(Where.MAIN) if not command.is_fixed)
    yield from (command for command in of(Where.EXPORT) if command.id in _OF_THE_PREVIEW)


def entries(main: MainScreen) -> Iterator[Entry]:
    """Everything that can be named, commands first."""
    view = main.shown
    for command in commands():
        about = f"{command.shown_keys(main.keymap)}  {command.help}"
        act: Callable[[], object] = partial(main.run_action, command.action)
        if command.where is Where.EXPORT:
            about, act = command.help, partial(main.in_preview, command.action)
        yield Entry(command.title, about, _ALSO.get(command.id, ""), act)
    for number, guest in enumerate(view.snapshot.plan.guests, 1):
        about = of_guest(view, number - 1)
        yield Entry(f"{number} {guest.name}", about, "guest", partial(main.action_choose_guest, number))
    for device in view.inventory.host.devices:
        about = f"{names.class_word(device)} {names.full_name(device)} · {view.owner(device.address)}"
        yield Entry(device.address.short, about, f"device {device.address}", partial(main.go_to_device, device.address))
    for rdm in view.snapshot.report.iommu.regions:
        kind = rdm.declared.kind.upper()
        also = f"{kind} region reserved {rdm.span.start:x}"
        yield Entry(str(rdm.span), f"{kind} {format_size(rdm.span.size)}", also, partial(main.go_to_region, rdm.span))
    for finding in view.snapshot.report.findings:
        title = f"{finding.rule.id} {finding.guest or 'host'}: {finding.message}"
        also = f"problem {finding.severity} {finding.rule.title}"
        yield Entry(title, "", also, partial(main.go_to_problem, finding))
    for name in RELEASES:
        yield Entry(f"Xen {name}", "the release to replay", "release version", partial(main.edit, SetRelease(name)))
    for name in main.app.available_themes:
        yield Entry(f"theme {name}", "", "colours colors", partial(setattr, main.app, "theme", name))
