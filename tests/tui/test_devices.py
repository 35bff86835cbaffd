"""The devices pane, the host panel and what both say of a device, a unit and a region."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import DESKTOP, HP, LOWERED, Driver, drive, screen, site
from planning import at, guest

from planner.export.xlcfg import render
from planner.formats.xlcfg.guest import read
from planner.model.address import Sbdf
from planner.model.errors import EditError
from planner.model.plan import Plan, Profile
from planner.tui.describe import describe
from planner.tui.editing import Editor, together_with, toggle
from planner.tui.text import pinched, shortened
from planner.tui.view import Subject, View
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.host_list import HostList

AMD = "mechrevo-wujie14xa"
DELL = "dell-poweredge-r820"


def _told(view: View, subject: Subject, *, full: bool = False) -> str:
    return "\n".join("".join(text for text, _ in paragraph) for paragraph in describe(view, subject, full=full))


def _view(plan: Plan, name: str = "") -> View:
    view = Editor(plan).start
    names = [guest.name for guest in plan.guests]
    return view.having(guest=names.index(name)) if name else view


def _found(plan: Plan, words: str) -> set[str]:
    view = _view(plan)
    return {one.address.short for one in plan.host.devices if view.matches(one.address, words.split())}


def _addresses(view: View, words: str) -> list[Sbdf]:
    return [one.address for one in view.inventory.host.devices if view.matches(one.address, words.split())]


def test_space_twice_leaves_the_config_as_it_was() -> None:
    async def script(driver: Driver) -> None:
        before = driver.view.snapshot.plan.guests
        driver.app.screen_stack[0].query_one(DeviceList).go_to(at("0000:00:02.0"))
        await driver.press("space space")
        assert driver.view.snapshot.plan.guests == before
        assert not driver.view.snapshot.dirty

    drive(site(DESKTOP), script)


def test_a_filter_that_leaves_nothing_says_so() -> None:
    text = screen(site(HP), "slash z z z enter")
    assert "no device matches 'zzz': esc clears" in text
    assert "Nothing is chosen" not in text
    assert "no device matches" not in screen(site(HP), "slash z z z enter escape")


@pytest.mark.parametrize("word", ["9618e000", "0x9618e000", "9618"])
def test_a_regions_address_finds_its_devices(word: str) -> None:
    assert "04:00.0" in _found(site(AMD), word)
    assert "65:00.0" not in _found(site(AMD), word)


def test_filter_words() -> None:
    assert _found(site(AMD), "ivmd") == _found(site(AMD), "rmrr")
    assert "00:1f.2" in _found(site(HP), "e8000")
    assert "00:1f.2" in _found(site(HP), "dom0")
    free = _found(site(AMD), "free")
    assert "65:00.0" not in free  # amdgpu of dom0 works with it
    assert not free & _found(site(AMD), "blocked")
    assert not free & _found(site(AMD), "dom0")
    assert free


def test_headings_tell_how_many_and_are_open_under_a_filter() -> None:
    assert "▾ 5 (+24 chipset) share 5 IVMDs" in screen(site(AMD))
    text = screen(site(AMD), "slash i v m d space n v m e enter")
    assert "▾ 2 of 29 share 5 IVMDs" in text
    text = screen(site(AMD), "slash p o r t enter")
    assert "▸" not in text.partition("╚")[0].partition("╔")[2]


def test_every_line_of_the_devices_pane_is_about_something() -> None:
    async def script(driver: Driver) -> None:
        pane = driver.app.screen_stack[0].query_one(DeviceList)
        for index in range(pane.count()):
            pane.move(index)
            assert "Nothing is chosen" not in _told(driver.view, pane.subject())

    drive(site(HP), script)


def test_every_line_of_the_host_panel_tells_its_text_in_full() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("I")
        pane = driver.app.screen_stack[0].query_one(HostList)
        for index in range(pane.count()):
            pane.move(index)
            line = "".join(text for text, _ in pane.row(index, 200).pieces).strip()
            assert (pane.subject() is None) == (line == "")
        pane.move(3)
        assert "linuxhw/ACPI CB05571909C8" in _told(driver.view, pane.subject())

    drive(site(HP), script)


def test_regions_of_the_same_devices_are_one_entry_that_is_folded_where_it_does_not_fit() -> None:
    text = screen(site(HP), "2 I", size=(120, 40))
    assert "▸ 7 RMRRs, the same 10 devices" in text
    assert "✖ pfsense, dom0" in text

    async def script(driver: Driver) -> None:
        await driver.press("2 I full_stop")
        assert "▌  RMRR 0xe8000-0xe8fff 4 KiB" in driver.text

    drive(site(HP), script)


def test_the_cursor_of_the_host_panel_stays_on_its_device() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3 I")
        pane = driver.app.screen_stack[0].query_one(HostList)
        pane.action_edge(1)  # a device without regions: free ones come last
        address = pane.subject()
        assert isinstance(address, Sbdf)
        for has in (True, False):
            await driver.press("space")
            assert pane.subject() == address
            assert (driver.view.item(address) is not None) == has

    drive(site(DELL), script)


def test_a_split_that_is_a_warning_is_marked_as_one() -> None:
    plan = site(AMD)
    guests = tuple(replace(one, mmio_hole=1696) if one.name == "builder" else one for one in plan.guests)
    text = screen(replace(plan, guests=guests), "I", size=(120, 40))
    assert "▲ wifi, builder, dom0" in text


def test_full_details_shorten_no_list() -> None:
    for name in (HP, AMD):
        view = _view(site(name))
        for device in view.inventory.host.devices:
            told = _told(view, device.address, full=True).partition("\nid ")[0]
            assert " more" not in told
        for unit in view.inventory.units:
            assert " more" not in _told(view, unit, full=True)


def test_a_unit_says_which_of_its_devices_share_which_region() -> None:
    view = _view(site(HP))
    unit = view.inventory.unit_of[at("0000:01:00.4")]
    told = _told(view, unit)
    assert told.startswith("10 devices are tied together by 8 RMRRs")
    assert "RMRR 0x7dff6000-0x7dffcfff: 01:00.0, 01:00.2, 01:00.4" in told
    assert "00:1f.5 (absent)" in told
    assert "Each of them" not in told


def test_a_region_tells_its_problems_and_who_reaches_it() -> None:
    view = _view(site(HP), "pfsense")
    rdm = next(one for one in view.regions(at("0000:02:00.1")) if one.span.start == 0xE8000)
    told = _told(view, rdm)
    assert "reached by pfsense, dom0" in told
    assert "RDM107 pfsense: " in told
    assert "10 scope entries, 1 of a device that is not there" in told


def test_a_policy_without_a_region_is_not_told() -> None:
    plan = site(HP)
    one = guest("01:00.1", name="one")
    assert "rdm_policy" not in _told(_view(replace(plan, guests=(one,))), at("0000:01:00.1"))


def test_a_blocked_device_is_not_free() -> None:
    view = _view(site(AMD))
    told = _told(view, at("0000:00:00.2"))
    assert "blocked" in told
    assert "free" not in told


def test_all_owners_are_named() -> None:
    view = _view(site(LOWERED), "q_plain")
    assert view.owner_label(at("0000:02:00.0"), 20) == "q_clamp+2"
    with pytest.raises(EditError, match="belongs to q_clamp, q_clampwin, q_clampwinhole: release it there first"):
        toggle(view, at("0000:02:00.0"))
    mine = _view(site(LOWERED), "q_clamp")
    assert "▲ also in q_clampwin, q_clampwinhole" in _told(mine, at("0000:02:00.0"))
    assert "release it there first" not in _told(mine, at("0000:02:00.0"))


def test_names_that_begin_alike_stay_apart() -> None:
    names = ["r_scratch", "r_scratch_relaxed", "web"]
    short = [shortened(name, names, 6) for name in names]
    assert len(set(short)) == 3
    assert all(len(one) <= 6 for one in short)
    assert shortened("r_scratch", ["r_scratch", "web"], 6) == "r_scr…"


def test_a_on_a_device_alone_gives_and_takes_it() -> None:
    async def script(driver: Driver) -> None:
        driver.app.screen_stack[0].query_one(DeviceList).go_to(at("0000:00:02.0"))
        before = driver.view.snapshot.plan.guests
        await driver.press("3 a")  # the only guest that has it
        assert driver.view.snapshot.plan.guests != before
        await driver.press("a")
        assert driver.view.snapshot.plan.guests == before

    drive(site(DESKTOP), script)


def test_what_a_step_does_comes_before_what_it_leaves_out() -> None:
    async def script(driver: Driver) -> None:
        driver.app.screen_stack[0].query_one(DeviceList).go_to(at("0000:00:1d.0"))
        await driver.press("3 a")
        note = driver.view.note
        assert note.startswith("assign ")
        assert (
            0 < note.index("takes dom0's 00:1a.0 (") < note.index("  +") < note.index("without 00:1d.0 (licences has")
        )

    drive(replace(site(HP), profile=Profile.XEN), script, size=(200, 60))


def test_what_is_taken_from_dom0_is_told_before_and_after() -> None:
    async def script(driver: Driver) -> None:
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        devices.go_to(at("0000:00:17.0"))
        assert "dom0 uses it (ahci): giving it away takes it from dom0" in _told(driver.view, devices.address)
        await driver.press("space")
        assert "takes dom0's 00:17.0 (ahci)" in driver.view.note
        assert "taken from dom0 (ahci)" in _told(driver.view, devices.address)
        await driver.press("u")
        assert "takes" not in driver.view.note
        await driver.press("U")
        assert driver.view.note.startswith("redo assign 00:17.0")
        assert "takes dom0's 00:17.0 (ahci)" in driver.view.note

    drive(site(DESKTOP), script)


def test_a_bridge_is_no_candidate_for_hotplug() -> None:
    async def script(driver: Driver) -> None:
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        bridge = next(one.address for one in driver.view.inventory.host.devices if one.bridge is not None)
        devices.go_to(bridge)
        before = driver.view.snapshot.plan
        await driver.press("c")
        assert "refused" in driver.status
        assert driver.view.snapshot.plan is before
        assert "hotplug" not in _told(driver.view, bridge)

    drive(site(HP), script)


def test_hotplug_says_who_has_the_device_now() -> None:
    plan = site(DESKTOP)
    kiosk = next(item.address for one in plan.guests if one.name == "kiosk" for item in one.pci)
    assert kiosk is not None
    nic = at("0000:00:1f.6")
    plan = replace(plan, candidates={"win10": (kiosk, nic)})
    view = _view(plan, "win10")
    assert "xl pci-attach fails while kiosk runs" in _told(view, kiosk)
    assert "would work, once xl pci-assignable-add has taken it from dom0" in _told(view, nic)


def test_a_candidate_of_a_guest_without_passthrough_can_be_fixed() -> None:
    async def script(driver: Driver) -> None:
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        names = [one.name for one in driver.view.snapshot.plan.guests]
        await driver.press(str(names.index("mail") + 1))
        devices.go_to(at("0000:00:1f.6"))
        await driver.press("c f")
        assert 'passthrough = "enabled"' in driver.text
        await driver.press("enter")
        guest = driver.view.current
        assert guest is not None
        assert guest.passthrough == "enabled"
        assert read(render(guest), "mail.cfg") == guest
        assert not any(one.rule.id == "HOT701" for one in driver.view.findings)

    drive(site(DESKTOP), script)


def test_a_few_devices_of_a_blocked_unit_are_not_taken_away_by_a() -> None:
    plan = site(HP)
    view = _view(plan, "pfsense")
    blocked = next(item.address for one in plan.guests if one.name == "pfsense" for item in one.pci)
    with pytest.raises(EditError, match=r"nothing more of the unit of \S+ can be assigned: blocked: ") as error:
        together_with(view, blocked, "unit")
    assert str(error.value).count("shares RMRR") == 1


def test_a_heading_says_what_goes_for_all_below_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("g space")
        assert "a heading: a assigns the whole unit" in driver.status
        await driver.press("p")
        assert "a heading: a assigns the whole unit" in driver.status
        await driver.press("G space")
        assert "no guest gets these" in driver.status

    drive(site(DELL), script)


def test_a_filter_puts_the_cursor_on_its_first_device() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("G slash")
        await driver.pilot.press(*"usb")
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        first = devices.address
        assert first is not None
        assert first == min(_addresses(driver.view, "usb"))
        assert " found · ⏎ keep · esc clear" in driver.text
        await driver.press("enter")
        assert devices.address == first
        await driver.press("escape")
        assert devices.address == first

    drive(site(DESKTOP), script)


def test_a_says_what_of_the_unit_the_filter_hides() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        await driver.type("00:05.0")
        await driver.press("a")
        assert "00:05.2 too, which the filter hides" in driver.view.note

    drive(site(DELL), script)


def test_what_is_printed_on_the_screen_can_be_looked_for() -> None:
    plan = site(AMD)
    view = _view(plan)
    address = at("0000:04:00.0")
    span = view.regions(address)[0].span
    for words in (str(span), f"{span.start + 0x10:x}", f"{span.start + 0x10:#x}", f" {span.start:#x}-"):
        assert "04:00.0" in _found(plan, words), words
        assert "65:00.0" not in _found(plan, words), words
    assert _found(plan, "slot 65:00") == {one.address.short for one in plan.host.devices if one.address.bus == 0x65}
    given = guest("04:00.0,rdm_policy=relaxed", name="one")
    assert _found(replace(plan, guests=(given,)), "relaxed") == {"04:00.0"}
    assert "01:10.0" in _found(site("depo-super-server-sriov"), "sriov")


def test_a_step_under_a_filter_moves_nothing_from_under_the_cursor() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        await driver.type("free nic")
        before = driver.view.snapshot.plan
        listed = [line for line in driver.text.splitlines() if "[ ]" in line]
        assert listed, "the sample has free network ports"
        assert not any("MEI" in line for line in listed), "communication controllers are no NICs"
        await driver.press("space")
        assert driver.view.snapshot.plan != before
        await driver.press("space")
        assert driver.view.snapshot.plan.guests == before.guests
        text = await driver.press("escape slash")
        await driver.type("vf 01:00.0")
        assert "01:10.0" in driver.text, text

    drive(site("depo-super-server-sriov"), script)


def test_a_virtual_function_says_which_one_it_is() -> None:
    plan = site("depo-super-server-sriov")
    assert "VF 1 of 01:00.0" in screen(plan, "slash s r i o v enter", size=(200, 60))
    view = _view(plan)
    assert list(view.inventory.virtual.values()) == [f"VF {number} of 01:00.0" for number in range(4)]


def test_a_unit_with_several_owners_says_whose_it_is() -> None:
    view = _view(site(DELL))
    ports = view.inventory.unit_of[at("0000:01:00.0")]
    shared = view.inventory.unit_of[at("0000:00:1a.0")]
    assert view.split(shared) == ("scada, dom0", True)
    assert view.split(ports) == ("", False)  # a port of dom0's beside a guest's: nothing is known against it
    assert "▲ split: scada, dom0" in screen(site(DELL), size=(120, 40))


def test_all_headings_fold_at_once() -> None:
    async def script(driver: Driver) -> None:
        devices = driver.app.screen_stack[0].query_one(DeviceList)
        devices.go_to(at("0000:01:00.2"))
        await driver.press("F")
        assert "▾" not in driver.text.partition("╚")[0].replace("▾ Details", "")
        assert devices.heading is not None
        await driver.press("F")
        assert "▾ 4 are in slot 01:00" in driver.text

    drive(site(DELL), script)


def test_a_long_name_keeps_what_tells_it_apart() -> None:
    assert pinched("USB2 Enhanced Host Controller #1", 12) == "USB2 Enh… #1"
    assert pinched("USB2 Enhanced Host Controller", 12) == "USB2 Enhanc…"
    assert pinched("NIC #1", 8) == "NIC #1  "


def test_a_reason_is_not_asked_for_by_a_step_that_changes_nothing_of_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 w l")
        assert driver.app.screen is driver.app.screen_stack[0]
        assert driver.view.snapshot.undo is not None

    drive(replace(site(HP), profile=Profile.XEN), script)


def test_a_line_of_the_host_panel_opens_by_folding() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("I")
        pane = driver.app.screen_stack[0].query_one(HostList)
        assert "notes" in driver.text
        rdm = next(iter(driver.view.reach.values()))[0]
        pane.go_to(rdm.span)
        await driver.press("F")
        before = pane.count()
        await driver.press("enter")
        assert pane.count() != before or driver.app.screen is driver.app.screen_stack[0]
        await driver.press("enter")
        assert pane.count() == before

    drive(site(DELL), script)
