"""The real app in a terminal: what the terminal shows is what the app drew, whatever was left out of the stream."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyte
from terminal import ROOT, running

SITE = ROOT / "sample-hosts" / "xen-lab-lowered-ram"
KEYS = (b" jj ]v", b"\x1b", b"\tjjjw++u", b"?", b"\x1bImm", b"M")


def test_nothing_stale_stays_on_the_screen(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(SITE, folder)
    (folder / "state" / "rdm-planner").mkdir(parents=True)
    (folder / "state" / "rdm-planner" / "state.toml").write_text("tour_seen = true\n")
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
