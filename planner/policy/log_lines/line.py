"""What is known of one log line."""

from __future__ import annotations

from typing import NamedTuple

SBDF = r"(?P<device>(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}[.:][0-7*])"
DOMAIN = r"(?P<domain>[dD](?:om)?(?:\d+|\[\w+\]|N))"
HEX = r"(?:0x)?[0-9a-f]+"


class LogLine(NamedTuple):
    """A line that somebody may paste.

    `actor` prints it, `example` is how it looks, `pattern` (a regular expression, searched without regard to case)
    finds it; its named groups are the values that `meaning` may quote as {device}, {address} and so on. `rule` is
    the finding that tells it beforehand; without a `remedy` of its own the line has that rule's.
    """

    actor: str
    example: str
    pattern: str
    meaning: str
    remedy: str = ""
    rule: str | None = None
