"""How results read: pure functions from a report to text."""
