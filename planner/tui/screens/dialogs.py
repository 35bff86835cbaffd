"""Small dialogs: a question, something to type or to choose, a text to read. Escape always means "leave it"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input

from planner.model.plan import Profile
from planner.tui.messages import Opened
from planner.tui.text import Paragraph, Row, cut
from planner.tui.view import Subject
from planner.tui.widgets.details import Reader
from planner.tui.widgets.lines import Picker, entitle


class Confirm(ModalScreen[bool]):
    """A question; y says yes, everything else no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, title: str, question: Iterable[Paragraph]) -> None:
        super().__init__()
        self._title = title
        self._question = [*question, (), (("y", "key"), (" yes    ", "dim"), ("n", "key"), (" no", "dim"))]

    def compose(self) -> ComposeResult:
        """The box with the question."""
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title)
            yield Reader(self._question)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class Ask(ModalScreen[str | None]):
    """Something to type; None for escape. Nothing typed is an answer only where `empty`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(
        self, title: str, value: str, hint: str, *, empty: bool = False, suggester: Suggester | None = None
    ) -> None:
        super().__init__()
        self._title, self._value, self._hint, self._empty, self._suggester = title, value, hint, empty, suggester

    def compose(self) -> ComposeResult:
        """The box with the field."""
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title, "⏎ done · esc cancel")
            yield Input(self._value, compact=True, select_on_focus=False, suggester=self._suggester)
            yield Reader([((self._hint, "dim"),)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed."""
        event.stop()
        text = event.value.strip()
        self.dismiss(text if text or self._empty else None)

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)


def ask_folder(title: str, folder: str) -> Ask:
    """A folder to write to."""
    return Ask(title, folder, "Folder to write to. What stands there is kept beside it, dated.")


class Option(NamedTuple):
    """Something to choose: its name, and what there is to say about it."""

    title: str
    about: str = ""


class Options(Picker):
    """The options, one a line."""

    def __init__(self, options: Sequence[Option]) -> None:
        super().__init__()
        self._options = options

    def count(self) -> int:
        """Options."""
        return len(self._options)

    def subject(self) -> Subject:
        """Nothing that the plan knows."""
        return None

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each."""
        return max(1, len(self._options))

    def row(self, index: int, width: int) -> Row:
        """One option."""
        option = self._options[index]
        return Row(cut(((option.title, "strong"), (f"  {option.about}" if option.about else "", "dim")), width))

    def clicked(self, x: int) -> None:
        """A click chooses."""
        self.action_open()


class Choose(ModalScreen[int | None]):
    """One of several; None for escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel")]

    def __init__(self, title: str, options: Sequence[Option], *, text: Iterable[Paragraph] = (), at: int = 0) -> None:
        super().__init__()
        self._title, self._options, self._text, self._at = title, options, list(text), at

    def compose(self) -> ComposeResult:
        """The box with the options, what there is to say first above them."""
        with Vertical(id="dialog") as box:
            entitle(box, self._title, "⏎ choose · esc cancel")
            if self._text:
                yield Reader([*self._text, ()])
            yield Options(self._options)

    def on_mount(self) -> None:
        """Put the cursor among the options."""
        options = self.query_one(Options)
        options.focus()
        options.cursor = self._at

    @on(Opened)
    def _chosen(self, message: Opened) -> None:
        message.stop()
        self.dismiss(self.query_one(Options).cursor)

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)


class Reading(ModalScreen[None]):
    """A text, to scroll and close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,i,question_mark", "close", "Close")]

    def __init__(self, title: str, text: Iterable[Paragraph]) -> None:
        super().__init__()
        self._title = title
        self.text = list(text)

    def compose(self) -> ComposeResult:
        """The box with the text."""
        with Vertical(id="dialog") as box:
            entitle(box, self._title, "j k scroll · esc back")
            yield Reader(self.text)

    def action_close(self) -> None:
        """Back to where it was opened."""
        self.dismiss(None)


def profile_question(now: Profile, other: Profile) -> Confirm:
    """Whether to change the profile, and what the other one means."""
    paragraphs = [((_PROFILES[other][0], "strong"),), (), ((_PROFILES[other][1], ""),)]
    return Confirm(f"Change from profile {now} to {other}?", paragraphs)


_PROFILES = {
    Profile.XEN: (
        "Profile xen: exactly what Xen enforces.",
        (
            "A device that shares a reserved region may then be assigned. With rdm_policy=relaxed Xen only warns, and "
            "the owners of one region can read and change each other's memory."
        ),
    ),
    Profile.DEFAULT: (
        "Profile default: what the design of reserved device memory asks for.",
        (
            "A device that shares a reserved region is blocked whatever its rdm_policy, and a guest that has one is "
            "not exported."
        ),
    ),
}
