"""What a session left behind that was cut off: offered at the next start on the same host, and when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from planner.model.errors import InputError
from planner.model.plan import Plan
from planner.tui.commands import with_keys
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.text import Paragraph

if TYPE_CHECKING:
    from planner.tui.widgets.options import Option

WAIT, WAITS = 0.4, 4
"""Seconds, and how often, to wait for a session that is just being cut off: its terminal closed a moment ago."""


class RecoveryActions(PlanScreen):
    """Offers the newest copy; nothing is thrown away without being told to."""

    def action_recover(self) -> None:
        """Offer what sessions on this host left behind."""
        copies = self.files.left_behind(self.shown.snapshot.plan)
        if copies:
            self._offer(copies)
        else:
            self.say("no session on this host left unsaved edits behind")

    def offer_recovery(self, waited: int = 0) -> None:
        """Offer what a session left behind, if one did; one that still runs may be about to end."""
        plan = self.shown.snapshot.plan
        if waited < WAITS and self.files.others_run(plan):
            self.set_timer(WAIT, lambda: self.offer_recovery(waited + 1))
            return
        copies = self.files.left_behind(plan)
        if not copies:
            return
        if waited and (self.app.screen is not self or self.shown.snapshot.dirty):
            self.say(with_keys("▲ a session left unsaved edits behind: {plan.recover} offers them", self.keymap))
        else:
            self._offer(copies)

    def _offer(self, copies: list[Path]) -> None:
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        path, now = copies[0], self.shown.snapshot.plan
        later = Option("decide later", with_keys("{plan.recover} and the next start offer it again", self.keymap))
        away = Option("throw it away", "asks once more")
        self.files.told.clear()
        try:
            plan = self.files.read_copy(path, now)
        except InputError as error:
            self._offer_unreadable(path, error, [later, away])
            return
        told, self.files.told = self.files.told, []
        options = [
            Option("go on with it", "no file is written; undo takes it back"),
            Option("show what it holds", "what is otherwise than in the plan here"),
            later,
            away,
        ]

        def decide(index: int | None) -> None:
            if index == 0:
                self._recover(path, plan)
            elif index == 1:
                self._show_copy(plan, copies)
            elif index == 3:
                self._ask_to_throw_away(path)

        text = [*self._about(plan, copies), *((("▲ ", "warning"), (one, "")) for one in told)]
        self.app.push_screen(Choose("Unsaved edits", options, text=text), decide)

    def _offer_unreadable(self, path: Path, error: InputError, options: list[Option]) -> None:
        from planner.tui.screens.dialogs import Choose

        text: list[Paragraph] = [
            ((f"Edits of {self.files.kept_at(path)} cannot be offered: ", "strong"), (str(error), "")),
            ((f"They are kept in {path}.", ""),),
        ]

        def decide(index: int | None) -> None:
            if index == 1:
                self._ask_to_throw_away(path)

        self.app.push_screen(Choose("Unsaved edits", options, text=text), decide)

    def _about(self, plan: Plan, copies: list[Path]) -> list[Paragraph]:
        """When the copy was made, and what it decides otherwise."""
        from planner.tui.differences import in_short

        text: list[Paragraph] = [
            (
                ("A session on this host ended without saving. ", ""),
                (f"Its edits were kept on {self.files.kept_at(copies[0])}.", "strong"),
            )
        ]
        told = in_short(self.shown.snapshot.plan, plan)
        text.append(((f"It holds: {'; '.join(told)}." if told else "It has nothing that is not open already.", ""),))
        if len(copies) > 1:
            text.append(((f"{len(copies) - 1} older, from sessions before it, will be offered after it.", ""),))
        return text

    def _show_copy(self, plan: Plan, copies: list[Path]) -> None:
        from planner.tui.differences import between
        from planner.tui.screens.dialogs import Reading

        text = between(self.shown.snapshot.plan, plan) or [(("Nothing that is not open already.", "dim"),)]
        self.app.push_screen(Reading("What was kept", text), lambda _: self._offer(copies))

    def _ask_to_throw_away(self, path: Path) -> None:
        from planner.tui.screens.dialogs import Confirm

        def throw_away(yes: bool | None) -> None:
            if yes:
                self.files.discard(path)
                self.say("the edits of that session are thrown away")

        question = [(("The edits of that session are lost then.", ""),)]
        self.app.push_screen(Confirm("Throw it away?", question), throw_away)

    def _recover(self, path: Path, plan: Plan) -> None:
        """Go on with a recovered plan: as edits of what the files hold, which undo takes back."""
        if not self.attempt(lambda view: self.editor.recover(view, plan)):
            return
        try:
            self.files.take_up(path)
        except InputError as error:
            self.say(f"✖ {error}")
            return
        self.show(self.shown.having(plan_name=self.files.plan_name))
        if not self.keep_now():  # before the copy goes
            return
        self.files.discard(path)

    def tell(self) -> None:
        """Say what reading files brought up, and forget it."""
        if not self.files.told:
            return
        from planner.tui.screens.dialogs import Reading

        text: list[Paragraph] = [(("▲ ", "warning"), (one, "")) for one in self.files.told]
        self.say(f"▲ {self.files.told[0]}")
        self.files.told.clear()
        self.app.push_screen(Reading("Before you go on", text))
