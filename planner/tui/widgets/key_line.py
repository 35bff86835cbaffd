"""The last line: the keys that matter most in the pane with the cursor and do something now, as many as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from textual import events

from planner.tui.commands import Command, Keymap, Where, keymap_of, of, show_key
from planner.tui.text import Piece, Row, cells, cut, to_ascii
from planner.tui.view import View
from planner.tui.widgets.lines import Lines

_PANES = {
    "devices": "device.toggle pane.next=map problem.fix edit.undo plan.save problem.next filter device.unit",
    "sizes": "list.fold+list.unfold=step list.open=exact pane.next=map edit.undo plan.save size.pane=devices",
    "host": "list.open=details host=devices pane.next=map copy problem.next problem.fix",
    "map": "list.open=details pane.next=problems map.stage map.zoom map.look map.guests size.less+size.more size.pane",
    "compare": "list.open=details back=map pane.next=problems map.look map.guests copy",
    "problems": "list.open=go problem.fix pane.next details edit.undo plan.save copy problem.next",
    "config": "guest.export pane.next copy pane.maximise plan.save",
}
_ANYWHERE = (
    "edit.undo plan.save problem.next problem.fix guest.previous+guest.next guest.list guest.export filter size.pane "
    "map.look map.guests details map.stage map.zoom device.unit device.policy guest.new messages pane.maximise "
    "edit.history plan.changes host copy edit.redo guest.rename guest.remove plan.open plan.release plan.profile quit"
)
_EXPORT = (
    "export.one export.all export.previous+export.next list.down+list.up=scroll export.form export.copy export.reload"
)
_ALWAYS = {Where.MAIN: "help palette", Where.EXPORT: "export.help export.close"}
_FOR_GUESTS = ("device.", "size.", "map.", "problem.fix", "guest.export", "guest.rename", "guest.remove")


class Hint(NamedTuple):
    """Commands whose keys stand side by side before one word."""

    commands: tuple[Command, ...]
    word: str

    def keys(self, keymap: Keymap) -> list[str]:
        """The first key of each."""
        return [show_key(command.keys_in(keymap)[0]) for command in self.commands]

    def pieces(self, keymap: Keymap) -> tuple[Piece, ...]:
        """As it stands in the line."""
        return (" ".join(self.keys(keymap)), "key"), (f" {self.word}", "dim")


@cache
def hints(where: Where, pane: str) -> tuple[Hint, ...]:
    """What may stand in the line, most useful first; what always stands there is not among them."""
    text = f"{_PANES.get(pane, '')} {_ANYWHERE}" if where is Where.MAIN else _EXPORT
    found: dict[str, Hint] = {}
    for word in text.split():
        if (pane, word) == ("compare", "map.zoom"):  # only the map zooms
            continue
        hint = _hint(where, word)
        found.setdefault(hint.commands[-1].id, hint)
    return tuple(found.values())


def _hint(where: Where, text: str) -> Hint:
    """The hint that is written "id=word", or "id+id=word" for two that belong together."""
    ids, _, word = text.partition("=")
    known = {command.id: command for command in (*of(where), *of(Where.LIST))}
    commands = tuple(known[one] for one in ids.split("+"))
    return Hint(commands, word or commands[-1].hint)


class KeyLine(Lines):
    """Follows the focus: `turn_to` names the pane. What does not fit is left out, the least useful first."""

    def __init__(self, where: Where, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._where = where
        self._pane = ""
        self._places: list[tuple[int, int, Hint]] = []
        self._useless: tuple[str, ...] = ()

    def show(self, view: View) -> None:
        """Take a new view: without guests most keys do nothing."""
        useless = tuple(_useless(view))
        if useless != self._useless:
            self._useless = useless
            self.redraw()

    def turn_to(self, pane: str) -> None:
        """The cursor is in that pane now."""
        self._pane = pane
        self.redraw()

    @property
    def _keymap(self) -> Keymap:
        return keymap_of(self.app) if self.is_attached else {}

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        always = [_hint(self._where, one) for one in _ALWAYS[self._where].split()]
        room = width - 1 - sum(cells(self._pieces(hint)) + 2 for hint in always) + 2
        chosen: list[Hint] = []
        for hint in hints(self._where, self._pane):
            length = cells(self._pieces(hint)) + 2
            if length <= room and not hint.commands[-1].id.startswith(self._useless):
                chosen.append(hint)
                room -= length
        pieces: list[Piece] = []
        self._places = []
        for hint in (*chosen, *always):
            pieces.append(("  " if pieces else " ", ""))
            start = cells(pieces)
            pieces += self._pieces(hint)
            self._places.append((start, cells(pieces), hint))
        return [Row(cut(pieces, width))]

    def _pieces(self, hint: Hint) -> tuple[Piece, ...]:
        """The hint as it is drawn: without our signs a key's name may be longer."""
        pieces = hint.pieces(self._keymap)
        ascii_only = self.is_attached and self.app.has_class("-ascii")
        return tuple((to_ascii(text), style) for text, style in pieces) if ascii_only else pieces

    async def on_click(self, event: events.Click) -> None:
        """Do what was clicked: of two keys side by side the left one there, else the right one."""
        for start, end, hint in self._places:
            if start <= event.x < end:
                left = event.x < start + cells((self._pieces(hint)[0],)) // len(hint.commands)
                command = hint.commands[0 if left else -1]
                pane = self.screen.focused if command.where is Where.LIST else None
                await (pane or self.screen).run_action(command.action)


def _useless(view: View) -> Iterator[str]:
    """How the ids of commands begin that do nothing now. Few: a line that changes with every step is hard to learn."""
    if view.current is None:
        yield from _FOR_GUESTS
    if len(view.snapshot.plan.guests) < 2:
        yield from ("guest.next", "guest.list")
