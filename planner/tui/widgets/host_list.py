"""The host: what its tables say, and who can reach each reserved region: its devices, and the guests that have them."""

from __future__ import annotations

from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.span import format_size
from planner.pci import names
from planner.report.words import plural
from planner.tui.text import Piece, Row, cells, cut, fit
from planner.tui.view import Subject, View
from planner.tui.widgets.lines import Picker
from planner.xen.rdm import Rdm


class _Line(NamedTuple):
    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()
    subject: Subject = None
    key: int = -1


class HostList(Picker):
    """Facts, then each region with its devices under it; regions fold."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[_Line] = []
        self._folded: set[int] = set()

    def show(self, view: View) -> None:
        """Take a new view."""
        self.view = view
        self._arrange(view)
        self.cursor = min(self.cursor, max(0, len(self._lines) - 1))
        self.redraw()

    def count(self) -> int:
        """Lines."""
        return len(self._lines)

    def subject(self) -> Subject:
        """The region or device under the cursor."""
        return self._lines[self.cursor].subject if self.cursor < len(self._lines) else None

    def row(self, index: int, width: int) -> Row:
        """One line, its owners at the right."""
        line = self._lines[index]
        right = cut(line.right, width // 2)
        room = width - cells(right) - (1 if right else 0)
        left = cut(line.left, room)
        return Row((*left, (" " * (width - cells(left) - cells(right)), ""), *right))

    def action_fold(self, fold: bool) -> None:
        """Close or open the region of the cursor's line."""
        key = self._lines[self.cursor].key if self.cursor < len(self._lines) else -1
        if key < 0 or self.view is None:
            return
        (self._folded.add if fold else self._folded.discard)(key)
        self._arrange(self.view)
        self.move(next(index for index, line in enumerate(self._lines) if line.key == key) if fold else self.cursor)

    def _arrange(self, view: View) -> None:
        host, iommu = view.inventory.host, view.snapshot.report.iommu
        lines = [_Line(((f"{name:<9}", "dim"), (text, ""))) for name, text in _facts(view)]
        if not iommu.enabled:
            lines.append(_Line((("✖ no IOMMU: ", "error"), (iommu.error or "", "error"))))
        heading = plural(len(iommu.regions), "reserved region") if iommu.regions else "no reserved region"
        lines += [_Line(), _Line(((f"{heading}, as Xen lists them", "heading"),))]
        for number, rdm in enumerate(iommu.regions):
            lines += self._region(view, number, rdm)
        dropped = [one for one in host.regions if all(rdm.declared is not one for rdm in iommu.regions)]
        lines += [
            _Line(((f"✖ {one.kind.upper()} {one.span} ", "warning"), ("in the table, but Xen does not list it", "dim")))
            for one in dropped
        ]
        steps = [step for step in iommu.steps if step.log]
        if steps:
            lines += [_Line(), _Line((("What Xen says of the tables", "heading"),))]
            lines += [_Line(((f'"{step.log}"', "warning"),)) for step in steps]
        free = [one for one in host.devices if not iommu.regions_of(one.address) and not names.is_chipset(one)]
        lines += [_Line(), _Line(((plural(len(free), "device"), "heading"), (" without a reserved region", "heading")))]
        lines += [self._device(view, one.address, " ", -1) for one in free]
        self._lines = lines

    def _region(self, view: View, number: int, rdm: Rdm) -> list[_Line]:
        reach = [one.address for one in view.inventory.host.devices if rdm.covers(one.address)]
        reach += [address for address in rdm.devices if address not in view.inventory.host.by_address]
        owners = dict.fromkeys(owner for address in reach if (owner := view.owner(address)) not in ("-", "dom0"))
        sign = "▸" if number in self._folded else "▾"
        text = f"{sign} {rdm.declared.kind.upper()} {rdm.span.start:#x} {format_size(rdm.span.size)} "
        shared = (("shared ", "warning"),) if rdm.is_shared else ()
        split = len(owners) > 1
        right = ((("✖ " if split else "") + ", ".join(owners), "error" if split else "here"),) if owners else ()
        lines = [_Line(((text, "reserved"), *shared), right, rdm, number)]
        if number not in self._folded:
            lines += [
                self._device(view, address, "└" if address == reach[-1] else "├", number) for address in reach
            ] or [_Line((("└ no device of this host", "dim"),), (), rdm, number)]
        return lines

    @staticmethod
    def _device(view: View, address: Sbdf, guide: str, key: int) -> _Line:
        device = view.inventory.device(address)
        name = f"{names.class_word(device)} {names.short_name(device)}" if device is not None else "absent"
        owner = view.owner(address)
        tone = "here" if view.item(address) is not None else "away" if view.others(address) else "dim"
        width = view.inventory.address_width
        return _Line(
            ((f" {guide} ", "dim"), (f"{fit(address.short, width)} ", ""), (name, "")), ((owner, tone),), address, key
        )


def _facts(view: View) -> list[tuple[str, str]]:
    host, report = view.inventory.host, view.snapshot.report
    chosen = "" if view.snapshot.plan.xen is None else " (chosen here)"
    facts = [
        ("machine", host.name or "no name"),
        ("Xen", f"{report.release.name}{chosen}; the host has {host.xen or 'not said'}"),
        ("IOMMU", host.iommu),
        ("tables", host.sources.regions or "nobody has looked"),
        ("devices", f"{len(host.devices)}, from {host.sources.devices or 'no listing'}"),
    ]
    facts += [("memory", format_size(host.memory))] if host.memory else []
    facts += [("options", host.xen_command_line)] if host.xen_command_line else []
    return facts
