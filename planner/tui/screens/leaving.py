"""The question before unsaved work is left."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from planner.tui.screens.dialogs import Dialog
from planner.tui.widgets.answers import Answers
from planner.tui.widgets.details import Reader


class Leaving(Dialog[str]):
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
        with Vertical(id="dialog", classes="small") as box:
            self.entitle(box, self._title)
            yield Reader([((self._question, ""),), ()])
            yield Answers(("y", "yes"), ("s", "save the plan first"), ("n", "no"))

    def action_answer(self, answer: str) -> None:
        """Close with the answer."""
        self.dismiss(answer)
