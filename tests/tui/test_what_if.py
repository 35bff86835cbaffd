"""What if: sizes that are turned, typed, and taken back."""

from __future__ import annotations

from dataclasses import replace

from driving import DESKTOP, Driver, drive, site

from planner.formats.xlcfg.guest import read
from planner.model.edits import SetSize
from planner.model.plan import Plan
from planner.tui.editing import Editor, resize


def _guest(**changes: object) -> Plan:
    """The desktop's site with a guest of 4 GiB changed."""
    plan = site(DESKTOP)
    guests = tuple(replace(one, **changes) if one.name == "mail" else one for one in plan.guests)  # type: ignore[arg-type]
    return replace(plan, guests=guests)


def test_a_size_turned_up_and_back_is_said_no_more() -> None:
    async def script(driver: Driver) -> None:
        before = driver.view.snapshot.plan.guests
        for size in range(1, 4):
            await driver.press("w l h" if size == 1 else "l h")
            assert driver.view.snapshot.plan.guests == before, driver.view.sizes[driver.view.size].key
            await driver.press("j")

    plan = site(DESKTOP)
    first = tuple(one for one in plan.guests if one.name == "mail")
    drive(replace(plan, guests=first), script)


def test_a_size_that_the_file_says_stays_said() -> None:
    plan = site(DESKTOP)
    text = 'name = "one"\ntype = "hvm"\nmemory = 4096\nmmio_hole = 320\n'
    view = Editor(replace(plan, guests=(read(text, "one.cfg"),))).start
    edit = resize(view.having(size=2), -1)
    assert isinstance(edit, SetSize)
    assert edit.value == 256


def test_an_exact_value_is_a_step_of_its_own() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("w j j l l enter")
        await driver.type("1000")
        await driver.press("l l")
        assert driver.view.snapshot.undo is not None
        assert "1088 MiB" in driver.view.snapshot.undo
        await driver.press("u")
        assert driver.view.sizes[2].said == 1000
        await driver.press("u")
        assert driver.view.sizes[2].said == 384
        await driver.press("u")
        assert driver.view.snapshot.undo is None

    drive(replace(_guest(), guests=_guest().guests[1:2]), script)


def test_less_is_never_more() -> None:
    for changes, size in (
        ({"memory": 4096, "maxmem": 2000}, 1),
        ({"rdm_mem_boundary": 0}, 3),
        ({"memory": 20}, 0),
    ):
        plan = _guest(**changes)
        view = Editor(plan).start
        view = view.having(guest=[one.name for one in plan.guests].index("mail"), size=size)
        turned = view.sizes[size]
        assert turned.moved(-1) == turned.effective
        assert turned.moved(1) > turned.effective


def test_memory_takes_maxmem_along_where_they_are_the_same() -> None:
    async def script(driver: Driver) -> None:
        names = [one.name for one in driver.view.snapshot.plan.guests]
        await driver.press(f"{names.index('mail') + 1} w l l")
        guest = driver.view.current
        assert guest is not None
        assert guest.memory == guest.maxmem == 4608
        assert driver.view.snapshot.undo == "memory and maxmem of mail: 4608 MiB"
        await driver.press("u")
        assert driver.view.snapshot.undo is None

    drive(_guest(maxmem=4096), script)


def test_the_rail_keeps_its_ends_while_a_size_is_turned() -> None:
    plan = _guest(memory=20480)
    editor = Editor(plan)
    view = editor.start.having(guest=[one.name for one in plan.guests].index("mail"))
    ends = []
    for _ in range(4):
        ends.append((view.sizes[0].least, view.sizes[0].most))
        view = editor.do(view, resize(view, 1), merge=True)
    assert set(ends) == {(32, 32768)}


def test_a_size_goes_back_to_what_the_file_says() -> None:
    async def script(driver: Driver) -> None:
        before = driver.view.snapshot.plan.guests
        await driver.press("w l l V")
        assert driver.view.snapshot.plan.guests == before
        await driver.press("V")
        assert "memory is as the file has it" in driver.status

    drive(site(DESKTOP), script)
