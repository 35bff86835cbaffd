"""The palette finds everything that has a name, by words that begin so."""

from __future__ import annotations

import pytest
from driving import DESKTOP, HP, Driver, drive, site

from planner.tui.palette import Entry, found, score
from planner.tui.screens.dialogs import Ask
from planner.tui.screens.export_preview import ExportPreview
from planner.tui.screens.find import Find


async def find(driver: Driver, text: str, *, end: str = "enter") -> str:
    await driver.press("colon")
    return await driver.type(text, end=end)


def _entry(title: str, about: str = "", also: str = "") -> Entry:
    return Entry(title, about, also, lambda: None)


def test_words_count_where_they_begin() -> None:
    assert score("undo", _entry("Undo")) == 3.5
    assert score("undo", _entry("RDM119 is neither USB nor ... on the guest do")) == 0
    assert score("export all", _entry("Preview and export", "writes it, or all of them")) == 1
    assert score("dup", _entry("New guest", also="duplicate")) == 2
    assert [one.title for one in found("add", [_entry("Zoom", "at an address"), _entry("New", also="add")])] == [
        "New",
        "Zoom",
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("add", "New guest"),
        ("duplicate", "New guest"),
        ("delete", "Remove the guest from the plan"),
        ("import", "Open"),
        ("save as", "Save the plan as"),
        ("store", "Save the plan"),
        ("version", "Choose the Xen release"),
        ("export all", "Export all guests"),
        ("undo", "Undo"),
    ],
)
def test_what_people_call_it(text: str, title: str) -> None:
    async def script(driver: Driver) -> None:
        await find(driver, text, end="end")
        screen = driver.app.screen
        assert isinstance(screen, Find)
        assert screen._hits[0].title == title

    drive(site(DESKTOP), script)


def test_problems_of_every_guest_are_found() -> None:
    async def script(driver: Driver) -> None:
        text = await find(driver, "rdm103 pfsense", end="end")
        assert "RDM103 pfsense: 02:00.1 shares" in text
        await driver.press("enter")
        assert driver.view.current is not None
        assert driver.view.current.name == "pfsense"
        assert "RDM103" in driver.text
        assert "▌│[x] 02:00.1" in driver.text

    drive(site(HP), script, size=(120, 40))


def test_places_releases_and_themes_are_found() -> None:
    async def script(driver: Driver) -> None:
        assert "05:00.0 RAID HP Smart Array" in await find(driver, "05:00.0")
        await find(driver, "e8000")
        await driver.pilot.pause()
        assert "▌  RMRR 0xe8000-0xe8fff" in driver.text
        await find(driver, "4.15")
        assert str(driver.view.snapshot.report.release) == "4.15"
        await find(driver, "nord")
        assert driver.app.theme == "nord"
        await find(driver, "web")
        assert driver.view.guest == 2
        await find(driver, "export all")
        assert isinstance(driver.app.screen_stack[1], ExportPreview)
        await driver.pilot.pause()
        await driver.settled()
        assert isinstance(driver.app.screen, Ask)

    drive(site(HP), script, size=(120, 40))


def test_nothing_found_says_so() -> None:
    async def script(driver: Driver) -> None:
        assert "nothing found" in await find(driver, "xyzzy")
        assert isinstance(driver.app.screen, Find)
        assert "Assign or release the device" in await driver.press("ctrl+u")

    drive(site(HP), script)


def test_a_search_typed_in_one_burst_chooses_what_was_found() -> None:
    async def script(driver: Driver) -> None:
        for key in ("colon", "w", "e", "b", "enter"):
            driver.app.simulate_key(key)
        await driver.pilot.pause()
        await driver.settled()
        assert driver.view.guest == 2

    drive(site(HP), script)
