"""The host: what its tables say, and who can reach each reserved region: its devices, and the guests that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.span import Span, format_size
from planner.pci import names
from planner.policy.findings import Severity
from planner.report.words import GLYPHS, plural
from planner.tui.text import Piece, Row, cells, cut, fit
from planner.tui.view import Heading, Subject, View
from planner.tui.widgets.lines import Picker
from planner.xen.rdm import Rdm

_REGIONS = "Memory that the firmware keeps for devices. Whoever has a device reaches all of its regions."


class _Line(NamedTuple):
    """`brief` is said in the place of `left` where that has no room; `folds`: the lines below go with it."""

    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()
    subject: Subject = None
    key: int = -1
    brief: tuple[Piece, ...] = ()
    folds: bool = False


class HostList(Picker):
    """Facts, then the regions with their devices under them; regions of the same devices are one entry, and fold."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[_Line] = []
        self._folded: set[int] = set()
        self._was_drawn = False

    def show(self, view: View) -> None:
        """Take a new view; the cursor stays on what it is on: who has a device decides its place."""
        self.view = view
        here = self._lines[self.cursor] if self.cursor < len(self._lines) else None
        self._arrange(view)
        at = min(self.cursor, max(0, len(self._lines) - 1))
        if here is not None and here.subject is not None:
            same = (here.key, here.subject)
            at = next((at for at, line in enumerate(self._lines) if (line.key, line.subject) == same), at)
        self.cursor = at
        self.bring_into_view()
        self.redraw()

    def count(self) -> int:
        """Lines."""
        return len(self._lines)

    def rows(self, width: int, height: int) -> Sequence[Row]:
        """The visible lines; when they are drawn first, regions are folded where not all fits."""
        if height and self.view is not None and not self._was_drawn:
            self._was_drawn = True
            if self.count() > height:
                self._folded = {line.key for line in self._lines}
                self._arrange(self.view)
        return super().rows(width, height)

    def go_to(self, span: Span) -> bool:
        """Put the cursor on that region, opening its entry; False where Xen has no such region."""
        if self.view is None:
            return False
        for number, regions in enumerate(self.view.reach.values()):
            if any(rdm.span == span for rdm in regions):
                self._folded.discard(number)
                self._arrange(self.view)
        for at, line in enumerate(self._lines):
            if isinstance(line.subject, Rdm) and line.subject.span == span:
                self.move(at, silently=True)
                return True
        return False

    def subject(self) -> Subject:
        """What the cursor stands on."""
        return self._lines[self.cursor].subject if self.cursor < len(self._lines) else None

    def row(self, index: int, width: int) -> Row:
        """One line, its owners at the right."""
        line = self._lines[index]
        right = cut(line.right, width // 2)
        room = width - cells(right) - (1 if right else 0)
        left = cut(line.brief if line.brief and cells(line.left) > room else line.left, room)
        return Row((*left, (" " * (width - cells(left) - cells(right)), ""), *right))

    def action_fold(self, fold: bool) -> None:
        """Close or open the region of the cursor's line."""
        key = self._lines[self.cursor].key if self.cursor < len(self._lines) else -1
        if key < 0 or self.view is None:
            return
        (self._folded.add if fold else self._folded.discard)(key)
        self._arrange(self.view)
        self.move(next(index for index, line in enumerate(self._lines) if line.key == key) if fold else self.cursor)

    def action_fold_all(self) -> None:
        """Close all entries, or open them where all are closed."""
        if self.view is None:
            return
        key = self._lines[self.cursor].key if self.cursor < len(self._lines) else -1
        keys = {line.key for line in self._lines if line.key >= 0}
        self._folded = set() if keys <= self._folded else keys
        self._arrange(self.view)
        self.move(next((at for at, line in enumerate(self._lines) if line.key == key >= 0), 0))

    def action_open(self) -> None:
        """Fold an entry, open a device or what has no more lines."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else _Line()
        if line.folds:
            self.action_fold(line.key not in self._folded)
        else:
            super().action_open()

    def _arrange(self, view: View) -> None:
        host, iommu = view.inventory.host, view.snapshot.report.iommu
        lines = [_Line(((f"{name:<9}", "dim"), (text, "")), (), Heading(name, text)) for name, text in _facts(view)]
        if not iommu.enabled:
            error = iommu.error or ""
            lines.append(_Line((("✖ no IOMMU: ", "error"), (error, "error")), (), Heading("no IOMMU", error)))
        heading = plural(len(iommu.regions), "reserved region") if iommu.regions else "no reserved region"
        lines += [_Line(), _titled(f"{heading}, as Xen lists them", _REGIONS)]
        for number, (reach, regions) in enumerate(view.reach.items()):
            lines += self._entry(view, number, reach, regions)
        dropped = [one for one in host.regions if all(rdm.declared is not one for rdm in iommu.regions)]
        lines += [
            _Line(((f"✖ {one.kind.upper()} {one.span} ", "warning"), ("in the table, but Xen does not list it", "dim")))
            for one in dropped
        ]
        steps = [step for step in iommu.steps if step.log]
        if steps:
            lines += [_Line(), _titled("What Xen says of the tables", "The lines that it logs as it boots.")]
            lines += [_Line(((f'"{step.log}"', "warning"),), (), Heading(step.log or "", step.text)) for step in steps]
        free = [one.address for one in host.devices if not iommu.regions_of(one.address) and not names.is_chipset(one)]
        count = f"{len(free) or 'no'} device{'s' * (len(free) != 1)}"
        lines += [_Line(), _titled(f"{count} without a reserved region, bridges aside", "", tuple(free))]
        lines += [self._device(view, one, " ", -1) for one in view.by_use(free)]
        self._lines = lines

    def _entry(self, view: View, number: int, reach: tuple[Sbdf, ...], regions: list[Rdm]) -> list[_Line]:
        """The regions that the same devices reach, and below them those devices."""
        folded = number in self._folded
        sign = "▸" if folded else "▾"
        owners = ", ".join(view.owners_of(reach))
        findings = [one for rdm in regions for one in view.about(rdm.span) if one.acknowledged is None]
        worst = min((one.severity for one in findings), key=lambda severity: severity.rank, default=None)
        mark = ((f"{GLYPHS[worst]} ", str(worst)),) if worst is not None and worst is not Severity.NOTICE else ()
        right = (*mark, (owners, "here" if owners != "dom0" else "dim")) if owners else ()
        if len(regions) == 1:
            lines = [_region(regions[0], f"{sign} ", number, right)._replace(folds=True)]
        else:
            kind = regions[0].declared.kind.upper()
            title = f"{len(regions)} {kind}s, the same {plural(len(reach), 'device')}"
            spans = ", ".join(str(rdm.span) for rdm in regions)
            pieces = ((f"{sign} {title} ", "reserved"),)
            brief = ((f"{sign} {len(regions)} {kind}s", "reserved"),)
            lines = [_Line(pieces, right, Heading(title, spans, reach), number, brief, folds=True)]
            lines += [_region(rdm, "  ", number) for rdm in regions] if not folded else []
        if not folded:
            lines += [self._device(view, one, "└" if one == reach[-1] else "├", number) for one in reach] or [
                _Line((("└ no device of this host", "dim"),), (), regions[0], number)
            ]
        return lines

    @staticmethod
    def _device(view: View, address: Sbdf, guide: str, key: int) -> _Line:
        device = view.inventory.device(address)
        name = f"{names.class_word(device)} {names.short_name(device)}" if device is not None else "absent"
        owner = view.owner_label(address, 20)
        tone = "here" if view.item(address) is not None else "away" if view.others(address) else "dim"
        width = view.inventory.address_width
        return _Line(
            ((f" {guide} ", "dim"), (f"{fit(address.short, width)} ", ""), (name, "")), ((owner, tone),), address, key
        )


def _region(rdm: Rdm, indent: str, key: int, right: tuple[Piece, ...] = ()) -> _Line:
    """A region: from where to where and how large, or in brief where it starts."""
    kind, size = rdm.declared.kind.upper(), format_size(rdm.span.size)
    shared = ((" shared", "warning"),) if rdm.is_shared else ()
    whole, brief = (f"{indent}{kind} {where} {size}" for where in (rdm.span, f"{rdm.span.start:#x}"))
    return _Line(((whole, "reserved"), *shared), right, rdm, key, ((brief, "reserved"), *shared))


def _titled(title: str, text: str, devices: tuple[Sbdf, ...] = ()) -> _Line:
    return _Line(((title, "heading"),), (), Heading(title, text, devices))


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
    facts += [("notes", " ".join(host.notes.split()))] if host.notes else []
    facts += [("memory", format_size(host.memory))] if host.memory else []
    facts += [("options", host.xen_command_line)] if host.xen_command_line else []
    return facts
