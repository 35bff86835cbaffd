"""The command palette's entries: commands, devices, guests, problems. Their names are text, never markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from planner.pci import names
from planner.tui.commands import Keymap, Where, of
from planner.tui.text import clean

if TYPE_CHECKING:
    from planner.tui.screens.main import MainScreen


def entries(keymap: Keymap) -> Iterator[tuple[str, str]]:
    """The main screen's commands: what the palette calls them, and their actions."""
    for command in of(Where.MAIN):
        if not command.is_fixed:
            yield f"{command.title}  {command.shown_keys(keymap)}", command.action


class Entries(Provider):
    """Everything on the main screen that can be named."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    def _commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        for text, action in entries(self._main.keymap):
            yield text, partial(self._main.run_action, action)
        for command in self.app.get_system_commands(self._main):
            yield command.title, command.callback

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
        for text, action in self._commands():
            yield DiscoveryHit(Content(clean(text)), action, text=clean(text))

    async def search(self, query: str) -> Hits:
        """Commands, devices, guests and problems that match."""
        matcher = self.matcher(query)
        for raw, action in (*self._commands(), *self._things()):
            text = clean(raw)
            score, offsets = matcher.fuzzy_search.match(query, text)
            if score > 0:
                content = Content(text)
                for offset in offsets:
                    content = content.stylize(matcher.match_style, offset, offset + 1)
                yield Hit(score, content, action, text=text)
