"""The command palette's entries: commands, devices, guests, problems. Their names are text, never markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from planner.pci import names
from planner.tui.commands import Keymap, Where, of
from planner.tui.text import clean, to_ascii

if TYPE_CHECKING:
    from planner.tui.screens.main import MainScreen


def entries(keymap: Keymap) -> Iterator[tuple[str, str, str]]:
    """The main screen's commands: what the palette calls them, what more is said of them, and their actions."""
    for command in of(Where.MAIN):
        if not command.is_fixed:
            yield f"{command.title}  {command.shown_keys(keymap)}", command.help, command.action


def score(query: str, text: str, about: str = "") -> float:
    """How well every word of the query begins a word of `text`, or else of `about`: 0 where one does not."""
    words = query.lower().split()
    if not words:
        return 0
    if _begin(words, text):
        return 3 if text.lower().startswith(words[0]) else 2
    return 1 if _begin(words, f"{text} {about}") else 0


def _begin(words: Sequence[str], text: str) -> bool:
    return all(re.search(rf"(?<![a-z0-9]){re.escape(word)}", text.lower()) for word in words)


class Entries(Provider):
    """Everything on the main screen that can be named."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    def _shown(self, text: str) -> str:
        return to_ascii(clean(text)) if self.app.has_class("-ascii") else clean(text)

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        for text, about, action in entries(self._main.keymap):
            yield text, about, partial(self._main.run_action, action)

    def _things(self) -> Iterator[tuple[str, Callable[[], object]]]:
        main, view = self._main, self._main.shown
        for number, guest in enumerate(view.snapshot.plan.guests, 1):
            yield f"guest {number} {guest.name}", partial(main.action_choose_guest, number)
        for device in view.inventory.host.devices:
            text = f"device {device.address.short} {names.class_word(device)} {names.full_name(device)}"
            yield text, partial(main.go_to_device, device.address)
        for finding in view.findings:
            yield f"problem {finding.rule.id} {finding.message}", partial(main.go_to_finding, finding)

    async def discover(self) -> Hits:
        """The commands, before anything is typed."""
        for text, _, action in self._commands():
            yield DiscoveryHit(Content(self._shown(text)), action, text=self._shown(text))

    async def search(self, query: str) -> Hits:
        """Commands, then devices, guests and problems that match."""
        words = query.lower().split()
        things = ((text, "", action) for text, action in self._things())
        for rank, found in ((10, self._commands()), (0, things)):
            for raw, about, action in found:
                text = self._shown(raw)
                points = score(query, text, about)
                if points > 0:
                    content = Content(text)
                    for word in words:
                        start = text.lower().find(word)
                        if start >= 0:
                            content = content.stylize(self.matcher(query).match_style, start, start + len(word))
                    yield Hit(rank + points, content, action, text=text)
