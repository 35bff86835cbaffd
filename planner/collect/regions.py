"""Reserved regions from several sources: the firmware's table decides, the others confirm it or differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from planner.collect.recognise import Source
from planner.collect.words import count, listed
from planner.formats.facts import Trust
from planner.model.errors import InputError
from planner.model.host import RegionKind, ReservedRegion
from planner.model.span import PAGE, round_down


@dataclass(slots=True)
class Regions:
    """The regions, what they were learned from (`log`: only from a log), what damage its bytes have, and notes."""

    regions: tuple[ReservedRegion, ...] = ()
    trust: Trust | None = None
    source: str | None = None
    log: str | None = None
    damage: str | None = None
    found: list[str] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)


def merge_regions(sources: Sequence[Source]) -> Regions:
    """The regions of the most trusted source; logs complete each other. InputError when two tables differ."""
    having = [source for source in sources if source.facts.regions is not None]
    if not having:
        return Regions()
    trust = max(source.facts.trust for source in having)
    best = [source for source in having if source.facts.trust is trust]
    first = best[0]
    merged = Regions(regions=first.facts.regions or (), trust=trust)
    if trust is Trust.LOG:
        merged.regions = _union(best)
        merged.log = listed([source.title for source in best])
    else:
        merged.source = first.title
    if trust is Trust.TABLE:
        _same_tables(best, merged)
        merged.damage = next((note for note in first.facts.notes if note.startswith("The checksum is wrong")), None)
    elif trust is Trust.KERNEL and any(source.facts.iommu == "amd" for source in sources):
        merged.regions = tuple(region.changed(kind=RegionKind.IVMD) for region in merged.regions)
    for source in having:
        if source.facts.trust < trust:
            _compare(source, merged, first)
    return merged


def _same_tables(tables: list[Source], merged: Regions) -> None:
    first, *others = tables
    for other in others:
        if (other.facts.iommu, other.facts.regions) != (first.facts.iommu, first.facts.regions):
            raise InputError(
                f"{first.label} and {other.label} declare different regions: leave the table of one machine here"
            )
        merged.found.append(f"{other.label} declares the same regions as {first.label}.")


def _union(logs: list[Source]) -> tuple[ReservedRegion, ...]:
    """Each region once, with its devices where one of the logs names them."""
    union: dict[tuple[int, int], ReservedRegion] = {}
    for log in logs:
        for region in log.facts.regions or ():
            known = union.get((region.start, region.end))
            if known is None or not known.scopes:
                union[region.start, region.end] = region
    return tuple(union.values())


def _compare(source: Source, merged: Regions, best: Source) -> None:
    """A log has whole pages where a table has bytes, so pages are compared."""
    known = {_pages(region) for region in merged.regions}
    said = {_pages(region): region for region in source.facts.regions or ()}
    if agreed := len(known & said.keys()):
        merged.found.append(f"{source.label} confirms {agreed} of the {count(len(known), 'region')} of {best.label}.")
    strange = [region for pages, region in said.items() if pages not in known]
    if strange:
        shown = ", ".join(f"{region.start:#x}-{region.end:#x}" for region in strange[:3])
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        merged.differs.append(
            f"{source.label} has {shown}{more}, which {best.label} lacks; the regions of {best.label} were used."
        )
    if source.facts.trust is Trust.KERNEL and (lacking := len(known - said.keys())):
        merged.differs.append(
            f"{best.label} has {count(lacking, 'region')} that {source.label} lacks; the regions of {best.label} were "
            "used."
        )


def _pages(region: ReservedRegion) -> tuple[int, int]:
    return round_down(region.start, PAGE), region.end | PAGE - 1
