"""The screens as text, compared with golden files; `pytest --update-golden` rewrites those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, drive, screen, site
from rich.cells import cell_len

from planner.model.host import Host
from planner.model.plan import Plan

GOLDEN = Path(__file__).parent.parent / "golden" / "screens"
SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def check(name: str, text: str, *, update: bool) -> None:
    path = GOLDEN / f"{name}.txt"
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_main_screen(size: tuple[int, int], update_golden: bool) -> None:
    """A blocked device under the cursor, and why it is."""
    text = screen(site(HP), "3 j j j j j j j", size=size)
    check(f"main-{size[0]}x{size[1]}", text, update=update_golden)
    assert max(len(line) for line in text.splitlines()) <= size[0]
    assert "blocked: 02:00.0 shares RMRR" in text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_map_with_lost_ram(size: tuple[int, int], update_golden: bool) -> None:
    text = screen(site(LOWERED), "tab G", size=size)
    check(f"lowered-ram-{size[0]}x{size[1]}", text, update=update_golden)
    assert "Lost RAM: QEMU knows nothing of 1.4 GiB" in " ".join(text.split())


SCREENS = (
    ("what-if", HP, "2 w j j", "escape escape"),
    ("host", HP, "3 I j j j j j j j", "I"),
    ("fixes", HP, "2 full_stop full_stop f", "escape"),
    ("history", HP, "3 w + + H", "escape u w"),
    ("guests", HP, "0", "escape"),
    ("release", HP, "X", "escape"),
    ("new-guest", HP, "n", "escape"),
    ("all-guests", HP, "M", "escape"),
    ("profile", HP, "P", "escape"),
    ("palette", HP, "colon", "escape"),
    ("palette-found", HP, "colon p f s e n s e", "escape"),
    ("details", HP, "3 tab G i", "escape shift+tab"),
    ("exact", HP, "1 w enter", "escape w"),
    ("rename", HP, "r", "escape"),
    ("remove", HP, "x", "n"),
    ("reason", HP, "E", "escape"),
    ("save-as", HP, "W", "escape"),
    ("open", HP, "o", "escape"),
    ("sessions", HP, "O", "escape"),
    ("no-fix", HP, "2 G f", "escape"),
    ("stage", LOWERED, "1 t t", "escape"),
    ("views", LOWERED, "v", "escape"),
    ("zoom", LOWERED, "z", "escape"),
    ("shipped", LOWERED, "1 e", "escape"),
    ("hotplug", DESKTOP, "2 slash 1 f . 6 enter c i", "escape escape u"),
    ("edited", DESKTOP, "3 g space 2 space", "u u"),
    ("export", DESKTOP, "3 g space e", "escape u"),
    ("changes", DESKTOP, "3 g space D", "escape u"),
    ("quit", DESKTOP, "3 g space q", "n u"),
    ("help", DESKTOP, "question_mark", "escape"),
    ("messages", DESKTOP, "3 g space u N", "escape"),
    ("tour", DESKTOP, "K", "escape"),
)
"""Name, site, the keys that lead there, and those that lead back."""


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", [HP, LOWERED, DESKTOP])
def test_every_other_screen(name: str, size: tuple[int, int], update_golden: bool) -> None:
    async def script(driver: Driver) -> None:
        for screen_name, where, there, back in SCREENS:
            if where == name:
                text = await driver.press(_named(there))
                check(f"{screen_name}-{size[0]}x{size[1]}", text, update=update_golden)
                assert max(cell_len(line) for line in text.splitlines()) <= size[0]
                await driver.press(_named(back))

    drive(site(name), script, size=size)


def _named(keys: str) -> str:
    return keys.replace(" . ", " full_stop ").replace("+ +", "plus plus")


def test_ascii(update_golden: bool) -> None:
    text = screen(site(HP), "2", ascii_only=True)
    check("ascii-80x24", text, update=update_golden)
    assert text.isascii()
    for keys in ("2 w l", "I", "2 t t", "v", "M", "question_mark", "K", "X", "P"):
        assert screen(site(HP), keys, size=(120, 40), ascii_only=True).isascii()


@pytest.mark.parametrize("size", [(59, 20), (60, 14), (20, 5)])
def test_too_small_says_so(size: tuple[int, int]) -> None:
    text = screen(site(HP), size=size)
    assert f"terminal too small (have {size[0]}x{size[1]}, need 60x15)".startswith(" ".join(text.split()))
    assert text.strip()


def test_growing_brings_everything_back() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 space")
        await driver.pilot.resize_terminal(40, 10)
        await driver.pilot.resize_terminal(80, 24)
        await driver.pilot.pause()
        assert "Devices" in driver.text
        assert driver.view.guest == 1

    drive(site(HP), script)


def test_one_pane_at_a_time_when_narrow() -> None:
    async def script(driver: Driver) -> None:
        assert "Devices" in driver.text
        assert "═ pfsense ═" not in await driver.press("2")
        text = await driver.press("tab")
        assert "═ pfsense ═" in text
        assert "Devices" not in text
        assert "Problems" in await driver.press("tab")
        assert "Devices" in await driver.press("tab")

    drive(site(HP), script, size=(60, 20))


def test_maximise_and_back() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("tab")
        assert "Devices" not in await driver.press("m")
        text = await driver.press("escape")
        assert "Devices" in text
        assert "Problems" in text

    async def wide(driver: Driver) -> None:
        lines = (await driver.press("shift+tab m")).splitlines()
        assert "Devices" not in driver.text
        first = next(index for index, line in enumerate(lines) if "═ Problems ═" in line)
        assert lines[-2].startswith("╚")
        assert len(lines) - first > 20

    drive(site(HP), script)
    drive(site(HP), wide, size=(120, 40))


def test_a_plan_without_guests_or_devices() -> None:
    text = screen(Plan(host=Host(name="bare", xen="4.17")), "space p e u U . j tab j tab j")
    assert "no guest yet: n makes one" in text
    assert "no guest" in screen(replace(site(HP), guests=()), "space")


def test_many_guests_keep_the_chosen_one_in_sight() -> None:
    plan = site(HP)
    guests = tuple(replace(plan.guests[0], name=f"guest-number-{number}", pci=()) for number in range(1, 31))

    async def script(driver: Driver) -> None:
        assert "27›" in driver.text.splitlines()[1]
        line = (await driver.press("left_square_bracket")).splitlines()[1]
        assert "▌30 guest-number-30*▐" in line
        assert line.startswith("‹")
        assert "▌9 guest-number-9*▐" in (await driver.press("9")).splitlines()[1]

    drive(replace(plan, guests=guests), script)
