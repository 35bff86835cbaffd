"""What the details say about a line of the map, and what the map says about a guest."""

from __future__ import annotations

from dataclasses import replace

from driving import HP, LOWERED, Driver, drive, site

from planner.formats.xlcfg.guest import read
from planner.tui.describe import describe
from planner.tui.widgets.memory_map import MemoryMap


def about(driver: Driver, address: int) -> str:
    """The details of the map's line that has that address."""
    pane = driver.app.screen.query_one(MemoryMap)
    pane.go_to(address)
    return "\n".join("".join(text for text, _ in pieces) for pieces in describe(driver.view, pane.subject()))


def test_every_line_tells_who_and_why() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("1 tab")
        bar = about(driver, 0xF1000000)
        assert "VGA BAR 0" in bar
        assert "stage firmware: VGA 03.0 BAR 0 (mem32, 16 MiB) goes to 0xf1000000, low window" in bar
        assert "VGA 03.0 ROM" not in bar
        low = about(driver, 0x200000)
        assert "so low RAM ends at 0x99000000" in low
        assert "f1000000" not in low
        assert "The VGA window begins here" in about(driver, 0)
        hole = about(driver, 0xF3000000)
        assert "memory BARs need 32.6 MiB: the low window of 192 MiB from 0xf0000000 is enough" in hole

    drive(site(LOWERED), script, size=(200, 60))


def test_a_region_below_does_not_concern_all_of_low_ram() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 tab")
        assert "0xe8000" not in about(driver, 0x200000)
        assert "RDM conflict at 0xe8000" in about(driver, 0xE8000)
        await driver.press("3")
        assert "64 KiB of VGA ROM, 1 boot ROM of network cards (256 KiB)" in about(driver, 0x20F000000)

    drive(site(HP), script, size=(200, 60))


def test_a_region_names_its_other_owners_and_the_findings_about_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("1 tab")
        region = about(driver, 0x7DFFD000)
        assert "✖ RDM104 00:1d.0 shares RMRR 0x7dffd000-0x7dffffff" in region
        assert "shared with 00:1a.0 (dom0)" in region
        assert "RDM104" not in about(driver, 0x60080000)
        await driver.press("2")
        conflict = about(driver, 0xE8000)
        assert "✖ RDM107 02:00.1's region 0xe8000-0xe8fff lies in the guest's BIOS area" in conflict
        assert "05:00.0 (nobody has it)" in conflict

    drive(site(HP), script, size=(200, 60))


def test_several_ranges_in_a_line_each_say_what_they_are_and_how_to_part_them() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("2 tab")
        line = about(driver, 0xF0000000)
        assert "3 ranges in one line; zoom gives each its own" in line
        assert "0xf0000000-0xfbffffff 192 MiB MMIO hole Room for BARs" in line
        assert "✖ RDM101 ×5 guest RAM reaches 0x7f000000" in about(driver, 0x75F6F000)

    drive(site(HP), script)


def test_room_says_whether_a_bar_may_come_there() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("1 tab")
        assert "no BAR comes here: hvmloader's window for them is 0xf0000000-0xfbffffff" in about(driver, 0x70000000)
        assert "what of the guest's 8 GiB, less 16 MiB" not in about(driver, 0x200000)
        await driver.press("3")
        assert "what of the guest's 8 GiB, less 16 MiB of video RAM, does not fit below" in about(driver, 0x100000000)

    drive(site(HP), script, size=(200, 60))


def test_each_of_several_cards_has_its_own_lines_and_stolen_ram_says_why() -> None:
    machine = site(HP)
    ovmf = read(
        'name = "o"\ntype = "hvm"\nbios = "ovmf"\nmemory = 8192\nvif = ["model=e1000", "model=e1000"]\n', "o.cfg"
    )

    async def script(driver: Driver) -> None:
        text = await driver.press("tab")
        assert text.count(" NIC ROM ") == 2
        stolen = about(driver, 0x20F700000)
        assert "taken by hvmloader" in stolen
        assert "Xen gives no more pages, so" in stolen
        assert "util.c:336-377" in stolen

    drive(replace(machine, guests=(ovmf,)), script, size=(200, 60))


def test_a_pv_guest_says_why_it_has_no_map() -> None:
    paravirtual = read('name = "p"\ntype = "pv"\nkernel = "/k"\nmemory = 512\n', "p.cfg")

    async def script(driver: Driver) -> None:
        text = await driver.press("tab")
        assert text.count("a PV guest takes the host's own memory") == 2

    drive(replace(site(HP), guests=(paravirtual,)), script, size=(120, 40))


def test_a_warning_is_no_error_in_the_map() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("3 tab")
        assert "▲ 02:00.0" in text
        assert "▲ Not mapped: QEMU parks video RAM in this region" in about(driver, 0xBF800000)

    drive(site("xen-lab-scratch-range"), script)


def test_a_guest_that_does_not_start_says_that_first() -> None:
    async def script(driver: Driver) -> None:
        text = await driver.press("2")
        assert "✖ does not start: RDM conflict at" in text
        text = await driver.press("3")
        assert "✔ starts" in text

    drive(site(HP), script)
