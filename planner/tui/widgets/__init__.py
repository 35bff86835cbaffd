"""Panes that draw themselves line by line from a frozen `View`."""
