"""The app driven in tests: a sample's plan, keys, and the screen as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.pilot import Pilot

from planner.formats import host_toml
from planner.formats.xlcfg.guest import read
from planner.model.plan import Plan
from planner.storage import read_text, samples_folder
from planner.tui.app import PlannerApp
from planner.tui.screens import file_actions
from planner.tui.screens.main import MainScreen
from planner.tui.view import View

HP = "hp-proliant-dl380e-gen8"
LOWERED = "xen-lab-lowered-ram"
DESKTOP = "fujitsu-d3401-h2"


class Driver:
    """A running app: press keys, read the screen."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.app = pilot.app

    async def press(self, keys: str) -> str:
        """Press keys, separated by blanks; the screen after them."""
        await self.pilot.press(*keys.split())
        await self.pilot.pause()
        return self.text

    @property
    def text(self) -> str:
        """The screen as text, lines without trailing blanks. Reads the compositor: a private way, taken only here."""
        strips = self.app.screen._compositor.render_strips()
        return "".join("".join(segment.text for segment in strip).rstrip() + "\n" for strip in strips)

    @property
    def view(self) -> View:
        """What the main screen shows."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen.shown

    @property
    def profile(self) -> str:
        """The plan's profile."""
        return str(self.view.snapshot.plan.profile)

    @property
    def status(self) -> str:
        """The first line."""
        return self.text.splitlines()[0]


def drive(
    plan: Plan,
    script: Callable[[Driver], Awaitable[None]],
    *,
    size: tuple[int, int] = (80, 24),
    folder: Path | None = None,
    ascii_only: bool = False,
) -> None:
    """Open the app on `plan` and run `script` against it."""

    async def main() -> None:
        app = PlannerApp(plan, folder, ascii_only=ascii_only)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await script(Driver(pilot))

    # A site that is nowhere on disk: a slow run must not be told that its files are gone.
    with patch("planner.tui.screens.main.LOOK_EVERY", file_actions.LOOK_EVERY if folder is not None else 3600):
        asyncio.run(main())


def screen(plan: Plan, keys: str = "", *, size: tuple[int, int] = (80, 24), ascii_only: bool = False) -> str:
    """The screen after `keys`."""
    found: list[str] = []

    async def script(driver: Driver) -> None:
        found.append(await driver.press(keys))

    drive(plan, script, size=size, ascii_only=ascii_only)
    return found[0]


def site(name: str, folder: Path | None = None) -> Plan:
    """A sample site; with `folder`, its guests are copied there and read from there."""
    source = samples_folder() / name
    guests = []
    for path in sorted(source.glob("*.cfg")):
        text = read_text(path)
        if folder is not None:
            (folder / path.name).write_text(text)
        guests.append(read(text, str(folder / path.name) if folder is not None else f"{name}/{path.name}"))
    host = host_toml.parse(read_text(source / "host.toml"))
    return Plan(host=host, guests=tuple(guests), host_file=f"{name}/host.toml")
