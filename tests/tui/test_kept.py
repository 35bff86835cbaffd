"""Nothing is lost: plans that others changed, files that vanish, sessions that are cut off, what cannot be opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from driving import DESKTOP, LOWERED, Driver, drive
from textual.widgets import Input

from planner import storage
from planner.cli import load
from planner.formats import plan_toml
from planner.model.address import Sbdf
from planner.model.errors import InputError
from planner.model.guest import Passthrough
from planner.model.plan import Plan
from planner.tui.state import State


def copied(folder: Path, name: str = DESKTOP) -> Path:
    """A sample site as files of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (storage.samples_folder() / name).iterdir():
        if path.suffix in (".cfg", ".toml"):
            (folder / path.name).write_text(path.read_text())
    return folder


def opened(path: str, tell: Callable[[str], None]) -> Plan:
    return load.plans([path], mend=True, tell=tell)[0][1]


def kept(path: str, tell: Callable[[str], None]) -> Plan:
    return load.saved_plan(Path(path), True, tell, mend=True)


def run(
    folder: Path, script: object, *, plan: Path | None = None, state: Path | None = None, size: object = None
) -> None:
    """The app on a site or a saved plan, as the command line opens it."""
    told: list[str] = []
    drive(
        opened(str(plan or folder), told.append),
        script,  # type: ignore[arg-type]
        folder=folder,
        plan_file=plan,
        load=opened,
        load_copy=kept,
        told=told,
        state=state_at(state) if state is not None else None,
        size=size or (120, 40),  # type: ignore[arg-type]
    )


def typed(driver: Driver) -> str:
    """What stands in the dialog's field."""
    return driver.app.screen.query_one(Input).value


async def entered(driver: Driver, text: str) -> str:
    """The screen once that was typed in place of what stands in the dialog's field."""
    driver.app.screen.query_one(Input).value = text
    return await driver.press("enter")


def state_at(folder: Path) -> State:
    state = State(folder)
    state.remember("tour_seen", True)
    return state


def saved_plan(folder: Path) -> Path:
    """A plan of the site with one edit."""
    plan = opened(str(folder), print)
    plan = replace(plan, guests=tuple(replace(one, memory=1024) if one.name == "mail" else one for one in plan.guests))
    path = folder / "plan.toml"
    path.write_text(plan_toml.render(plan_toml.save(plan, lambda name: storage.path_from(folder, name))))
    return path


@pytest.mark.parametrize("wrong", ["4.13", "4.99"])
def test_what_cannot_be_planned_on_takes_nothing_away(tmp_path: Path, wrong: str) -> None:
    folder = copied(tmp_path / "site")
    other = copied(tmp_path / "other")
    host = other / "host.toml"
    lines = [line for line in host.read_text().splitlines() if not line.startswith("xen =")]
    host.write_text("\n".join(lines).replace("schema_version = 1", f'schema_version = 1\nxen = "{wrong}"'))

    async def script(driver: Driver) -> None:
        await driver.press("3 space o")
        assert "not opened: Xen" in await entered(driver, str(host))
        await driver.press("escape")
        assert driver.view.snapshot.dirty
        assert driver.view.snapshot.plan.host_file == str(folder / "host.toml")

    run(folder, script)


def test_a_plan_that_somebody_else_changed_has_ways_out(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = saved_plan(folder)

    async def script(driver: Driver) -> None:
        await driver.press("3 space")
        path.write_text(path.read_text() + "# theirs\n")
        await driver.looked()
        assert "▲ plan.toml: changed on disk" in driver.status
        assert "save over it" in await driver.press("s")
        await driver.press("enter")
        await entered(driver, str(folder / "mine.toml"))
        assert "# theirs" in path.read_text()
        assert (folder / "mine.toml").is_file()
        assert not driver.view.snapshot.dirty
        assert driver.view.plan_name == "mine.toml"

    async def over(driver: Driver) -> None:
        await driver.press("3 space")
        path.write_text(path.read_text() + "# again\n")
        await driver.press("q s")
        await driver.press("j enter")
        assert driver.app.return_value == 0

    run(folder, script, plan=path)
    run(folder, over, plan=path)
    assert "# again" not in path.read_text()
    assert ["# again" in one.read_text() for one in folder.glob("plan.toml.*.bak")] == [True]


def test_saving_under_another_name_asks_before_it_replaces_a_plan(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = saved_plan(folder)
    before = path.read_text()

    async def script(driver: Driver) -> None:
        await driver.press("3 space W")
        assert "there is no folder" in await entered(driver, str(folder / "none" / "plan.toml"))
        assert not (folder / "none").exists()
        assert "something else than a saved plan" in await entered(driver, str(folder / "host.toml"))
        assert "Replace plan.toml?" in await entered(driver, str(path))
        await driver.press("n")
        assert path.read_text() == before
        await driver.press("W enter y")
        assert path.read_text() != before

    run(folder, script)


def test_a_guest_whose_file_is_gone_is_kept_in_the_plan(tmp_path: Path) -> None:
    folder = copied(tmp_path)

    async def script(driver: Driver) -> None:
        (folder / "mail.cfg").unlink()
        await driver.press("3 space s enter")
        assert "it has the text of mail" in driver.view.note

    run(folder, script)
    again = opened(str(folder / "plan.toml"), print)
    assert [guest.name for guest in again.guests] == ["kiosk", "mail", "win10"]


def test_a_lost_file_is_named_and_the_rest_of_the_plan_opened(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = saved_plan(folder)
    (folder / "mail.cfg").unlink()
    with pytest.raises(InputError, match=r"plan.toml: its guest's file .*mail.cfg: cannot be read.* Put it back"):
        load.saved_plan(path)

    async def script(driver: Driver) -> None:
        assert "the plan's guest mail is left out" in " ".join(driver.text.split())
        assert [guest.name for guest in driver.view.snapshot.plan.guests] == ["kiosk", "win10"]

    run(folder, script, plan=path)


def test_a_device_that_the_host_lacks_is_blamed_on_who_names_it(tmp_path: Path) -> None:
    folder, told = copied(tmp_path), list[str]()
    plan = opened(str(folder), print)
    mail = plan.guests[1]
    far = mail.with_pci((*mail.pci, Passthrough(address=Sbdf.parse("0000:77:00.0"))))
    path = folder / "plan.toml"
    path.write_text(plan_toml.render(plan_toml.save(plan.with_guest(far), lambda name: Path(name).name)))
    with pytest.raises(InputError, match=r"^\S*plan.toml: device 0000:77:00.0 is not in"):
        load.saved_plan(path, another_host=True)
    assert load.saved_plan(path, True, told.append, mend=True).guests[1] == mail
    assert [one for one in told if "mail: device 0000:77:00.0 is not in" in one]


def test_a_change_of_the_inventory_is_told(tmp_path: Path) -> None:
    folder = copied(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.looked()
        (folder / "host.toml").write_text((folder / "host.toml").read_text() + "\n# theirs\n")
        assert "▲ host.toml: changed on disk since it was read" in await driver.looked()

    run(folder, script)


def test_a_guest_called_something_else_is_the_same_guest(tmp_path: Path) -> None:
    folder = copied(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("2 r")
        await driver.type("post")
        assert "mail is called post now" in await driver.press("D")
        await driver.press("escape e x enter escape escape")
        assert not driver.view.snapshot.dirty
        await driver.press("u")
        assert driver.view.unsaved == {"mail"}
        assert driver.view.snapshot.dirty
        assert "post is called mail now" in await driver.press("D")
        await driver.press("escape q")
        assert "lose the changes" in driver.text

    run(folder, script)


def test_what_others_wrote_in_a_config_is_nothing_to_save(tmp_path: Path) -> None:
    folder = copied(tmp_path / "site")

    async def script(driver: Driver) -> None:
        file = folder / "win10.cfg"
        file.write_text(file.read_text().replace("memory", "# memory", 1) + "memory = 3072\n")
        await driver.press("3 L")
        assert driver.view.snapshot.plan.guests[2].memory == 3072
        assert not driver.view.snapshot.dirty
        assert "Nothing changed" in await driver.press("D")
        await driver.press("escape space e X")
        await entered(driver, str(tmp_path / "out"))
        await driver.press("escape escape")
        assert driver.view.snapshot.dirty
        await driver.press("u q")
        assert driver.app.return_value == 0

    run(folder, script)


def test_a_copy_that_was_renamed_keeps_its_file(tmp_path: Path) -> None:
    folder = copied(tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("2 n")
        for _ in range(20):
            if "▌copy of" in driver.text or "▸ copy of" in driver.text:
                break
            await driver.press("j")
        await driver.press("G k enter")
        await driver.type("one")
        await driver.press("r")
        await driver.type("two three")
        await driver.press("s enter")

    run(folder, script)
    names = [guest.new_file for guest in opened(str(folder / "plan.toml"), print).guests if guest.name == "two three"]
    again = opened(str(folder / "plan.toml"), print).guest("two three")
    assert again is not None
    assert again.file is not None
    assert [again.file.path] == names == ["two_three.cfg"]


def test_another_site_has_its_own_folder(tmp_path: Path) -> None:
    folder, other = copied(tmp_path / "site"), copied(tmp_path / "other", LOWERED)

    async def script(driver: Driver) -> None:
        await driver.press("o")
        await entered(driver, str(other))
        assert "Save the plan as" in await driver.press("s")
        assert typed(driver) == str(other / "plan.toml")
        await driver.press("enter")
        assert (other / "plan.toml").is_file()

    run(folder, script)


def test_several_configs_are_opened_at_once(tmp_path: Path) -> None:
    folder = copied(tmp_path / "site")
    more = tmp_path / "more"
    more.mkdir()
    for name in ("a", "b"):
        (more / f"{name}.cfg").write_text(f'name = "{name}"\ntype = "hvm"\nmemory = 512\n')
    (tmp_path / "far.cfg").write_text('name = "far"\ntype = "hvm"\nmemory = 512\npci = [ "77:00.0" ]\n')

    async def script(driver: Driver) -> None:
        for text in (f"{more}/*.cfg", str(more), f"{more}/a.cfg {more}/b.cfg"):
            await driver.press("o")
            await entered(driver, text)
            assert [guest.name for guest in driver.view.snapshot.plan.guests][3:] == ["a", "b"]
            assert driver.view.snapshot.undo == "add 2 guests"
            assert not driver.view.unsaved
            assert "a new guest, from" in await driver.press("D")
            await driver.press("escape")
            await driver.press("o")
            assert typed(driver) == f"{more}/"
            await driver.press("escape u")
        await driver.press("o")
        assert "device 0000:77:00.0 is not in" in await entered(driver, str(tmp_path / "far.cfg"))
        await driver.press("escape n G enter")
        assert "expected the xl.cfg of a guest" in await entered(driver, str(folder / "host.toml"))

    run(folder, script)


def test_a_backup_of_a_plan_is_opened_as_one(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    backup = saved_plan(folder).rename(folder / "plan.toml.2026-01-02T03-04-05.bak")

    async def script(driver: Driver) -> None:
        await driver.press("o")
        await entered(driver, str(backup))
        assert driver.view.snapshot.plan.guests[1].memory == 1024
        assert driver.view.plan_name == ""

    run(folder, script)


def cut_off(folder: Path, state: Path, keys: str, *, plan: Path | None = None) -> None:
    """A session that ends without a word after some keys."""

    async def script(driver: Driver) -> None:
        await driver.press(keys)
        driver.app.screen_stack[0].keep_now()  # type: ignore[attr-defined]

    run(folder, script, plan=plan, state=state)


@pytest.fixture
def nobody_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.storage.is_running", lambda process: False)


@pytest.mark.usefixtures("nobody_runs")
def test_what_can_be_recovered_is(tmp_path: Path) -> None:
    folder, state = copied(tmp_path / "site"), tmp_path / "state"
    cut_off(folder, state, "3 space P y")
    (folder / "mail.cfg").unlink()

    async def script(driver: Driver) -> None:
        text = " ".join(driver.text.split())
        assert "the plan's guest mail is left out" in text
        assert "changed: win10" in text
        assert "profile: default → xen" in text
        await driver.press("j j enter")  # later
        assert "go on with it" in await driver.press("O")
        await driver.press("enter")
        assert driver.profile == "xen"

    run(folder, script, state=state)


@pytest.mark.usefixtures("nobody_runs")
def test_a_copy_that_nobody_can_read_can_be_thrown_away(tmp_path: Path) -> None:
    folder, state = copied(tmp_path / "site"), tmp_path / "state"
    cut_off(folder, state, "3 space")
    [copy] = (state / "recovery").iterdir()
    copy.write_text("[")

    async def script(driver: Driver) -> None:
        assert "They are kept in" in driver.text
        await driver.press("j enter y")
        assert not copy.exists()

    run(folder, script, state=state)


@pytest.mark.usefixtures("nobody_runs")
def test_a_recovered_session_has_its_plan_again(tmp_path: Path) -> None:
    folder, state = copied(tmp_path / "site"), tmp_path / "state"
    path = saved_plan(folder)
    cut_off(folder, state, "3 space", plan=path)
    path.write_text(path.read_text() + "# theirs\n")

    async def script(driver: Driver) -> None:
        await driver.press("enter")
        assert driver.view.plan_name == "plan.toml"
        assert "save over it" in await driver.press("s")
        await driver.press("escape u q")
        assert driver.app.return_value == 0

    async def again(driver: Driver) -> None:
        assert "Its edits were kept" in driver.text

    run(folder, script, state=state)
    run(folder, again, state=state)


def test_a_session_that_is_just_ending_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, state, runs = copied(tmp_path / "site"), tmp_path / "state", [True]
    monkeypatch.setattr("planner.tui.screens.recovery_actions.WAIT", 0.05)
    monkeypatch.setattr("planner.tui.screens.recovery_actions.WAITS", 200)
    monkeypatch.setattr("planner.storage.is_running", lambda process: runs[0] or not process.startswith("7."))
    cut_off(folder, state, "3 space")
    [copy] = (state / "recovery").iterdir()
    copy.rename(copy.with_name(f"{copy.name.partition('-')[0]}-7.boot.1.plan.toml"))

    async def script(driver: Driver) -> None:
        assert "Unsaved edits" not in driver.text
        runs[0] = False
        for _ in range(100):
            await driver.pilot.pause(0.05)
            if "Unsaved edits" in await driver.settled():
                return
        raise AssertionError("never offered")

    run(folder, script, state=state)


def test_a_copy_that_cannot_be_written_is_told_of_once(tmp_path: Path) -> None:
    folder = copied(tmp_path / "site")
    state = State(tmp_path / "state")
    state.remember("tour_seen", True)
    (tmp_path / "state" / "recovery").write_text("no folder")

    async def script(driver: Driver) -> None:
        await driver.press("3 space")
        driver.app.screen_stack[0].keep_now()  # type: ignore[attr-defined]
        assert "▲ no recovery copy can be written" in driver.view.note
        assert "no recovery copy" in await driver.press("N")

    drive(opened(str(folder), print), script, folder=folder, state=state)


def test_a_process_is_known_by_more_than_its_number() -> None:
    import os

    name = storage.process_name(os.getpid())
    assert storage.is_running(name)
    assert not storage.is_running("")
    assert not storage.is_running("9" * 40)
    if name != str(os.getpid()):
        assert not storage.is_running(f"{os.getpid()}.00000000.1")
