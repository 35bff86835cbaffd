"""What text readers have in common."""

from __future__ import annotations


def clean(text: str) -> str:
    """`text` on one line without anything unprintable: names in listings are data from elsewhere."""
    return " ".join("".join(char if char.isprintable() else " " if char.isspace() else "" for char in text).split())
