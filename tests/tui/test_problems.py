"""The problems pane: what was acknowledged, which problem the keys mean, and the way to its place."""

from __future__ import annotations

from dataclasses import replace

from driving import DESKTOP, HP, LOWERED, Driver, drive, site
from planning import at

from planner.formats.xlcfg.guest import read
from planner.model.plan import Plan, Profile
from planner.model.settings import PathSettings, Settings
from planner.policy.evaluate import Report
from planner.policy.findings import Finding
from planner.policy.suppress import Governed, as_told
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.memory_map import MemoryMap
from planner.tui.widgets.problems import Problems

LAB = "xen-lab"


def with_comment(plan: Plan, name: str, comment: str) -> Plan:
    """The plan, that guest's file with a comment at its head."""
    guests = tuple(
        read(f"{comment}\n{one.file.text}", one.file.path) if one.file is not None and one.name == name else one
        for one in plan.guests
    )
    return replace(plan, guests=guests)


def number(plan: Plan, name: str) -> str:
    """The keys that choose the guest of that name."""
    index = [guest.name for guest in plan.guests].index(name)
    return "1" + " right_square_bracket" * index


def problem(driver: Driver) -> Finding | None:
    """What the problems' cursor stands on."""
    found = driver.app.screen_stack[0].query_one(Problems).subject()
    assert found is None or isinstance(found, Finding)
    return found


async def go_to(driver: Driver, rule: str) -> None:
    """Go on to the next problem by that rule."""
    for _ in driver.view.problems:
        await driver.press("full_stop")
        found = problem(driver)
        if found is not None and found.rule.id == rule:
            return
    raise AssertionError(f"there is no {rule}")


def test_what_was_acknowledged_shows_its_reason_and_does_not_count() -> None:
    comment = "# rdm-planner: ignore-file[MEM212, RDM109] one tenant"
    plan = with_comment(site(LOWERED), "q_clamp", comment)

    async def script(driver: Driver) -> None:
        text = await driver.press("tab tab")
        assert "✓ MEM212" in text
        assert "one tenant" in text
        assert "RDM109" not in text
        assert "Problems · 1 ignored" in text
        assert "1 acknowledged" in driver.status
        assert "▲ starts, but PCI508" in text, "the worst that is open"
        counts = driver.view.counts["q_clamp"]
        assert (counts["error"], counts["acknowledged"]) == (0, 1)
        await go_to(driver, "MEM212")
        assert "acknowledged: one tenant" in await driver.press("i")
        await driver.press("escape shift+tab shift+tab space")
        assert "SUP001" in driver.status, "a suppression that suppresses nothing is told"
        await driver.press("u")
        assert "+1 ✓ MEM212" in driver.status

    drive(plan, script, size=(120, 40))


def test_an_export_says_that_an_acknowledgement_does_not_count_there() -> None:
    plan = with_comment(site(HP), "pfsense", "# rdm-planner: ignore-file[RDM107] a lab")

    async def script(driver: Driver) -> None:
        assert "an acknowledgement counts for check alone" in await driver.press("2 e")
        await driver.press("escape")
        assert "acknowledgement" not in await driver.press("1 e")

    drive(plan, script, size=(120, 40))


def test_a_project_file_counts_as_in_a_check() -> None:
    plan = site(LOWERED)
    project = Settings(paths=(PathSettings(match=("*",), ignore={"MEM212": "a lab", "CFG603": "never"}),))

    def judge(report: Report) -> Report:
        files = [guest.file.path for guest in report.plan.guests if guest.file is not None]
        return as_told(report, {file: Governed("rdm-planner.toml", file, project) for file in files})

    async def script(driver: Driver) -> None:
        assert all(one.acknowledged == "a lab" for one in driver.view.findings if one.rule.id == "MEM212")
        assert [one.message for one in driver.view.findings if one.rule.id == "SUP001"] == [
            "paths[0]: ignoring CFG603 has no effect: nothing it matches has such a finding"
        ]

    drive(plan, script, judge=judge)


def test_fixes_are_searched_for_what_was_acknowledged_too() -> None:
    plan = with_comment(site(LOWERED), "q_clamp", "# rdm-planner: ignore-file[MEM212] one tenant")

    async def script(driver: Driver) -> None:
        await go_to(driver, "MEM212")
        assert "▌mmio_hole = 1648" in await driver.press("f")

    drive(plan, script, size=(120, 40))


def test_the_mark_of_what_is_new_is_on_the_right_device() -> None:
    plan = replace(site(LAB), profile=Profile.XEN, reasons={"f_bothrel": "a lab"})

    async def script(driver: Driver) -> None:
        await driver.press(number(plan, "f_bothrel"))
        driver.app.screen_stack[0].query_one(DeviceList).go_to(at("0000:00:1a.0"))
        await driver.press("space u")
        came = {one.device for one in driver.view.snapshot.effect.came if one.rule.id == "RDM104"}
        assert came == {at("0000:00:1a.0")}

    drive(plan, script)


def test_the_next_problem_is_seen_though_a_filter_hid_its_device() -> None:
    plan = site(LAB)

    async def script(driver: Driver) -> None:
        await driver.press(f"{number(plan, 'f_bothstrict')} slash")
        await driver.type("ahci")
        await driver.press("full_stop")
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        found = problem(driver)
        assert found is not None
        assert devices.address == found.device
        assert devices.needle == ""

    drive(plan, script)


def test_the_cursor_stays_on_its_problem() -> None:
    plan = site(LAB)

    async def script(driver: Driver) -> None:
        await driver.press(f"{number(plan, 'f_bothstrict')} tab tab G")
        before = problem(driver)
        assert before is not None
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        await driver.press("1 " + number(plan, "f_bothstrict") + " G")
        assert problem(driver) == before
        await driver.press("w")
        for keys in ("plus", "plus", "minus"):
            await driver.press(keys)
            now = problem(driver)
            assert now is not None
            assert (now.rule.id, now.device) == (before.rule.id, before.device)
        assert devices is not None

    drive(plan, script)


def test_from_problem_to_problem_whatever_the_details_tell() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 full_stop")
        first = problem(driver)
        await driver.press("j full_stop")
        second = problem(driver)
        assert first != second
        await driver.press("tab comma")
        assert problem(driver) == first

    drive(site(HP), script)


def test_fixes_are_for_the_problem_that_was_chosen() -> None:
    plan = site(LAB)

    async def script(driver: Driver) -> None:
        await driver.press(f"{number(plan, 'f_bothstrict')} tab tab G")
        chosen = problem(driver)
        assert chosen is not None
        await driver.press("tab f")  # from the devices
        assert chosen.rule.id in driver.text
        await driver.press("escape")
        assert len(driver.app.screen_stack) == 1

    drive(plan, script, size=(120, 40))


def test_fixes_are_for_the_range_under_the_cursor_while_no_problem_was_chosen() -> None:
    plan = site(LAB)

    async def script(driver: Driver) -> None:
        pane = driver.app.screen_stack[0].query_one(MemoryMap)
        await driver.press("tab")
        pane.go_to(0x7E000000)
        assert "RDM101" in await driver.press("f")
        await driver.press("escape")

    drive(plan, script, size=(120, 40))


def test_the_palette_moves_the_bar_too() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("colon")
        await driver.type("problem RDM119", end="down")
        await driver.app.workers.wait_for_complete()
        await driver.press("enter")
        found = problem(driver)
        assert found is not None
        assert found.rule.id == "RDM119"
        assert "RDM119" in await driver.press("f")

    drive(site(LAB), script, size=(120, 40))


def test_a_planned_setting_has_no_place_in_the_file() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w j j j minus")
        found = next(one for one in driver.view.findings if one.rule.id == "CFG610")
        assert found.place is None
        assert found.setting == "rdm_mem_boundary"

    drive(site("mechrevo-wujie14xa"), script)


def test_enter_and_f_close_what_says_that_there_is_no_fix() -> None:
    plan = site(DESKTOP)

    async def script(driver: Driver) -> None:
        for key in ("enter", "f", "escape"):
            await driver.press("tab" if key == "enter" else "escape")
            for _ in driver.view.problems:
                await driver.press("full_stop f")
                if "No fix" in driver.text:
                    break
                await driver.press("escape")
            assert "No fix" in driver.text
            await driver.press(key)
            assert "No fix" not in driver.text

    drive(plan, script)


def test_a_problem_of_a_size_leads_to_its_slider() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w j")  # maxmem
        await driver.press("l")
        assert "MEM204" in driver.status
        await driver.press("j j w")  # another size, and back to the devices
        await go_to(driver, "MEM204")
        assert "▌memory" in driver.text
        text = await driver.press("f")
        assert "as the file has it" in text, "the way back"
        assert "no RAM lost" in text

    drive(site(LOWERED), script, size=(120, 40))


def test_the_reason_is_kept_for_what_the_fix_concerns() -> None:
    """Moving devices between guests takes no written word: to choose it is to say so."""
    plan = replace(site("mechrevo-wujie14xa"), reasons={"wifi": "earlier"})

    async def script(driver: Driver) -> None:
        await driver.press(number(plan, "wifi"))
        await go_to(driver, "RDM117")
        text = await driver.press("f")
        assert "for builder alone" in text
        await driver.press("G enter")
        assert driver.view.snapshot.plan.reasons == {"wifi": "earlier"}
        assert (driver.view.snapshot.undo or "").startswith("fix RDM117")

    drive(plan, script, size=(120, 40))
