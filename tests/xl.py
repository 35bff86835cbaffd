"""Debian's own `xl create -n`, run without a hypervisor: which domain it makes of a config that we wrote.

It needs gcc, libxen-dev and xen-utils-4.17; the last is only unpacked, to where `.ci/run` says, since installing it
would turn the machine into a dom0. Without them a developer's run skips the tests; under CI that is a failure.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_SHIM = Path(__file__).with_name("xl_shim.c")
_XL = "usr/lib/xen-4.17/bin/xl"
_UNPACKED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rdm-planner" / "xen-utils"


@dataclass(frozen=True)
class Xl:
    """The program and the shim that stands for the hypervisor."""

    program: Path
    shim: Path

    def dry_run(self, text: str) -> tuple[dict[str, Any] | None, str]:
        """The domain that xl makes of a config, None where it refuses; and what it prints on stderr."""
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
            file.write(text)
            file.flush()
            done = subprocess.run(
                [str(self.program), "create", "-n", file.name],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"LD_PRELOAD": str(self.shim)},
            )
        start = done.stdout.find("{")
        return (json.loads(done.stdout[start:]) if done.returncode == 0 and start >= 0 else None), done.stderr


@cache
def _built() -> Path:
    source = _SHIM.read_bytes()
    shim = Path(tempfile.gettempdir()) / f"xl-shim-{os.getuid()}-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if not shim.exists():
        made = shim.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", str(made), str(_SHIM)], check=True)
        made.replace(shim)
    return shim


def load() -> Xl:
    """xl and the shim; skips the calling test where one cannot be had, and fails it under CI."""
    try:
        program = next(path for path in (Path("/") / _XL, _UNPACKED / _XL) if path.exists())
        return Xl(program, _built())
    except (StopIteration, OSError, subprocess.CalledProcessError):
        if os.environ.get("CI"):
            raise
        pytest.skip("xl, gcc or libxen-dev is missing: .ci/run installs them")
