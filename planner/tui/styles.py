"""The styles of pieces of text, from the theme's colours.

Not component classes: Textual resolves each of those anew for every widget and focus change, which doubled the time to
the first paint.
"""

from __future__ import annotations

from collections.abc import Mapping

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
_FADED = {"dim": _DIM, "away": _DIM, "firmware": _DIM, "hole": _FAINT, "free": _FAINT, "bar": 0.4}
_FILLED = {"cursor": "", "tab": "foreground", "tab-error": "text-error", "tab-warning": "text-warning"}
_REVERSED = ("cursor", "tab", "tab-error", "tab-warning", "conflict")

NAMES = frozenset({"strong", *_COLOURS, *_FADED, *_FILLED})
"""Every name that a piece of text may have for its style."""


def make(app: App[object]) -> Mapping[str, Style]:
    """The styles under the app's theme. Without colours of our own choice (NO_COLOR, the terminal's palette) what
    stands out is bold or reversed instead.
    """  # noqa: D205
    variables = app.theme_variables
    bare = app.no_color or app.native_ansi_color
    styles = {name: Style(color=_colour(variables, variable)) for name, variable in _COLOURS.items()}
    styles["strong"] = Style()
    for name, share in _FADED.items():
        styles[name] = Style(dim=True) if bare else Style(color=_faded(variables, share))
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


def _faded(variables: Mapping[str, str], share: float) -> str:
    back, front = Color.parse(variables["background"]), Color.parse(variables["foreground"])
    return back.blend(front, share).rich_color.name
