"""Bytes and text to values and back. Each reader takes what was read and opens no file; knows only `model`."""
