"""The ways of working that go through several panes and dialogs, key by key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, drive, site

from planner.formats import plan_toml
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.edits import SetSize
from planner.model.errors import InputError
from planner.model.plan import Plan, Profile
from planner.session import Session
from planner.storage import read_text
from planner.tui.commands import Where, of
from planner.tui.screens.export_preview import ExportPreview
from planner.tui.settings import Settings, parse
from planner.tui.state import State
from planner.tui.view import Look
from planner.tui.widgets.device_list import DeviceList


def test_what_if_sizes_change_live() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("w")
        assert "▌memory" in text
        assert "× " not in text
        before = driver.view.snapshot.plan.guests[0].memory
        assert before is not None
        text = await driver.press("l l h pagedown pageup l")
        after = driver.view.snapshot.plan.guests[0].memory
        assert after == before // 256 * 256 + 2 * 256
        assert f"{after} MiB" in text
        assert driver.view.snapshot.undo == f"memory of q_clamp: {after} MiB"
        await driver.press("u")
        assert driver.view.snapshot.undo is None
        text = await driver.press("j j enter")
        assert "empty takes the" in text
        await driver.type("1648")
        assert driver.view.snapshot.plan.guests[0].mmio_hole == 1648
        assert "-1 ✖ MEM212" in driver.status
        await driver.press("tab minus")  # from the map: the size chosen last
        assert driver.view.snapshot.plan.guests[0].mmio_hole == 1600
        await driver.press("shift+tab enter end ctrl+u")
        await driver.press("enter")
        assert driver.view.snapshot.plan.guests[0].mmio_hole is None
        await driver.press("enter")
        await driver.type("much")
        assert "✖ 'much' is no size: expected 256 to 3840 MiB" in driver.text
        await driver.press("escape enter ctrl+u")
        assert "xl" not in (await driver.type("300")).splitlines()[0]
        assert "Devices" in await driver.press("w")

    drive(site(LOWERED), script)


def test_stages_zoom_and_views() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("t")
        assert "▌asked▐ › reserved › e820" in text
        assert "stage 1 of 5, asked" in text
        assert " 99000000 " not in text.partition("Details")[0]
        text = await driver.press("t t")
        assert "stage 3 of 5, e820" in text
        text = await driver.press("T T T")
        assert driver.view.stage is None
        assert "stage 5" not in text
        assert "of 5" not in text
        text = await driver.press("z")
        assert "below 4 GiB" in text
        assert "100000000 " not in text
        assert driver.view.zoom is not None
        text = await driver.press("v")
        assert driver.view.look is Look.VIEWS
        assert "hvmloader" in text
        assert "✖" in text
        assert "✖ Lost RAM: QEMU knows nothing of 1.4 GiB" in text
        text = await driver.press("M")
        assert "q_clampwin " in text
        assert "q_plain" in text
        await driver.press("escape")
        view = driver.view
        assert (view.look, view.zoom, view.stage) == (Look.MAP, None, None)
        assert "Devices" in driver.text

    drive(site(LOWERED), script, size=(120, 40))


def test_a_fix_is_an_edit_and_says_what_it_did() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2 full_stop full_stop f")  # behind RDM107, which ends the build
        assert "▌mmio_hole = 2209" in text
        await driver.press("enter")
        assert "RDM101" not in driver.text.partition("\n")[2]  # the details are about something else by now
        assert "-5 ✖ RDM101" in driver.status
        assert driver.view.snapshot.undo == "fix RDM101 of pfsense: mmio_hole = 2209"
        await driver.press("u")
        assert "+5 ✖ RDM101" in driver.status
        assert not driver.view.snapshot.dirty

    drive(site(HP), script)


def test_a_unit_and_a_slot_in_one_step() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2 j a")
        assert driver.view.snapshot.undo == "assign the unit of 00:14.0 to mail (00:14.2)"
        assert "without 00:14.0 (kiosk has it)" in driver.view.note
        assert "[x] 00:14.2" in text
        await driver.press("j j A")
        assert "assign slot 00:14 to mail" not in driver.status  # it has what it can have: taken away
        assert driver.view.item(Sbdf.parse("00:14.2")) is None
        await driver.press("u u")
        assert not driver.view.snapshot.dirty

    drive(site(DESKTOP), script, size=(120, 40))


def test_hotplug_candidates_are_told_apart() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 slash 1 f full_stop 6 enter")
        text = await driver.press("c")
        assert "[h]" in text
        assert "xl pci-attach would" in await driver.press("i")
        await driver.press("escape c")
        assert "[h]" not in driver.text
        assert not driver.view.snapshot.dirty

    drive(site(DESKTOP), script)


def test_guests_are_made_copied_renamed_and_removed() -> None:
    async def script(driver: Driver) -> None:
        def names() -> list[str]:
            return [guest.name for guest in driver.view.snapshot.plan.guests]

        await driver.press("n enter")
        await driver.type("new")
        assert names() == ["kiosk", "mail", "win10", "new"]
        assert driver.view.guest == 3
        await driver.press("3 n j j j j j enter")
        await driver.type("copy")
        copy = driver.view.current
        assert copy is not None
        assert copy.pci == ()
        assert copy.memory == driver.view.snapshot.plan.guests[2].memory
        assert "same disks and MACs" in driver.status
        await driver.press("r ctrl+u")
        await driver.type("mail")
        assert "✖ There is a guest mail already." in driver.text
        await driver.press("ctrl+u")
        await driver.type("copied")
        assert names()[-1] == "copied"
        text = await driver.press("e")
        assert "copied.cfg" in text
        assert "whole file" in text
        assert "Remove guest copied?" in await driver.press("escape x")
        await driver.press("y")
        assert names() == ["kiosk", "mail", "win10", "new"]
        await driver.press("u u u u")
        assert names() == ["kiosk", "mail", "win10"]
        assert not driver.view.unsaved

    drive(site(DESKTOP), script)


def test_another_release_and_a_step_back_by_name() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("X G enter")
        assert driver.view.snapshot.report.release.name == "master"
        await driver.press("1 w l")
        assert "1  replay Xen master" in await driver.press("H")
        await driver.press("j enter")
        assert driver.view.snapshot.undo == "replay Xen master"

    drive(site(DESKTOP), script)


def test_a_device_of_dom0_is_given_away_with_a_reason() -> None:
    plan = site(DESKTOP)
    devices = tuple(one.changed(in_use="root disk") for one in plan.host.devices)
    plan = replace(plan, host=plan.host.changed(devices=devices))

    async def script(driver: Driver) -> None:
        text = await driver.press("E")
        assert "its root disk." in text
        await driver.type("it starts from the network")
        [(subject, reason)] = driver.view.snapshot.plan.reasons.items()
        assert Sbdf.parse(subject) in plan.host.by_address
        assert reason == "it starts from the network"
        assert driver.view.snapshot.undo == f"reason for {subject}"

    drive(plan, script)


def opened(path: str, tell: Callable[[str], None]) -> Plan:
    """What a path names, as the command line reads it."""
    saved = plan_toml.parse(read_text(Path(path)))
    plan = site(DESKTOP)
    texts = {name: read_text(Path(plan_toml.located(Path(path).parent, name))) for name in saved.files}
    return plan_toml.restore(saved, plan.host, texts, Path(path).parent).plan


def test_a_saved_plan_brings_everything_back(tmp_path: Path) -> None:
    target = tmp_path / "plan.toml"

    async def edit(driver: Driver) -> None:
        await driver.press("3 space P y E ctrl+u")
        await driver.type("lab only")
        assert "Save the plan as" in await driver.press("s")
        await driver.press("enter")
        assert f"saved {tmp_path}"[:30] in driver.status
        assert not driver.view.snapshot.dirty
        await driver.press("u")
        assert driver.view.snapshot.dirty
        await driver.press("U s")  # asks no more
        await driver.press("q")
        assert driver.app.return_value == 0

    async def again(driver: Driver) -> None:
        await driver.press("o ctrl+u")
        await driver.type(str(target))
        plan = driver.view.snapshot.plan
        assert plan.profile is Profile.XEN
        assert plan.reasons == {"win10": "lab only"}
        assert not plan.guests[2].pci
        await driver.press("o ctrl+u")
        await driver.type(str(tmp_path / "none.cfg"))
        assert "✖ not opened: there is no" in driver.text

    drive(site(DESKTOP, tmp_path), edit, folder=tmp_path)
    drive(site(DESKTOP, tmp_path), again, folder=tmp_path, load=opened)


def test_a_cut_off_session_is_offered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path / "state")
    state.remember("tour_seen", True)
    guests = tmp_path / "guests"
    guests.mkdir()
    plan = site(DESKTOP, guests)
    monkeypatch.setattr("planner.tui.screens.plan_screen.KEEP_AFTER", 0.01)

    async def cut_off(driver: Driver) -> None:
        await driver.press("3 space")
        await driver.pilot.pause(0.1)

    async def next_time(driver: Driver) -> None:
        assert "Its edits were kept" in driver.text
        await driver.press("enter")
        assert driver.view.snapshot.undo == "recover unsaved edits"
        assert not driver.view.snapshot.plan.guests[2].pci
        await driver.press("u q")
        assert driver.app.return_value == 0

    async def last_time(driver: Driver) -> None:
        await driver.press("enter q y")
        assert driver.app.return_value == 0

    async def keys_typed_too_early(driver: Driver) -> None:
        assert "It holds: changed: win10." in driver.text
        assert "-pci = [" in await driver.press("j enter")
        await driver.press("escape j j j enter")
        assert "Throw it away?" in driver.text
        await driver.press("j escape")

    drive(plan, cut_off, state=state)
    monkeypatch.setattr("planner.storage.is_running", lambda process: False)
    drive(plan, keys_typed_too_early, state=state, load_copy=opened)
    drive(plan, next_time, state=state, load_copy=opened)
    assert list((tmp_path / "state" / "recovery").iterdir())  # what was undone may be wanted yet
    drive(plan, last_time, state=state, load_copy=opened)
    assert not list((tmp_path / "state" / "recovery").iterdir())


def test_what_changes_on_disk_is_seen_and_read_again(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "≠" not in await driver.looked()
        file = tmp_path / "win10.cfg"
        file.write_text(file.read_text().replace("memory", "# memory", 1) + "memory = 3072\n")
        text = await driver.looked()
        assert "3 win10≠" in text
        assert "win10's file changed on disk: 3 L reads it again" in driver.status
        text = await driver.press("3 e")
        assert "≠ its file changed on disk since it was read, and is not overwritten" in text
        text += await driver.press("G")
        assert "-memory = 3072" in text
        await driver.press("L")
        assert "already says this" in driver.text
        await driver.press("escape")
        assert "≠" not in await driver.looked()
        assert driver.view.snapshot.plan.guests[2].memory == 3072
        assert driver.view.unsaved == frozenset()
        await driver.press("u")
        assert driver.view.unsaved == {"win10"}
        file.unlink()
        assert "3 win10*≠" in await driver.looked()

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)


def test_a_guest_joins_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "more.cfg").write_text('name = "more"\ntype = "hvm"\nmemory = 1024\n')

    async def script(driver: Driver) -> None:
        await driver.press("o")
        await driver.type("more")  # the rest is suggested
        assert "✖ not opened" in driver.text
        await driver.type(".cfg")
        assert driver.view.current is not None
        assert driver.view.current.name == "more"
        assert not driver.view.unsaved

    drive(site(DESKTOP), script, folder=tmp_path)


def test_copies_say_what_became_of_them(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("y")
        assert driver.status.startswith(" copied 5 lines to the clipboard, if the terminal lets it; also")
        assert driver.app.clipboard.startswith("00:02.0 VGA Intel HD Graphics 630")
        await driver.press("tab y")
        assert "kiosk · HVM" in driver.app.clipboard
        await driver.press("tab y")
        listed = [f"{one.rule.id} {one.severity}" for one in driver.view.findings]
        lines = driver.app.clipboard.splitlines()
        told = [line.partition(" kiosk:")[0].partition(" host:")[0] for line in lines if not line.startswith("  ")]
        assert told == listed
        assert any(line.startswith("  libxl says: ") for line in lines)
        assert (tmp_path / "copied.txt").read_text() == driver.app.clipboard

    state = State(tmp_path)
    state.remember("tour_seen", True)
    drive(site(DESKTOP), script, state=state, size=(160, 40))


def test_the_tour_comes_once_and_the_theme_stays(tmp_path: Path) -> None:
    async def first(driver: Driver) -> None:
        assert "1 of 6: What this is" in driver.text
        assert "2 of 6" in await driver.press("enter")
        await driver.press("enter enter enter enter enter")
        assert "of 6" not in driver.text
        driver.app.theme = "nord"
        await driver.pilot.pause()

    async def second(driver: Driver) -> None:
        assert "of 6" not in driver.text
        assert driver.app.theme == "nord"

    drive(site(DESKTOP), first, state=State(tmp_path))
    drive(site(DESKTOP), second, state=State(tmp_path))


def test_keys_can_be_changed_by_id() -> None:
    settings = parse('[keys]\n"edit.undo" = ["Y", "ctrl+y"]\n"device.toggle" = "S"\n')

    async def script(driver: Driver) -> None:
        assert "S assign" in driver.text
        assert "Y undo" in driver.text
        await driver.press("3 space")
        assert not driver.view.snapshot.dirty
        await driver.press("S")
        assert driver.view.snapshot.dirty
        await driver.press("u")
        assert driver.view.snapshot.dirty
        await driver.press("Y")
        assert not driver.view.snapshot.dirty
        assert "S  Assign or release the device" in await driver.press("question_mark")

    drive(site(DESKTOP), script, settings=settings)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("keys", "is not TOML"),
        ("key = 1", "'key' is no setting; did you mean keys?"),
        ("keys = 1", "expected a table"),
        ('[keys]\n"edit.und" = "x"', "'edit.und' is no command; did you mean edit.undo?"),
        ('[keys]\n"edit.undo" = []', "expected a key or a list of keys"),
        ('[keys]\n"edit.undo" = "j"', "'j' would mean both edit.undo and list.down"),
        ('[keys]\n"edit.undo" = "q"', "'q' would mean both edit.undo and quit"),
        ("theme = 1", "expected a theme's name"),
        ('theme = "nrod"', "1:1: theme: 'nrod' is none; did you mean nord?"),
        ('[keys]\n"edit.undo" = "z1"', r"2:2: keys: edit.undo: 'z1' is no key"),
        ('[keys]\n"edit.undo" = "crtl+y"', "did you mean ctrl\\+y?"),
        ('[keys]\nedit.undo = "z"', 'the id of a command stands in quotes: "edit.undo"'),
        ('[keys]\n"guest.choose" = "z"', "the keys of guest.choose are fixed"),
        ("ascii = 1", "expected true or false"),
    ],
)
def test_settings_that_mean_nothing_say_so(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parse(text)


def test_settings_that_mean_something() -> None:
    assert parse("") == Settings()
    found = parse('theme = "nord"\nascii = true\n[keys]\nhelp = ["?", "f1"]\n')
    assert (found.theme, found.ascii, dict(found.keys)) == ("nord", True, {"help": ("question_mark", "f1")})
    keys = parse('[keys]\nhelp = ["F1", "Ctrl+Y", "^z", "PageUp"]\nsuspend = "Z"\n"list.page_up" = "B"\n').keys
    assert keys["help"] == ("f1", "ctrl+y", "ctrl+z", "pageup")


def test_a_state_that_cannot_be_kept_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = State(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot be"):
        state.remember("theme", "nord")
    with pytest.raises(InputError, match="cannot be"):
        state.keep("host", "text")
    state.forget("host")
    assert state.theme == "nord"
    assert state.left_behind("host") == []
    assert state.copied("text") is None
    (tmp_path / "state.toml").write_text("theme = [")
    assert State(tmp_path).theme is None


def test_every_command_of_the_main_screen_runs() -> None:
    """Each command does something or says why not, wherever the cursor is: none raises."""

    async def script(driver: Driver) -> None:
        for pane in ("devices", "sizes", "host", "map", "compare", "problems"):
            for command in of(Where.MAIN):
                if command.id in ("quit", "suspend", "palette", "theme") or command.is_fixed:
                    continue
                driver.app.screen_stack[0].go_to_pane(pane)  # type: ignore[attr-defined]
                await driver.app.screen_stack[0].run_action(command.action)
                await driver.settled()
                while len(driver.app.screen_stack) > 1:
                    driver.app.pop_screen()

    drive(site(HP), script)
    drive(replace(site(HP), guests=()), script)


def test_all_sizes_start_from_what_holds() -> None:
    guest = read('name = "a"\ntype = "hvm"\nmemory = 2048\n', "a.cfg")
    session = Session(replace(site(DESKTOP), guests=(guest,)))
    for key in SetSize.KEYS:
        assert session.do(SetSize("a", key, 2048)).undo == f"{key} of a: 2048 MiB"


def test_the_config_follows_beside_the_map_where_there_is_room() -> None:
    async def script(driver: Driver) -> None:
        assert "the file says just this" in driver.text
        text = await driver.press("3 g space")
        assert '- pci = [ "00:02.0,rdm_policy=strict" ]' in text
        assert "+ pci = [ ]" in text
        await driver.press("shift+tab y")
        assert "copied 24 lines to the clipboard" in driver.status
        text = await driver.press("m")
        assert "+ pci = [ ]" in text
        assert "MMIO hole" not in text
        await driver.press("m enter")
        assert isinstance(driver.app.screen, ExportPreview)
        await driver.press("escape u")
        assert "▲ 4 lines new, 0 gone; adds mmio_hole = 880, which cures" in driver.text
        assert "+ mmio_hole = 880" in driver.text
        await driver.pilot.resize_terminal(100, 40)
        await driver.pilot.pause(0.1)
        assert driver.app.focused is driver.app.screen.query_one(DeviceList)

    drive(site(DESKTOP), script, size=(200, 60))


def test_what_changed_since_the_plan_was_saved(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "Nothing changed." in await driver.press("D")
        text = await driver.press("escape 3 g space P y D")
        assert "-pci = [" in text
        assert "profile: default → xen" in text
        await driver.press("escape s")
        await driver.type("", end="enter")
        assert "Nothing changed." in await driver.press("D")
        text = await driver.press("escape x y D")
        assert "taken out of the plan" in text

    drive(site(DESKTOP), script, folder=tmp_path)


def test_undo_and_redo_show_the_guest_that_they_bring() -> None:
    async def script(driver: Driver) -> None:
        def chosen() -> str:
            return driver.view.current.name if driver.view.current is not None else ""

        await driver.press("2")
        name = chosen()
        await driver.press("x y")
        assert chosen() != name
        await driver.press("u")
        assert chosen() == name
        await driver.press("n enter")
        await driver.type("fresh")
        assert chosen() == "fresh"
        await driver.press("u 1 U")
        assert chosen() == "fresh"

    drive(site(HP), script)


def test_a_guest_is_chosen_from_the_list() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("0")
        assert "does not start: RDM conflict at 0xe8000" in text
        await driver.press("G enter")
        assert driver.view.guest == len(driver.view.snapshot.plan.guests) - 1

    drive(site(HP), script)


def test_the_cursor_stays_in_sight_when_the_terminal_shrinks() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("G")
        await driver.pilot.resize_terminal(80, 18)
        await driver.settled()
        assert "\n║▌" in driver.text

    drive(site(HP), script, size=(200, 60))
