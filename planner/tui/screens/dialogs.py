"""Small dialogs: a question, something to type or to choose, a text to read. Escape always means "leave it"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input

from planner.model.plan import Profile
from planner.tui.commands import key_of, keymap_of
from planner.tui.messages import Opened
from planner.tui.text import Paragraph, Row, cells
from planner.tui.widgets.details import Reader
from planner.tui.widgets.lines import Lines, entitle
from planner.tui.widgets.options import Option, Options

_WIDEST = 110  # as #dialog in planner.tcss


T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A box over the main screen. Escape, a click beside it or on the last hint of its border leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel"),
        Binding("question_mark", "help", "Help"),
    ]

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)

    def action_help(self) -> None:
        """All keys and signs."""
        from planner.tui.screens.help import help_screen

        self.app.push_screen(help_screen(keymap_of(self.app)))

    def on_click(self, event: events.Click) -> None:
        """Beside the box, or on the last hint in its lower border."""
        box = self.query_one("#dialog")
        hint = str(box.border_subtitle or "").rpartition("·")[2]
        x, y = event.screen_x, event.screen_y
        at_hint = bool(hint) and y == box.region.bottom - 1 and 0 < box.region.right - 2 - x <= cells(((hint, ""),))
        if at_hint or not box.region.contains(x, y):
            self.action_cancel()


class Confirm(Dialog[bool]):
    """A question; y says yes, everything else no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No"),
    ]

    def __init__(self, title: str, question: Iterable[Paragraph]) -> None:
        super().__init__()
        self._title = title
        self._question = [*question, ()]

    def compose(self) -> ComposeResult:
        """The box with the question."""
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title)
            yield Reader(self._question)
            yield Answers()

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)

    def action_cancel(self) -> None:
        """That is no answer, and nothing happens."""
        self.dismiss(False)


class Answers(Lines):
    """The two answers of a question; each can be clicked."""

    _YES = " y yes  "

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The one line."""
        return [Row(((" y", "key"), (" yes  ", "dim"), ("  n", "key"), (" no", "dim")))]

    async def on_click(self, event: events.Click) -> None:
        """Answer."""
        event.stop()
        await self.screen.run_action(f"answer({event.x < len(self._YES)})")


Refused = Callable[[str], str | None]
"""Why what was typed will not do, with what is expected; None where it does."""


def nothing_typed(text: str) -> str | None:
    """Refuses an empty field."""
    return None if text else "Nothing is typed yet."


def anything(text: str) -> None:
    """Refuses nothing."""


def no_reason(text: str) -> str | None:
    """Refuses an empty reason."""
    return None if text else "A reason is missing: a few words, or esc."


class Ask(Dialog[str]):
    """Something to type; None for escape. What is refused can be mended: the dialog stays and says why.

    `select`: typing replaces what stands there.
    """

    def __init__(
        self,
        title: str,
        value: str,
        hint: str,
        *,
        refused: Refused = nothing_typed,
        select: bool = False,
        suggester: Suggester | None = None,
        done: str = "done",
        placeholder: str = "",
    ) -> None:
        super().__init__()
        self._title, self._value, self._hint, self._suggester = title, value, hint, suggester
        self._refused, self._select, self._done = refused, select, done
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        """The box with the field."""
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title, f"⏎ {self._done} · esc cancel")
            yield Input(
                self._value,
                self._placeholder,
                compact=True,
                select_on_focus=self._select,
                suggester=self._suggester,
            )
            reader = Reader([((self._hint, "dim"),)])
            reader.can_focus = False  # tab would lead there, and typing would do nothing
            yield reader

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed, or say why it will not do."""
        event.stop()
        text = event.value.strip()
        why = self._refused(text)
        if why is None:
            self.dismiss(text)
            return
        reader = self.query_one(Reader)
        reader.set_text([(("✖ ", "error"), (why, "error")), ((self._hint, "dim"),)])
        reader.refresh(layout=True)


def ask_folder(title: str, hint: str, refused: Refused) -> Ask:
    """A folder to write to; nothing typed means no other than usual."""
    from planner.tui.screens.paths import PathSuggester

    suggester = PathSuggester()
    return Ask(title, "", hint, refused=refused, suggester=suggester, done="export", placeholder="to its own file")


class Choose(Dialog[int]):
    """One of several; None for escape."""

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

    def on_resize(self, event: events.Resize) -> None:
        """The text above gives way, not the options."""
        inner = min(_WIDEST, event.size.width * 9 // 10) - 4
        room = event.size.height - 2 - self.query_one(Options).needed(inner)
        for reader in self.query(Reader):
            reader.styles.max_height = max(2, room)

    @on(Opened)
    def _chosen(self, message: Opened) -> None:
        message.stop()
        self.dismiss(self.query_one(Options).cursor)


class Reading(Dialog[None]):
    """A text, to scroll and close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("i,question_mark", "cancel", "Close")]

    def __init__(self, title: str, text: Iterable[Paragraph], *, closes: Sequence[str] = ()) -> None:
        super().__init__()
        self._title = title
        self.text = list(text)
        self._closes = closes

    def on_key(self, event: events.Key) -> None:
        """Close by the keys that brought it up too."""
        if event.key in self._closes:
            event.stop()
            self.action_cancel()

    def compose(self) -> ComposeResult:
        """The box with the text."""
        keys = keymap_of(self.app)
        with Vertical(id="dialog") as box:
            entitle(box, self._title, f"{key_of(keys, 'list.down')} {key_of(keys, 'list.up')} scroll · esc back")
            yield Reader(self.text)


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
