"""Rebuild every SVG in this folder from the real app over the sample sites: `python screenshots/make.py`.

The same code and samples give the same bytes, so a difference in an SVG is a difference on the screen.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from planner.formats import host_toml  # noqa: E402
from planner.formats.xlcfg import guest as guest_reader  # noqa: E402
from planner.model.plan import Plan  # noqa: E402
from planner.storage import list_folder, read_text  # noqa: E402
from planner.tui.app import PlannerApp  # noqa: E402

SMALL, LARGE, WIDE = (80, 24), (120, 40), (200, 60)


class Shot(NamedTuple):
    """One picture: the site, the size of the terminal, the keys to get there, and the theme."""

    name: str
    site: str
    size: tuple[int, int]
    keys: str
    theme: str = "textual-dark"


SHOTS = (
    # The cursor stands on a NIC port of guest 3, which the profile blocks; space was pressed and refused.
    Shot("main-120x40", "hp-proliant-dl380e-gen8", LARGE, "3 j j j j j j j space"),
    Shot("main-80x24", "hp-proliant-dl380e-gen8", SMALL, "3 j j j j j j j space"),
    Shot("conflict-120x40", "hp-proliant-dl380e-gen8", LARGE, "2 tab j j j j j j j"),
    Shot("lowered-ram-120x40", "xen-lab-lowered-ram", LARGE, "full_stop"),
    Shot("lowered-ram-80x24", "xen-lab-lowered-ram", SMALL, "tab G"),
    Shot("toggle-120x40", "fujitsu-d3401-h2", LARGE, "3 space 2 space"),
    Shot("export-120x40", "fujitsu-d3401-h2", LARGE, "3 space e"),
    Shot("export-refused-80x24", "hp-proliant-dl380e-gen8", SMALL, "2 e x"),
    Shot("fixes-80x24", "xen-lab-lowered-ram", SMALL, "full_stop f"),
    Shot("what-if-80x24", "hp-proliant-dl380e-gen8", SMALL, "3 w j j l l l l"),
    Shot("stage-120x40", "xen-lab-lowered-ram", LARGE, "t t"),
    Shot("views-120x40", "xen-lab-lowered-ram", LARGE, "v"),
    Shot("all-guests-120x40", "hp-proliant-dl380e-gen8", LARGE, "2 M"),
    Shot("host-120x40", "hp-proliant-dl380e-gen8", LARGE, "I j j j j j j j"),
    Shot("new-guest-80x24", "fujitsu-d3401-h2", SMALL, "n"),
    Shot("hotplug-120x40", "fujitsu-d3401-h2", LARGE, "1 slash 1 f full_stop 6 enter c"),
    Shot("light-120x40", "hp-proliant-dl380e-gen8", LARGE, "2 tab j j j j j", "textual-light"),
    Shot("wide-200x60", "hp-proliant-dl380e-gen8", WIDE, "2 tab j j j j j j j"),
    # The xl.cfg beside the map says what the step changes in it.
    Shot("config-200x60", "fujitsu-d3401-h2", WIDE, "3 g space"),
    Shot("changes-80x24", "fujitsu-d3401-h2", SMALL, "3 g space P y D"),
    Shot("guests-80x24", "xen-lab", SMALL, "0"),
    Shot("messages-80x24", "dell-poweredge-r820", SMALL, "2 space u N"),
    # A sequence: a device is given away, the map moves, a problem comes, a fix is chosen, and it is gone.
    Shot("tour-1", "dell-poweredge-r820", SMALL, "2"),
    Shot("tour-2", "dell-poweredge-r820", SMALL, "2 tab"),
    Shot("tour-3", "dell-poweredge-r820", SMALL, "2 full_stop full_stop f"),
    Shot("tour-4", "dell-poweredge-r820", SMALL, "2 full_stop full_stop f enter"),
    Shot("tour-5", "dell-poweredge-r820", SMALL, "2 full_stop full_stop f enter e"),
    Shot("filter-80x24", "hp-proliant-dl380e-gen8", SMALL, "slash n i c"),
    Shot("help-80x24", "hp-proliant-dl380e-gen8", SMALL, "question_mark"),
)


def load(site: str) -> Plan:
    """The site's plan, its files named relative to `sample-hosts`."""
    folder = Path(site)
    host = host_toml.parse(read_text(folder / "host.toml"))
    paths = [path for path in list_folder(folder) if path.suffix == ".cfg"]
    guests = tuple(guest_reader.read(read_text(path), str(path)) for path in paths)
    return Plan(host=host, guests=guests, host_file=str(folder / "host.toml"))


async def take(shot: Shot) -> str:
    """The SVG of one picture."""
    app = PlannerApp(load(shot.site), Path("out"))
    app.theme = shot.theme
    async with app.run_test(size=shot.size) as pilot:
        await pilot.pause()
        await pilot.press(*shot.keys.split())
        await pilot.pause(0.2)  # a dialog is laid out after its keys were taken
        svg = app.export_screenshot(title="rdm-planner", simplify=True)
    return _tidy(svg)


def _tidy(svg: str) -> str:
    """Nothing fetched from elsewhere, no id that depends on the content, and spaces that every renderer keeps."""
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas, monospace")
    return svg.replace("<text ", '<text xml:space="preserve" ')


def main() -> None:
    """Write all pictures."""
    os.chdir(ROOT / "sample-hosts")
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}  # whatever terminal this runs in
    for shot in SHOTS:
        path = ROOT / "screenshots" / f"{shot.name}.svg"
        path.write_text(asyncio.run(take(shot)), encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
