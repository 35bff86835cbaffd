"""What a session left behind that was cut off: offered at the next start on the same host."""

from __future__ import annotations

from pathlib import Path

from planner.model.errors import InputError
from planner.model.plan import Plan
from planner.tui.screens.plan_screen import PlanScreen
from planner.tui.text import Paragraph


class RecoveryActions(PlanScreen):
    """Offers the newest copy; nothing is thrown away without being told to."""

    def offer_recovery(self) -> None:
        """Offer what a session left behind, if one did."""
        copies = self.files.left_behind(self.shown.snapshot.plan)
        if copies and self.files.load is not None:
            self._offer(copies)

    def _offer(self, copies: list[Path]) -> None:
        from planner.tui.screens.dialogs import Choose
        from planner.tui.widgets.options import Option

        path = copies[0]
        try:
            plan = self.files.read_copy(path)
        except InputError as error:
            self.files.told.append(f"what a session left behind cannot be read: {error}")
            self.tell()
            return
        options = [
            Option("go on with it", "your files are as they were; nothing is written"),
            Option("show what it holds", "what it decides otherwise than the files"),
            Option("decide later", "it is offered again at the next start"),
            Option("throw it away", "asks once more"),
        ]

        def decide(index: int | None) -> None:
            if index == 0:
                self.recover(plan)
                self.keep_now()  # before the copy goes
                self.files.discard(path)
                self.tell()
            elif index == 1:
                self._show_copy(plan, copies)
            else:
                self.files.told.clear()
            if index == 3:
                self._ask_to_throw_away(path)

        text = self._about(plan, copies)
        self.app.push_screen(Choose("Unsaved edits", options, text=text), decide)

    def _about(self, plan: Plan, copies: list[Path]) -> list[Paragraph]:
        """When the copy was made, and which guests it changes."""
        text: list[Paragraph] = [
            (
                ("A session on this host ended without saving. ", ""),
                (f"Its edits were kept on {self.files.kept_at(copies[0])}.", "strong"),
            )
        ]
        old = {guest.name: guest for guest in self.shown.snapshot.plan.guests}
        new = {guest.name: guest for guest in plan.guests}
        changed = [name for name in {**new, **old} if old.get(name) != new.get(name)]
        if changed:
            text.append(((f"It changes {', '.join(changed)}.", ""),))
        if len(copies) > 1:
            text.append(((f"{len(copies) - 1} older, from sessions before it, will be offered after it.", ""),))
        return text

    def _show_copy(self, plan: Plan, copies: list[Path]) -> None:
        from planner.tui.differences import between
        from planner.tui.screens.dialogs import Reading

        text = between(self.shown.snapshot.plan, plan) or [(("Nothing that the files do not say.", "dim"),)]
        self.files.told.clear()
        self.app.push_screen(Reading("What was kept", text), lambda _: self._offer(copies))

    def _ask_to_throw_away(self, path: Path) -> None:
        from planner.tui.screens.dialogs import Confirm

        def throw_away(yes: bool | None) -> None:
            if yes:
                self.files.discard(path)

        question = [(("The edits of that session are lost then.", ""),)]
        self.app.push_screen(Confirm("Throw it away?", question), throw_away)

    def recover(self, plan: Plan) -> None:
        """Go on with a recovered plan: as edits of what the files hold, which undo takes back."""
        self.attempt(lambda view: self.editor.recover(view, plan))

    def tell(self) -> None:
        """Say what reading files brought up, and forget it."""
        if not self.files.told:
            return
        from planner.tui.screens.dialogs import Reading

        text: list[Paragraph] = [(("▲ ", "warning"), (one, "")) for one in self.files.told]
        self.say(f"▲ {self.files.told[0]}")
        self.files.told.clear()
        self.app.push_screen(Reading("Before you go on", text))
