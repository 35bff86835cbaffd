"""How long a search for fixes takes on the sample sites; 50 ms is the most that an ordinary guest should cost."""

from __future__ import annotations

from statistics import median
from time import perf_counter

from driving import site

from planner.policy.evaluate import evaluate
from planner.policy.fixes import fixes
from planner.storage import samples_folder


def test_fixes_of_every_finding_of_the_samples() -> None:
    times: dict[str, float] = {}
    for folder in sorted(path for path in samples_folder().iterdir() if path.is_dir()):
        report = evaluate(site(folder.name))
        for number, finding in enumerate(report.findings):
            start = perf_counter()
            fixes(report, finding)
            times[f"{folder.name} {finding.guest} {finding.rule.id} #{number}"] = perf_counter() - start
    worst = max(times, key=lambda name: times[name])
    print(
        f"\n{len(times)} searches: median {median(times.values()) * 1e3:.1f} ms, "
        f"worst {times[worst] * 1e3:.1f} ms ({worst})"
    )
