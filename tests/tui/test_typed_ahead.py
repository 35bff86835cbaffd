"""Keys that come faster than the screen follows: each is meant for what the one before it led to."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import DESKTOP, HP, Driver, drive, site
from terminal import running

from planner.storage import samples_folder
from planner.tui.screens.dialogs import Ask
from planner.tui.widgets.device_list import DeviceList

NAMED = {"/": "slash", ".": "full_stop", "?": "question_mark", ":": "colon"}


async def burst(driver: Driver, keys: str) -> str:
    for key in keys.split():
        driver.app.simulate_key(NAMED.get(key, key))
    await driver.pilot.pause()
    return await driver.settled()


def test_a_filter_typed_in_one_burst() -> None:
    async def script(driver: Driver) -> None:
        before = driver.view.snapshot
        await burst(driver, "/ x e o n")
        assert driver.view.snapshot is before
        assert driver.app.screen.query_one(DeviceList).needle == "xeon"
        await burst(driver, "escape / f r e e enter j 2")
        assert driver.app.screen.query_one(DeviceList).needle == "free"
        assert driver.view.guest == 1

    drive(site(DESKTOP), script)


@pytest.mark.parametrize(
    ("keys", "name"),
    [("2 r f o o enter", "foo"), ("n enter x e n enter", "xen"), ("n G k enter q u x enter", "qux")],
)
def test_a_name_typed_in_one_burst(keys: str, name: str) -> None:
    async def script(driver: Driver) -> None:
        await burst(driver, keys)
        assert driver.view.current is not None
        assert driver.view.current.name == name
        assert len(driver.app.screen_stack) == 1

    drive(site(DESKTOP), script)


def test_a_path_typed_in_one_burst(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await burst(driver, "3 space s")
        assert isinstance(driver.app.screen, Ask)
        await burst(driver, "enter u q")
        assert driver.status.startswith(" undo release") or "plan.toml" in driver.status
        assert (tmp_path / "plan.toml").exists()

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)


def test_dialogs_in_a_row_get_their_own_keys() -> None:
    async def script(driver: Driver) -> None:
        await burst(driver, "? escape D escape i escape 2 0 G enter P n tab G")
        assert len(driver.app.screen_stack) == 1
        assert driver.view.guest == len(driver.view.snapshot.plan.guests) - 1
        assert driver.app.focused is not None
        assert driver.app.focused.id == "map"

    drive(site(HP), script)


def test_a_burst_through_a_terminal(tmp_path: Path) -> None:
    for path in (samples_folder() / DESKTOP).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "state" / "rdm-planner").mkdir(parents=True)
    (tmp_path / "state" / "rdm-planner" / "state.toml").write_text("tour_seen = true\n")
    with running(tmp_path, 100, 30) as terminal:
        terminal.settle(b"help")
        terminal.take()
        terminal.press(b"/xeon")
        seen = terminal.take()
        assert b"remove" not in seen
        assert b"not saved" not in seen
        terminal.press(b"\rrsrv\r")
        terminal.settle(quiet=0.3)
        assert b"rename" in terminal.take()
