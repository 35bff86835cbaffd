"""What a terminal does to a session: hang-ups, suspending, sizes in which nothing fits."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pyte
import pytest
from driving import DESKTOP, Driver, drive, site
from terminal import ROOT, Terminal, running

from planner.tui.screens.too_small import TooSmall


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "sample-hosts" / DESKTOP, folder)
    (folder / "state" / "rdm-planner").mkdir(parents=True)
    (folder / "state" / "rdm-planner" / "state.toml").write_text("tour_seen = true\n")
    return folder


def copies(folder: Path) -> list[str]:
    return [path.read_text() for path in (folder / "state").rglob("*.plan.toml")]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_an_edit_just_made_outlives_a_hang_up(folder: Path, number: int) -> None:
    with running(folder, 80, 24) as terminal:
        terminal.settle(b"help")
        terminal.press(b"3 ")
        os.kill(terminal.process, number)
        terminal.settle(b"\x1b[?1049l")  # the terminal is as it was
        terminal.settle()
        assert terminal.code() == 128 + number
        assert b"the unsaved edits are kept" in terminal.seen
    assert ["unset" in copy or "pci = []" in copy for copy in copies(folder)] == [True]


def test_a_terminal_that_is_gone_loses_nothing(folder: Path) -> None:
    with running(folder, 80, 24) as terminal:
        terminal.settle(b"help")
        terminal.press(b"3 ")
        terminal.close()
        assert terminal.code() == 128 + signal.SIGHUP
    assert len(copies(folder)) == 1


def shown(terminal: Terminal, stream: pyte.ByteStream, screen: pyte.Screen) -> list[str]:
    stream.feed(terminal.take())
    return list(screen.display)


@pytest.mark.parametrize("keys", [b"", b"?"])
def test_all_is_drawn_again_after_fg(folder: Path, keys: bytes) -> None:
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    with running(folder, 80, 24) as terminal:
        terminal.settle(b"help")
        terminal.press(b"3 " + keys)
        before = shown(terminal, stream, screen)
        os.write(terminal.handle, b"\x1a")
        os.waitpid(terminal.process, os.WUNTRACED)
        assert len(copies(folder)) == 1
        terminal.settle()
        stream.feed(b"\x1b[2J\x1b[0m")  # pyte has no second screen: what the shell leaves
        terminal.take()
        os.kill(terminal.process, signal.SIGCONT)
        terminal.settle(b"\x1b[?1049h")
        time.sleep(0.2)
        terminal.settle()
        assert shown(terminal, stream, screen) == before


def test_nothing_is_suspended_that_no_shell_brings_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(driver: Driver) -> None:
        monkeypatch.setattr(os, "getpgrp", lambda: 1)
        monkeypatch.setattr(os, "getsid", lambda process: 1)
        assert "✖ there is no shell to suspend to" in await driver.press("Z")

    drive(site(DESKTOP), script)


def test_a_terminal_too_small_for_anything_takes_no_focus_away() -> None:
    async def resize(driver: Driver, width: int, height: int) -> str:
        await driver.pilot.resize_terminal(width, height)
        await driver.pilot.pause(0.1)
        return await driver.settled()

    async def script(driver: Driver) -> None:
        for keys in ("tab", "question_mark", "escape e"):
            await driver.press(keys)
            focused, screen = driver.app.focused, driver.app.screen
            assert focused is not None
            for size in ((50, 24), (80, 10)):
                text = await resize(driver, *size)
                assert text.strip() == f"terminal too small (have {size[0]}x{size[1]}, need 60x15)"
                assert isinstance(driver.app.screen, TooSmall)
                await driver.press("space")
            await resize(driver, 80, 24)
            assert (driver.app.screen, driver.app.focused) == (screen, focused)
        assert not driver.view.snapshot.dirty

    drive(site(DESKTOP), script)
