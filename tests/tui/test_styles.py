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
def test_every_text_is_read_on_every_ground_in_every_theme(monkeypatch: pytest.MonkeyPatch, theme: str) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = PlannerApp(site(DESKTOP))
    app.theme = theme
    made = styles.make(app)
    line = made["cursor"].bgcolor
    assert line is not None
    grounds = [app.theme_variables[name] for name in ("background", "panel", "surface")]
    for name, style in made.items():
        for ground in (line.name,) if style.bgcolor is not None else (*grounds, line.name):
            if style.color is not None:
                found = styles.contrast(Color.parse(style.color.name), Color.parse(ground))
                assert found >= 2.99, f"{name} on {ground}"
    assert styles.contrast(Color.parse(line.name), Color.parse(grounds[0])) > 1.2, "the cursor's line is seen"


def test_errors_are_red_in_sixteen_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLORTERM", raising=False)
    app = PlannerApp(site(DESKTOP))
    assert app.console.color_system == "standard"
    assert app.theme == "ansi-dark"
    app.theme = "textual-dark"
    made = styles.make(app)
    found = {name: made[name].color.downgrade(ColorSystem.STANDARD).number for name in ("error", "warning", "ok")}  # type: ignore[union-attr]
    assert found["error"] in (1, 9)
    assert found["warning"] in (3, 11)
    assert found["ok"] in (2, 10)
