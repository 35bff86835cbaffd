"""The host's devices by isolation unit, with boxes for the chosen guest."""

from __future__ import annotations

from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.host import PciDevice
from planner.pci import names
from planner.pci.isolation import Unit
from planner.tui.bands import brief_size
from planner.tui.messages import ToggleAsked
from planner.tui.text import Piece, Row, cells, fit, pinched
from planner.tui.view import Heading, Subject, View
from planner.tui.widgets.lines import Picker, columns

_CHIPSET = "chipset"
_BOX = range(2, 5)
_SIGN = range(1, 3)
_WIDE, _MEDIUM = 68, 52
_OWNER, _NAME, _MARK = 14, 6, 12  # most cells for an owner, fewest for a name and for the owners of a split unit


class _Line(NamedTuple):
    """A heading (`key` of its group) or a device with its guide."""

    key: str
    text: str = ""
    address: Sbdf | None = None
    guide: str = " "
    unit: Unit | None = None
    heading: Heading | None = None


class DeviceList(Picker):
    """Units with more than one device have a heading; bridges and the like are folded away at the end."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[_Line] = []
        self._folded = {_CHIPSET}
        self.needle = ""
        self._found: frozenset[Sbdf] = frozenset()

    @property
    def address(self) -> Sbdf | None:
        """The device under the cursor; None on a heading."""
        return self._lines[self.cursor].address if self.cursor < len(self._lines) else None

    @property
    def listed(self) -> frozenset[Sbdf] | None:
        """The devices that the filter shows; None without one."""
        return self._found if self.needle else None

    @property
    def heading(self) -> str | None:
        """The heading under the cursor; None on a device."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else None
        return line.text if line is not None and line.address is None else None

    @property
    def first_of_unit(self) -> Sbdf | None:
        """The first device under the heading at the cursor."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else None
        return line.unit.devices[0] if line is not None and line.unit is not None else None

    def show(self, view: View) -> None:
        """Take a new view; the rows change only with the host, or under a filter with the guest.

        A step changes none: what was given away by mistake must stay under the cursor.
        """
        old = self.view
        self.view = view
        if old is None or old.inventory is not view.inventory:
            self._find()
            self.cursor = next((index for index, line in enumerate(self._lines) if line.address is not None), 0)
        elif self.needle and old.guest != view.guest:
            self._find()
        self.redraw()

    def filter(self, needle: str) -> None:
        """Show only devices that have every word of `needle`, the cursor on the first; "" shows all."""
        needle = needle.strip()
        if needle == self.needle:
            return
        self.needle = needle
        self._find()
        first = next((index for index, line in enumerate(self._lines) if line.address is not None), 0)
        self.move(first if needle else self.cursor)

    def go_to(self, address: Sbdf, *, silently: bool = False) -> bool:
        """Put the cursor on that device, opening its group; False where it is not listed (or filtered away)."""
        device = self.view.inventory.device(address) if self.view is not None else None
        if self.view is not None and device is not None and self._index(address) is None:
            unit = self.view.inventory.unit_of[address]
            self._folded.discard(_CHIPSET if names.is_chipset(device) else str(unit.devices[0]))
            self._arrange()
        index = self._index(address)
        if index is not None:
            self.move(index, silently=silently)
            key = self._lines[index].key
            heading = next((at for at, line in enumerate(self._lines) if key and line.key == key), index)
            if index - heading < self.page and heading < self.top:
                self.shift(heading - self.top)
        return index is not None

    def count(self) -> int:
        """Headings and devices; one line says that a filter leaves none."""
        return max(len(self._lines), 1 if self.needle else 0)

    def subject(self) -> Subject:
        """The device under the cursor, or what the heading there stands for."""
        if self.cursor < len(self._lines):
            line = self._lines[self.cursor]
            return line.address or line.unit or line.heading
        return Heading(self._nothing(), "esc clears the filter.") if self.needle else None

    def _nothing(self) -> str:
        return f"no device matches '{self.needle}'"

    def row(self, index: int, width: int) -> Row:
        """A heading or a device."""
        if not self._lines:
            return Row(((fit(f"{self._nothing()}: esc clears", width), "dim"),))
        line = self._lines[index]
        if line.address is None:
            sign = "▸" if self._is_closed(line.key) else "▾"
            return Row(self._heading(f"{sign} {line.text}", line.unit, width))
        return self._device(line, line.address, width)

    def _heading(self, text: str, unit: Unit | None, width: int) -> tuple[Piece, ...]:
        """A heading, and who has the devices below it where that is several: by name if there is room for that."""
        owners, told = self.view.split(unit) if self.view is not None and unit is not None else ("", False)
        room = width - cells(((text, ""),))
        mark = f" {'▲ ' if told else ''}split: {owners}" if room > _MARK else " ▲" if told else ""
        if not owners or not mark:
            return ((fit(text, width), "heading"),)
        length = min(cells(((mark, ""),)), max(room, 2))
        return (fit(text, width - length), "heading"), (fit(mark, length), "warning" if told else "dim")

    def action_fold(self, fold: bool) -> None:
        """Close or open the group of the cursor's line."""
        if self.cursor >= len(self._lines):
            return
        key = self._lines[self.cursor].key
        if key:
            (self._folded.add if fold else self._folded.discard)(key)
            self._arrange()
            heading = next(
                (index for index, line in enumerate(self._lines) if line.key == key and line.address is None), 0
            )
            self.move(heading if fold else self.cursor)

    def action_fold_all(self) -> None:
        """Close all groups, or open them where all are closed; the cursor stays, or goes to its group."""
        here = self._lines[self.cursor] if self.cursor < len(self._lines) else _Line("")
        keys = {line.key for line in self._lines if line.key}
        self._folded = self._folded - keys if keys <= self._folded else self._folded | keys
        self._arrange()
        same = (at for at, line in enumerate(self._lines) if here.address is not None and line.address == here.address)
        group = (at for at, line in enumerate(self._lines) if here.key and line.key == here.key)
        self.move(next(same, next(group, self.cursor)))

    def action_open(self) -> None:
        """Fold a heading, open a device."""
        if self.address is None and self.cursor < len(self._lines):
            self.action_fold(self._lines[self.cursor].key not in self._folded)
        else:
            super().action_open()

    def clicked(self, x: int) -> None:
        """A click on a box toggles it, one on a heading's sign folds."""
        if x in _BOX and self.address is not None:
            self.post_message(ToggleAsked())
        elif x in _SIGN and self.address is None:
            self.action_open()

    def _is_closed(self, key: str) -> bool:
        return key in self._folded and not self.needle

    def _index(self, address: Sbdf) -> int | None:
        return next((index for index, line in enumerate(self._lines) if line.address == address), None)

    def _find(self) -> None:
        words = self.needle.lower().split()
        known = self.view.inventory.unit_of if self.view is not None and words else ()
        self._found = frozenset(one for one in known if self.view is not None and self.view.matches(one, words))
        self._arrange()

    def _arrange(self) -> None:
        view = self.view
        if view is None:
            return
        here = self.address
        devices = view.inventory.host.by_address
        lines: list[_Line] = []
        chipset: list[Sbdf] = []
        for unit in view.inventory.units:
            found = [one for one in unit.devices if not self.needle or one in self._found]
            chipset += [one for one in found if names.is_chipset(devices[one])]
            members = [one for one in found if not names.is_chipset(devices[one])]
            if len(members) > 1:
                parts = f" (+{len(found) - len(members)} chipset)" if len(found) > len(members) else ""
                count = (
                    f"{len(members)}{parts}"
                    if len(found) == len(unit.devices)
                    else f"{len(found)} of {len(unit.devices)}"
                )
                lines += self._group(_Line(str(unit.devices[0]), f"{count} {unit.reason}", unit=unit), members)
            else:
                lines += [_Line("", address=one) for one in members]
        if chipset:
            word = "bridge or chipset device" if len(chipset) == 1 else "bridges and chipset devices"
            text = f"{len(chipset)} {word}"
            why = "Parts of the machine itself, which no guest gets. They are told of here for what they tie together."
            lines += self._group(_Line(_CHIPSET, text, heading=Heading(text, why, tuple(chipset))), chipset)
        self._lines = lines
        if here is not None:
            index = self._index(here)
            self.cursor = index if index is not None else min(self.cursor, max(0, len(lines) - 1))

    def _group(self, heading: _Line, members: list[Sbdf]) -> list[_Line]:
        if self._is_closed(heading.key):
            return [heading]
        return [heading, *(_Line(heading.key, "", one, "└" if one is members[-1] else "│") for one in members)]

    def _device(self, line: _Line, address: Sbdf, width: int) -> Row:
        view = self.view
        device = view.inventory.device(address) if view is not None else None
        if view is None or device is None:
            return Row()
        others, blocked, regions = view.others(address), view.blocked(address), view.regions(address)
        mine = view.item(address)
        hotplug = address in view.candidates
        in_dom0 = view.owner(address) == "dom0"
        box, style = ("[x]", "here") if mine is not None else ("[-]", "away") if others else ("[ ]", "")
        box, style = ("[h]", "here") if hotplug and mine is None else ("[-]" if in_dom0 else box, style)
        tone = "dim" if mine is None and not hotplug and (others or blocked) else ""
        sign = "✖" if blocked else ""
        left = (
            (line.guide, 1, "dim"),
            (box, 3, style or tone),
            ("", 1, ""),
            (address.short, view.inventory.address_width, style or tone),
            ("", 1, ""),
            (names.class_word(device), 5, tone),
            ("", 1, ""),
        )
        room = width - sum(part[1] for part in left)
        marks = f"R{len(regions)}" if regions else ""
        right: tuple[tuple[str, int, str], ...]
        if width < _MEDIUM:  # no columns: what one line does not need of its owner and regions is its name's
            owner = view.owner_label(address, min(_OWNER, max(4, room - _NAME - len(sign + marks) - 2)))
            right = (
                (f" {sign}", len(sign) + 1, "error"),
                (marks, len(marks), "reserved"),
                (f" {owner}", cells(((owner, ""),)) + 1, style or tone),
            )
        else:
            owner_width = min(view.owner_width, 16 if width >= _WIDE else _OWNER)
            policies = 8 if width >= _WIDE and view.says_policies else 0
            policy = mine.policy if mine is not None and mine.policy is not None else ""
            size = sum(bar.size for bar in device.bars if bar.kind != "io")
            right = (
                ("", 1, ""),
                (f"{brief_size(size)} " if size else "", -8, "dim"),
                (sign, 1, "error"),
                (marks, 2, "reserved"),
                ("", 1, ""),
                (view.owner_label(address, owner_width), -owner_width, style or tone),
                (f" {policy}" if policies else "", policies, style or tone),
            )
        rest = max(0, room - sum(abs(part[1]) for part in right))
        return Row(columns(*left, (pinched(_name(view, device, rest), rest), rest, tone), *right))


def _name(view: View, device: PciDevice, room: int) -> str:
    """The device's name, in full where that fits in `room` cells; of a virtual function first which one it is."""
    full, short = names.full_name(device), names.short_name(device)
    number = view.inventory.virtual.get(device.address)
    if number is not None:
        longer = f"{number}, {short}"
        return longer if len(longer) <= room else number if len(number) <= room else number.replace(" of ", " ")
    return full if len(full) <= room else short
