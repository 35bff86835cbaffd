"""What the details say about a line of the map, and what the map says about a guest."""

from __future__ import annotations

from driving import HP, LOWERED, Driver, drive, site

from planner.tui.describe import describe
from planner.tui.widgets.memory_map import MemoryMap


def about(driver: Driver, address: int) -> str:
    """The details of the map's line that has that address."""
    pane = driver.app.screen.query_one(MemoryMap)
    pane.go_to(address)
    return "\n".join("".join(text for text, _ in pieces) for pieces in describe(driver.view, pane.subject()))


def test_every_line_tells_who_and_why() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("1 tab")
        bar = about(driver, 0xF1000000)
        assert "VGA BAR 0" in bar
        assert "stage firmware: VGA 03.0 BAR 0 (mem32, 16 MiB) goes to 0xf1000000, low window" in bar
        assert "VGA 03.0 ROM" not in bar
        low = about(driver, 0x200000)
        assert "so low RAM ends at 0x99000000" in low
        assert "f1000000" not in low
        assert "The VGA window begins here" in about(driver, 0)
        hole = about(driver, 0xF3000000)
        assert "memory BARs need 32.6 MiB: the low window of 192 MiB from 0xf0000000 is enough" in hole

    drive(site(LOWERED), script, size=(200, 60))


def test_a_region_below_does_not_concern_all_of_low_ram() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 tab")
        assert "0xe8000" not in about(driver, 0x200000)
        assert "RDM conflict at 0xe8000" in about(driver, 0xE8000)
        await driver.press("3")
        assert "64 KiB of VGA ROM, 1 boot ROM of network cards (256 KiB)" in about(driver, 0x20F000000)

    drive(site(HP), script, size=(200, 60))


def test_a_warning_is_no_error_in_the_map() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 tab")
        assert "▲ 02:00.0" in text
        assert "▲ Not mapped: QEMU parks video RAM in this region" in about(driver, 0xBF800000)

    drive(site("xen-lab-scratch-range"), script)


def test_a_guest_that_does_not_start_says_that_first() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2")
        assert "✖ does not start: RDM conflict at" in text
        text = await driver.press("3")
        assert "✔ starts" in text

    drive(site(HP), script)
