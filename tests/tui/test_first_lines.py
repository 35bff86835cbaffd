"""The status line and the guests' tabs: what matters stays in sight at 80 columns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, drive, screen, site

from planner.model.host import Host
from planner.model.plan import Plan, Profile


def _many(count: int) -> Plan:
    plan = site(HP)
    clean = tuple(replace(plan.guests[2], name=f"guest-{number}", pci=()) for number in range(count))
    return replace(plan, guests=(*clean, plan.guests[1]))


def test_a_long_host_name_gives_way_to_release_and_profile() -> None:
    plan = Plan(host=Host(name="A server with a name " * 4, xen="4.17"), profile=Profile.XEN)
    line = screen(plan).splitlines()[0]
    assert line.startswith(" A server with a name A")
    assert "… · Xen 4.17 · xen" in line
    assert "… · Xen 4.17 ▲ 1" in screen(replace(plan, profile=Profile.DEFAULT)).splitlines()[0]


def test_all_tabs_are_there_where_they_fit() -> None:
    assert "›" not in screen(site(LOWERED)).splitlines()[1]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_errors_out_of_sight_are_told(width: int) -> None:
    line = screen(_many(30), size=(width, 24)).splitlines()[1]
    assert line.rstrip().endswith("✖1›")
    assert len(line) <= width


def test_a_click_beside_the_tabs_goes_on() -> None:
    async def script(driver: Driver) -> None:
        for sign in ("›", "‹"):
            before = driver.view.guest
            line = driver.text.splitlines()[1]
            await driver.pilot.click(offset=(line.index(sign), 1))
            assert driver.view.guest != before

    drive(_many(30), script)


def test_a_jump_is_told_as_one() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3 space 2 space 1 w l escape")
        await driver.press("H G enter")
        assert "back 3 steps, to before: release 00:02.0 from win10" in driver.status
        await driver.press("H g enter")
        assert "on 3 steps, to just after: " in driver.status
        await driver.press("u u")
        await driver.press("escape 3 g space")
        assert driver.view.note.endswith("2 undone steps dropped")

    drive(site(DESKTOP), script)
