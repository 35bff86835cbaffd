"""Every command once: its keys, what it is called, what it does."""

from __future__ import annotations

from planner.tui.commands import Command, Where

_DEVICES, _WHAT_IF, _MAP, _GUESTS = "Devices", "Memory: what if", "Memory map", "Guests"
_PLAN, _PROBLEMS, _SCREEN = "Plan and files", "Problems", "Screen"
_LIST, _EXPORT = Where.LIST, Where.EXPORT


def _main(
    group: str,
    id: str,  # noqa: A002
    keys: str,
    title: str,
    help: str,  # noqa: A002
    action: str,
    hint: str = "",
) -> Command:
    return Command(id, tuple(keys.split()), title, help, action, Where.MAIN, group, hint)


COMMANDS: tuple[Command, ...] = (
    _main(
        _DEVICES, "device.toggle", "space", "Assign or release the device",
        "Gives the device under the cursor to the chosen guest, or takes it away. Refused, with the reason, while the "
        "profile blocks the device or another guest has it.",
        "toggle_device", "assign",
    ),
    _main(
        _DEVICES, "device.unit", "a", "Assign its whole unit, or release it",
        "Gives the guest every device of the isolation unit that it can have, as one step; once it has them all, takes "
        "them away. Says what was left out.",
        "together('unit')", "unit",
    ),
    _main(
        _DEVICES, "device.slot", "A", "Assign the whole slot",
        "The same for every function of the device's slot.",
        "together('slot')", "slot",
    ),
    _main(
        _DEVICES, "device.policy", "p", "Next rdm_policy of the device",
        "For a device that the chosen guest has: default, strict, relaxed, and round again.",
        "policy", "policy",
    ),
    _main(
        _DEVICES, "device.hotplug", "c", "Candidate for hotplug",
        "Marks the device as one that may be attached to the chosen guest while that runs; the details say what "
        "xl pci-attach would meet.",
        "candidate", "hotplug",
    ),
    _main(
        _DEVICES, "filter", "slash", "Filter devices",
        "Shows only devices with all the words typed, in address, name, class, driver or owner, or that a region at an "
        "address has. Also: shared, rmrr, ivmd, blocked, hotplug; free is what no guest and no driver of dom0's has.",
        "filter", "filter",
    ),
    _main(
        _WHAT_IF, "size.pane", "w", "What if: sizes of the guest",
        "memory, maxmem, mmio_hole and rdm_mem_boundary in the place of the devices; left and right change the one "
        "under the cursor, enter takes an exact value. Map and problems follow.",
        "sizes", "what if",
    ),
    _main(
        _WHAT_IF, "size.more", "plus equals_sign", "More of the chosen size",
        "From any pane: one step more of the size last chosen in the what-if pane (memory at first).",
        "resize(1)", "size",
    ),
    _main(_WHAT_IF, "size.less", "minus", "Less of the chosen size", "One step less.", "resize(-1)"),
    _main(
        _WHAT_IF, "size.file", "V", "The chosen size as in the file",
        "Takes back what was turned or typed: the file's value again, or none where it says none.",
        "size_as_in_file",
    ),
    _main(
        _MAP, "map.look", "v", "Three views, or the map",
        "What libxl, hvmloader and QEMU each take an address for, side by side; where they clash is marked.",
        "look('views')", "views",
    ),
    _main(
        _MAP, "map.guests", "M", "All guests' maps, or the map",
        "The maps of all guests beside one another, on the same addresses; left and right bring further ones in sight. "
        "✖ before a name: that guest does not start.",
        "look('guests')", "all guests",
    ),
    _main(
        _MAP, "map.stage", "t", "Next stage of the build",
        "The map as it stood once asked, reserved, e820, firmware and attach were done, and what was decided there.",
        "stage(1)", "stage",
    ),
    _main(_MAP, "map.stage_back", "T", "Previous stage of the build", "The other way round.", "stage(-1)"),
    _main(
        _MAP, "map.zoom", "z", "Zoom the map",
        "Only what lies below 4 GiB; on a line that holds several ranges, those; and back to all of it.",
        "zoom", "zoom",
    ),
    _main(
        _GUESTS, "guest.choose", "1 2 3 4 5 6 7 8 9", "Choose guest 1 to 9",
        "Shows that guest's devices, map and problems. Further ones by [ and ], 0, or in the palette.",
        "choose_guest({key})",
    ),
    _main(
        _GUESTS, "guest.list", "0", "List of the guests",
        "All guests, with whether each starts and its worst problem; enter goes to one.",
        "list_guests", "guests",
    ),
    _main(
        _GUESTS, "guest.previous", "left_square_bracket", "Previous guest", "Shows the guest on the left.",
        "next_guest(-1)",
    ),
    _main(
        _GUESTS, "guest.next", "right_square_bracket", "Next guest", "Shows the guest on the right.",
        "next_guest(1)", "guest",
    ),
    _main(
        _GUESTS, "guest.new", "n", "New guest",
        "From a template, as a copy of the chosen guest, or from an xl.cfg.",
        "new_guest", "new",
    ),
    _main(_GUESTS, "guest.rename", "r", "Rename the guest", "Asks for the new name.", "rename_guest", "rename"),
    _main(
        _GUESTS, "guest.remove", "x", "Remove the guest from the plan",
        "Asks first. Its file stays; undo brings it back.",
        "remove_guest", "remove",
    ),
    _main(
        _GUESTS, "guest.reload", "L", "Read the guest from disk again",
        "Takes what the file says now, as one step that undo takes back.",
        "reload_guest",
    ),
    _main(
        _GUESTS, "guest.export", "e", "Preview and export xl.cfg",
        "Shows what the chosen guest's file would become, and writes it, or all of them.",
        "export", "export",
    ),
    _main(
        _PROBLEMS, "problem.next", "full_stop", "Next problem",
        "Goes to the next problem of this guest or of the host, and to its device, memory range or size.",
        "next_problem(1)", "next",
    ),
    _main(_PROBLEMS, "problem.previous", "comma", "Previous problem", "Goes to the one before.", "next_problem(-1)"),
    _main(
        _PROBLEMS, "problem.fix", "f", "Fixes for the problem",
        "The smallest changes that clear the problem chosen in the problems pane, or else the first about what the "
        "cursor stands on, each proved by building every guest again; the chosen one is made as an edit.",
        "fix", "fix",
    ),
    _main(_PLAN, "edit.undo", "u", "Undo", "Takes the last edit back; as many as there were.", "undo", "undo"),
    _main(_PLAN, "edit.redo", "U ctrl+r", "Redo", "Makes the last undone edit again.", "redo", "redo"),
    _main(
        _PLAN, "edit.history", "H", "Steps so far",
        "Every step by name; enter goes back to just after it.",
        "history", "steps",
    ),
    _main(
        _PLAN, "plan.save", "s ctrl+s", "Save the plan",
        "Writes the whole session to a plan.toml: which files, and what is changed in them. No xl.cfg is touched.",
        "save_plan", "save",
    ),
    _main(
        _PLAN, "plan.save_as", "W", "Save the plan as",
        "Writes the plan to another file, and goes on with that; asks before it replaces one.",
        "save_plan_as",
    ),
    _main(
        _PLAN, "plan.recover", "O", "Sessions left behind",
        "What sessions on this host kept that ended without saving: go on with it, look at it, or throw it away.",
        "recover",
    ),
    _main(
        _PLAN, "plan.changes", "D", "Changes since the plan was saved",
        "What s would write that the saved plan does not say; without one, all that changed since the files were read.",
        "changes", "changes",
    ),
    _main(
        _PLAN, "plan.open", "o", "Open",
        "A guest's xl.cfg joins the plan, and so do several, or a folder of them; a site, an inventory or a plan.toml "
        "takes its place.",
        "open", "open",
    ),
    _main(
        _PLAN, "plan.profile", "P", "Change the profile",
        "default blocks every device with a shared reserved region; xen allows exactly what Xen allows.",
        "profile", "profile",
    ),
    _main(
        _PLAN, "plan.reason", "E", "Write down a reason",
        "Why this guest has what the default profile would block; on a device that dom0 uses, why dom0 may lose it. "
        "The plan keeps it.",
        "reason",
    ),
    _main(_PLAN, "plan.release", "X", "Choose the Xen release", "Which release to replay.", "release", "release"),
    _main(
        _SCREEN, "host", "I", "Host inventory, or the devices",
        "Tables, reserved regions, and who can reach each: devices and the guests that have them.",
        "host", "host",
    ),
    _main(_SCREEN, "pane.next", "tab", "Next pane", "Devices, memory map, problems.", "next_pane(1)", "pane"),
    _main(_SCREEN, "pane.previous", "shift+tab", "Previous pane", "The other way round.", "next_pane(-1)"),
    _main(
        _SCREEN, "pane.maximise", "m", "Maximise the pane",
        "Gives the pane with the cursor the whole screen, and back.",
        "maximise", "maximise",
    ),
    _main(
        _SCREEN, "messages", "N", "Messages so far",
        "Everything that the status line said, in full, newest first.",
        "messages", "messages",
    ),
    _main(
        _SCREEN, "details", "i", "All details",
        "Everything known about what the cursor stands on.",
        "details", "details",
    ),
    _main(
        _SCREEN, "copy", "y", "Copy",
        "Puts what the pane with the cursor tells into the terminal's clipboard, as far as the terminal allows that.",
        "copy", "copy",
    ),
    _main(_SCREEN, "theme", "C", "Change the theme", "The choice is kept.", "theme"),
    _main(
        _SCREEN, "back", "escape", "One level back",
        "Ends the filter, then the zoom, stage and views, then the maximised pane, then goes back to the devices.",
        "back",
    ),
    _main(_SCREEN, "help", "question_mark", "Help", "Keys, and what the signs mean.", "help", "help"),
    _main(_SCREEN, "tour", "K", "Guided tour", "Six short pages on what is where.", "tour"),
    _main(
        _SCREEN, "palette", "ctrl+p colon", "Command palette",
        "Every command, guest, device, region, problem, release and theme by name.",
        "palette", "find",
    ),
    _main(
        _SCREEN, "redraw", "R ctrl+l", "Draw the screen again",
        "After something else wrote to the terminal, such as the kernel on a console.",
        "app.redraw",
    ),
    _main(
        _SCREEN, "suspend", "Z ctrl+z", "Suspend to the shell", "fg brings the planner back.",
        "suspend",
    ),
    _main(_SCREEN, "quit", "q ctrl+q", "Quit", "Asks first while edits are not saved.", "leave", "quit"),
    Command("list.down", ("j", "down"), "Down", "One line down.", "step(1)", _LIST),
    Command("list.up", ("k", "up"), "Up", "One line up.", "step(-1)", _LIST),
    Command("list.first", ("g", "home"), "First", "To the first line.", "edge(-1)", _LIST),
    Command("list.last", ("G", "end"), "Last", "To the last line.", "edge(1)", _LIST),
    Command("list.page_down", ("pagedown", "ctrl+f"), "Page down", "One page down.", "page(1)", _LIST),
    Command("list.page_up", ("pageup", "ctrl+b"), "Page up", "One page up.", "page(-1)", _LIST),
    Command(
        "list.unfold", ("l", "right"), "Unfold, or more", "Opens the group under the cursor; a size grows.",
        "fold(False)", _LIST,
    ),
    Command(
        "list.fold", ("h", "left"), "Fold, or less", "Closes the group under the cursor; a size shrinks.",
        "fold(True)", _LIST,
    ),
    Command(
        "list.fold_all", ("F",), "Fold all, or unfold all", "Closes every group, or opens them where all are closed.",
        "fold_all", _LIST,
    ),
    Command(
        "list.open", ("enter",), "Open",
        "All details of a device or memory range; goes to a problem's place; folds a heading; takes an exact size.",
        "open", _LIST,
    ),
    Command(
        "export.one", ("x",), "Export this guest",
        "Writes the shown file: to its own place, or to a folder that you type. Refused while an error of it blocks.",
        "export_one", _EXPORT, "", "export",
    ),
    Command(
        "export.all", ("X",), "Export all guests",
        "Writes the file of every guest that nothing blocks, each to its own place, or all to a folder that you type.",
        "export_all", _EXPORT, "", "export all",
    ),
    Command(
        "export.form", ("d", "tab"), "Changes, or whole file",
        "Switches between what changes in the file on disk, and the file as it would be.",
        "form", _EXPORT, "", "whole file",
    ),
    Command(
        "export.choose", ("1", "2", "3", "4", "5", "6", "7", "8", "9"), "Choose guest 1 to 9",
        "Shows that guest's file.", "choose_guest({key})", _EXPORT,
    ),
    Command(
        "export.previous", ("left_square_bracket",), "Previous guest", "Shows the file of the guest on the left.",
        "next_guest(-1)", _EXPORT,
    ),
    Command(
        "export.next", ("right_square_bracket",), "Next guest", "Shows the file of the guest on the right.",
        "next_guest(1)", _EXPORT, "", "guest",
    ),
    Command(
        "export.reload", ("L",), "Read the guest from disk again",
        "Takes what the file says now, as one step that undo takes back.",
        "reload_guest", _EXPORT, "", "read again",
    ),
    Command(
        "export.copy", ("y",), "Copy what is shown",
        "To the clipboard through the terminal, and to a file that the lower border names.",
        "copy", _EXPORT, "", "copy",
    ),
    Command("export.help", ("question_mark",), "Help", "Keys of this screen, then all.", "help", _EXPORT, "", "help"),
    Command("export.close", ("escape", "q", "e"), "Close", "Back to the plan.", "close", _EXPORT, "", "back"),
)  # fmt: skip
