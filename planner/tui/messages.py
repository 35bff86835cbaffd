"""What panes tell the main screen."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from planner.tui.view import Subject


@dataclass
class Opened(Message):
    """Somebody wants to know all about, or go to, what the cursor stands on."""

    subject: Subject


class ToggleAsked(Message):
    """The box of the device under the cursor was clicked."""


@dataclass
class GuestChosen(Message):
    """A guest's tab was clicked; `index` counts from 0."""

    index: int


@dataclass
class StepsAsked(Message):
    """The chosen size is to change by so many steps."""

    steps: int


@dataclass
class SizeAsked(Message):
    """A place on the rail of size `index` was clicked: its value in MiB."""

    index: int
    value: int


class ExportAsked(Message):
    """Somebody wants to see and write the chosen guest's file."""


class ExactSizeAsked(Message):
    """The chosen size is to be typed."""
