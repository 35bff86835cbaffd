"""PCI addresses: segment, bus, device, function."""

from __future__ import annotations

import re
from typing import NamedTuple

_SBDF = re.compile(r"(?:([0-9a-fA-F]{1,8}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])\Z")


class Sbdf(NamedTuple):
    """A PCI function's address. Orders by segment, bus, device, function; prints as `0000:1d:00.0`.

    Linux numbers some segments above 0xffff (VMD); Xen cannot (`Sbdf.fits_xen`).
    """

    segment: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> Sbdf:
        """`[SSSS:]BB:DD.F`, hexadecimal, segment 0 where left out. ValueError for anything else."""
        match = _SBDF.match(text)
        if match is None or int(match[3], 16) > 0x1F:
            raise ValueError(f'expected a PCI address such as "0000:00:1d.0", found {text!r}')
        return cls(int(match[1] or "0", 16), int(match[2], 16), int(match[3], 16), int(match[4], 16))

    @classmethod
    def from_requester_id(cls, requester_id: int, segment: int = 0) -> Sbdf:
        """The function that a 16-bit requester id (bus, device, function) names."""
        return cls(segment, requester_id >> 8 & 0xFF, requester_id >> 3 & 0x1F, requester_id & 7)

    @property
    def requester_id(self) -> int:
        """The 16 bits that the function puts on its requests: bus, device, function."""
        return self.bus << 8 | self.device << 3 | self.function

    @property
    def slot(self) -> Sbdf:
        """Function 0 of the same device: what all functions of one slot have in common."""
        return self._replace(function=0)

    @property
    def fits_xen(self) -> bool:
        """Whether Xen's 16-bit segment can name this function."""
        return self.segment <= 0xFFFF

    @property
    def short(self) -> str:
        """Without the segment where that is 0: `1d:00.0`."""
        return f"{self.bus:02x}:{self.device:02x}.{self.function:x}" if self.segment == 0 else str(self)

    def __str__(self) -> str:
        return f"{self.segment:04x}:{self.bus:02x}:{self.device:02x}.{self.function:x}"
