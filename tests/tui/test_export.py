"""The export preview: where files go, what stands in the way, and what happens on the disk meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, dialog, drive, site

from planner.formats.xlcfg.guest import read
from planner.model.guest import Guest
from planner.model.plan import Plan

OTHER = 'name = "other"\ntype = "hvm"\nmemory = 2048\n'


def from_file(path: Path, text: str) -> Guest:
    """A guest whose config is that file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return read(text, str(path))


def with_guests(plan: Plan, *guests: Guest) -> Plan:
    """The plan with these guests, too."""
    return Plan(host=plan.host, guests=(*plan.guests, *guests), host_file=plan.host_file)


def test_every_guest_goes_to_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    away = tmp_path / "away" / "other.cfg"
    plan = with_guests(site(DESKTOP, tmp_path / "site"), from_file(away, OTHER))

    async def script(driver: Driver) -> None:
        await driver.press("4 w plus e")
        assert "other.cfg" in await driver.press("x")
        assert "Exported 1 guest" in await driver.press("enter")
        assert "already says this" in await driver.press("escape")
        await driver.press("X enter escape escape")
        assert not driver.view.unsaved

    drive(plan, script, folder=tmp_path / "site", size=(200, 60))
    assert "memory = 2048" not in away.read_text()
    assert not (tmp_path / "site" / "other.cfg").exists()


def test_a_folder_is_for_one_export_only(tmp_path: Path) -> None:
    plan = site(DESKTOP, tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("3 space e x")
        await driver.type(str(tmp_path / "elsewhere"))
        assert "pci" in await driver.press("escape")
        await driver.press("x enter escape escape")
        assert not driver.view.unsaved
        assert "elsewhere" not in await driver.press("s")

    drive(plan, script, folder=tmp_path)
    assert "pci = [ ]" in (tmp_path / "win10.cfg").read_text()


def test_what_is_so_already_is_not_written(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "Exported 1 guest, 2 already so" in await driver.press("3 space e X enter")
        assert "Nothing to write" in await driver.press("escape X enter")
        await driver.press("escape escape")
        assert "already so" in driver.status

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)
    assert len(list(tmp_path.glob("*.bak"))) == 1


@pytest.mark.parametrize("becomes", ["changed", "garbage", "a folder"])
def test_a_change_on_disk_is_seen_while_the_preview_is_open(tmp_path: Path, becomes: str) -> None:
    file = tmp_path / "win10.cfg"

    async def script(driver: Driver) -> None:
        assert "≠" not in await driver.press("3 space e")
        if becomes == "a folder":
            file.unlink()
            file.mkdir()
        else:
            file.write_bytes(b"memory = 77\n" if becomes == "changed" else b"\xff\xfe\0")
        text = await driver.looked()
        assert "and is not overwritten" in text
        assert "already says this" not in text
        assert ("-memory = 77" in text) == (becomes == "changed")
        assert "Name a folder" in await driver.press("x enter")  # a copy elsewhere is no harm
        assert "Exported 1 guest" in await driver.type(str(tmp_path / "out"))

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)
    assert (tmp_path / "out" / "win10.cfg").is_file()


def test_a_file_that_is_gone_is_written_anew(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        (tmp_path / "win10.cfg").unlink()
        assert "win10's file is gone from disk: 3 e tells more" in await driver.looked()
        assert "win10's file is gone from disk: e x writes it anew" in await driver.press("3 L")
        assert "is gone from disk: x writes it anew" in await driver.press("e")
        assert "Exported 1 guest" in await driver.press("x enter")
        await driver.press("escape")
        assert "≠" not in await driver.looked()

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)
    assert (tmp_path / "win10.cfg").is_file()


def test_a_new_guest_says_which_file_it_would_replace(tmp_path: Path) -> None:
    (tmp_path / "fresh.cfg").write_text("# somebody else's\n")

    async def script(driver: Driver) -> None:
        await driver.press("n enter")
        await driver.type("fresh")
        assert "+name" in await driver.press("e")
        assert "fresh.cfg is there already, and is replaced." in dialog(await driver.press("x"))
        assert "before: fresh.cfg." in await driver.press("enter")

    drive(site(DESKTOP, tmp_path), script, folder=tmp_path)


def test_the_preview_goes_from_guest_to_guest(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "2/3 mail" in await driver.press("2 e")
        assert "3/3 win10" in await driver.press("right_square_bracket")
        assert "1/3 kiosk" in await driver.press("1")
        await driver.press("escape")
        assert driver.view.guest == 0

    drive(site(DESKTOP), script)


def test_a_guest_is_removed_after_a_question_only() -> None:
    async def script(driver: Driver) -> None:
        assert "Remove guest mail?" in await driver.press("2 x")
        await driver.press("x")
        await driver.press("n")
        assert len(driver.view.snapshot.plan.guests) == 3
        await driver.press("x y")
        assert len(driver.view.snapshot.plan.guests) == 2
        await driver.press("u")
        assert len(driver.view.snapshot.plan.guests) == 3

    drive(site(DESKTOP), script)


def test_what_the_export_cures_is_said_and_what_it_adds_is_named(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "✔ 1 error now, none as exported: what the export adds cures MEM212" in await driver.press("1 e")
        text = await driver.press("X enter")
        assert "q_clamp" in text
        assert "adds mmio_hole = 1648" in text

    drive(site(LOWERED, tmp_path), script, folder=tmp_path, size=(120, 40))


def test_what_is_in_the_way_is_listed_at_once() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("1 e")
        assert "✖ RDM104 licences:" in text
        assert "2 problems in the way of writing it:" in text

    drive(site(HP), script)


def test_a_shared_disk_is_told_of_as_long_as_it_is_shared(tmp_path: Path) -> None:
    disk = 'disk = [ "phy:/dev/vg0/other,xvda,w", "file:/srv/x.iso,hdc:cdrom,r" ]\n'
    one = from_file(tmp_path / "other.cfg", OTHER + disk + "vif = [ 'mac=00:16:3E:00:00:01,bridge=xenbr0' ]\n")
    two = from_file(
        tmp_path / "twin.cfg",
        OTHER.replace("other", "twin")
        + 'disk = [ "format=raw, vdev=xvda, access=rw, target=/dev/vg0/other", "/srv/x.iso,,hdc,cdrom" ]\n'
        + "vif = [ 'bridge=xenbr0,mac=00:16:3e:00:00:01' ]\n",
    )
    plan = Plan(host=site(DESKTOP).host, guests=(one, two))

    async def script(driver: Driver) -> None:
        text = await driver.press("2 e")
        assert "▲ its disk /dev/vg0/other is other's too" in text
        assert "▲ its MAC 00:16:3e:00:00:01 is other's too" in text
        assert "x.iso is" not in text

    drive(plan, script, folder=tmp_path)


def test_the_reason_that_the_xen_profile_wants_is_asked_for_and_written(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        assert "Reason for licences" in await driver.press("1 P y")
        assert "licences (the xen profile wants a reason)" in dialog(await driver.press("escape e X"))
        assert "▲ the xen profile wants a reason: x asks for it" in await driver.press("escape")
        assert "Reason for licences" in await driver.press("x")
        assert "Export licences" not in await driver.press("escape")
        await driver.press("x")
        assert "Export licences" in await driver.type("its dongle is old")
        assert "Exported 1 guest" in await driver.press("enter")

    drive(site(HP, tmp_path), script, folder=tmp_path)
    assert "; the reason given for it: its dongle is old" in (tmp_path / "licences.cfg").read_text()


def test_nothing_is_written_where_every_guest_lacks_its_reason(tmp_path: Path) -> None:
    plan = site(HP, tmp_path)

    async def script(driver: Driver) -> None:
        await driver.press("P y escape e X")
        assert "licences: left out, the xen profile wants a reason" in dialog(driver.text)

    drive(Plan(host=plan.host, guests=plan.guests[:1], host_file=plan.host_file), script, folder=tmp_path)
    assert not list(tmp_path.glob("*.bak"))
