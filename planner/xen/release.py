"""Which Xen does what. A release answers one named question for each difference that the engine asks about.

4.17 and master were run on every vector. The answers of the others follow from when Xen's history made each change;
where only "between 4.17 and master" is known, the property says so.
"""

from __future__ import annotations

from typing import NamedTuple

from planner.model.errors import InputError


class Release(NamedTuple):
    """One Xen release, as shipped. `was_run`: its own code answered the vectors."""

    name: str
    version: tuple[int, int]
    was_run: bool = False

    @property
    def drops_rdm_with_policy(self) -> bool:
        """`rdm=` with a valid `policy=` is dropped whole (bdc0799fe2, first in 4.15; in master still)."""
        return self.version >= (4, 15)

    @property
    def knows_device_keys(self) -> bool:
        """PCI_SPEC_STRING takes `name=` and a BDF by key (9cd5bbf536, first in 4.15)."""
        return self.version >= (4, 15)

    @property
    def rmrr_must_be_reserved(self) -> bool:
        """An RMRR in RAM makes Xen disable VT-d (a185f88e98, first in 4.19); before, it only warns."""
        return self.version >= (4, 19)

    @property
    def remembers_device_policy(self) -> bool:
        """Libxl keeps `rdm_policy` in xenstore for when the device is attached again (d8cba539f2, first in 4.15)."""
        return self.version >= (4, 15)

    @property
    def had_rmrr_advisories(self) -> bool:
        """Its first release was made before XSA-378, XSA-386 and XSA-400 (2021 and 2022), all about reserved memory."""
        return self.version < (4, 17)

    @property
    def takes_any_display_for_igd(self) -> bool:
        """An Intel device of class 0380 is taken for the primary graphics too (4191619e08, first in 4.20)."""
        return self.version >= (4, 20)

    @property
    def sends_huge_bars_high(self) -> bool:
        """A 64-bit BAR above 1 GiB goes above 4 GiB and does not size the hole: 57acad12a0, made for 4.19.

        stable-4.17 has it too (that code was run); of the older branches nobody knows.
        """
        return self.version >= (4, 17)

    @property
    def has_platform_bar_uc(self) -> bool:
        """`xen_platform_pci_bar_uc=` exists: in master, not in 4.17; held to begin with 4.21, which nobody has run."""
        return self.version >= (4, 21)

    @property
    def unmaps_wide_bars_whole(self) -> bool:
        """A detached device's 64-bit BAR is taken back whole (421432b822, XSA-476, first in 4.21)."""
        return self.version >= (4, 21)

    @property
    def acpi_module_type(self) -> str:
        """The e820 type libxl gives ACPI modules of PVH guests: NVS in master, ACPI in 4.17; between them unknown."""
        return "nvs" if self.version >= (4, 22) else "acpi"

    @property
    def has_traditional_device_model(self) -> bool:
        """qemu-xen-traditional: in 4.17, gone in master; between them unknown."""
        return self.version < (4, 22)

    def __str__(self) -> str:
        return self.name


RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release("4.14", (4, 14)),
        Release("4.15", (4, 15)),
        Release("4.16", (4, 16)),
        Release("4.17", (4, 17), was_run=True),
        Release("4.18", (4, 18)),
        Release("4.19", (4, 19)),
        Release("4.20", (4, 20)),
        Release("4.21", (4, 21)),
        Release("4.22", (4, 22)),
        Release("master", (4, 23), was_run=True),
    )
}

DEFAULT = RELEASES["4.17"]


def find(name: str | None) -> Release:
    """The release called `name` ("4.17", "4.17.7" or "master"); `DEFAULT` for None. InputError for any other."""
    if name is None:
        return DEFAULT
    release = RELEASES.get(name) or RELEASES.get(".".join(name.split(".")[:2]))
    if release is None:
        raise InputError(f"Xen {name:.40} is not a release we replay; expected one of {', '.join(RELEASES)}")
    return release
