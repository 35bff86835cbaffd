"""Textual's driver for a terminal, with less to send."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver

from planner.tui.lean_output import Lean


class LeanDriver(LinuxDriver):
    """Whatever is written goes through the filter; each start begins with what the terminal then has on: nothing."""

    _lean = Lean()

    def write(self, data: str) -> None:
        """Send less for the same screen."""
        self._lean.resize(*self._get_terminal_size())
        super().write(self._lean(data))

    def forget(self) -> None:
        """Take nothing for known of what the terminal shows."""
        self._lean.forget()

    def start_application_mode(self) -> None:
        """Begin, or go on after the shell."""
        self._lean = Lean()
        super().start_application_mode()  # type: ignore[no-untyped-call]
