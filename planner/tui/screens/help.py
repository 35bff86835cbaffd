"""Help: the keys of the pane with the cursor first, then all of them, and what the signs mean. And the guided tour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from planner.tui.commands import Command, Keymap, Where, keys_of, of, with_keys
from planner.tui.glyphs import MOVED
from planner.tui.screens.dialogs import Dialog, Reading
from planner.tui.text import Paragraph
from planner.tui.widgets.details import Reader

_PANES = {
    "devices": ("Devices", "What belongs together stands under one heading; a box says who has the device."),
    "sizes": ("What if", "Left and right change the size under the cursor; map and problems follow at once."),
    "host": ("Host", "Each reserved region with the devices that reach it, and the guests that have them."),
    "map": ("Memory map", "From 0 up; a line's length grows with the logarithm of its size."),
    "compare": ("Side by side", "One line a range; ✖ where the columns cannot all be right."),
    "problems": ("Problems", "The chosen guest's, then the host's; enter goes to the place."),
    "preview": ("Export", "What an xl.cfg becomes, before anything is written."),
}
_WORDS = {
    "sizes": {
        "list.page_down": "Eight steps less",
        "list.page_up": "Eight steps more",
        "list.unfold": "One step more",
        "list.fold": "One step less",
        "list.open": "Type an exact value, or none",
    },
    "devices": {"list.unfold": "Unfold the heading", "list.fold": "Fold the heading", "list.open": "All details"},
    "problems": {"list.open": "Go to its place"},
}
"""What the keys of every list do in one pane, where that is something else."""

_FOR_PANE = {
    "devices": ("device.", "filter"),
    "sizes": ("size.",),
    "host": ("host",),
    "map": ("map.", "size."),
    "compare": ("map.",),
    "problems": ("problem.",),
    "preview": ("export.",),
}


def help_screen(keymap: Keymap, pane: str = "") -> Reading:
    """The help, the keys of `pane` first."""
    text: list[Paragraph] = []
    if pane in _PANES:
        title, about = _PANES[pane]
        text += [((f"Here: {title}  ", "heading"), (about, ""))]
        here = [*of(Where.MAIN), *of(Where.EXPORT)]
        here = [one for one in here if one.id.startswith(_FOR_PANE[pane])] + [*of(Where.LIST)]
        words = _WORDS.get(pane, {})
        text += [((f"{one.shown_keys(keymap)}  ", "key"), (words.get(one.id, one.title), "")) for one in here]
        text.append(())
    text.append((("Signs", "heading"),))
    text += [((sign, style), (f"  {words}", "")) for sign, style, words in _SIGNS]
    text.append(())
    for where in Where:
        for group, commands in groupby(of(where), key=lambda one: one.group or where.capitalize()):
            text.append(((group, "heading"),))
            text += [_command(one, keymap) for one in commands]
            text.append(())
    text += [(("Keys can be changed by id in settings.toml; `rdm-planner --help` says where it is.", "dim"),)]
    return Reading("Help", text, closes=keys_of(keymap, "help"))


def _command(command: Command, keymap: Keymap) -> Paragraph:
    return (
        (f"{command.shown_keys(keymap)}  ", "key"),
        (f"{command.title}. ", "strong"),
        (command.help, ""),
        (f" [{command.id}]", "dim"),
    )


_SIGNS = (
    ("[x]", "here", "the chosen guest has the device"),
    ("[-]", "away", "another guest has it, or a driver of dom0's"),
    ("[h]", "here", "it may be attached to the chosen guest while that runs (hotplug)"),
    ("[ ]", "", "nobody has it"),
    ("✖", "error", "on a device: the profile blocks it; elsewhere an error: no export, unless that cures it"),
    ("R7", "reserved", "the device has 7 reserved memory regions"),
    ("▲", "warning", "a warning"),
    ("•", "notice", "a notice: good to know"),
    (MOVED, "accent", "the last step moved or brought it"),
    ("█", "ram", "guest RAM"),
    ("▒", "reserved", "reserved device memory"),
    ("▓", "bars", "BARs"),
    ("╳", "conflict", "reserved device memory and RAM at the same place"),
    ("▚", "lost", "RAM that QEMU does not know: emulated devices lose data there"),
    ("░", "firmware", "BIOS, VGA window, ACPI, APIC, special pages"),
    ("┄", "hole", "the MMIO hole, where BARs go"),
    ("·", "free", "neither RAM nor reserved"),
    ("*", "accent", "on a guest: its xl.cfg is not written yet, even if the plan is saved; first line: plan not saved"),
    ("2›", "dim", "after the last guest: 2 more on the right; ‹2 before the first"),
    ("≠", "warning", "on a guest: its file was changed on disk since it was read"),
)

_SAMPLE = (
    "This is a sample that comes with the program. For your own machine: `rdm-planner collect -o host.toml` there, "
    "then `rdm-planner host.toml *.cfg`, or {plan.open} here."
)

TOUR: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "What this is",
        (
            (
                "Devices come with memory that the firmware keeps for them. Give one to a guest, and that memory must "
                "appear in the guest where it is on the host."
            ),
            (
                "The planner shows what Xen will make of that, before any reboot. It changes no guest and no host: it "
                "plans, and writes xl.cfg files when you say so."
            ),
        ),
    ),
    (
        "Devices",
        (
            (
                "Choose a guest with 1 to 9 or {guest.previous} and {guest.next}. {device.toggle} gives it the device "
                "under the cursor, or takes it away; {device.unit} takes the whole unit that belongs together, and the "
                "heading says why it does."
            ),
            (
                "[x] the guest has it, [-] another or dom0 has it, [h] it may be plugged in later. R7: it has 7 "
                "reserved regions; ✖ before that: it is blocked, and the details say why. "
                "{filter} filters: try rmrr, free."
            ),
        ),
    ),
    (
        "The memory map",
        (
            "From address 0 up. {pane.next} goes there; every line tells its owner, the rule and the reason.",
            (
                "{map.stage} steps through the build, {map.zoom} zooms below 4 GiB, {map.look} shows what libxl, "
                "hvmloader and QEMU each believe, {map.guests} all guests. Δ marks what your last step moved."
            ),
        ),
    ),
    (
        "Problems",
        (
            (
                "{problem.next} and {problem.previous} go from problem to problem and to its place. {problem.fix} "
                "offers fixes that were tried by building the guest again."
            ),
            "Every step says what it did: +1 ✖ is one error more. {messages} lists all that was said.",
        ),
    ),
    (
        "What if",
        (
            (
                "{size.pane} shows memory, maxmem, mmio_hole and rdm_mem_boundary as sliders; {size.more} and "
                "{size.less} turn the chosen one from anywhere."
            ),
            "{edit.undo} takes back, {edit.redo} makes again, as often as you like; {edit.history} lists every step.",
        ),
    ),
    (
        "Files",
        (
            (
                "{plan.save} saves the plan, with all that you decided. {guest.export} shows what an xl.cfg becomes "
                "and writes it, unless a problem is in the way. A file that somebody else changed is never overwritten."
            ),
            "{help} has all keys, {palette} finds commands, devices and guests by name. {tour} shows this again.",
        ),
    ),
)

_BELOW = 3
"""The page about the problems, which stand below."""

TYPED_AHEAD = 0.4
"""Seconds in which keys were meant for something else."""


class Tour(Dialog[None]):
    """The guided tour, a page at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,l,right,j,down", "turn(1)", "On"),
        Binding("h,left,k,up,backspace", "turn(-1)", "Back"),
        Binding("K", "cancel", "Close"),
    ]

    def __init__(self, keymap: Keymap, *, sample: bool) -> None:
        super().__init__()
        self._keymap, self._sample = keymap, sample
        self._page = 0
        self._since = monotonic()

    def compose(self) -> ComposeResult:
        """The box with the page."""
        with Vertical(id="dialog", classes="small") as box:
            self._title(box)
            reader = Reader(self._text())
            reader.can_focus = False  # its keys turn pages here
            yield reader

    def _title(self, box: Vertical) -> None:
        self.styles.align_vertical = "top" if self._page == _BELOW else "bottom"  # beside what the page is about
        on = "done" if self._page + 1 == len(TOUR) else "on"
        back = [("h", "h back")] if self._page else []
        title = f"{self._page + 1} of {len(TOUR)}: {TOUR[self._page][0]}"
        self.entitle(box, title, ("enter", f"⏎ {on}"), *back, ("escape", "esc close"))

    def _text(self) -> Iterator[Paragraph]:
        paragraphs = [*TOUR[self._page][1], *([_SAMPLE] if self._sample and self._page == 0 else [])]
        for number, paragraph in enumerate(paragraphs):
            if number:
                yield ()
            yield ((with_keys(paragraph, self._keymap), ""),)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Keys typed before anybody can have read the page do nothing."""
        return monotonic() - self._since >= TYPED_AHEAD

    def action_turn(self, step: int) -> None:
        """The next page, or the one before; after the last one, the planner."""
        if self._page + step >= len(TOUR):
            self.dismiss(None)
            return
        self._page = max(0, self._page + step)
        self._title(self.query_one(Vertical))
        reader = self.query_one(Reader)
        reader.set_text(self._text())
        reader.refresh(layout=True)
