"""The lines around the panes: keys, messages, problems, what if, dialogs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from driving import HP, LOWERED, Driver, drive, screen, site

from planner.storage import samples_folder
from planner.tui.differences import changes
from planner.tui.screens.dialogs import Ask, Dialog, Reading
from planner.tui.screens.main import MainScreen
from planner.tui.settings import parse
from planner.tui.state import State
from planner.tui.text import cut, wrap
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


@pytest.mark.parametrize(("size", "words"), [((60, 20), ("tab map",)), ((200, 60), ("n new", "M all", "0 guests"))])
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


def test_a_size_says_what_its_file_says() -> None:
    async def script(driver: Driver) -> None:
        assert "as the file says" in await driver.press("w")
        assert "planned; the file says 1536 MiB" in await driver.press("l")
        assert "planned; the file says nothing" in await driver.press("j j l")

    drive(site(HP), script, size=(120, 40))


def test_a_size_that_xl_does_not_take_is_refused_where_it_is_typed() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w j j enter")
        for wrong in ("255", "3841", "much", "1e9", "0"):
            text = await driver.type(wrong)
            assert "256 to 3840 MiB" in text
            assert isinstance(driver.app.screen, Ask)
            await driver.press("ctrl+u")
        await driver.type("2G")
        assert driver.view.sizes[2].said == 2048
        await driver.press("enter")
        await driver.type("0x670")  # typing replaces
        assert driver.view.sizes[2].said == 1648
        await driver.press("enter ctrl+u enter enter ctrl+u enter")
        assert driver.view.sizes[2].said is None
        assert driver.view.snapshot.undo == "mmio_hole of q_clamp: unset"
        assert len(driver.app.screen_stack[0].editor.history) == 3
        await driver.press("j enter")
        text = await driver.type("0")  # libxl's default is another value
        assert "rdm_mem_boundary 0 MiB planned" in text

    drive(site(LOWERED), script)


def test_a_rail_can_be_clicked() -> None:
    async def script(driver: Driver) -> None:
        rows = (await driver.press("w")).splitlines()
        y = next(y for y, row in enumerate(rows) if "▌├" in row)
        await driver.pilot.click(offset=(rows[y].index("┤") - 1, y))
        assert driver.view.sizes[0].said == 32768
        rows = driver.text.splitlines()
        await driver.pilot.click(offset=(rows[y + 4].index("├") + 9, y + 4))
        hole = driver.view.sizes[2].said
        assert hole is not None
        assert 1024 <= hole <= 1280

    drive(site(HP), script)


@pytest.mark.parametrize("size", [(60, 20), (70, 18), (80, 24)])
def test_all_of_a_fix_can_be_read(size: tuple[int, int]) -> None:
    text = screen(site(LOWERED), "full_stop f j", size=size)
    box = " ".join(line.partition("│ ")[2].rpartition("│")[0].strip() for line in text.splitlines())
    assert "▌give 00:19.0 instead of" in text
    assert "only if 00:19.0 is cabled for this" in " ".join(box.split())


def test_f_is_about_the_problem_that_was_gone_to() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("tab tab j j enter")
        assert driver.app.focused is not None
        assert driver.app.focused.id != "problems"
        assert driver.view.problems[2][0].rule.id in await driver.press("f")

    drive(site(LOWERED), script)


def test_steps_that_were_undone_stay_in_the_list() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w l j j l j l H")
        await driver.press("j j enter")
        assert driver.view.snapshot.undo is not None
        text = await driver.press("H")
        assert text.count("  undone") == 2
        await driver.press("g enter")
        assert driver.view.snapshot.redo is None
        assert driver.view.sizes[3].said is not None

    drive(site(HP), script)


def test_a_field_keeps_the_focus_and_says_what_is_missing() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("r ctrl+u enter")
        assert "A name is missing." in text
        assert "xl takes 7 for the number of a domain" in await driver.type("7")
        await driver.press("ctrl+u tab")
        await driver.type("web two")
        assert driver.view.current is not None
        assert driver.view.current.name == "web two"
        await driver.press("n enter")
        assert "no file is called by a slash" in await driver.type("a/b")
        await driver.press("ctrl+u")
        await driver.type("a b")
        assert "its file: a_b.cfg" in driver.status

    drive(site(HP), script)


def test_the_mouse_leaves_dialogs_and_answers() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("i")
        await driver.pilot.click(offset=(1, 1))
        assert not isinstance(driver.app.screen, Dialog)
        rows = (await driver.press("i")).splitlines()
        y = next(y for y, row in enumerate(rows) if "esc back" in row)
        await driver.pilot.click(offset=(rows[y].index("esc"), y))
        assert not isinstance(driver.app.screen, Dialog)
        for word, profile in (("no", "default"), ("yes", "xen")):
            rows = (await driver.press("P")).splitlines()
            y = next(y for y, row in enumerate(rows) if "y yes" in row)
            await driver.pilot.click(offset=(rows[y].index(word), y))
            assert driver.profile == profile
        rows = (await driver.press("escape")).splitlines()  # no reason just now
        y = next(y for y, row in enumerate(rows) if "i: more" in row)
        await driver.pilot.click(offset=(70, y))
        assert isinstance(driver.app.screen, Reading)
        await driver.press("escape")
        await driver.pilot.click(offset=(76, 0))
        assert driver.app.focused is not None
        assert driver.app.focused.id == "problems"

    drive(site(HP), script)


def test_the_tour_ignores_keys_typed_ahead_and_is_seen_once_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path)

    async def script(driver: Driver) -> None:
        monkeypatch.setattr("planner.tui.screens.help.TYPED_AHEAD", 60.0)
        assert "1 of 6" in await driver.press("space j enter escape")
        assert not state.tour_seen
        monkeypatch.setattr("planner.tui.screens.help.TYPED_AHEAD", 0.0)
        assert "⏎ done" in await driver.press("space space space space space")
        await driver.press("enter")
        assert state.tour_seen
        assert isinstance(driver.app.screen, MainScreen)

    drive(site(HP), script, state=state)


def test_a_sample_says_that_it_is_one() -> None:
    plan = replace(site(HP), host_file=str(samples_folder() / HP / "host.toml"))
    assert screen(plan).startswith(" sample HP ProLiant")
    assert "a sample that comes with the program" in screen(plan, "K")
    assert "a sample that comes with the program" not in screen(site(HP), "K")


def test_texts_name_the_keys_that_the_user_chose() -> None:
    settings = parse(
        '[keys]\n"details" = "right_parenthesis"\n"map.stage" = "b"\n"list.down" = ["n", "down"]\n"guest.new" = "B"\n'
    )

    async def script(driver: Driver) -> None:
        assert "): more" in driver.text
        assert "n k pgdn g G scroll" in await driver.press("right_parenthesis")
        await driver.press("escape K j")
        assert "b steps through the build" in await driver.press("j")

    drive(site(HP), script, settings=settings)


def test_a_long_line_of_a_difference_goes_on_with_its_sign() -> None:
    (_, _, _, row) = changes("", "disk = [ 'phy:/dev/vg0/web,xvda,w', 'phy:/dev/vg0/data,xvdb,w' ]", "a", "b")
    lines = ["".join(text for text, _ in one.pieces) for one in wrap([row], 40)]
    assert lines[0].startswith("+disk = [")
    assert len(lines) > 1
    assert all(line.startswith("+ … ") for line in lines[1:])
    assert all(len(line) <= 40 for line in lines)


def test_a_click_on_a_headings_sign_folds() -> None:
    async def script(driver: Driver) -> None:
        rows = driver.text.splitlines()
        y = next(y for y, row in enumerate(rows) if "▾ 10 " in row)
        await driver.pilot.click(offset=(rows[y].index("▾"), y))
        assert "▸ 10 " in driver.text
        await driver.pilot.click(offset=(rows[y].index("▾"), y))
        assert "▾ 10 " in driver.text

    drive(site(HP), script)
