"""A whole fleet in one run: how long, and how much memory the largest process takes, at 100 and at 1,000 hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import fleet

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """1,000 hosts of 20 guests."""
    return [str(site) for site in fleet.write(tmp_path_factory.mktemp("fleet"), 1000)]


# A process of its own between us and the check: the kernel counts the size of whoever started it, too.
_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


@pytest.mark.parametrize("hosts", [100, 1000])
def test_check_of_a_fleet(benchmark: Any, sites: list[str], hosts: int) -> None:
    """Budget: 1,000 hosts in at most 10 s on two processors, memory flat in their number."""

    def check() -> list[float]:
        command = [sys.executable, "-m", "planner", "check", "--fail-on", "never", *sites[:hosts]]
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, *command], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return list(json.loads(done.stdout))

    seconds, peak = benchmark.pedantic(check, rounds=1)
    benchmark.extra_info["peak_mib"] = round(peak, 1)
    print(f"\n  {hosts} hosts of 20 guests: {seconds:.1f} s, largest process {peak:.0f} MiB")
