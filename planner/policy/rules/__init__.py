"""The rules by family. Importing this registers them all."""

from planner.policy.rules import (
    bars,
    companions,
    config,
    devices,
    inventory,
    isolation,
    items,
    lifecycle,
    memory,
    rdm,
    reserved,
    scopes,
    suppression,
    tables,
)

__all__ = [
    "bars",
    "companions",
    "config",
    "devices",
    "inventory",
    "isolation",
    "items",
    "lifecycle",
    "memory",
    "rdm",
    "reserved",
    "scopes",
    "suppression",
    "tables",
]
