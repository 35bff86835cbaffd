"""What an actor did and why: the story of a build."""

from __future__ import annotations

from typing import NamedTuple

from planner.model.span import Span


class Step(NamedTuple):
    """One decision.

    `text` says what was decided and from which values, `rule` where in Xen's source it stands, `log` the line that
    the actor logs for it (None: it says nothing, which is what this tool is for), `level` that line's level. `about`
    are the ranges of the guest that it decides about; an empty one is where RAM ends.
    """

    text: str
    rule: str
    log: str | None = None
    level: str = "info"
    about: tuple[Span, ...] = ()
