"""Terminals and pipes that cannot show every letter, and results to standard output by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = "sample-hosts/fujitsu-d3401-h2"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "planner", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [("check", SITE), ("map", SITE), ("explain", "RDM103"), (SITE,)])
def test_an_encoding_without_our_signs_gets_their_twins(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, PYTHONIOENCODING="latin-1")
    assert done.returncode in (0, 1)
    assert b"internal error" not in done.stderr
    assert done.stdout.replace(b"\xb7", b"").isascii()  # the dot is a letter of Latin 1
    assert b"\\u" not in done.stdout


def test_ascii_without_a_terminal_is_ascii() -> None:
    assert run("--ascii", SITE, PYTHONIOENCODING="utf-8").stdout.isascii()


def test_a_dash_is_standard_output(tmp_path: Path) -> None:
    plain = run("check", SITE, "--format", "json").stdout
    assert run("check", SITE, "-o", "json:-", "-q").stdout == plain
    assert run("map", SITE, "-o", "-").stdout == run("map", SITE).stdout
    assert b"expected a folder" in run("export", SITE, "-o", "-").stderr
    assert not (ROOT / "-").exists()
