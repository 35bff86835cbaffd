"""Small dialogs: a question, something to type or to choose, a text to read. Escape always means "leave it"."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from planner.model.plan import Profile
from planner.tui.clipboard import copy
from planner.tui.commands import key_of, keymap_of, keys_of
from planner.tui.messages import Opened
from planner.tui.screens.paths import PathSuggester, meant
from planner.tui.text import Paragraph, text_of, to_ascii
from planner.tui.widgets.answers import Answers
from planner.tui.widgets.details import Reader
from planner.tui.widgets.lines import entitle
from planner.tui.widgets.options import Option, Options

CANCEL, _BACK = ("escape", "esc cancel"), ("escape", "esc back")
_WIDEST = 110  # as #dialog in planner.tcss


T = TypeVar("T")


Hint = tuple[str, str]
"""A key, as Textual calls it, and what the border says of it."""

_BETWEEN = " · "


class Dialog(ModalScreen[T | None]):
    """A box over the main screen. Escape or a click beside it leave it; each hint of its border can be clicked."""

    _hints: Sequence[Hint] = ()

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

    def entitle(self, box: Widget, title: str, *hints: Hint) -> None:
        """Title the box, and say in its lower border which keys do what."""
        self._hints = hints
        entitle(box, title, _BETWEEN.join(text for _, text in hints))

    def on_click(self, event: events.Click) -> None:
        """Beside the box, or on a hint in its lower border."""
        box = self.query_one("#dialog")
        x, y = event.screen_x, event.screen_y
        if not box.region.contains(x, y):
            self.action_cancel()
        elif y == box.region.bottom - 1:
            subtitle = str(box.border_subtitle or "")
            start = box.region.right - 3 - len(subtitle)  # a blank, the border and its corner are on the right of it
            before = subtitle[: max(0, x - start + 1)]
            between = to_ascii(_BETWEEN) if self.app.has_class("-ascii") else _BETWEEN
            if before and x < start + len(subtitle):
                self.app.simulate_key(self._hints[before.count(between)][0])


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
            self.entitle(box, self._title)
            yield Reader(self._question)
            yield Answers(("y", "yes"), ("n", "no"))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)

    def action_cancel(self) -> None:
        """That is no answer, and nothing happens."""
        self.dismiss(False)


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
        suggester: PathSuggester | None = None,
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
            self.entitle(box, self._title, ("enter", f"⏎ {self._done}"), CANCEL)
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

    def on_input_changed(self) -> None:
        """What was wrong is being mended."""
        self._tell(((self._hint, "dim"),))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what was typed, or say why it will not do."""
        event.stop()
        text = event.value.strip()
        if self._suggester is not None:
            text = meant(text)
        why = self._refused(text)
        if why is None:
            self.dismiss(text)
            return
        self._tell((("✖ ", "error"), (why, "error")), ((self._hint, "dim"),))

    def _tell(self, *text: Paragraph) -> None:
        reader = self.query_one(Reader)
        if reader.text != text_of(text):
            reader.set_text(text)
            reader.refresh(layout=True)


def ask_folder(title: str, hint: str, refused: Refused) -> Ask:
    """A folder to write to; nothing typed means no other than usual."""
    return Ask(
        title, "", hint, refused=refused, suggester=PathSuggester(), done="export", placeholder="to its own file"
    )


class Choose(Dialog[int]):
    """One of several; None for escape."""

    def __init__(self, title: str, options: Sequence[Option], *, text: Iterable[Paragraph] = (), at: int = 0) -> None:
        super().__init__()
        self._title, self._options, self._text, self._at = title, options, list(text), at

    def compose(self) -> ComposeResult:
        """The box with the options, what there is to say first above them."""
        with Vertical(id="dialog") as box:
            self.entitle(box, self._title, ("enter", "⏎ choose"), CANCEL)
            if self._text:
                yield Reader([*self._text, ()])
            yield Options(self._options)

    def on_mount(self) -> None:
        """Put the cursor among the options."""
        options = self.query_one(Options)
        self.set_focus(options)
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
    """A text, to scroll, copy and close; by the keys that brought it up too (`closes`, as Textual calls them)."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "Copy", id="copy")]

    def __init__(self, title: str, text: Iterable[Paragraph], *, closes: Iterable[str] = ()) -> None:
        super().__init__()
        self._title = title
        self.text = list(text)
        for key in closes:
            self._bindings.key_to_bindings[key] = [Binding(key, "cancel")]  # in the place of what else it means

    def compose(self) -> ComposeResult:
        """The box with the text."""
        with Vertical(id="dialog") as box:
            self._say(box)
            yield Reader(self.text)

    def _say(self, box: Widget, note: str = "") -> None:
        keys = keymap_of(self.app)
        moves = " ".join(key_of(keys, f"list.{one}") for one in ("down", "up", "page_down", "first", "last"))
        copied = note or f"{key_of(keys, 'copy')} copy"
        page_down, copy_key = keys_of(keys, "list.page_down")[0], keys_of(keys, "copy")[0]
        self.entitle(box, self._title, *([] if note else [(page_down, f"{moves} scroll")]), (copy_key, copied), _BACK)

    def action_copy(self) -> None:
        """Send the text to the terminal's clipboard, and say so."""
        self._say(self.query_one("#dialog"), copy(self.app, getattr(self.app, "state", None), text_of(self.text)))

    @on(Opened)
    def _read(self, message: Opened) -> None:
        """Enter: it is read."""
        message.stop()
        self.action_cancel()


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
