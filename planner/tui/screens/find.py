"""The command palette: a field, and below it what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from planner.tui.messages import Opened
from planner.tui.palette import Entry, found
from planner.tui.screens.dialogs import CANCEL, Dialog
from planner.tui.widgets.options import Option, Options

_MOST = 100
"""So many are shown: who looks for more types on."""


class Hits(Options, can_focus=False):
    """What was found; the field above keeps the focus."""

    _focused = True
    _known: tuple[Sequence[Option], int, int] = ((), 0, 0)

    def _below(self, width: int) -> int:
        """The same for the same options: with every letter typed it is asked for several times."""
        options, known_width, lines = self._known
        if options is not self._options or known_width != width:
            lines = super()._below(width)
            self._known = (self._options, width, lines)
        return lines


class Find(Dialog[Callable[[], object]]):
    """Closes with what the chosen entry does. `first` is shown before anything is typed, `every` is what is found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move('step', 1)", "Down"),
        Binding("up", "move('step', -1)", "Up"),
        Binding("pagedown,ctrl+f", "move('page', 1)", "Page down"),
        Binding("pageup,ctrl+b", "move('page', -1)", "Page up"),
    ]

    def __init__(self, every: Iterable[Entry], first: int) -> None:
        super().__init__()
        self._every = list(every)
        self._hits = self._first = self._every[:first]

    def compose(self) -> ComposeResult:
        """The field and what it finds."""
        with Vertical(id="dialog", classes="find") as box:
            self.entitle(box, "Find", ("enter", "⏎ choose"), ("pagedown", "↑ ↓ pgdn"), CANCEL)
            yield Input(placeholder="a command, guest, device, region, problem, release or theme", compact=True)
            yield Hits(_options(self._hits))

    def action_move(self, how: str, steps: int) -> None:
        """Move among what was found."""
        hits = self.query_one(Hits)
        (hits.action_step if how == "step" else hits.action_page)(steps)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Find anew."""
        self._hits = found(event.value, self._every)[:_MOST] if event.value.strip() else self._first
        self.query_one(Hits).show_options(_options(self._hits))

    def on_input_submitted(self) -> None:
        """Choose."""
        if self._hits:
            self.dismiss(self._hits[self.query_one(Hits).cursor].act)

    @on(Opened)
    def _clicked(self, message: Opened) -> None:
        message.stop()
        self.on_input_submitted()


def _options(entries: Iterable[Entry]) -> list[Option]:
    options = [Option(entry.title, entry.about) for entry in entries]
    return options or [Option("nothing found", "every word typed begins a word of what is found", faint=True)]
