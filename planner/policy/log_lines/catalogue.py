"""All lines, and how a pasted text is matched with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache
from typing import NamedTuple

from planner.policy.findings import Rule
from planner.policy.log_lines import firmware, linux, symptoms, toolstack, xen
from planner.policy.log_lines.line import LogLine
from planner.policy.rules import RULES

LINES: tuple[LogLine, ...] = (*xen.LINES, *toolstack.LINES, *firmware.LINES, *linux.LINES, *symptoms.LINES)

_COLOURS = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
_UNSAID = {"device": "the device", "address": "an address", "domain": "the guest", "name": "it"}
_HEX_VALUES = ("address", "end", "gfn")
_ALIKE = 0.45  # below this a likeness is chance


class Recognised(NamedTuple):
    """A line found in a text: `values` are what it says of devices, addresses and guests, in its own order."""

    line: LogLine
    values: tuple[tuple[str, str], ...]

    @property
    def rule(self) -> Rule | None:
        """The rule that finds this beforehand."""
        return RULES[self.line.rule] if self.line.rule is not None else None

    @property
    def meaning(self) -> str:
        """What it means, in this very case."""
        return self.line.meaning.format_map(_Filled(self.values))

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.line.remedy.format_map(_Filled(self.values)) or (self.rule.remedy if self.rule is not None else "")


class _Filled(dict[str, str]):
    """Values by name; one that the line does not say reads as a word that fits."""

    def __missing__(self, name: str) -> str:
        return _UNSAID.get(name, "…")


def recognise(text: str) -> Recognised | None:
    """The line that `text` (one line of a log, prefixes and all) holds; None where it is none that we know."""
    one_line = " ".join(_COLOURS.sub("", text).replace("’", "'").split())
    for line in LINES:
        match = _compiled(line.pattern).search(one_line)
        if match is not None:
            return Recognised(line, tuple(_values(match.groupdict())))
    return None


def nearest(text: str) -> LogLine | None:
    """The known line that reads most like `text`; None where nothing comes near."""
    words = " ".join(text.split())[:400]
    score, line = max(
        ((SequenceMatcher(None, words.lower(), line.example.lower()).ratio(), line) for line in LINES),
        key=lambda scored: scored[0],
    )
    return line if score >= _ALIKE else None


def lines_of(rule: str) -> tuple[LogLine, ...]:
    """The lines that belong to a rule."""
    return tuple(line for line in LINES if line.rule == rule)


def _values(groups: Mapping[str, str | None]) -> list[tuple[str, str]]:
    return [
        (name, f"{int(value, 16):#x}" if name in _HEX_VALUES else value)
        for name, value in groups.items()
        if value is not None
    ]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
