"""Rebuild docs/rules/ and the manual page from the rules and commands themselves: `python docs/make.py`.

The same program gives the same bytes; a test fails where a page is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs import man  # noqa: E402
from planner.report import rules  # noqa: E402

FOLDER = ROOT / "docs" / "rules"


def pages() -> dict[str, str]:
    """Every page by file name."""
    return {"README.md": rules.index()} | {f"{rule.id}.md": rules.page(rule) for rule in rules.catalogue()}


def main() -> None:
    """Write every page and drop those of rules that are gone."""
    FOLDER.mkdir(exist_ok=True)
    (ROOT / "docs" / "rdm-planner.1").write_text(man.page(), encoding="utf-8")
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
