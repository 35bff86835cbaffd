"""Every command once: its keys, what it is called, what it does. Bindings, key line, palette and help read this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Which screen or kind of pane knows the command."""

    MAIN = "main screen"
    LIST = "lists and texts"
    EXPORT = "export preview"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `keys` are Textual's key names, letters and ctrl combinations only; a "{key}" in `action` stands for the key
    pressed. `hint` is its word in the key line, "" to leave it out there; `hint_key` the key shown there, where that
    is not the first.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    action: str
    where: Where = Where.MAIN
    hint: str = ""
    hint_key: str = ""

    @property
    def shown_keys(self) -> str:
        """The keys as a person reads them."""
        return " ".join(show_key(key) for key in self.keys)

    @property
    def shown_hint(self) -> tuple[str, str]:
        """Key and word for the key line."""
        return self.hint_key or show_key(self.keys[0]), self.hint

    def bindings(self) -> Iterator[Binding]:
        """One Textual binding a key."""
        for key in self.keys:
            yield Binding(key, self.action.format(key=key), self.title, show=False, id=f"{self.id}.{key}")


_SHOWN = {
    "space": "␣",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "question_mark": "?",
    "enter": "⏎",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def show_key(key: str) -> str:
    """A key's name as a person reads it: "ctrl+p" is "^p"."""
    return _SHOWN.get(key, key.replace("ctrl+", "^"))


COMMANDS: tuple[Command, ...] = (
    Command(
        "device.toggle",
        ("space",),
        "Assign or release the device",
        "Gives the device under the cursor to the chosen guest, or takes it away. Refused, with the reason, while the "
        "profile blocks the device or another guest has it.",
        "toggle_device",
        hint="assign",
    ),
    Command(
        "device.policy",
        ("p",),
        "Next rdm_policy of the device",
        "For a device that the chosen guest has: default, strict, relaxed, and round again.",
        "policy",
        hint="policy",
    ),
    Command("edit.undo", ("u",), "Undo", "Takes the last edit back; as many as there were.", "undo", hint="undo"),
    Command("edit.redo", ("U", "ctrl+r"), "Redo", "Makes the last undone edit again.", "redo"),
    Command(
        "guest.choose",
        tuple("123456789"),
        "Choose guest 1 to 9",
        "Shows that guest's devices, map and problems. Further ones by [ and ], or in the palette.",
        "choose_guest({key})",
    ),
    Command(
        "guest.previous",
        ("left_square_bracket",),
        "Previous guest",
        "Shows the guest on the left.",
        "next_guest(-1)",
    ),
    Command(
        "guest.next",
        ("right_square_bracket",),
        "Next guest",
        "Shows the guest on the right.",
        "next_guest(1)",
        hint="guest",
        hint_key="[ ]",
    ),
    Command(
        "problem.next",
        ("full_stop",),
        "Next problem",
        "Goes to the next problem of this guest or of the host, and to its device or memory range.",
        "next_problem(1)",
        hint="problem",
    ),
    Command(
        "problem.previous",
        ("comma",),
        "Previous problem",
        "Goes to the problem before.",
        "next_problem(-1)",
    ),
    Command(
        "filter",
        ("slash",),
        "Filter devices",
        "Shows only devices with all the words typed, in address, name, class, driver or owner. Also: shared, rmrr, "
        "free, blocked.",
        "filter",
        hint="filter",
    ),
    Command(
        "guest.export",
        ("e",),
        "Preview and export xl.cfg",
        "Shows what the chosen guest's file would become, and writes it, or all of them.",
        "export",
        hint="export",
    ),
    Command(
        "plan.profile",
        ("P",),
        "Change the profile",
        "default blocks every device with a shared reserved region; xen allows exactly what Xen allows.",
        "profile",
    ),
    Command("pane.next", ("tab",), "Next pane", "Devices, memory map, problems.", "next_pane(1)"),
    Command("pane.previous", ("shift+tab",), "Previous pane", "The other way round.", "next_pane(-1)"),
    Command(
        "pane.maximise",
        ("m",),
        "Maximise the pane",
        "Gives the pane with the cursor the whole screen, and back.",
        "maximise",
    ),
    Command("details", ("i",), "All details", "Everything known about what the cursor stands on.", "details"),
    Command(
        "back",
        ("escape",),
        "One level back",
        "Ends the filter, then the maximised pane, then goes back to the devices.",
        "back",
    ),
    Command("help", ("question_mark",), "Help", "Keys, and what the signs mean.", "help", hint="help"),
    Command(
        "palette",
        ("ctrl+p", "colon"),
        "Command palette",
        "Every command, device, guest and problem by name.",
        "palette",
        hint="palette",
    ),
    Command("quit", ("q", "ctrl+q"), "Quit", "Asks first while edits are not exported.", "leave", hint="quit"),
    Command("list.down", ("j", "down"), "Down", "One line down.", "step(1)", Where.LIST),
    Command("list.up", ("k", "up"), "Up", "One line up.", "step(-1)", Where.LIST),
    Command("list.first", ("g", "home"), "First", "To the first line.", "edge(-1)", Where.LIST),
    Command("list.last", ("G", "end"), "Last", "To the last line.", "edge(1)", Where.LIST),
    Command("list.page_down", ("pagedown", "ctrl+f"), "Page down", "One page down.", "page(1)", Where.LIST),
    Command("list.page_up", ("pageup", "ctrl+b"), "Page up", "One page up.", "page(-1)", Where.LIST),
    Command("list.unfold", ("l", "right"), "Unfold", "Opens the group under the cursor.", "fold(False)", Where.LIST),
    Command("list.fold", ("h", "left"), "Fold", "Closes the group under the cursor.", "fold(True)", Where.LIST),
    Command(
        "list.open",
        ("enter",),
        "Open",
        "All details of a device or memory range; goes to the place of a problem; folds a heading.",
        "open",
        Where.LIST,
    ),
    Command(
        "export.one",
        ("x",),
        "Export this guest",
        "Writes the shown file, after asking where to. Refused while anything blocks.",
        "export_one",
        Where.EXPORT,
        "export this guest",
    ),
    Command(
        "export.all",
        ("X",),
        "Export all guests",
        "Writes every guest's file, after asking where to. Refused while anything blocks.",
        "export_all",
        Where.EXPORT,
        "export all",
    ),
    Command(
        "export.form",
        ("d", "tab"),
        "Changes or whole file",
        "Switches between what changes and the file as it would be.",
        "form",
        Where.EXPORT,
        "changes or whole file",
    ),
    Command(
        "export.close",
        ("escape", "q", "e"),
        "Close",
        "Back to the plan.",
        "close",
        Where.EXPORT,
        "back",
    ),
)


def of(where: Where) -> tuple[Command, ...]:
    """The commands of a screen or pane, in order."""
    return tuple(command for command in COMMANDS if command.where is where)


def bindings(where: Where) -> list[BindingType]:
    """The Textual bindings of a screen or pane."""
    return [binding for command in of(where) for binding in command.bindings()]
