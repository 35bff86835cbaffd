"""The rules by family. Importing this registers them all."""

from planner.policy.rules import bars, config, devices, inventory, isolation, memory, rdm, suppression, tables

__all__ = ["bars", "config", "devices", "inventory", "isolation", "memory", "rdm", "suppression", "tables"]
