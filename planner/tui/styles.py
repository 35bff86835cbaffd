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
    "acknowledged": "text-success",
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
"""The contrast that text has at least, on every ground (WCAG 2 asks for it of large text and of signs)."""
_LINE = 1.5
"""The contrast of the cursor's line with what is around it, at most: else little can be read on both."""
_SIXTEEN = {
    **dict.fromkeys(("error", "conflict", "lost"), "#ff0000"),
    **dict.fromkeys(("warning", "reserved"), "#ffff00"),
    **dict.fromkeys(("ok", "acknowledged", "here", "bars"), "#00ff00"),
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
    colours = {name: _colour(variables, variable) for name, variable in _COLOURS.items()}
    front, background = variables["foreground"], variables["background"]
    line = None if bare else _line(background, variables["primary"])
    grounds = (background, variables["panel"], variables["surface"], line or background)
    if app.console.color_system == "standard" and not bare:
        colours |= {name: _on(colour, background) for name, colour in _SIXTEEN.items()}
    elif not bare:
        colours |= {name: _readable(colour, front, grounds) for name, colour in colours.items() if colour is not None}
    styles = {name: Style(color=colour) for name, colour in colours.items()}
    styles["strong"] = Style()
    for name, share in _FADED.items():
        styles[name] = Style(dim=True) if bare else Style(color=_faded(front, grounds, share))
    for name, variable in _FILLED.items():
        colour = _colour(variables, variable) if variable else None
        colour = _readable(colour, front, grounds) if colour is not None and not bare else colour
        styles[name] = Style(color=colour, bgcolor=line)
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


def _faded(foreground: str, backgrounds: tuple[str, ...], share: float) -> str:
    """The foreground at that share on the first background; more of it where one of them makes it hard to read."""
    return _readable(Color.parse(backgrounds[0]).blend(Color.parse(foreground), share).hex, foreground, backgrounds)


@cache
def _readable(text: str, foreground: str, backgrounds: tuple[str, ...]) -> str:
    """A colour with as much of the foreground as it takes to be read on each of the backgrounds."""
    colour, front = Color.parse(text), Color.parse(foreground)
    grounds = [Color.parse(background) for background in backgrounds]
    share, found = 0.0, colour
    while share < 1 and min(contrast(found, ground) for ground in grounds) < _READABLE:
        share += 0.05
        found = colour.blend(front, min(1, share))
    return found.rich_color.name


@cache
def _line(background: str, primary: str) -> str:
    """The ground of the cursor's line: of the theme's first colour as much as leaves every text readable."""
    ground, share = Color.parse(background), 0.4
    while share > 0.05 and contrast(ground.blend(Color.parse(primary), share), ground) > _LINE:
        share -= 0.05
    return ground.blend(Color.parse(primary), share).rich_color.name


def _on(colour: str, background: str) -> str:
    """One of the sixteen colours, its darker twin on a light background."""
    return colour.replace("ff", "80") if Color.parse(background).brightness > 0.5 else colour


def contrast(one: Color, other: Color) -> float:
    """How well one is read on the other, 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
