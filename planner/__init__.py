"""rdm-planner: see, before any reboot, the memory map Xen will build for each guest.

This module imports nothing, so that importing any submodule costs only that submodule.
"""

__version__ = "0.1.0"
