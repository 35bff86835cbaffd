"""SUP: suppressions that do nothing. `policy.suppress` finds them; no rule looks at a build."""

from __future__ import annotations

from planner.policy.findings import Rule, Severity, register

UNUSED = register(
    Rule(
        "SUP001",
        "A suppression that suppresses nothing",
        Severity.WARNING,
        by="nobody",
        why="It was written for a finding that is gone, and would hide the next one of its kind.",
        remedy="Delete it.",
        source="the config's comments, rdm-planner.toml",
    )
)
UNREADABLE = register(
    Rule(
        "SUP002",
        "A suppression that does not count",
        Severity.WARNING,
        by="nobody",
        why="Without a rule that exists and a written reason nobody can judge later whether it still holds.",
        remedy="Write it as: # rdm-planner: ignore[RDM109] the reason.",
        source="the config's comments, rdm-planner.toml",
    )
)
GONE = register(
    Rule(
        "SUP003",
        "A baseline entry whose finding is gone",
        Severity.NOTICE,
        by="nobody",
        why="The baseline would hide the finding if it came back.",
        remedy="Write the baseline anew: --write-baseline.",
        source="the baseline file",
    )
)
