"""Names are data: no markup is read, no control character reaches the terminal, nothing raises."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

from driving import DESKTOP, Driver, drive, site
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from planner.model.plan import Plan
from planner.tui.text import Row, cells, clean, cut, fit, to_ascii, wrap

NAMES = [
    "[/",
    "[red]red[/red] [/foo]",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "win\r\n10\t\x00\x7f\x9b1m",
    "💻 emoji 👩‍👩‍👧 e\u0301 \u202eright to left\u200b",
    "x" * 300,
    "漢字" * 40,
    "$(rm) `x` 'y' \"z\" \\",
]


def hostile() -> Plan:
    """A plan in which every name is hostile, each in its own way."""
    plan = site(DESKTOP)
    devices = tuple(
        device.changed(name=name, driver=name, slot=name if number % 2 else None)
        for number, (device, name) in enumerate(zip(plan.host.devices, cycle(NAMES), strict=False))
    )
    host = plan.host.changed(devices=devices, name="".join(NAMES))
    guests = tuple(replace(plan.guests[number % 3], name=name) for number, name in enumerate(NAMES))
    return replace(plan, host=host, guests=guests)


def test_every_screen_with_hostile_names() -> None:
    pages: list[str] = []

    async def script(driver: Driver) -> None:
        for number in range(1, len(NAMES) + 1):
            pages.append(await driver.press(f"{number} j i"))
            await driver.press("escape")
        for keys in ("3 g space", "u", "tab j", "tab", "full_stop", "escape e", "x", "escape escape", "space q"):
            pages.append(await driver.press(keys))  # noqa: PERF401
        pages.append(await driver.press("escape colon d e v i c e"))
        await driver.app.workers.wait_for_complete()
        pages.append(await driver.press("escape"))

    drive(hostile(), script)
    for page in pages:
        assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in page.replace("\n", ""))
        assert not set(page) & set("\u202e\u200b\u200d")
        assert all(cell_len(line) <= 80 for line in page.splitlines())
    for shown in ("[/", "[red]red[/red]", "�[31mred", "漢字"):
        assert any(shown in page for page in pages)


TEXT = st.text(max_size=60)


@given(TEXT, st.integers(0, 40))
def test_fit_is_exact(text: str, width: int) -> None:
    for right in (False, True):
        assert cell_len(fit(text, width, right=right)) == width


@given(st.lists(st.tuples(TEXT, st.just("")), max_size=5), st.integers(1, 40))
def test_cut_never_exceeds(pieces: list[tuple[str, str]], width: int) -> None:
    assert cells(cut(pieces, width)) <= width


@given(st.lists(st.lists(st.tuples(TEXT, st.just("")), max_size=4), max_size=4), st.integers(2, 40))
def test_wrap_keeps_every_word_and_the_width(paragraphs: list[list[tuple[str, str]]], width: int) -> None:
    rows = wrap(paragraphs, width)
    assert all(cells(row.pieces) <= width for row in rows)
    wanted = "".join(clean(text) for paragraph in paragraphs for text, _ in paragraph)
    found = "".join(text for row in rows for text, _ in row.pieces)
    assert "".join(found.split()) == "".join(wanted.split())


@given(TEXT)
def test_ascii_is_ascii_and_as_wide(text: str) -> None:
    shown = to_ascii(clean(text).replace("⏎", ""))
    assert shown.isascii()
    assert cell_len(shown) == cell_len(clean(text).replace("⏎", ""))


def test_an_empty_paragraph_is_an_empty_row() -> None:
    assert wrap([()], 10) == [Row()]
