"""The map, its stages and zoom, and the comparisons: true of the guest, and seen in full at every size."""

from __future__ import annotations

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, body, details_follow, drive, screen, site, told
from hypothesis import given
from hypothesis import strategies as st

from planner.policy.evaluate import evaluate
from planner.report import memory_map
from planner.report.troubles import Trouble, troubles
from planner.tui.widgets.comparison import shares

SCRATCH = "xen-lab-scratch-range"
SIZES = [(80, 24), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
def test_details_are_about_what_is_under_the_cursor_now(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        for keys in ("v j j", "M", "v", "escape", "tab tab tab", "j", "m", "m", "z", "z", "2", "v", "3", "escape", "u"):
            await driver.press(keys)
            assert details_follow(driver), keys
        await driver.press("shift+tab")
        for wide, high in ((120, 40), (60, 20), (200, 60), (80, 24)):
            await driver.pilot.resize_terminal(wide, high)
            await driver.settled()
            assert details_follow(driver), (wide, high)

    drive(site(LOWERED), script, size=size)


def test_a_stage_is_told_until_it_is_left() -> None:
    async def script(driver: Driver) -> None:
        assert "stage 2 of 5" in await driver.press("tab t t")
        assert "of 5" not in await driver.press("escape")
        assert details_follow(driver)
        for number in range(5):
            text = await driver.press("t")
            name = ("asked", "reserved", "e820", "firmware", "attach")[number]
            assert f"▌{name}▐" in text
        assert "▌attach▐" in text

    drive(site(LOWERED), script)


@pytest.mark.parametrize("size", SIZES)
def test_dead_bars_are_marked_everywhere(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2 tab g")
        assert "✖ dead" in text
        while "Dead BARs: QEMU believes that RAM reaches 0xf0000000" not in told(driver):
            await driver.press("j")
        text = await driver.press("M g pagedown")
        assert "✖ dead" in text or "✖dead" in text

    drive(site(LOWERED), script, size=size)


def test_what_qemu_believes_is_told_of_each_range() -> None:
    report = evaluate(site(LOWERED))
    found = {
        guest: [what for _, what in troubles(build)]
        for guest in ("q_clamp", "q_clampwin", "q_clampwinhole")
        if (build := report.build(guest)) is not None
    }
    assert Trouble.BELIEVED in found["q_clamp"]
    assert Trouble.DEAD not in found["q_clamp"]
    assert found["q_clampwin"].count(Trouble.DEAD) == 11
    assert {*found["q_clampwinhole"]} == {Trouble.PARKED}
    blocked = evaluate(site(SCRATCH)).build("r_scratch")
    assert blocked is not None
    assert Trouble.BLOCKED in [what for _, what in troubles(blocked)]


@pytest.mark.parametrize("size", SIZES)
def test_the_hole_of_lowered_ram_is_not_called_harmless(size: tuple[int, int]) -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("tab g")
        while "0x99001000" not in told(driver).partition(" ")[0]:
            text = await driver.press("j")
        assert "▲ Not RAM, but QEMU believes that RAM reaches 0xf0000000: BARs placed here are dead" in told(driver)
        assert "mmio_hole = 1648" in told(driver)
        assert "▲ QEMU: RAM" in text

    drive(site(LOWERED), script, size=size)


def test_the_step_that_goes_wrong_is_told() -> None:
    build = evaluate(site(LOWERED)).build("q_clamp")
    assert build is not None
    texts = [step.text for stage in build.stages if stage.name == "e820" for step in stage.steps]
    assert texts[-1] == (
        "QEMU is told only the amount of RAM, not that low RAM ends at 0x99000000: it believes 0xf0000000"
    )
    healed = evaluate(site(LOWERED)).build("q_clampwinhole")
    assert healed is not None
    assert not any("QEMU" in step.text for stage in healed.stages for step in stage.steps)


def test_a_build_that_ends_early_says_so_in_the_views() -> None:
    text = body(screen(site(HP), "2 v"))
    assert "the build ends in stage reserved, before hvmloader and QEMU run: RDM conflict at 0xe8000." in text
    report = evaluate(site(HP))
    assert "the build ends in stage reserved" in " ".join(memory_map.render([("", report)], view="all").split())


def test_agreement_is_said() -> None:
    assert "✔ no clash" in screen(site(DESKTOP), "1 v")
    assert "✔ no clash" not in screen(site(LOWERED), "1 v")


@pytest.mark.parametrize("size", SIZES)
def test_the_largest_clash_is_under_the_cursor_and_its_neighbours_are_seen(size: tuple[int, int]) -> None:
    text = screen(site(LOWERED), "v", size=size)
    assert "▌✖ 110010000" in text
    assert "✖ 10f000000" in text
    assert "Lost RAM" in text


@pytest.mark.parametrize("sample", [HP, LOWERED, DESKTOP, "dell-poweredge-r820"])
def test_labels_of_the_views_are_whole_at_every_size(sample: str) -> None:
    async def script(driver: Driver) -> None:
        for keys in ("v home", "pagedown", "pagedown", "end"):
            table = (await driver.press(keys)).splitlines()[3:-6]
            assert not [line for line in table if "…" in line]

    drive(site(sample), script, size=(60, 20))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(5, 120))
def test_shares(needs: list[int], room: int) -> None:
    """No more than there is; where all needs can be met they are; nobody starves for another's surplus."""
    found = shares(needs, room)
    assert sum(found) <= room
    if sum(needs) <= room:
        assert all(has >= need for has, need in zip(found, needs, strict=True))
    short = [has for has, need in zip(found, needs, strict=True) if has < need]
    assert not short or max(found) - min(short) <= 1


def test_conflicts_have_lines_of_their_own() -> None:
    text = screen(site(HP), "2 tab", size=(200, 60))
    assert text.count("✖ 02:00.1 against low RAM") == 5
    small = screen(site(HP), "2 tab")
    assert "48K" not in small


def test_zoom_where_nothing_lies_above() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 tab z")
        assert driver.view.zoom is None or driver.view.zoom.start > 0 or driver.view.zoom.end < 1 << 32
        await driver.press("escape G z")
        text = driver.text
        zoom = driver.view.zoom
        assert zoom is not None or "nothing lies above 4 GiB" in text
        await driver.press("1")
        assert driver.view.zoom is None

    drive(site(HP), script)


def test_a_comparison_is_alone_where_it_needs_the_room() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("v")
        assert "Devices" not in text
        assert "─ Problems ─" in text
        await driver.pilot.resize_terminal(80, 24)
        await driver.settled()
        assert "Devices" not in driver.text
        text = await driver.press("w")
        assert "What if" in text
        assert "─ q_clamp ─" in text

    drive(site(LOWERED), script, size=(200, 60))


def test_stages_leave_the_views_as_they_were_before() -> None:
    async def script(driver: Driver) -> None:
        assert "Devices" not in await driver.press("v")
        assert "Devices" in await driver.press("t")

    drive(site(LOWERED), script)


def test_the_names_of_all_guests_stand_apart() -> None:
    text = screen(site("xen-lab"), "M", size=(200, 60))
    heading = text.splitlines()[3].split("║")[1].split("more ›")[1]
    assert len({*heading.split()}) == len(heading.split()) == 10
