"""The question before unsaved work is left."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from planner.tui.widgets.details import Reader
from planner.tui.widgets.lines import entitle


class Leaving(ModalScreen[str]):
    """Closes with "lose", "save" or "stay"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('lose')", "Yes"),
        Binding("s", "answer('save')", "Save"),
        Binding("n,escape,q", "answer('stay')", "No"),
    ]

    def __init__(self, title: str, question: str) -> None:
        super().__init__()
        self._title, self._question = title, question

    def compose(self) -> ComposeResult:
        """The box with the question."""
        keys = (("y", "key"), (" yes    ", "dim"), ("s", "key"), (" save the plan first    ", "dim"))
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title)
            yield Reader([((self._question, ""),), (), (*keys, ("n", "key"), (" no", "dim"))])

    def action_answer(self, answer: str) -> None:
        """Close with the answer."""
        self.dismiss(answer)
