"""Devices and what-if sizes of the chosen guest, fixes, undo and redo."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.widgets import Input

from planner.model.edits import SetReason, Together
from planner.model.errors import EditError
from planner.policy.findings import Finding
from planner.policy.sizes import EXAMPLES, Size
from planner.tui import messages
from planner.tui.bands import Band
from planner.tui.commands import key_of, with_keys
from planner.tui.editing import as_in_file, exact_size, next_policy, outcome, resize, together_with, toggle, turned
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.text import Paragraph
from planner.tui.view import Subject
from planner.tui.widgets.device_list import DeviceList
from planner.tui.widgets.lines import entitle
from planner.tui.widgets.problems import Problems


class DeviceActions(PlanScreen):
    """Edits of the chosen guest."""

    def action_toggle_device(self) -> None:
        """Assign or release the device under the cursor."""
        if not self._on_heading():
            self.edit(lambda view: toggle(view, self.device()))

    @on(messages.ToggleAsked)
    def _toggle_asked(self) -> None:
        self.action_toggle_device()

    def action_together(self, what: str) -> None:
        """Assign or release the rest of the device's unit, or its whole slot."""
        address = self.device()
        if address is None and self.focused is self.query_one(DeviceList):
            address = self.query_one(DeviceList).first_of_unit
        try:
            edit, note = together_with(self.shown, address, what, self.query_one(DeviceList).listed)
        except EditError as error:
            self.say(f"✖ refused: {error}")
            return
        self.edit(edit, note=note)

    def action_policy(self) -> None:
        """The next rdm_policy of the device under the cursor."""
        address = self.device()
        if not self._on_heading():
            matters = address is None or self.shown.regions(address)
            note = "" if matters else f"{address} has no reserved region: its policy decides nothing"
            self.edit(lambda view: next_policy(view, address), note=note)

    def _on_heading(self) -> bool:
        """Whether the cursor is on a heading of the devices pane; says what goes for all devices under one."""
        devices = self.query_one(DeviceList)
        if self.focused is not devices or devices.heading is None:
            return False
        if devices.first_of_unit is None:
            self.say(f"no guest gets these: {devices.heading}")
        else:
            key = key_of(self.keymap, "device.unit")
            self.say(f"a heading: {key} assigns the whole unit, or choose one of its devices")
        return True

    def action_fix(self) -> None:
        """Offer the fixes of the problem under the cursor; make the chosen one."""
        from planner.policy.fixes import fixes
        from planner.tui.screens.dialogs import Choose, Reading
        from planner.tui.widgets.options import Option

        finding = self._finding()
        if finding is None:
            self.say("no problem with this guest or the host")
            return
        found = fixes(self.editor.report, finding)
        text: list[Paragraph] = [((f"{finding.rule.id} ", finding.standing), (finding.message, ""))]
        if found.reason:
            text += [(("nothing leaves it the device: " if found.found else "", "dim"), (found.reason, ""))]
        if found.takes_xen:
            keys = "{plan.profile}: profile xen, then {device.policy}: relaxed, with a reason ({plan.reason})"
            text += [((with_keys(keys, self.keymap), "accent"),)]
        if not found.found:
            self.app.push_screen(Reading(f"No fix for {finding.rule.id}", text, closes=("enter", "f")))
            return
        options = [
            Option(fix.title, f"{outcome(self.editor.report, fix, finding)} · {fix.cost}")
            if fix.needs is None
            else Option(fix.title, f"only if {fix.needs} · {outcome(self.editor.report, fix, finding)} · {fix.cost}")
            for fix in found.found
        ]

        def make(index: int | None) -> None:
            if index is None:
                return
            fix = found.found[index]
            step = Together(fix.edits, f"fix {finding.rule.id} of {finding.guest}: {fix.title}")
            if fix.reason_for is None or fix.needs is None:
                self.edit(step)
            else:
                self._after_a_word(step, fix.reason_for, fix.needs)

        self.app.push_screen(Choose("Fixes, each proved by building every guest again", options, text=text), make)

    def _after_a_word(self, step: Together, subject: str, needs: str) -> None:
        """Make the step together with the written word that it needs: the one that is there, or another."""
        from planner.tui.screens.dialogs import Ask, no_reason

        def give(text: str | None) -> None:
            if text is not None:
                self.edit(replace(step, edits=(*step.edits, SetReason(subject, text))))

        now = self.shown.snapshot.plan.reasons.get(subject, "")
        hint = f"Only if {needs}. Write why that holds: the plan keeps it as the reason for {subject}."
        self.app.push_screen(Ask(f"Reason for {subject}", now, hint, refused=no_reason), give)

    def _finding(self) -> Finding | None:
        """The problem that somebody chose in the problems pane; else the first about what the cursor stands on."""
        problems = self.query_one(Problems)
        if self.focused is not problems and not problems.chosen and (about := self._about_subject()) is not None:
            return about
        subject = problems.subject()
        return subject if isinstance(subject, Finding) else None

    def _about_subject(self) -> Finding | None:
        address, subject = self.device(), self.subject
        for one in self.shown.findings:
            if address is not None and one.device == address:
                return one
            if isinstance(subject, Band) and one.region is not None and one.region.overlaps(subject.span):
                return one
            if isinstance(subject, Size) and one.setting == subject.key:
                return one
        return None

    def action_undo(self) -> None:
        """Take the last edit back."""
        self.attempt(self.editor.undo)

    def action_redo(self) -> None:
        """Make the last undone edit again."""
        self.attempt(self.editor.redo)

    def action_history(self) -> None:
        """Choose a step to go back to."""
        done, undone = self.editor.history, self.editor.undone
        if not done and not undone:
            self.say("no step so far")
            return
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        again = [
            Option(f"{number}  {label}", "undone", faint=True)
            for number, label in reversed([*enumerate(undone, len(done) + 1)])
        ]
        newest_first = [Option(f"{number}  {label}") for number, label in reversed([*enumerate(done, 1)])]
        options = [*again, *newest_first, Option("0  as it was at the beginning")]

        def go(chosen: int | None) -> None:
            if chosen is not None and chosen > len(again):
                self.attempt(lambda view: self.editor.undo(view, chosen - len(again)))
            elif chosen is not None and chosen < len(again):
                self.attempt(lambda view: self.editor.redo(view, len(again) - chosen))

        self.app.push_screen(Choose("Steps so far: go to just after", options, at=len(again)), go)

    # What if

    def action_sizes(self) -> None:
        """The sizes in the place of the devices, and back."""
        self.go_to_pane("devices" if self.left == "sizes" else "sizes")

    def action_resize(self, steps: int) -> None:
        """Move the chosen size."""
        self.edit(lambda view: resize(view, steps), merge=True)

    def action_size_as_in_file(self) -> None:
        """The chosen size as the guest's file has it."""
        self.edit(as_in_file)

    def pointed(self, subject: Subject) -> None:
        """A size under the cursor is the one that the keys change from now on."""
        if isinstance(subject, Size):
            self.show(self.shown.having(size=self.shown.sizes.index(subject)))
        super().pointed(subject)

    @on(messages.StepsAsked)
    def _steps_asked(self, message: messages.StepsAsked) -> None:
        self.action_resize(message.steps)

    @on(messages.SizeAsked)
    def _size_asked(self, message: messages.SizeAsked) -> None:
        guest, size = self.shown.current, self.shown.sizes[message.index]
        if guest is not None and size.effective != message.value:
            self.edit(turned(self.shown, guest, size, message.value), merge=True)

    @on(messages.ExactSizeAsked)
    def _exact_size_asked(self) -> None:
        from planner.tui.screens.dialogs import Ask

        if not self.shown.sizes:
            return
        size = self.shown.sizes[self.shown.size]

        def change(text: str | None) -> None:
            edit = exact_size(self.shown, text) if text is not None else None
            if edit is not None:
                self.edit(edit)
            elif text is not None:
                self.say(f"{size.key} is that already")

        def refused(text: str) -> str | None:
            try:
                size.typed(text)
            except EditError as error:
                return str(error)
            return None

        low, high = size.limits
        default = f"xl's default, {size.default} MiB, holds"
        hint = f"{low} to {high} MiB, such as {EXAMPLES}; empty takes the setting out: {default}."
        said = str(size.said) if size.said is not None else ""
        self.app.push_screen(Ask(size.key, said, hint, refused=refused, select=True), change)

    # Filter

    def action_filter(self) -> None:
        """Type a filter in the place of the key line."""
        self.go_to_pane("devices")
        self.add_class("-filtering")
        self.set_focus(self.query_one("#filter"))  # at once: letters typed ahead are no commands
        self._told_of(self.query_one(DeviceList).needle)

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.query_one(DeviceList).filter(event.value)
        self._told_of(event.value.strip())

    def _told_of(self, needle: str) -> None:
        """Say in the pane's border what is typed, and what ends it."""
        devices = self.query_one(DeviceList)
        found = f" · {len(devices.listed)} found" if devices.listed is not None else ""
        entitle(devices, "Devices", f"/{needle}{found} · ⏎ keep · esc clear")

    @on(Input.Submitted, "#filter")
    def _filter_submitted(self, event: Input.Submitted) -> None:
        self.end_filter(event.value)
