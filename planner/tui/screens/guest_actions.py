"""Guests and what holds for the whole plan: new, renamed, removed, read again; profile, release, reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from textual import on

from planner.model.address import Sbdf
from planner.model.edits import AddGuest, RemoveGuest, ReplaceGuest, SetCandidate, SetProfile, SetReason, SetRelease
from planner.model.errors import InputError
from planner.model.guest import Guest, RdmPolicy
from planner.model.plan import Profile
from planner.policy.assignable import wants_reason
from planner.policy.evaluate import Report
from planner.tui import messages
from planner.tui.commands import key_of, with_keys
from planner.tui.editing import Editor
from planner.tui.files import Files
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.view import Look
from planner.tui.widgets.lines import Picker
from planner.xen.build import Stage


class GuestActions(PlanScreen):
    """Choosing guests, and edits of which there are."""

    def __init__(self, editor: Editor, files: Files) -> None:
        super().__init__(editor, files)
        self._asked: set[str] = set()

    def action_choose_guest(self, number: int) -> None:
        """Show guest `number`, counted from 1."""
        if number > len(self.shown.snapshot.plan.guests):
            self.say(f"there is no guest {number}")
        elif number - 1 != self.shown.guest:
            staged = isinstance(self.subject, Stage) and self.shown.look is Look.MAP
            self.show(self.shown.having(guest=number - 1, note=""))
            if isinstance(self.focused, Picker):
                self.focused.tell()
            if staged:
                self.point_at_stage()

    def action_list_guests(self) -> None:
        """All guests, one line each, to choose from."""
        from planner.tui.describe.guests import of_guest
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        view = self.shown
        names = [guest.name for guest in view.snapshot.plan.guests]
        if not names:
            self.say(with_keys("there is no guest yet: {guest.new} makes one", self.keymap))
            return
        options = [Option(f"{index + 1} {name}", of_guest(view, index)) for index, name in enumerate(names)]

        def chosen(index: int | None) -> None:
            if index is not None:
                self.action_choose_guest(index + 1)

        self.app.push_screen(Choose("Guests", options, at=view.guest), chosen)

    def action_next_guest(self, step: int) -> None:
        """The next guest, round and round."""
        count = len(self.shown.snapshot.plan.guests)
        if count:
            self.action_choose_guest((self.shown.guest + step) % count + 1)

    @on(messages.GuestChosen)
    def _guest_chosen(self, message: messages.GuestChosen) -> None:
        self.action_choose_guest(message.index + 1)

    def action_new_guest(self) -> None:
        """Choose what to make a guest from, then its name."""
        from planner.export.copies import copy_of
        from planner.export.templates import TEMPLATES, Firmware, System, new_guest
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        guest = self.shown.current
        options = [Option("empty", "HVM, 2 GiB, no disk: a place to try things")]
        makers: list[Callable[[str], Guest]] = [lambda name: Guest(name=name, type="hvm", memory=2048)]
        for template in TEMPLATES.values():
            starts = "UEFI" if template.firmware is Firmware.OVMF else "BIOS"
            disk = "IDE disk" if template.system is System.WINDOWS else "PV disk"
            options.append(Option(template.label, f"{starts}, {disk}, 4 GiB; example disk and bridge"))
            makers.append(partial(new_guest, template=template))
        if guest is not None:
            options.append(Option(f"copy of {guest.name}", "all of its settings, none of its devices"))
            makers.append(partial(copy_of, guest))
        options.append(Option("from an xl.cfg…", "a guest that is there already"))

        def chosen(index: int | None) -> None:
            if index is None:
                return
            if index == len(makers):
                self.action_open(guests_only=True)
            else:
                notes = ("", *["change its disk and bridge, which are examples"] * len(TEMPLATES))
                text = guest.file.text if guest is not None and guest.file is not None else ""
                same = (
                    "same disks and MACs: change those" if re.search(r"^\s*(disk|vif)\s*=", text, re.MULTILINE) else ""
                )
                told = notes[index] if index < len(notes) else same
                self._ask_name(
                    f"Name of the new guest ({options[index].title})", lambda name: self._add(makers[index](name), told)
                )

        self.app.push_screen(Choose("New guest", options), chosen)

    def action_open(self, *, guests_only: bool = False) -> None:
        """Open a file."""
        raise NotImplementedError

    def _add(self, guest: Guest, note: str = "") -> None:
        self.edit(AddGuest(guest), note="  ".join(filter(None, (_other_file(guest), note))))

    def action_rename_guest(self) -> None:
        """Ask for the chosen guest's new name."""
        guest = self.shown.current
        if guest is None:
            self.say("✖ there is no guest to rename")
            return

        from planner.export.copies import renamed

        def rename(name: str) -> None:
            if name != guest.name:
                new = renamed(guest, name)
                note = "" if guest.file is not None and guest.file.on_disk else _other_file(new)
                self.edit(ReplaceGuest(guest.name, new, f"rename {guest.name} to {name}"), note=note)

        self._ask_name(f"Rename {guest.name}", rename, guest.name)

    def _ask_name(self, title: str, then: Callable[[str], None], name: str = "") -> None:
        from planner.tui.screens.dialogs import Ask

        def named(text: str | None) -> None:
            if text is None:
                return
            try:
                then(text)
            except InputError as error:
                self.say(f"✖ refused: {error}")

        hint = "As xl calls it: letters, digits and ._- go with every tool, and in the name of its file."
        self.app.push_screen(Ask(title, name, hint, refused=self._name_refused(name), select=True), named)

    def _name_refused(self, own: str) -> Callable[[str], str | None]:
        """What is no name for a guest: none, one of digits, which xl takes for a domain's number, or a taken one."""
        taken = {guest.name for guest in self.shown.snapshot.plan.guests} - {own}

        def refused(text: str) -> str | None:
            if not text:
                return "A name is missing."
            if text.isascii() and text.isdigit():
                return f"xl takes {text:.20} for the number of a domain: a name has a letter too."
            if "/" in text:
                return "xl names log files by it, and no file is called by a slash."
            return f"There is a guest {text} already." if text in taken else None

        return refused

    def action_remove_guest(self) -> None:
        """Take the chosen guest out of the plan."""
        guest = self.shown.current
        if guest is None:
            self.say("✖ there is no guest to remove")
            return
        from planner.tui.screens.dialogs import Confirm

        undo = f"{key_of(self.keymap, 'edit.undo')} brings it back"

        def remove(yes: bool | None) -> None:
            if yes:
                self.edit(RemoveGuest(guest.name), note=undo)

        text = f"It leaves the plan; its file, if any, stays. {undo}."
        self.app.push_screen(Confirm(f"Remove guest {guest.name}?", [((text, ""),)]), remove)

    def action_reload_guest(self) -> None:
        """Take what the chosen guest's file says now."""
        guest = self.shown.current
        if guest is None:
            self.say("✖ there is no guest to read again")
            return
        if self.shown.on_disk.get(guest.name) == "gone":
            words = "'s file is gone from disk: {guest.export} {export.one} writes it anew"
            self.say(f"✖ {guest.name}{with_keys(words, self.keymap)}")
            return
        try:
            found = self.files.read_again(guest, self.shown.snapshot.plan)
        except InputError as error:
            self.say(f"✖ not read again: {error.reason_first}")
            return
        if found == guest and (guest.file is None or found.file is None or found.file.text == guest.file.text):
            self.say("the file says just that")
            self.look_at_disk()
            return
        dropped = ", its edits dropped" if guest.name in self.shown.unsaved else ""
        if self.edit(ReplaceGuest(guest.name, found, f"read {guest.name} again{dropped}")):
            self.show(self.editor.read_again(self.shown, found))
        self.look_at_disk()

    def look_at_disk(self) -> None:
        """See which files changed."""
        raise NotImplementedError

    def action_candidate(self) -> None:
        """Mark the device under the cursor for hotplug into the chosen guest, or unmark it."""
        guest, address = self.shown.current, self.device()
        if guest is None or address is None:
            self.say("✖ refused: choose a guest, and a device in the devices pane")
            return
        wanted = address not in self.shown.snapshot.plan.candidates.get(guest.name, ())
        self.edit(SetCandidate(guest.name, address, wanted))

    # The plan

    def action_profile(self) -> None:
        """Ask, then change the profile."""
        from planner.tui.screens.dialogs import profile_question

        now = self.shown.snapshot.plan.profile
        other = Profile.DEFAULT if now is Profile.XEN else Profile.XEN

        def change(yes: bool | None) -> None:
            if yes:
                self.edit(SetProfile(other))

        self.app.push_screen(profile_question(now, other), change)

    def after_edit(self) -> None:
        """Ask for the reason, once a step gave the chosen guest what takes one, or another policy for that."""
        guest, before = self.shown.current, self.shown.snapshot.before
        if guest is None or guest.name in self._asked or before is None:
            return
        known = {item for one in before.plan.guests for item in _unexplained(before, one)}
        if not known.issuperset(_unexplained(self.shown.snapshot.report, guest)):
            self._asked.add(guest.name)
            self.ask_why(guest)

    def ask_why(self, guest: Guest, then: Callable[[], None] = lambda: None) -> None:
        """Ask why the guest may have what only the xen profile lets it have; `then` goes on once that is said."""
        devices = wants_reason(self.shown.snapshot.plan, self.shown.snapshot.report.iommu, guest)
        hint = (
            f"The default profile would block {', '.join(device.short for device in devices)}. Why may it have that? "
            f"The plan and the exported file keep it; esc: later, by {key_of(self.keymap, 'plan.reason')}."
        )
        self._ask_reason(guest.name, hint, must=True, then=then)

    def action_reason(self) -> None:
        """Ask why dom0 may lose the device under the cursor, or why the guest may have what the profile blocks."""
        plan, guest, address = self.shown.snapshot.plan, self.shown.current, self.device()
        device = plan.host.by_address.get(address) if address is not None else None
        when = ""
        if device is not None and device.in_use:
            subject, what = str(device.address), f"dom0 may lose {device.address.short}, its {device.in_use}"
        elif guest is not None:
            subject, what = guest.name, f"{guest.name} may have what the default profile blocks"
            if plan.profile is Profile.DEFAULT:
                when = f" It counts in profile xen alone ({key_of(self.keymap, 'plan.profile')})."
            if device is not None and self.shown.use(device.address):
                when += f" {device.address.short} takes none of its own: the host's inventory names no in_use of it."
        else:
            self.say("✖ there is no guest to give a reason for")
            return
        self._ask_reason(subject, f"Why {what}. The plan keeps it; empty takes it back.{when}", must=False)

    def _ask_reason(self, subject: str, hint: str, *, must: bool, then: Callable[[], None] = lambda: None) -> None:
        from planner.tui.screens.dialogs import Ask, anything, no_reason

        now = self.shown.snapshot.plan.reasons.get(subject, "")

        refused = no_reason if must else anything

        def give(text: str | None) -> None:
            if text is not None and text != now:
                self.edit(SetReason(subject, text))
                then()

        self.app.push_screen(Ask(f"Reason for {subject}", now, hint, refused=refused), give)

    def action_release(self) -> None:
        """Choose the Xen release to replay."""
        from planner.tui.describe.guests import of_release
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option
        from planner.xen.release import RELEASES

        plan, report = self.shown.snapshot.plan, self.shown.snapshot.report
        names: list[str | None] = [None, *RELEASES]
        options = [Option("as the host has it", plan.host.xen or "not said: the default")]
        options += [Option(one.name, of_release(one)) for one in RELEASES.values()]
        at = names.index(report.release.name) if plan.xen is not None else 0

        def choose(index: int | None) -> None:
            if index is not None and names[index] != plan.xen:
                self.edit(SetRelease(names[index]))

        self.app.push_screen(Choose("Xen release to replay", options, at=at), choose)


def _unexplained(report: Report, guest: Guest) -> Iterator[tuple[Sbdf, RdmPolicy | None]]:
    """The guest's devices that take a reason nobody has given, each with its policy."""
    for address in wants_reason(report.plan, report.iommu, guest):
        item = guest.device(address)
        yield address, item.policy if item is not None else None


def _other_file(guest: Guest) -> str:
    """What the guest's file is called, where that is not its name: no file is called by a slash or a blank."""
    from planner.export.xlcfg import file_name

    file = file_name(guest)
    return f"its file: {file}" if file != f"{guest.name}.cfg" else ""
