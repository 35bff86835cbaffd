"""The real app in a terminal: what the terminal shows is what the app drew, whatever was left out of the stream."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pyte
from terminal import ROOT, running

SITE = ROOT / "sample-hosts" / "xen-lab-lowered-ram"
KEYS = (b" jj ]v", b"\x1b", b"\tjjjw++u", b"?", b"\x1bImm", b"M")


def _site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(SITE, folder)
    (folder / "state" / "rdm-planner").mkdir(parents=True)
    (folder / "state" / "rdm-planner" / "state.toml").write_text("tour_seen = true\n")
    return folder


def test_nothing_stale_stays_on_the_screen(tmp_path: Path) -> None:
    folder = _site(tmp_path)
    screen = pyte.Screen(100, 30)
    stream = pyte.ByteStream(screen)
    with running(folder, 100, 30) as terminal:
        terminal.settle(b"help")
        stream.feed(terminal.take())
        for number, keys in enumerate(KEYS):
            if number == len(KEYS) // 2:
                screen.resize(24, 84)
                terminal.resize(84, 24)
            terminal.press(keys)
            terminal.settle(quiet=0.6)  # an escape is one only after a while, and the machine may be busy
            stream.feed(terminal.take())
            shown = list(screen.display)
            terminal.press(b"\x0c")  # all of it again
            stream.feed(terminal.take())
            assert shown == screen.display, f"after {keys!r}"


def test_without_colour_no_colour_is_sent(tmp_path: Path) -> None:
    """Neither ours nor greys; an empty NO_COLOR asks for nothing."""
    codes = {}
    for wish in ("1", ""):
        folder = _site(tmp_path / f"wish-{wish}")
        with running(folder, 100, 30, NO_COLOR=wish) as terminal:
            terminal.settle(b"help")
            for keys in (b" jj ]v", b"?", b"\x1b", b"/", b"\x1b", b"\x10", b"\x1b"):
                terminal.press(keys)
            codes[wish] = re.findall(rb"\x1b\[([0-9;]*)m", terminal.take())
    sent = {code for one in codes["1"] for code in one.split(b";")}
    assert sent <= {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"9", b"22", b"23", b"24", b"27", b"29"}
    colours = [found.groups() for one in codes[""] for found in re.finditer(rb"[34]8;2;(\d+);(\d+);(\d+)", one)]
    assert any(len(set(parts)) > 1 for parts in colours)
