"""The app driven in tests: a sample's plan, keys, and the screen as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import ModalScreen

from planner.formats import host_toml
from planner.formats.xlcfg.guest import read
from planner.model.plan import Plan
from planner.storage import read_text, samples_folder
from planner.tui.app import PlannerApp
from planner.tui.describe import describe
from planner.tui.screens import help as help_module
from planner.tui.screens import main
from planner.tui.screens.main import MainScreen
from planner.tui.view import View
from planner.tui.widgets.details import Details
from planner.tui.widgets.lines import Picker

main.LOOK_EVERY = 3600.0  # tests look at the disk when they mean to: the files of most plans here are not there
help_module.TYPED_AHEAD = 0.0  # and their keys are meant

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
        return await self.settled()

    async def settled(self) -> str:
        """The screen once a dialog that was opened is there: the screen below shines through at once."""
        await self.pilot.pause()
        for _ in range(100):
            top = self.app.screen
            if not isinstance(top, ModalScreen) or any(child.size for child in top.query("Reader, Options, Input")):
                break
            await self.pilot.pause(0.01)
        return self.text

    @property
    def text(self) -> str:
        """The screen as text, lines without trailing blanks. Reads the compositor: a private way, taken only here."""
        strips = self.app.screen._compositor.render_strips()
        return "".join("".join(segment.text for segment in strip).rstrip() + "\n" for strip in strips)

    async def type(self, text: str, *, end: str = "enter") -> str:
        """Type text into a field, and end it; the screen after that."""
        await self.pilot.press(*["space" if letter == " " else letter for letter in text], end)
        return await self.settled()

    async def looked(self) -> str:
        """The screen once the files were looked at."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        screen.look_at_disk()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()
        return self.text

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
    **options: Any,
) -> None:
    """Open the app on `plan` and run `script` against it; `options` are the app's own."""

    async def run() -> None:
        app = PlannerApp(plan, folder, **options)
        async with app.run_test(size=size) as pilot:
            driver = Driver(pilot)
            await driver.settled()
            await script(driver)

    asyncio.run(run())


def screen(plan: Plan, keys: str = "", *, size: tuple[int, int] = (80, 24), ascii_only: bool = False) -> str:
    """The screen after `keys`."""
    found: list[str] = []

    async def script(driver: Driver) -> None:
        found.append(await driver.press(keys))

    drive(plan, script, size=size, ascii_only=ascii_only)
    return found[0]


def dialog(text: str) -> str:
    """What a dialog says, on one line."""
    lines = (line.split("│") for line in text.splitlines())
    return " ".join(" ".join(parts[2].split()) for parts in lines if len(parts) == 5)


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


def details_follow(driver: Driver) -> bool:
    """Whether the details are about what the focused pane's cursor stands on."""
    screen = driver.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    assert isinstance(screen.focused, Picker)
    return screen.query_one(Details).subject == screen.focused.subject()


def told(driver: Driver) -> str:
    """All that the details have to say, cut or not."""
    screen = driver.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    paragraphs = describe(screen.shown, screen.subject)
    return "\n".join("".join(text for text, _ in paragraph) for paragraph in paragraphs)


def body(text: str) -> str:
    """The screen's words, whatever line they are on."""
    return " ".join(text.replace("│", " ").replace("║", " ").split())
