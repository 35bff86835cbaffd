"""Disjoint sets of addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.model.address import Sbdf


class AddressSets:
    """Addresses, each in a set of its own until something joins it with others."""

    def __init__(self, addresses: Iterable[Sbdf]) -> None:
        self._parent = {address: address for address in addresses}

    def root(self, address: Sbdf) -> Sbdf:
        """The address that stands for the set of `address`."""
        while (parent := self._parent[address]) != address:
            self._parent[address] = self._parent[parent]
            address = parent
        return address

    def join(self, members: Sequence[Sbdf]) -> None:
        """Make one set of the sets of all `members`."""
        for member in members[1:]:
            self._parent[self.root(member)] = self.root(members[0])

    def sets(self) -> dict[Sbdf, list[Sbdf]]:
        """The sets, by root; each in order of address."""
        found: dict[Sbdf, list[Sbdf]] = {}
        for address in sorted(self._parent):
            found.setdefault(self.root(address), []).append(address)
        return found
