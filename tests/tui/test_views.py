"""The three views and all guests' maps: what they say is true, and nothing of the map is lost in them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, details_follow, drive, screen, site, told

from planner.model.guest import Guest
from planner.model.plan import Plan
from planner.policy.evaluate import evaluate
from planner.report import memory_map
from planner.tui import comparison
from planner.tui.view import Look

MECHREVO = "mechrevo-wujie14xa"


def relaxed() -> Plan:
    """A region of the server that lies in the RAM of a guest, which starts all the same."""
    plan = site(HP)
    licences = next(guest for guest in plan.guests if guest.name == "licences")
    return replace(plan, guests=(replace(licences, memory=4096, maxmem=None),))


def test_a_region_in_ram_is_a_conflict_in_the_views_too() -> None:
    report = evaluate(relaxed())
    lines = {line.span.start: line for line in comparison.of_views(report.builds[0])}
    assert lines[0x7DFFD000].sign == "✖"
    assert [cell.label for cell in lines[0x7DFFD000].cells if cell is not None] == ["00:1d.0 in RAM", "RAM", "RAM"]
    assert "✖     7dffd000     7dffffff  00:1d.0 in RAM" in memory_map.render([("", report)], view="all")
    assert "╳" in memory_map.render([("", evaluate(site(HP)))], view="libxl")
    assert "no clash" not in screen(relaxed(), "v")


def test_no_clash_is_what_is_said_where_nothing_is_harmed() -> None:
    assert "✔ no clash" in screen(site(DESKTOP), "1 v")
    assert "no clash" not in screen(site(LOWERED), "1 v")


def test_every_range_that_qemu_alone_takes_for_ram_is_marked() -> None:
    build = evaluate(site(MECHREVO)).builds[0]
    lines = comparison.of_views(build)
    below = [line.sign for line in lines if 0x96000000 <= line.span.start < 0xF0000000]
    assert below == ["▲"] * 7


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_what_each_believes_is_explained(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v g")
        while "nvs" not in told(driver):
            await driver.press("j")
        assert "hvmloader: nvs: ACPI tables" in told(driver)
        await driver.press("k k k k k k k k k k k k k")
        while "QEMU: RAM" not in told(driver):
            await driver.press("k")
        assert "it is told only the amount of RAM" in told(driver)

    drive(site(LOWERED), script, size=size)


def test_all_guests_have_what_qemu_parks_and_the_sign_of_those_that_do_not_start() -> None:
    text = screen(site("xen-lab"), "M", size=(200, 60))
    assert "· parked" in text
    heading = text.splitlines()[3]
    assert "✖f_below " in heading
    assert "✖f_norm" not in heading


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_address_is_kept_from_map_to_views_to_all_guests_and_back(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("tab g")
        while "0x99001000" not in told(driver).partition(" ")[0]:
            await driver.press("j")
        for keys in ("v", "M", "v", "v", "M", "escape"):
            await driver.press(keys)
            assert told(driver).startswith("0x99001000"), keys
            assert details_follow(driver)

    drive(site(LOWERED), script, size=size)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_left_and_right_bring_further_guests_in_sight(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        assert "f_below" in (await driver.press("M")).splitlines()[3]
        assert "‹ 1 " in (await driver.press("right")).splitlines()[3]
        text = await driver.press("right " * 20)
        assert "plain5120" in text.splitlines()[3]
        assert "›" not in text.splitlines()[3]
        assert "›" in (await driver.press("left")).splitlines()[3]
        assert "‹" not in (await driver.press("left " * 20)).splitlines()[3]

    drive(site("xen-lab"), script, size=size)


def test_a_guest_without_a_map_is_named_and_has_no_stages_and_no_zoom() -> None:
    plan = site(LOWERED)
    plan = replace(plan, guests=(Guest(name="mail", type="pv", memory=512), *plan.guests))

    async def script(driver: Driver) -> None:
        for key in ("t", "z"):
            assert "a PV guest takes the host's own memory map" in (await driver.press(key)).splitlines()[0]
            assert driver.view.stage is None
            assert driver.view.zoom is None
        assert "play no part in a PV guest" in await driver.press("v")
        assert "play no part in a PV guest" in told(driver)
        assert "no map: mail" in await driver.press("M")

    drive(plan, script)


def test_where_there_are_no_views_the_details_tell_the_stage_that_failed() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 v")
        assert "✖ the build ends here" in told(driver)

    drive(site(HP), script)


def test_zoom_is_the_maps_and_says_what_it_needs() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("z v z")
        assert "only the map zooms" in text
        assert " z zoom" not in text
        assert driver.view.zoom is not None
        assert driver.view.look is Look.VIEWS
        assert "· ✖ beyond" in await driver.press("v")

    drive(site(LOWERED), script)

    async def merged(driver: Driver) -> None:
        assert "nothing lies above 4 GiB: go to a line that holds several" in await driver.press("1 tab z")

    drive(site(HP), merged)


def test_a_pane_stays_maximised_through_the_views() -> None:
    async def script(driver: Driver) -> None:
        assert "Problems" not in await driver.press("tab m")
        await driver.press("v")
        assert "the whole screen" in await driver.press("m")
        assert "Devices" not in await driver.press("v")
        assert "Devices" in await driver.press("m")

    drive(site(LOWERED), script)

    async def wide(driver: Driver) -> None:
        assert "Problems" not in await driver.press("tab m")
        assert "Problems" not in await driver.press("v")
        assert "Problems" in await driver.press("m")
        assert "Devices" in await driver.press("v")

    drive(site(LOWERED), wide, size=(200, 60))


def test_another_guest_is_told_at_the_same_stage() -> None:
    async def script(driver: Driver) -> None:
        assert "stage 2 of 5" in await driver.press("tab t t")
        assert "stage 2 of 5" in await driver.press("right_square_bracket")
        await driver.press("plus")
        assert told(driver).startswith("stage 2 of 5")
        assert "there is no guest 9" in await driver.press("9")

    drive(site(LOWERED), script)


def test_the_legend_is_of_what_is_there() -> None:
    lines = [line for line in screen(site(LOWERED), "v", size=(200, 60)).splitlines() if "█ RAM ▒ RDM" in line]
    assert "█ RAM ▒ RDM ▓ BAR ░ parked by QEMU  " in lines[0]
    assert "▲QEMU  " in screen(site("xen-lab"), "7 M", size=(200, 60))
