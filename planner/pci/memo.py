"""Answers about a host that are asked again on every keystroke."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from planner.model.host import Host

Answer = TypeVar("Answer")


def once_per_host(function: Callable[[Host], Answer]) -> Callable[[Host], Answer]:
    """Remember `function`'s answer for the host asked about last: a host never changes, and hashing one is slow."""
    last: list[tuple[Host, Answer]] = []

    @wraps(function)
    def remembered(host: Host) -> Answer:
        if not last or last[0][0] is not host:
            last[:] = [(host, function(host))]
        return last[0][1]

    return remembered
