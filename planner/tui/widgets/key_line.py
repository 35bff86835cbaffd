"""The last line: the keys that matter most, as many as fit."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from planner.tui.commands import Command, Keymap, Where, keymap_of, of
from planner.tui.text import Piece, Row, cells, cut
from planner.tui.widgets.lines import Lines


class KeyLine(Lines):
    """The commands of a screen that have a hint, in the registry's order; where they do not fit, the rare ones go."""

    _FIRST = ("help", "palette", "export.close")
    _LAST = ("device.policy", "problem.next", "problem.fix", "size.pane", "quit")

    def __init__(self, where: Where, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._commands = [command for command in of(where) if command.hint]
        self._places: list[tuple[int, int, Command]] = []

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        keymap = keymap_of(self.app) if self.is_attached else {}
        chosen: list[Command] = []
        for command in sorted(self._commands, key=lambda one: (one.id not in self._FIRST, one.id in self._LAST)):
            if 1 + sum(_width(one, keymap) for one in (*chosen, command)) <= width + 2:
                chosen.append(command)
        pieces: list[Piece] = [(" ", "")]
        self._places = []
        for command in sorted(chosen, key=self._commands.index):
            start = cells(pieces)
            key, word = command.shown_hint(keymap)
            pieces += [(key, "key"), (f" {word}  ", "dim")]
            self._places.append((start, cells(pieces) - 2, command))
        pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
        return [Row(cut(pieces, width))]

    async def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        for start, end, command in self._places:
            if start <= event.x < end:
                await self.screen.run_action(command.action.format(key=command.keys[0]))


def _width(command: Command, keymap: Keymap) -> int:
    key, word = command.shown_hint(keymap)
    return len(key) + len(word) + 3
