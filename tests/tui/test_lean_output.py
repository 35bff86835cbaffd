"""The filter that shortens style sequences: what a terminal shows is the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planner.tui.lean_output import _ESCAPES, Lean, Sgr

CODES = st.sampled_from(["", "0", "1", "2", "7", "31", "39", "44", "49", "97", "38;2;1;2;3", "48;5;17", "38;5;9;1"])
PARTS = st.one_of(
    CODES.map(lambda code: f"\x1b[{code}m"),
    st.sampled_from(["\x1b[3;7H", "\x1b[2K", "\x1b[?2026h", "\x1b]52;c;YWJj\x07", "\x1b7", "\r\n"]),
    st.text("ab m[;1", min_size=1, max_size=4),
)


def shown(stream: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every letter and control sequence with the style that is on."""
    style, out, position = Sgr(), [], 0
    for found in _ESCAPES.finditer(stream):
        out += [(letter, tuple(sorted(style.parts.items()))) for letter in stream[position : found.start()]]
        position = found.end()
        if found[1] is not None:
            style.take(found[1])
        elif found[0].endswith("H"):
            out.append((found[0], ()))
        else:
            out.append((found[0], tuple(sorted(style.parts.items()))))
    return out + [(letter, tuple(sorted(style.parts.items()))) for letter in stream[position:]]


@given(st.lists(st.lists(PARTS, max_size=8), max_size=4))
def test_the_same_is_shown(writes: list[list[str]]) -> None:
    lean = Lean()
    streams = ["".join(parts) for parts in writes]
    assert shown("".join(lean(stream) for stream in streams)) == shown("".join(streams))


def test_what_is_on_is_not_said_again() -> None:
    on = "38;2;1;2;3;48;2;4;5;6"
    assert Lean()(f"\x1b[{on}ma\x1b[0m\x1b[{on}mb\x1b[0m") == f"\x1b[{on}mab"
    assert Lean()("\x1b[31;44ma\x1b[0m\x1b[32;44mb\x1b[0mc") == "\x1b[31;44ma\x1b[32mb\x1b[mc"
    assert Lean()("\x1b[1;31ma\x1b[0m\x1b[31mb") == "\x1b[1;31ma\x1b[0;31mb"
