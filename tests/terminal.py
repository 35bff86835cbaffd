"""The real app in a pseudo terminal: what it writes, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUIET = 0.12  # seconds without a byte: the screen is done


class Terminal:
    """A child's screen. `seen` is all that it wrote."""

    def __init__(self, process: int, handle: int, started: float) -> None:
        self.process, self.handle, self.started = process, handle, started
        self._status: int | None = None
        self.seen = b""

    def settle(self, until: bytes = b"", quiet: float = QUIET) -> tuple[int, float]:
        """Bytes written until nothing more comes (after `until` was seen), and when the last of them came."""
        seen = b""
        last = time.perf_counter()
        while True:
            ready, _, _ = select.select([self.handle], [], [], 20 if until not in seen else quiet)
            more = self._read() if ready else b""
            if not more:
                assert until in seen, f"never saw {until!r}"
                self.seen += seen
                return len(seen), last
            seen += more
            last = time.perf_counter()

    def _read(self) -> bytes:
        try:
            return os.read(self.handle, 1 << 16)
        except OSError:  # the child has ended
            return b""

    def resize(self, columns: int, lines: int) -> None:
        """Another size of the terminal."""
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def take(self) -> bytes:
        """What it wrote since the last time that was asked."""
        seen, self.seen = self.seen, b""
        return seen

    def close(self) -> None:
        """Go away, as a terminal does whose window is closed."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def code(self) -> int:
        """The child's exit code, once it has ended."""
        if self._status is None:
            self._status = os.waitpid(self.process, 0)[1]
        return os.waitstatus_to_exitcode(self._status)

    def press(self, keys: bytes) -> tuple[int, float]:
        """Bytes and seconds that some keys bring."""
        start = time.perf_counter()
        os.write(self.handle, keys)
        count, last = self.settle()
        return count, last - start


@contextmanager
def running(folder: Path, columns: int, lines: int, **more: str) -> Iterator[Terminal]:
    """The planner on a site, in a terminal of that size; `more` goes into its environment."""
    started = time.perf_counter()
    process, handle = pty.fork()
    if process == 0:
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": str(ROOT),
            **more,
        }
        os.execve(sys.executable, [sys.executable, "-m", "planner", str(folder)], environment)  # noqa: S606
    terminal = Terminal(process, handle, started)
    terminal.resize(columns, lines)
    try:
        yield terminal
    finally:
        if terminal.handle >= 0:
            with suppress(OSError):  # it has ended
                os.write(handle, b"qy")
                time.sleep(0.2)
        terminal.close()
        terminal.code()
