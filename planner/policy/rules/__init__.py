"""The rules by family. Importing this registers them all."""

from planner.policy.rules import config, inventory, isolation, memory, rdm

__all__ = ["config", "inventory", "isolation", "memory", "rdm"]
