"""Imports only go down, and headless commands load no screen code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SITE = str(ROOT / "sample-hosts" / "dell-poweredge-r820")


def _loaded_by(*arguments: str) -> set[str]:
    """The modules a command has loaded when it ends."""
    code = (
        "import sys, json, atexit; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
        "from planner.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [("check", SITE), ("map", SITE), ("check", SITE, "--format", "json"), ("samples",)]
)
def test_headless_commands_load_neither_textual_nor_rich(arguments: tuple[str, ...]) -> None:
    loaded = _loaded_by(*arguments)
    assert "planner.cli" in loaded
    assert {"textual", "rich", "dissect", "pydantic", "tomli_w", "planner.tui"}.isdisjoint(loaded)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_no_engine(argument: str) -> None:
    assert {"msgspec", "textual", "rich", "planner.xen", "planner.policy"}.isdisjoint(_loaded_by(argument))


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = set(sys.modules); import planner; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "['planner']"


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout
