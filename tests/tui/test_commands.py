from __future__ import annotations

import re

import pytest
from driving import DESKTOP, HP, Driver, drive, screen, site

from planner.tui.app import PlannerApp
from planner.tui.command_list import COMMANDS
from planner.tui.commands import Command, Where, of
from planner.tui.screens.export_preview import ExportPreview
from planner.tui.screens.help import help_screen
from planner.tui.screens.main import MainScreen
from planner.tui.settings import parse
from planner.tui.text import cells
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.key_line import KeyLine
from planner.tui.widgets.lines import Picker

HANDLERS: dict[Where, type[object]] = {
    Where.MAIN: MainScreen,
    Where.LIST: DeviceList,
    Where.EXPORT: ExportPreview,
}
NEVER = re.compile(r"(^|\+)(alt|f\d+|super|hyper|meta)(\+|$)|^f\d+$")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_is_complete(command: Command) -> None:
    assert command.keys
    assert command.title
    assert command.help.endswith(".")
    action = command.action.partition("(")[0]
    handler = PlannerApp if action.startswith("app.") else HANDLERS[command.where]
    assert callable(getattr(handler, f"action_{action.removeprefix('app.')}"))
    for key in command.keys:
        assert not NEVER.search(key), f"{key} does not survive every terminal"
    assert any(not key.startswith("ctrl+") for key in command.keys)


def test_ids_and_keys_are_unique_where_they_act() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    for where in Where:
        keys = [key for command in of(where) for key in command.keys]
        assert len(set(keys)) == len(keys)
    assert not {key for command in of(Where.MAIN) for key in command.keys} & {
        key for command in of(Where.LIST) for key in command.keys
    }


def test_help_names_every_command_and_key() -> None:
    text = "\n".join("".join(piece for piece, _ in paragraph) for paragraph in help_screen({}).text)
    for command in COMMANDS:
        assert f"{command.shown_keys({})}  {command.title}. {command.help} [{command.id}]" in text


def test_the_palette_has_every_command_of_the_main_screen() -> None:
    from planner.tui.palette import commands

    missing = {command.id for command in of(Where.MAIN)} - {command.id for command in commands()}
    assert missing == {"guest.choose"}  # offered as the guests themselves


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("where", [Where.MAIN, Where.EXPORT])
def test_the_key_line_fits(where: Where, width: int) -> None:
    (row,) = KeyLine(where).rows(width, 1)
    assert cells(row.pieces) <= width
    text = "".join(piece for piece, _ in row.pieces)
    assert ("? help" in text and "^p find" in text) or where is Where.EXPORT
    assert not text.endswith("…")


def test_the_key_line_of_80_columns_has_what_matters() -> None:
    line = screen(site(HP)).splitlines()[-1]
    for hint in ("␣ assign", "tab map", "f fix", ". next", "u undo", "s save", "/ filter", "? help", "^p find"):
        assert hint in line


def test_panes_know_the_list_commands() -> None:
    keys = {key for one in Picker.BINDINGS if not isinstance(one, tuple) for key in one.key.split(",")}
    assert {"j", "k", "g", "G", "enter"} <= keys


def test_the_palette_opens_by_the_chosen_key_alone() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("ctrl+p")
        assert len(driver.app.screen_stack) == 1
        await driver.press("ctrl+k")
        assert len(driver.app.screen_stack) == 2

    drive(site(DESKTOP), script, settings=parse('[keys]\n"palette" = "ctrl+k"'))
