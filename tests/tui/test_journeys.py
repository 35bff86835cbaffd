"""What an admin does, key by key."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, dialog, drive, site

from planner.model.address import Sbdf
from planner.model.guest import RdmPolicy
from planner.model.plan import Plan, Profile
from planner.tui.app import PlannerApp
from planner.tui.screens.dialogs import Reading

IGD = Sbdf.parse("00:02.0")
NIC = Sbdf.parse("02:00.0")


def test_toggling_a_device_changes_the_map() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 space")
        assert "release 00:02.0 from win10" in driver.status
        assert "c9000000 ▒" not in text
        text = await driver.press("2 space")
        assert driver.view.item(IGD) is not None
        assert "c9000000Δ▒▒▒▒  00:02.0" in text
        assert "✖ lost RAM" in text
        assert "✖ but MEM201: BARs hidden behind" in text
        assert "2 mail* ✖2" in text
        assert driver.view.unsaved == {"mail", "win10"}

    drive(site(DESKTOP), script)


def test_a_blocked_device_says_why_and_stays_where_it_is() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 j j j j j j j")
        assert "✖ blocked: 02:00.0 shares RMRR 0xe8000-0xe8fff (4 KiB) with 05:00.0" in text
        before = driver.view.snapshot
        await driver.press("space")
        assert driver.status.startswith(" ✖ refused: 02:00.0 shares RMRR 0xe8000-0xe8fff (4 KiB) with")
        assert driver.view.snapshot is before
        assert driver.view.item(NIC) is None
        assert "refused" not in (await driver.press("k")).splitlines()[0]

    drive(site(HP), script)


def test_a_blocked_device_can_be_released() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 slash 0 2 : 0 0 . 1 enter space".replace(":", "colon").replace(".", "full_stop"))
        assert "release 02:00.1 from pfsense" in driver.status
        assert not driver.view.counts.get("pfsense")

    drive(site(HP), script)


def test_undo_and_redo_name_their_steps() -> None:
    async def script(driver: Driver) -> None:
        start = driver.view.snapshot.plan
        await driver.press("3 space 2 space")
        edited = driver.view.snapshot.plan
        await driver.press("u")
        assert "undo assign 00:02.0 to mail" in driver.status
        await driver.press("u u")
        assert driver.view.snapshot.plan == start
        assert not driver.view.unsaved
        assert " nothing to undo" in driver.status
        await driver.press("U ctrl+r")
        assert "assign 00:02.0 to mail" in driver.status
        assert driver.view.snapshot.plan == edited

    drive(site(DESKTOP), script)


def test_policy_goes_round() -> None:
    async def script(driver: Driver) -> None:
        seen = []
        for _ in range(3):
            await driver.press("p")
            item = driver.view.item(IGD)
            seen.append(item.policy if item is not None else "gone")
        assert seen == [RdmPolicy.RELAXED, None, RdmPolicy.STRICT]
        assert "does not have 00:02.0" in await driver.press("1 p")

    drive(site(DESKTOP), lambda driver: _after(driver, "3", script))


async def _after(driver: Driver, keys: str, script: object) -> None:
    await driver.press(keys)
    assert callable(script)
    await script(driver)


def test_what_another_guest_has_is_not_taken() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 space")
        assert "✖ refused: 00:02.0 belongs to win10: release it there first" in driver.status
        assert not driver.view.unsaved

    drive(site(DESKTOP), script)


def test_the_profile_changes_only_after_yes() -> None:
    async def script(driver: Driver) -> None:
        assert "Profile xen: exactly what Xen enforces" in await driver.press("P")
        await driver.press("n")
        assert driver.profile == "default"
        text = await driver.press("P y")
        assert driver.profile == "xen"
        assert "The default profile would block 00:1d.0." in text
        await driver.press("escape")
        text = await driver.press("3 j j j j j j j space")
        assert driver.view.item(NIC) is not None
        assert "The default profile would block 02:00.0. Why may it have that?" in text
        await driver.press("l a b enter")
        assert driver.view.snapshot.plan.reasons == {"web": "lab"}
        assert "profile xen" in await driver.press("k")
        await driver.press("u u u")
        assert driver.profile == "default"

    drive(site(HP), script)


def test_filter_and_its_words() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("slash n i c space d o m 0")
        assert "4 share RMRR" not in text
        assert text.count(" NIC ") >= 3
        text = await driver.press("enter")
        assert "filter: nic dom0 · " in text
        assert "00:1a.0" in await driver.press("escape")
        text = await driver.press("slash f r e e enter")
        assert "no device matches 'free'" in text  # a driver of dom0's has every one, or a region blocks it

    drive(site(HP), script)


def test_problems_lead_to_their_places() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("full_stop")
        assert "MEM212 Silent data loss" in text
        assert "▌ [x] 02:00.0" in text
        text = await driver.press("tab tab enter")
        assert "╔═ Devices" in text
        assert driver.app.focused is not None
        assert driver.app.focused.id == "devices"

    drive(site(LOWERED), script)


def test_walking_the_map_tells_reasons() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("tab j j j")
        assert "0x99000000-0x99000fff 4 KiB 02:00.0" in text
        await driver.press("enter")
        assert isinstance(driver.app.screen, Reading)
        told = "".join(piece for paragraph in driver.app.screen.text for piece, _ in paragraph)
        assert "so low RAM ends at 0x99000000 and 1.4 GiB move above 4 GiB" in told
        assert "Devices" in await driver.press("escape")

    drive(site(LOWERED), script, size=(120, 40))


def test_details_of_a_device_at_80_columns() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 j j j j j j j enter")
        assert "IOMMU group" not in text
        assert "02:00.0 NIC Intel I350" in text
        assert "RMRR 0x75f6f000-0x79f6efff 64 MiB, shared: 10 scope entries" in text
        await driver.press("escape l h")
        assert "▸ 10 are tied together by 8 RMRRs" in driver.text

    drive(site(HP), script)


def test_export_to_a_folder(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()

    async def script(driver: Driver) -> None:
        text = await driver.press("3 space e")
        assert '-pci = [ "00:02.0,rdm_policy=strict" ]' in text
        assert "Windows desktop" in await driver.press("d")
        assert "⏎ export" in await driver.press("d x")
        text = await driver.type(str(target))
        assert "Exported 1 guest" in text
        text = await driver.press("escape escape")
        assert "exported a copy of win10" in driver.status
        assert driver.view.unsaved == {"win10"}  # its own file says nothing of this

    plan = site(DESKTOP, source)
    drive(plan, script, folder=source)
    before, after = (source / "win10.cfg").read_text(), (target / "win10.cfg").read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == [
        'pci = [ "00:02.0,rdm_policy=strict" ]'
    ]
    assert [path.name for path in target.iterdir()] == ["win10.cfg"]


def test_export_over_the_file_it_was_read_from_keeps_a_backup(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3 space e X enter")
        shown = driver.text.replace("\n", "").replace("│", "").replace(" ", "")
        assert re.search(r"win10\.cfg\.[-0-9]+T[-0-9]+\.bak", shown)
        await driver.press("escape escape 2 slash 1 f full_stop 6 enter")
        for _ in range(2):  # over what we wrote ourselves
            await driver.press("space e x enter")
            assert "Exported 1 guest" in driver.text
            await driver.press("escape escape")

    plan = site(DESKTOP, tmp_path)
    before = (tmp_path / "win10.cfg").read_text()
    drive(plan, script, folder=tmp_path)
    assert [path.read_text() for path in tmp_path.glob("win10.cfg.*.bak")] == [before]
    assert "pci = [ ]" in (tmp_path / "win10.cfg").read_text()
    assert sorted("00:1f.6" in path.read_text() for path in tmp_path.glob("mail.cfg.*.bak")) == [False, True]
    assert "00:1f.6" not in (tmp_path / "mail.cfg").read_text()


def test_the_preview_shows_what_is_written_beyond_the_plan(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 e")
        assert "▲ adds mmio_hole = 880: libxl lowers low RAM" in text
        assert "+mmio_hole = 880" in text + await driver.press("pagedown")
        assert "Exported 1 guest" in await driver.press("x enter")

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)
    assert "mmio_hole = 880" in (tmp_path / "win10.cfg").read_text()


def test_export_refuses_a_file_that_changed_on_disk(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        (tmp_path / "win10.cfg").write_text("name = 'somebody else was here'\n")
        text = await driver.press("3 space e x enter")
        assert "changed on disk since it was read" in text

    plan = site(DESKTOP, tmp_path)
    drive(plan, script, folder=tmp_path)
    assert (tmp_path / "win10.cfg").read_text() == "name = 'somebody else was here'\n"


def test_a_refused_export_lists_what_blocks(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2 e x")
        assert "Nothing was written, because this blocks" in text
        text += "".join([await driver.press("pagedown") for _ in range(6)])
        for rule in ("RDM101", "RDM103", "RDM105", "RDM107"):
            assert f"✖ {rule} pfsense:" in text

    drive(site(HP, tmp_path), script, folder=tmp_path)
    assert not list(tmp_path.glob("*.bak"))


def test_a_clean_guest_can_be_exported_beside_broken_ones(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3 e x")
        assert "Exported 1 guest" in await driver.type(str(tmp_path / "one"))
        await driver.press("escape X")
        assert "Left out: licences (RDM104 RDM105 in the way), pfsense (RDM107" in dialog(driver.text)
        assert "Exported 1 guest, 2 left out" in await driver.type(str(tmp_path / "all"))

    drive(site(HP), script, folder=tmp_path)
    for folder in ("one", "all"):
        assert [path.name for path in (tmp_path / folder).iterdir()] == ["web.cfg"]


def test_two_guests_for_one_file_are_refused(tmp_path: Path) -> None:
    plan = site(DESKTOP)
    twin = replace(plan.guests[1], name="twin")

    async def script(driver: Driver) -> None:
        await driver.press("e X enter")
        assert "would both be written to" in driver.text
        await driver.type(str(tmp_path))
        assert "would both be written to" in driver.text

    drive(replace(plan, guests=(plan.guests[1], twin)), script, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_quitting_asks_only_with_unexported_edits() -> None:
    async def clean(driver: Driver) -> None:
        await driver.press("q")
        assert driver.app.return_value == 0

    async def dirty(driver: Driver) -> None:
        text = await driver.press("3 space q")
        assert "1 guest changed and not exported: win10." in text
        await driver.press("n")
        assert driver.app.return_value is None
        await driver.press("question_mark ctrl+q ctrl+q y")
        assert driver.app.return_value == 0

    drive(site(DESKTOP), clean)
    drive(site(DESKTOP), dirty)


def test_all_functions_of_an_item_belong_to_it() -> None:
    plan = site(HP)
    item = replace(plan.guests[1].pci[0], address=NIC, all_functions=True)

    async def script(driver: Driver) -> None:
        assert driver.view.item(Sbdf.parse("02:00.3")) is not None
        await driver.press("j j j j j j j j space")
        assert "comes with 0000:02:00.*" in driver.status

    drive(
        replace(plan, guests=(plan.guests[1].with_pci((item,)),), profile=Profile.XEN),
        script,
    )


def test_guests_of_one_name_are_not_edited() -> None:
    plan = site(DESKTOP)

    async def script(driver: Driver) -> None:
        await driver.press("j j space")
        assert "two guests are called mail" in driver.status
        assert not driver.view.unsaved

    drive(replace(plan, guests=(plan.guests[1], plan.guests[1])), script)


def test_the_mouse_moves_toggles_and_chooses() -> None:
    async def script(driver: Driver) -> None:
        await driver.pilot.click("#guests", offset=(32, 0))
        assert driver.view.current is not None
        assert driver.view.current.name == "web"
        await driver.pilot.click("#devices", offset=(4, 2))
        assert driver.status.startswith(" ✖ refused: 00:1a.0 shares RMRR")
        await driver.pilot.click("#keys", offset=(70, 0))
        await driver.pilot.pause()

    drive(site(HP), script)


def test_every_theme_changes_styles_and_nothing_else() -> None:
    async def script(driver: Driver) -> None:
        before = await driver.press("X")  # a dialog, with the screen below it
        themes = driver.app.available_themes
        assert {"textual-light", "ansi-dark", "ansi-light", "nord"} <= set(themes)
        for theme in themes:
            driver.app.theme = theme
            await driver.pilot.pause()
            assert driver.text == before, theme

    drive(site(HP), script)


def test_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(driver: Driver) -> None:
        styles = [
            segment.style
            for strip in driver.app.screen._compositor.render_strips()
            for segment in strip
            if segment.text.startswith("▌")
        ]
        assert any(style is not None and style.reverse for style in styles)

    drive(site(HP), script)


@pytest.mark.parametrize(("answered", "left", "code"), [(1, 0, 1), (None, 3, 3), (None, None, 0)])
def test_run_returns_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, answered: int | None, left: int | None, code: int
) -> None:
    """What the app was closed with, else what Textual left behind, as after a crash."""
    from planner.tui import app

    monkeypatch.setattr(PlannerApp, "run", lambda self: answered)
    monkeypatch.setattr(PlannerApp, "return_code", left)
    assert app.run(PlannerApp(Plan(host=site(HP).host))) == code


def test_details_are_there_from_the_start() -> None:
    async def script(driver: Driver) -> None:
        assert "00:02.0 VGA Intel HD Graphics 630 · win10" in driver.text
        assert "RMRR 0xc9000000-0xcd7fffff 72 MiB" in await driver.press("i")

    drive(site(DESKTOP), script)


def test_keys_typed_ahead_reach_the_pane_they_are_meant_for() -> None:
    async def script(driver: Driver) -> None:
        for key in ("tab", "G"):
            driver.app.simulate_key(key)
        await driver.pilot.pause()
        assert "▌110010000" in driver.text

    drive(site(LOWERED), script)


def test_an_edit_from_the_map_tells_about_the_new_map() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("tab j j j space")
        assert "release 02:00.0 from q_clamp" in driver.status
        assert "0x100000-0xefffffff" in text
        assert "0x99000000-0x99000fff 4 KiB" not in text
        assert "0x99000000-0x99000fff 4 KiB" in await driver.press("u")

    drive(site(LOWERED), script, size=(120, 40))
