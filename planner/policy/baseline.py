"""Baselines: findings that are known, so that only new ones fail a pipeline."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from planner.model.errors import InputError
from planner.policy.findings import Finding

SCHEMA_VERSION = 1


class Key(NamedTuple):
    """What makes a finding the same one in the next run: neither its line nor its wording, which edits change.

    `file` is as the command line named it, so a baseline is used from the folder it was written from.
    """

    file: str
    rule: str
    guest: str
    device: str
    region: str


def normal(file: str) -> str:
    """A file's name as baselines keep it: `./web.cfg` is `web.cfg`."""
    return posixpath.normpath(file)


def key(finding: Finding) -> Key:
    """What a baseline keeps of a finding."""
    return Key(
        normal(finding.file) if finding.file else "",
        finding.rule.id,
        finding.guest or "",
        str(finding.device) if finding.device is not None else "",
        str(finding.region) if finding.region is not None else "",
    )


def fingerprint(finding: Finding) -> str:
    """A short text that is the same as long as the finding is the same one, for services that track findings."""
    from hashlib import sha256  # only two formats want it

    return sha256("\n".join(key(finding)).encode()).hexdigest()[:32]


def render(keys: Iterable[Key]) -> str:
    """A baseline file: one entry a line, in order, so that its changes read well."""
    entries = ",\n".join(f"    {json.dumps(one._asdict(), ensure_ascii=False)}" for one in sorted(set(keys)))
    findings = f"[\n{entries}\n  ]" if entries else "[]"
    return f'{{\n  "schema_version": {SCHEMA_VERSION},\n  "findings": {findings}\n}}\n'


def parse(text: str, name: str) -> frozenset[Key]:
    """The entries of the baseline file called `name`. InputError for anything that `render` does not write."""
    try:
        return _parse(text)
    except InputError as error:
        raise error.within(name) from None


def _parse(text: str) -> frozenset[Key]:
    try:
        value = json.loads(text)
        if value["schema_version"] != SCHEMA_VERSION:
            raise InputError(f"baseline of version {value['schema_version']!r:.20}; expected {SCHEMA_VERSION}")
        keys = [Key(**entry) for entry in value["findings"]]
    except json.JSONDecodeError as error:
        raise InputError(f"not valid JSON: {error.msg}", line=error.lineno, column=error.colno) from None
    except (KeyError, TypeError, RecursionError):
        raise InputError("not a baseline; `rdm-planner check --write-baseline FILE` makes one") from None
    if not all(isinstance(part, str) for one in keys for part in one):
        raise InputError("not a baseline: an entry holds something else than text")
    return frozenset(keys)
