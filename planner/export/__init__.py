"""How a plan becomes files: pure functions from values to text."""
