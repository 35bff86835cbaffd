"""Log lines of Xen, its toolstack, firmware, QEMU and Linux: what each means and what to do about it.

The lines are data, one module an actor; `recognise` finds the one that a pasted text holds.
"""

from planner.policy.log_lines.catalogue import LINES, Recognised, lines_of, nearest, recognise
from planner.policy.log_lines.line import LogLine

__all__ = ["LINES", "LogLine", "Recognised", "lines_of", "nearest", "recognise"]
