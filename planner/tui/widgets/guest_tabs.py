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
        tabs = [self._tab(view, index) for index in range(len(guests))]
        widths = [cells(tab) for tab in tabs]
        first, last = _window(widths, view.guest, width - 10)
        pieces: list[Piece] = []
        if first > 0:
            pieces.append((f"‹{first} ", "dim"))
        self._places = []
        for index in range(first, last):
            start = cells(pieces)
            pieces += tabs[index]
            self._places.append((start, start + widths[index], index))
        if last < len(guests):
            pieces.append((f" {len(guests) - last}›", "dim"))
        return [Row(cut(pieces, width))]

    def _tab(self, view: View, index: int) -> tuple[Piece, ...]:
        guest = view.snapshot.plan.guests[index]
        name = clean(guest.name)
        name = fit(name, _LONGEST) if cells(((name, ""),)) > _LONGEST else name
        counts = view.counts.get(guest.name, Counter[str]())
        star = ("*" if guest.name in view.unsaved else "") + ("≠" if guest.name in view.on_disk else "")
        here = index == view.guest
        marks = [
            (f" {GLYPHS[severity]}{counts[severity]}", f"tab-{severity}" if here else str(severity))
            for severity in (Severity.ERROR, Severity.WARNING)
            if counts.get(severity)
        ]
        return (
            (f"{'▌' if here else ' '}{index + 1} ", "tab" if here else ""),
            (f"{name}{star}", "tab" if here else ""),
            *marks,
            ("▐" if here else " ", "tab" if here else ""),
        )

    def on_click(self, event: events.Click) -> None:
        """Choose the guest whose tab was clicked."""
        chosen = next((index for start, end, index in self._places if start <= event.x < end), None)
        if chosen is not None:
            self.post_message(GuestChosen(chosen))


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
