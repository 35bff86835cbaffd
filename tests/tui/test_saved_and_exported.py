"""What counts as written: exports, saved plans, files that somebody else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from driving import DESKTOP, LOWERED, Driver, drive, site

from planner import storage
from planner.cli import check, load
from planner.model.plan import Plan


def copied_site(folder: Path) -> Path:
    """A sample site as files of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (storage.samples_folder() / DESKTOP).iterdir():
        if path.suffix in (".cfg", ".toml"):
            (folder / path.name).write_text(path.read_text())
    return folder


def test_copies_in_another_folder_save_nothing(tmp_path: Path) -> None:
    folder = copied_site(tmp_path / "site")

    async def script(driver: Driver) -> None:
        await driver.press("3 space e x ctrl+u")
        await driver.type(str(tmp_path / "out"))
        await driver.press("escape escape")
        assert (tmp_path / "out" / "win10.cfg").is_file()
        assert "exported a copy of win10" in driver.status
        assert driver.view.unsaved == {"win10"}
        assert driver.view.snapshot.dirty
        await driver.press("q")
        assert "lose the changes" in driver.text

    drive(load.plans([str(folder)])[0][1], script, folder=folder)


def test_an_export_leaves_unsaved_what_only_the_plan_says(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("3 space P y e x enter escape escape")
        assert not driver.view.unsaved
        assert driver.view.snapshot.dirty
        await driver.press("u")
        assert driver.profile == "default"
        await driver.press("3 e x enter escape escape")
        assert not driver.view.snapshot.dirty
        await driver.press("q")
        assert driver.app.return_value == 0

    drive(load.plans([str(folder)])[0][1], script, folder=folder)


def test_a_plan_saved_after_an_export_agrees_with_the_file(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("3 space e x enter escape escape")
        await driver.press("2 space s enter")
        assert driver.view.unsaved == {"mail"}

    async def again(driver: Driver) -> None:
        assert driver.view.unsaved == {"mail"}
        assert "2 mail*" in driver.text
        assert not driver.view.snapshot.dirty

    drive(load.plans([str(folder)])[0][1], script, folder=folder)
    result = CliRunner().invoke(check.command, [str(folder / "plan.toml")])
    assert "changed since" not in result.output
    drive(load.plans([str(folder / "plan.toml")])[0][1], again, folder=folder, plan_file=folder / "plan.toml")


def test_what_an_export_adds_is_in_the_plan_too(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("3 e x enter escape escape")
        assert "mmio_hole = 880" in (folder / "win10.cfg").read_text()
        assert driver.view.snapshot.plan.guests[2].mmio_hole == 880
        assert driver.view.snapshot.undo == "take in win10.cfg as exported"
        assert not driver.view.unsaved
        assert "already says this" in await driver.press("e")
        await driver.press("escape u")
        assert driver.view.unsaved == {"win10"}
        assert "≠" not in await driver.looked()

    drive(load.plans([str(folder)])[0][1], script, folder=folder)


def test_a_new_guest_has_a_file_once_exported(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("n enter")
        await driver.type("new")
        assert driver.view.unsaved == {"new"}
        await driver.press("e x enter escape escape")
        assert (folder / "new.cfg").is_file()
        assert not driver.view.unsaved
        assert not driver.view.snapshot.dirty
        await driver.press("s enter")

    drive(load.plans([str(folder)])[0][1], script, folder=folder)
    assert 'file = "new.cfg"' in (folder / "plan.toml").read_text()


@pytest.mark.parametrize("theirs", ["memory = 2049\n", "# by somebody else\n"])
def test_undo_after_reading_again_overwrites_nobody(tmp_path: Path, theirs: str) -> None:
    folder = copied_site(tmp_path)
    file = folder / "win10.cfg"

    async def script(driver: Driver) -> None:
        await driver.press("3 space")
        file.write_text(file.read_text() + theirs)
        await driver.looked()
        await driver.press("L")
        assert "read win10 again, its edits dropped" in driver.status
        assert "≠" not in await driver.looked()
        await driver.press("e x enter escape escape")  # what they wrote stays
        assert theirs in file.read_text()
        file.write_text(file.read_text() + "\n# and again\n")
        await driver.looked()
        await driver.press("L")
        await driver.press("u u u")
        assert "≠" in await driver.looked()
        assert "changed on disk" in await driver.press("e x enter")
        assert theirs in file.read_text()

    drive(load.plans([str(folder)])[0][1], script, folder=folder, size=(200, 60))


def test_a_plan_is_opened_by_name_and_says_what_changed_since(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    def opened(path: str, tell: Callable[[str], None]) -> Plan:
        return load.plans([path], tell=tell)[0][1]

    async def saving(driver: Driver) -> None:
        await driver.press("3 space q")
        assert "s save the plan first" in driver.text
        await driver.press("s enter")
        assert driver.app.return_value == 0

    async def opening(driver: Driver) -> None:
        assert "plan.toml is here: o opens it" in driver.status
        await driver.press("3 space o enter")
        assert "Open plan.toml and lose the changes?" in driver.text
        await driver.press("y")
        assert "win10.cfg: changed since" in driver.text
        await driver.press("escape")
        assert "▸ plan.toml" in await driver.press("j")
        assert driver.view.unsaved == {"win10"}
        assert "▸ plan.toml" in driver.text
        await driver.press("s")
        assert "; before: plan.toml." in driver.view.note

    drive(load.plans([str(folder)])[0][1], saving, folder=folder, load=opened)
    (folder / "win10.cfg").write_text((folder / "win10.cfg").read_text() + "# later\n")
    drive(load.plans([str(folder)])[0][1], opening, folder=folder, load=opened, size=(120, 40))


def test_a_site_opened_again_knows_only_what_it_read_now(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)
    file = folder / "win10.cfg"

    async def script(driver: Driver) -> None:
        file.write_text(file.read_text() + "# one\n")
        await driver.looked()
        await driver.press("3 L")
        file.write_text(file.read_text() + "# two\n")
        await driver.press("o ctrl+u")
        await driver.type(str(folder))
        if "lose the changes" in driver.text:
            await driver.press("y")
        assert "opened" in driver.view.note
        assert "≠" not in await driver.looked()

    def opened(path: str, tell: Callable[[str], None]) -> Plan:
        return load.plans([path], tell=tell)[0][1]

    drive(load.plans([str(folder)])[0][1], script, folder=folder, load=opened, size=(120, 40))


def test_the_config_beside_the_map_follows_an_export(tmp_path: Path) -> None:
    folder = copied_site(tmp_path)

    async def script(driver: Driver) -> None:
        assert "1 line new, 1 gone" in await driver.press("3 g space")
        assert "the file says just this" in await driver.press("e x enter escape escape")

    drive(load.plans([str(folder)])[0][1], script, folder=folder, size=(200, 60))


def test_the_preview_has_its_own_help_and_can_be_copied() -> None:
    async def script(driver: Driver) -> None:
        assert "Copy what is shown" in await driver.press("e ?")
        await driver.press("escape")
        assert "to the clipboard, if the terminal lets it" in await driver.press("y")
        assert "pci" in driver.app.clipboard

    drive(site(LOWERED), script)
