"""The lines around the panes: keys, messages, problems, what if, dialogs."""

from __future__ import annotations

import pytest
from driving import HP, LOWERED, Driver, drive, screen, site

from planner.tui.text import cut
from planner.tui.view import Look
from planner.tui.widgets.problems import Problems


def footer(text: str) -> str:
    return text.splitlines()[-1]


def test_the_key_line_follows_the_focus() -> None:
    async def script(driver: Driver) -> None:
        assert "␣ assign" in footer(driver.text)
        line = footer(await driver.press("tab"))
        assert "assign" not in line
        assert "policy" not in line
        assert "t stage" in line
        assert "⏎ go  f fix" in footer(await driver.press("tab"))
        assert "h l step  ⏎ exact" in footer(await driver.press("w"))
        assert "I devices" in footer(await driver.press("I"))
        assert "esc map" in footer(await driver.press("v"))

    drive(site(HP), script)


@pytest.mark.parametrize(("size", "words"), [((60, 20), ("tab map",)), ((200, 60), ("n new", "M all", "N messages"))])
def test_the_key_line_has_what_the_size_needs(size: tuple[int, int], words: tuple[str, ...]) -> None:
    line = footer(screen(site(HP), size=size))
    assert all(word in line for word in (*words, "s save", "f fix", "u undo", "? help"))
    assert len(line) > size[0] - 12


def test_each_of_two_keys_in_the_key_line_can_be_clicked() -> None:
    async def script(driver: Driver) -> None:
        x = footer(driver.text).index("[ ] guest")
        await driver.pilot.click(offset=(x, 39))
        assert driver.view.guest == 2
        await driver.pilot.click(offset=(x + 2, 39))
        assert driver.view.guest == 0
        x = footer(await driver.press("w")).index("h l step")
        await driver.pilot.click(offset=(x + 2, 39))
        assert "memory of licences" in driver.view.note

    drive(site(HP), script, size=(120, 40))


def test_every_message_can_be_read_again_in_full() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 space")
        long = driver.view.note
        assert long.startswith("✖ refused")
        assert "… N  " in driver.status
        await driver.press("j u")
        text = await driver.press("N")
        lines = text.splitlines()
        first = next(index for index, line in enumerate(lines) if "nothing to undo" in line)
        assert "1  ✖ refused" in "".join(lines[first + 1 :])
        assert driver.app.screen.text[1][1][0] == long  # type: ignore[attr-defined]

    drive(site(HP), script)


def test_problems_alike_are_one_entry_and_wrap_where_there_is_room() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2")
        problems = driver.app.screen.query_one(Problems)
        assert len(driver.view.findings) > 20
        assert problems.count() == len(driver.view.problems) == 5
        assert "✖ RDM103 ×7 " in driver.text
        assert "lies at or below  rdm_mem" not in driver.text
        rules = []
        for _ in range(5):
            await driver.press("full_stop")
            rules.append(driver.app.screen_stack[0].subject.rule.id)  # type: ignore[attr-defined]
        assert rules == [group[0].rule.id for group in driver.view.problems]
        await driver.press("comma full_stop i")
        lines = [index for index, line in enumerate(driver.text.splitlines()) if "RDM104" in line or "RDM105" in line]
        assert lines
        await driver.press("escape")
        rows = driver.text.splitlines()
        y = next(y for y, line in enumerate(rows) if f"│ ✖ {rules[1]}" in line)
        await driver.pilot.click(offset=(150, y + 1))  # its second line
        assert problems.cursor == 1

    drive(site(HP), script, size=(200, 60))


def test_problems_have_one_line_each_where_there_is_no_room() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("full_stop full_stop full_stop full_stop")
        assert "▌• RDM119" in text
        assert driver.view.look is Look.MAP

    drive(site(LOWERED), script)


def test_a_cut_line_says_so_even_where_a_blank_stands_last() -> None:
    assert "".join(text for text, _ in cut((("abc", ""), (" ", ""), ("def", "")), 4)) == "abc…"
