"""The first line: the host, what just happened, and how many problems there are."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from planner.model.plan import Profile
from planner.policy.findings import Severity
from planner.report.words import GLYPHS, plural
from planner.tui.commands import key_of, keymap_of
from planner.tui.files import is_sample
from planner.tui.text import Piece, Row, cells, cut
from planner.tui.view import View
from planner.tui.widgets.lines import Lines

_ROOMY = 100
_SHORTEST = 12
"""Cells that the host's name keeps, whatever else there is to say."""

_TONES = {"✖": "error", "▲": "warning"}


class StatusLine(Lines):
    """Host, release and profile on the left, or the last word; problems and the dirty mark on the right."""

    _problems_at = 0

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        view = self.view
        if view is None:
            return []
        right = self._right(view, roomy=width >= _ROOMY)
        if cells(((view.note, ""),)) > width - cells(right) - 3:
            right = self._right(view, roomy=False)
        room = width - cells(right) - 2
        self._problems_at = width - cells(right) - 1
        left = ((" ", ""), *self._left(view, room))
        if view.note and cells(left) > room:
            more = (f" {key_of(keymap_of(self.app), 'messages')}", "key")
            left = (*cut(left, room - cells((more,)) - 1), more)
        left = cut(left, room)
        return [Row((*left, (" " * (room - cells(left) + 1), ""), *right, (" ", "")))]

    async def on_click(self, event: events.Click) -> None:
        """The counts lead to the problems, a message to all messages."""
        if event.x >= self._problems_at:
            await self.screen.run_action("problems")
        elif self.view is not None and self.view.note:
            await self.screen.run_action("messages")

    def _left(self, view: View, room: int) -> tuple[Piece, ...]:
        plan, release = view.snapshot.plan, view.snapshot.report.release
        sample = "sample " if is_sample(plan.host_file) else ""
        saved = f" ▸ {view.plan_name}" if view.plan_name else ""
        name = (f"{sample}{plan.host.name or plan.host_file}", "strong")
        place = (name, (saved, "strong"))
        release_name = (f" · Xen {release.name}", "dim")
        short = (release_name, (f" · {plan.profile}", "dim"))
        full = (release_name, (f" · profile {plan.profile}", "dim"))
        note = (view.note, _TONES.get(view.note[:1], "accent"))
        if view.note:
            both = (*place, *full, ("   ", ""), note)
            return both if cells(both) < room else (note,)
        brief = (release_name,) if plan.profile is Profile.DEFAULT else short
        for facts in (full, short, brief):
            if cells((*place, *facts)) < room:
                return (*place, *facts)
        rest = ((saved, "strong"), *brief)
        return (*cut((name,), max(_SHORTEST, room - 1 - cells(rest))), *rest)

    def _right(self, view: View, *, roomy: bool) -> tuple[Piece, ...]:
        counts = view.snapshot.report.counts
        pieces: list[Piece] = []
        if view.snapshot.dirty:
            pieces += [("* not saved" if roomy else "*", "accent"), ("  ", "")]
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTICE):
            number = counts[severity]
            if number:
                text = plural(number, severity) if roomy else str(number)
                pieces += [(f"{GLYPHS[severity]} {text}", severity), ("  ", "")]
        known = sum(one.acknowledged is not None for one in view.snapshot.report.findings)
        if not counts:
            pieces += [("✔ no problems" if roomy else "✔", "ok"), ("  ", "")]
        if known:
            text = f"{known} acknowledged" if roomy else str(known)
            pieces += [(f"{GLYPHS['acknowledged']} {text}", "acknowledged"), ("  ", "")]
        return tuple(pieces[:-1])
