"""rdm-planner.toml: a project's settings."""

from __future__ import annotations

from planner.formats.host_toml import parse_value
from planner.model.settings import Settings


def parse(text: str) -> Settings:
    """The settings in `text`. InputError names the line (bad TOML) or the key and what was expected there."""
    return parse_value(Settings, text)
