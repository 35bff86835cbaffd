"""Phrases that the notes share."""

from __future__ import annotations

from collections.abc import Iterable

TABLE_PLACES = (
    "on a Xen dom0 it is /sys/firmware/acpi/tables/RMAD, on bare metal /sys/firmware/acpi/tables/DMAR (Intel) or IVRS "
    "(AMD); copy it as root"
)
LISTING_COMMAND = "`lspci -D -vvnn`, run as root"
_SHOWN = 5


def count(number: int, what: str) -> str:
    """`number` things, in the plural where there are several."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Names as in a sentence ("a, b and c"), the first five of many."""
    shown = list(names)
    if len(shown) > _SHOWN:
        return f"{', '.join(shown[:_SHOWN])} and {len(shown) - _SHOWN} more files"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
