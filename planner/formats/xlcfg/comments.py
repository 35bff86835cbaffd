"""Comments of an xl.cfg that speak to us: `# rdm-planner: ignore[RDM109] reason`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_STRING_OR_COMMENT = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\#[^\n]*""")
_OURS = re.compile(r"#\s*rdm-planner:\s*(?P<word>[\w-]*)\s*(?:\[(?P<rules>[^\]]*)\])?\s*(?P<reason>.*?)\s*\Z")
_WORDS = ("ignore", "ignore-file")


class Ignore(NamedTuple):
    """One such comment: which rules are not to be told, why, and on which line; `covers` None: in the whole file.

    `line` and `column` are where it stands, from 1. `problem` says why it does not count.
    """

    rules: tuple[str, ...]
    reason: str
    line: int
    column: int
    covers: int | None
    problem: str | None = None


@lru_cache(maxsize=64)  # the app asks after every step, and the texts are the same
def ignores(text: str) -> tuple[Ignore, ...]:
    """The comments of `text` that ignore findings: at a line's end for that line, alone for the next line of config."""
    if "rdm-planner:" not in text:
        return ()
    found = []
    lines = text.split("\n")
    for match in _STRING_OR_COMMENT.finditer(text):
        ours = _OURS.match(match[0])
        if ours is None:
            continue
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
        rules = tuple(rule.strip() for rule in (ours["rules"] or "").split(",") if rule.strip())
        covers = None if ours["word"] == "ignore-file" else _covered(lines, line, column)
        found.append(Ignore(rules, ours["reason"], line, column, covers, _problem(ours["word"], rules, ours["reason"])))
    return tuple(found)


def _covered(lines: list[str], line: int, column: int) -> int:
    """The line itself where something stands before the comment, else the next one of config."""
    if lines[line - 1][: column - 1].strip():
        return line
    below = range(line, len(lines))
    return next((at + 1 for at in below if lines[at].strip() and not lines[at].lstrip().startswith("#")), line)


def _problem(word: str, rules: tuple[str, ...], reason: str) -> str | None:
    if word not in _WORDS:
        return f'expected "ignore[RULE] reason" or "ignore-file[RULE] reason" after rdm-planner:, found {word!r:.40}'
    if not rules:
        return f"{word} names no rule; expected {word}[RDM109] and a reason"
    return None if reason else f"a reason is missing after {word}[{', '.join(rules)}]"
