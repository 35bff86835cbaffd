"""The rules by family. Importing this registers them all."""

from planner.policy.rules import bars, config, inventory, isolation, memory, rdm

__all__ = ["bars", "config", "inventory", "isolation", "memory", "rdm"]
