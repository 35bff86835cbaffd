"""The second line: the guests, the chosen one marked, those with problems too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from textual import events

from planner.policy.findings import Severity
from planner.report.words import GLYPHS
from planner.tui.commands import keymap_of, with_keys
from planner.tui.messages import GuestChosen
from planner.tui.text import Piece, Row, cells, clean, cut, fit
from planner.tui.view import View
from planner.tui.widgets.lines import Lines

_LONGEST = 24
_MORE = 16
"""Cells for what is said of the guests out of sight, on both sides."""


class GuestTabs(Lines):
    """As many guests as fit around the chosen one; the signs at the ends say how many more there are."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._places: list[tuple[int, int, int]] = []

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        view = self.view
        if view is None:
            return []
        guests = view.snapshot.plan.guests
        if not guests:
            text = " no guest yet: {guest.new} makes one, {plan.open} opens an xl.cfg"
            return [Row(((fit(with_keys(text, keymap_of(self.app)), width), "dim"),))]
        every = range(len(guests))
        tabs = [self._tab(view, index) for index in every]
        if sum(map(cells, tabs)) > width:
            tabs = [self._tab(view, index, briefly=index != view.guest) for index in every]
        widths = [cells(tab) for tab in tabs]
        first, last = (0, len(guests)) if sum(widths) <= width else _window(widths, view.guest, width - _MORE)
        pieces: list[Piece] = []
        self._places = []
        if first > 0:
            pieces += [("‹", "dim"), *_hidden(view, range(first)), (" ", "")]
            self._places.append((0, cells(pieces), first - 1))
        for index in range(first, last):
            start = cells(pieces)
            pieces += tabs[index]
            self._places.append((start, start + widths[index], index))
        if last < len(guests):
            pieces += [(" ", ""), *_hidden(view, range(last, len(guests))), ("›", "dim")]
            self._places.append((self._places[-1][1], width, last))
        return [Row(cut(pieces, width))]

    def _tab(self, view: View, index: int, *, briefly: bool = False) -> tuple[Piece, ...]:
        guest = view.snapshot.plan.guests[index]
        name = clean(guest.name)
        name = fit(name, _LONGEST) if cells(((name, ""),)) > _LONGEST else name
        counts = view.counts.get(guest.name, Counter[str]())
        star = ("*" if guest.name in view.unsaved else "") + ("≠" if guest.name in view.on_disk else "")
        here = index == view.guest
        marks = [
            (f" {GLYPHS[severity]}{counts[severity]}", f"tab-{severity}" if here else str(severity))
            for severity in ((Severity.ERROR,) if briefly else (Severity.ERROR, Severity.WARNING))
            if counts.get(severity)
        ]
        return (
            (f"{'▌' if here else ' '}{index + 1} ", "tab" if here else ""),
            (f"{name}{star}", "tab" if here else ""),
            *marks,
            ("▐" if here else " ", "tab" if here else ""),
        )

    def on_click(self, event: events.Click) -> None:
        """Choose the guest whose tab was clicked, or the next one out of sight."""
        chosen = next((index for start, end, index in self._places if start <= event.x < end), None)
        if chosen is not None:
            self.post_message(GuestChosen(chosen))


def _hidden(view: View, guests: range) -> tuple[Piece, ...]:
    """How many guests are out of sight on that side, and how many of them have errors."""
    names = [view.snapshot.plan.guests[index].name for index in guests]
    bad = sum(view.counts.get(name, Counter())[Severity.ERROR] > 0 for name in names)
    return ((str(len(names)), "dim"), *([(f" {GLYPHS[Severity.ERROR]}{bad}", "error")] if bad else []))


def _window(widths: list[int], chosen: int, room: int) -> tuple[int, int]:
    """Which tabs to show: the first ones, or as few further on as bring the chosen one in."""
    first = 0
    while first < chosen and sum(widths[first : chosen + 1]) > room:
        first += 1
    last = first
    used = 0
    while last < len(widths) and (last <= chosen or used + widths[last] <= room):
        used += widths[last]
        last += 1
    return first, last
