"""The one error that bad input raises."""

from __future__ import annotations

from typing import Self


class InputError(ValueError):
    """Input that cannot be used: says where, what is wrong, and what was expected.

    `source` is a file name (or "-"), `line` and `column` count from 1. Readers that work on text know no
    file name; whoever opened the file adds it with `within`. Printed as `source:line:column: message`.
    """

    def __init__(
        self, message: str, *, source: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.line = line
        self.column = column

    def within(self, source: str) -> Self:
        """The same error, known to be in `source`; an error that names its source already keeps it."""
        self.source = self.source or source
        return self

    def __str__(self) -> str:
        place = [str(part) for part in (self.source, self.line, self.column) if part is not None]
        return ": ".join([":".join(place), self.message]) if place else self.message

    @property
    def reason_first(self) -> str:
        """What is wrong, then where: of a long line the end is cut."""
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)
        return f"{self.message}; in {place}" if place else self.message


class EditError(ValueError):
    """An edit that makes no sense on this plan (unknown guest or device), or that the profile blocks."""
