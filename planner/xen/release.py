"""Which Xen does what. A release is a value with one named fact for each difference that the engine asks about."""

from __future__ import annotations

from dataclasses import dataclass

from planner.model.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One Xen release, as shipped."""

    name: str
    version: tuple[int, int]

    @property
    def drops_rdm_with_policy(self) -> bool:
        """`rdm=` with a valid `policy=` is dropped whole (bdc0799fe2, first in 4.15; in master still)."""
        return self.version >= (4, 15)

    @property
    def rmrr_must_be_reserved(self) -> bool:
        """An RMRR in RAM makes Xen disable VT-d (a185f88e98, first in 4.19); before, it only warns."""
        return self.version >= (4, 19)

    @property
    def acpi_module_type(self) -> str:
        """The e820 type libxl gives ACPI modules: NVS in master, ACPI in 4.17 and before (both were run)."""
        return "nvs" if self.version >= (4, 22) else "acpi"

    @property
    def has_traditional_device_model(self) -> bool:
        """qemu-xen-traditional, gone in master."""
        return self.version < (4, 22)

    def __str__(self) -> str:
        return self.name


_MASTER = Release(name="master", version=(4, 22))
RELEASES: dict[str, Release] = {"4.17": Release(name="4.17", version=(4, 17)), "master": _MASTER}
"""The releases whose code was run on the vectors; the rest follow with their facts."""

DEFAULT = RELEASES["4.17"]


def find(name: str | None) -> Release:
    """The release called `name` ("4.17", "4.17.7" or "master"); `DEFAULT` for None. InputError for any other."""
    if name is None:
        return DEFAULT
    release = RELEASES.get(name) or RELEASES.get(".".join(name.split(".")[:2]))
    if release is None:
        raise InputError(f"Xen {name} is not a release we replay; expected one of {', '.join(RELEASES)}")
    return release
