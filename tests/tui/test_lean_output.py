"""The filter over what goes to the terminal: less is sent, and a terminal shows the same."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from planner.tui.lean_output import Lean

WIDTH, HEIGHT = 24, 5
CODES = ("", "0", "1", "3", "4", "7", "9", "31", "39", "44", "49", "97", "38;2;1;2;3", "48;5;17", "1;38;5;9;44")
INK = ("fg", "bold", "italics")


@st.composite
def writes(draw: st.DrawFn) -> str:
    """What Textual may write: styles, then rows of text that end before the edge, each after a move."""
    out = []
    for _ in range(draw(st.integers(1, 5))):
        row, column = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 12))
        out.append(f"\x1b[{row + 1};{column + 1}H")
        for _ in range(draw(st.integers(1, 2))):
            text = draw(st.one_of(st.text("ab ▒", max_size=5), st.sampled_from(["漢b", " 字", "aaaaa"])))
            out.append(f"\x1b[{draw(st.sampled_from(CODES))}m{text}")
            out.append(draw(st.sampled_from(["", "\x1b[0m", "\x1b[m"])))
        out.append("\n" if row < HEIGHT - 1 and draw(st.booleans()) else "")
    extra = [
        "",
        "\x1b[?2026h",
        "\x1b[?25l",
        "\x1b]52;c;YWJj\x07",
        "\x1b]0;name\x07",
        "\x1b[2J",
        "\x1b[3;2H\x1b[2K",
        "\a",
    ]
    return draw(st.sampled_from(extra)) + "".join(out) + draw(st.sampled_from(extra))


def shown(streams: list[str]) -> list[list[tuple[object, ...]]]:
    """What a terminal shows: its cells with what is seen of their styles."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    terminal = pyte.Stream(screen)
    for stream in streams:
        terminal.feed(stream)
    return [[_seen(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    blank = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
    return tuple("" if blank and name in INK else value for name, value in cell._asdict().items())


@given(st.lists(writes(), max_size=4))
def test_the_same_is_shown(streams: list[str]) -> None:
    lean = Lean()
    assert shown([lean(stream) for stream in streams]) == shown(streams)


@given(st.lists(writes(), min_size=1, max_size=3), writes())
def test_after_forgetting_all_of_it_is_sent(before: list[str], last: str) -> None:
    lean = Lean()
    sent = [lean(stream) for stream in before]
    lean.forget()
    elsewhere = "\x1b[0;32m\x1b[2J\x1b[3;3Ha kernel's word"
    assert shown([*sent, elsewhere, lean("\x1b[m" + last)]) == shown([*before, elsewhere, "\x1b[m" + last])


def test_what_is_there_is_not_sent_again() -> None:
    on = "38;2;1;2;3;48;2;4;5;6"
    lean = Lean()
    assert "abcd efgh" in lean(f"\x1b[2;3H\x1b[{on}mabcd efgh\x1b[0m")
    assert lean(f"\x1b[2;3H\x1b[{on}mabcd efgh\x1b[0m") == ""
    assert lean(f"\x1b[2;3H\x1b[{on}mxbcd efgX\x1b[0m") == "\x1b[2;3Hx\x1b[7CX"


def test_a_style_is_sent_once_and_of_two_only_the_difference() -> None:
    lean = Lean()
    lean("\x1b[1;1H\x1b[31;44mabc")
    assert lean("\x1b[2;1H\x1b[31;44ma\x1b[0m\x1b[32;44mb\x1b[31;44mc") == ("\x1b[2;1Ha\x1b[Cc\x1b[2;2H\x1b[32mb\x1b[C")
    assert Lean()("\x1b[1;1H\x1b[1;31ma\x1b[0m\x1b[31mb") == "\x1b[1;1H\x1b[1;31ma\x1b[22mb"


def test_a_clipboard_sequence_passes_whole() -> None:
    lean = Lean()
    lean("\x1b[1;1Hab")
    assert lean("\x1b]52;c;YWJj\x07\x1b[1;1Hab") == "\x1b]52;c;YWJj\x07"


def test_what_a_smaller_terminal_has_no_place_for_is_not_sent() -> None:
    """A frame of the size before: its edges would be pressed into the last column and row, and be believed there."""
    lean = Lean()
    lean.resize(20, 5)
    lean("\x1b[5;1H" + "x" * 20)
    lean.resize(10, 3)
    assert lean("\x1b[3;1H" + "y" * 20 + "\x1b[5;1Hzzz") == "\x1b[3;1H\x1b[myyyyyyyyyy\x1b[5;4H"
    assert lean("\x1b[3;1H" + "y" * 10) == "\x1b[3;11H"


def test_with_another_size_nothing_is_taken_for_known() -> None:
    lean = Lean()
    lean.resize(20, 5)
    first = lean("\x1b[1;1Habc")
    lean.resize(20, 5)
    assert "abc" not in lean("\x1b[1;1Habc")
    lean.resize(30, 5)
    assert "abc" in first
    assert "abc" in lean("\x1b[1;1Habc")
