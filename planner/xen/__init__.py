"""What Xen does, one module per actor, named after it. Knows only `model`; every rule names its source in Xen."""
