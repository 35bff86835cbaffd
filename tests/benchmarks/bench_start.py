"""Whole processes: how long `check` takes from nothing, as a ratio to a process that only imports pydantic."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
SITE = ROOT / "sample-hosts" / "dell-poweredge-r820"
# What the installed command runs; modules are compiled before, as an installation does it.
MAIN = "from planner.cli import main; main()"
CHECK = [sys.executable, "-c", MAIN, "check", str(SITE / "host.toml"), str(SITE / "storage.cfg")]
PYDANTIC = [sys.executable, "-c", "from pydantic import BaseModel"]


def _seconds(command: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, env=environment)
    return time.perf_counter() - start


def test_cold_check(benchmark: Any) -> None:
    """Budget: 1.6 times. The two are run in turn, and the median of the ratios is told."""
    _seconds(CHECK)
    ratios = [_seconds(CHECK) / _seconds(PYDANTIC) for _ in range(9)]
    benchmark.extra_info["ratio"] = round(median(ratios), 2)
    print(f"\n  check / pydantic: {median(ratios):.2f}")
    benchmark.pedantic(_seconds, args=(CHECK,), rounds=5)
