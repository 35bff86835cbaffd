"""The rules by family. Importing this registers them all, so take RULES from here."""

from planner.policy.findings import RULES
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
    "RULES",
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
