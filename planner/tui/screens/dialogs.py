"""Small dialogs: a question, a path, a text to read. Escape always means "leave it"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from planner.model.plan import Profile
from planner.tui.commands import Where, of
from planner.tui.text import Paragraph
from planner.tui.widgets.details import Reader
from planner.tui.widgets.lines import entitle


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


class AskFolder(ModalScreen[str | None]):
    """A folder to write to; None for escape or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, folder: str) -> None:
        super().__init__()
        self._title, self._folder = title, folder

    def compose(self) -> ComposeResult:
        """The box with the field."""
        with Vertical(id="dialog", classes="small") as box:
            entitle(box, self._title, "⏎ write · esc cancel")
            yield Input(self._folder, compact=True, select_on_focus=False)
            yield Reader(
                [
                    (("Folder to write to. ", "dim"), ("What stands there is kept beside it as NAME.bak.", "dim")),
                ]
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the folder."""
        event.stop()
        self.dismiss(event.value.strip() or None)

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


def help_screen() -> Reading:
    """All keys, from the registry, and what the signs mean."""
    text: list[Paragraph] = []
    for where in Where:
        text.append(((where.capitalize(), "heading"),))
        text += [
            ((f"{command.shown_keys}  ", "key"), (f"{command.title}. ", "strong"), (command.help, "dim"))
            for command in of(where)
        ]
        text.append(())
    text.append((("Signs", "heading"),))
    text += [((sign, style), (f"  {words}", "")) for sign, style, words in _SIGNS]
    return Reading("Help", text)


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
_SIGNS = (
    ("[x]", "here", "the chosen guest has the device"),
    ("[-]", "away", "another guest has it"),
    ("[ ]", "", "no guest has it; dom0 on the right: its driver there holds it"),
    ("✖", "error", "on a device: the profile blocks it; elsewhere an error, which forbids an export"),
    ("R7", "reserved", "the device has 7 reserved memory regions"),
    ("▲", "warning", "a warning"),
    ("█", "ram", "guest RAM"),
    ("▒", "reserved", "reserved device memory"),
    ("▓", "bars", "BARs"),
    ("╳", "conflict", "reserved device memory and RAM at the same place"),
    ("▚", "lost", "RAM that QEMU does not know: emulated devices lose data there"),
    ("░", "firmware", "BIOS, VGA window, ACPI, APIC, special pages"),
    ("┄", "hole", "the MMIO hole, where BARs go"),
    ("·", "free", "neither RAM nor reserved"),
    ("*", "accent", "on a guest: changed, and not exported yet"),
)
