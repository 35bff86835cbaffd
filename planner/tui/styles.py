"""The styles of pieces of text, from the theme's colours.

Not component classes: Textual resolves each of those anew for every widget and focus change, which doubled the time to
the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color

_FAINT, _DIM = 0.45, 0.6
_COLOURS = {
    "accent": "text-accent",
    "ok": "text-success",
    "error": "text-error",
    "warning": "text-warning",
    "notice": "text-accent",
    "heading": "text-secondary",
    "here": "text-success",
    "key": "text-accent",
    "ram": "primary",
    "reserved": "text-warning",
    "bars": "text-success",
    "conflict": "text-error",
    "lost": "text-error",
}
_BOLD = ("strong", "error", "heading", "here", "key", "conflict", "tab")
_READABLE = 3.0
_SIXTEEN = {
    **dict.fromkeys(("error", "conflict", "lost"), "#ff0000"),
    **dict.fromkeys(("warning", "reserved"), "#ffff00"),
    **dict.fromkeys(("ok", "here", "bars"), "#00ff00"),
    **dict.fromkeys(("accent", "notice", "key"), "#00ffff"),
    "heading": "#ff00ff",
    "ram": "#0000ff",
}
"""For terminals of 16 colours, in which a theme's fine shades all become grey."""

_FADED = {"dim": _DIM, "away": _DIM, "firmware": _DIM, "hole": _FAINT, "free": _FAINT, "bar": 0.4}
_FILLED = {"cursor": "", "tab": "foreground", "tab-error": "text-error", "tab-warning": "text-warning"}
_REVERSED = ("cursor", "tab", "tab-error", "tab-warning", "conflict")

NAMES = frozenset({"strong", *_COLOURS, *_FADED, *_FILLED})
"""Every name that a piece of text may have for its style."""


def make(app: App[Any]) -> Mapping[str, Style]:
    """The styles under the app's theme. Without colours of our own choice (NO_COLOR, the terminal's palette) what
    stands out is bold or reversed instead.
    """  # noqa: D205
    variables = app.theme_variables
    bare = app.no_color or app.native_ansi_color
    styles = {name: Style(color=_colour(variables, variable)) for name, variable in _COLOURS.items()}
    if app.console.color_system == "standard" and not bare:
        styles |= {name: Style(color=colour) for name, colour in _SIXTEEN.items()}
    styles["strong"] = Style()
    front, grounds = variables["foreground"], tuple(variables[name] for name in ("background", "panel", "surface"))
    for name, share in _FADED.items():
        styles[name] = Style(dim=True) if bare else Style(color=_faded(front, grounds, share))
    for name, variable in _FILLED.items():
        colour = _colour(variables, variable) if variable else None
        styles[name] = Style(color=colour, bgcolor=None if bare else _colour(variables, "primary-muted"))
    for name in _BOLD:
        styles[name] += Style(bold=True)
    for name in _REVERSED if bare else ():
        styles[name] += Style(reverse=True)
    return styles


def _colour(variables: Mapping[str, str], name: str) -> str | None:
    try:
        return Color.parse(variables[name]).rich_color.name
    except (KeyError, ValueError):
        return None


@cache
def _faded(foreground: str, backgrounds: tuple[str, ...], share: float) -> str:
    """The foreground at that share on the first background; more of it where one of them makes it hard to read."""
    front, grounds = Color.parse(foreground), [Color.parse(background) for background in backgrounds]
    colour = grounds[0].blend(front, share)
    while share < 1 and min(contrast(colour, ground) for ground in grounds) < _READABLE:
        share += 0.05
        colour = grounds[0].blend(front, min(1, share))
    return colour.rich_color.name


def contrast(one: Color, other: Color) -> float:
    """How well one is read on the other, 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
