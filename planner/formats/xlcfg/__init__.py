"""xl.cfg: Xen's own config grammar, quirks included, without losing a byte of the file."""
