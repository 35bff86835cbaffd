"""Colours that can be told apart and read."""

from __future__ import annotations

import pytest
from driving import DESKTOP, site
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from planner.tui import styles
from planner.tui.app import PlannerApp


@pytest.mark.parametrize("theme", [name for name in BUILTIN_THEMES if "ansi" not in name])
def test_dim_text_is_read_in_every_theme(theme: str) -> None:
    app = PlannerApp(site(DESKTOP))
    app.theme = theme
    variables = app.theme_variables
    made = styles.make(app)
    for name in ("dim", "away", "firmware"):
        colour = made[name].color
        assert colour is not None
        for ground in ("background", "panel"):
            assert styles.contrast(Color.parse(colour.name), Color.parse(variables[ground])) >= 3


def test_errors_are_red_in_sixteen_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    app = PlannerApp(site(DESKTOP))
    assert app.console.color_system == "standard"
    made = styles.make(app)
    found = {name: made[name].color.downgrade(ColorSystem.STANDARD).number for name in ("error", "warning", "ok")}  # type: ignore[union-attr]
    assert found["error"] in (1, 9)
    assert found["warning"] in (3, 11)
    assert found["ok"] in (2, 10)
