"""Dialogs by mouse and by key: every hint of a border does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import DESKTOP, HP, Driver, drive, site

from planner.tui.screens.dialogs import Ask, Choose, Reading
from planner.tui.screens.help import Tour
from planner.tui.screens.paths import meant
from planner.tui.state import State


async def click(driver: Driver, text: str) -> str:
    """Click on the last place where that stands."""
    rows = driver.text.splitlines()
    y = next(y for y in range(len(rows) - 1, -1, -1) if text in rows[y])
    await driver.pilot.click(offset=(rows[y].rindex(text) + 1, y))
    return await driver.settled()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_tour_by_mouse_alone(ascii_only: bool) -> None:
    enter = "enter" if ascii_only else "⏎"

    async def script(driver: Driver) -> None:
        assert "h back" not in await driver.press("K")
        assert "2 of 6" in await click(driver, f"{enter} on")
        assert "1 of 6" in await click(driver, "h back")
        for _ in range(5):
            await click(driver, f"{enter} on")
        await click(driver, f"{enter} done")
        assert not isinstance(driver.app.screen, Tour)
        await driver.press("K")
        await click(driver, "esc close")
        assert not isinstance(driver.app.screen, Tour)

    drive(site(DESKTOP), script, ascii_only=ascii_only)


def test_a_field_is_finished_by_a_click(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("r a b c")
        await click(driver, "⏎ done")
        assert driver.view.current is not None
        assert driver.view.current.name == "abc"
        await driver.press("r")
        await click(driver, "esc cancel")
        assert not isinstance(driver.app.screen, Ask)
        assert "Quit and lose the changes?" in await driver.press("q")
        await click(driver, "n no")
        assert len(driver.app.screen_stack) == 1
        await driver.press("q")
        assert "Save the plan as" in await click(driver, "save the plan first")
        await driver.press("escape q")
        await click(driver, "y yes")
        assert driver.app.return_value == 0

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)


def test_the_first_click_selects_and_the_second_chooses() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("X")
        assert "▌4.15" in await click(driver, " 4.15")
        assert isinstance(driver.app.screen, Choose)
        await click(driver, "▌4.15")
        assert str(driver.view.snapshot.report.release) == "4.15"
        await driver.press("X")
        await click(driver, " 4.16")
        await click(driver, "⏎ choose")
        assert str(driver.view.snapshot.report.release) == "4.16"

    drive(site(HP), script, size=(100, 40))


def test_a_text_is_copied_helped_and_closed(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("escape i y")
        copied = (tmp_path / "copied.txt").read_text()
        assert copied.startswith("00:1a.0 USB")
        assert "copied" in driver.text
        assert "Help" in await driver.press("question_mark")
        await driver.press("question_mark")
        assert isinstance(driver.app.screen, Reading)
        for close in ("i", "i enter", "N N", "D D", "question_mark enter", "question_mark question_mark"):
            await driver.press(close)
            assert len(driver.app.screen_stack) == 1, close

    drive(site(HP), script, state=State(tmp_path))


def test_a_mistake_is_told_until_it_is_mended() -> None:
    async def script(driver: Driver) -> None:
        assert "A name is missing." in await driver.press("r backspace enter")
        assert "A name is missing." not in await driver.press("a")

    drive(site(HP), script)


def test_an_absolute_path_behind_the_prefilled_folder_begins_anew() -> None:
    assert meant("/srv/site//tmp/x.cfg") == "/tmp/x.cfg"
    assert meant("/srv/site/~/x.cfg") == "~/x.cfg"
    assert meant("/srv/site/x.cfg") == "/srv/site/x.cfg"
    assert meant("~/x.cfg") == "~/x.cfg"
