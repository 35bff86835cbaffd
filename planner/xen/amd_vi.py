"""AMD-Vi's side of boot: what Xen makes of IVMD blocks, those of the IVRS table and then those of `ivmd=`.

A block is a unity map, which Xen maps 1:1 into the guest that gets the device, or an exclusion range, which the IOMMU
lets pass untranslated. An IOMMU has one exclusion range: a block that does not adjoin it becomes a unity map.
Source: amd/iommu_acpi.c (parse_ivmd_block, register_range_for_*), amd/iommu_map.c:694-762 (the query).

Which IOMMU a device is behind is in no inventory. One is assumed, and that it serves every device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from planner.model.host import DeviceScope, Host, ReservedRegion, ScopeKind
from planner.model.span import PAGE, Span, round_down
from planner.xen import boot_options, reserved
from planner.xen.rdm import Rdm, RefusedError, Table
from planner.xen.release import Release
from planner.xen.steps import Step

_RULE = "amd/iommu_acpi.c: parse_ivmd_block"
_EXCLUSION, _UNITY = 8, 1  # bits of the block's flags; the first wins
_LAST_ID = 0xFFFF
LISTED_AT_MOST = 128
"""As many entries as libxl's e820 has room for: one more or ten thousand more make no difference."""


def parse(host: Host, release: Release) -> Table:
    """Every block in order. Any error gives the whole table up, and AMD-Vi with it."""
    added = boot_options.ivmd(host.xen_command_line)
    maps = _Maps()
    steps: list[Step] = []
    try:
        for region in (*host.regions, *added.regions):
            for scope in region.scopes:
                _parse_block(host, release, region, scope, maps, steps)
    except RefusedError as refusal:
        return Table((), (*steps, Step("AMD-Vi stays off", _RULE, str(refusal), "error")), str(refusal))
    return Table(maps.listed(), (*steps, *added.steps))


def everything(regions: Sequence[Rdm]) -> tuple[Rdm, ...]:
    """What the query for all devices lists: a region once for each function that its block names.

    Blocks for all devices come once, with the first function. At most `LISTED_AT_MOST` entries.
    """
    whole = [rdm for rdm in regions if _names_all(rdm)]
    ranges = [(rdm, _ids(scope)) for rdm in regions if not _names_all(rdm) for scope in _scopes(rdm)]

    def entries() -> Iterator[Rdm]:
        first = True
        for number in _numbers(ids for _, ids in ranges) if ranges else (0,):
            here = {id(rdm) for rdm, (low, high) in ranges if low <= number <= high}
            here |= {id(rdm) for rdm in whole} if first else set()
            yield from (rdm for rdm in regions if id(rdm) in here)
            first = False

    return tuple(islice(entries(), LISTED_AT_MOST))


class _Maps:
    """Unity maps in the order of their making, and the one exclusion range."""

    def __init__(self) -> None:
        self.unity: list[Rdm] = []
        self.exclusion: Rdm | None = None

    def listed(self) -> tuple[Rdm, ...]:
        """As the query lists them: the exclusion range, then the newest map first."""
        return (*((self.exclusion,) if self.exclusion else ()), *reversed(self.unity))

    def exclude(self, span: Span, region: ReservedRegion) -> bool:
        """Make or extend the exclusion range; False where it is taken (-EBUSY)."""
        old = self.exclusion
        if old is None:
            self.exclusion = Rdm(span, region, mapped=False)
            return True
        apart = old.span.end < span.start or span.end < old.span.start
        if apart or _names_all(old) != (region.scopes[0].kind is ScopeKind.ALL):
            return False
        both = Span(min(old.span.start, span.start), max(old.span.end, span.end))
        self.exclusion = Rdm(both, old.declared, joined=(*old.joined, region), mapped=False)
        return True

    def add(self, span: Span, region: ReservedRegion) -> None:
        """reserve_unity_map_for_device. RefusedError where another map of one of its devices overlaps."""
        for other in self.unity:
            if span.overlaps(other.span) and _meet(region, other.declared):
                same = span == other.span and _access(region) == _access(other.declared)
                if not same:
                    raise RefusedError(
                        f"IVMD: overlap [{span.start:x},{span.end:x}) vs [{other.span.start:x},{other.span.end:x})"
                    )
        self.unity.append(Rdm(span, region))


def _parse_block(
    host: Host, release: Release, region: ReservedRegion, scope: DeviceScope, maps: _Maps, steps: list[Step]
) -> None:
    span = Span(round_down(region.start, PAGE), round_down(region.end, PAGE) + PAGE)
    block = region if len(region.scopes) == 1 else region.changed(scopes=(scope,))
    _check_reserved(host, release, span, steps)
    if region.flags is not None and not region.flags & (_EXCLUSION | _UNITY):
        raise RefusedError("IVMD: invalid flag field")
    low, high = _ids(scope)
    if scope.kind is ScopeKind.RANGE and 0 <= high <= low:
        raise RefusedError(f"IVMD: invalid Range_Last Dev_Id {high:#x}")
    if region.flags is not None and region.flags & _EXCLUSION:
        if maps.exclude(span, block):
            steps.append(Step(f"IVMD {span}: an exclusion range, which the IOMMU lets pass", _RULE))
            return
        steps.append(Step(f"IVMD {span}: there is an exclusion range already, so it becomes a unity map", _RULE))
    maps.add(span, block)
    steps.append(Step(f"IVMD {span}: a unity map", _RULE))


def _check_reserved(host: Host, release: Release, span: Span, steps: list[Step]) -> None:
    if release.rmrr_must_be_reserved:
        reserved.check("IVMD", host, span.start // PAGE, span.last // PAGE, steps)
    elif not reserved.covered(host, span):
        line = f"IVMD: [{span.start:x},{span.end:x}) is not (entirely) in reserved memory"
        steps.append(Step("the firmware did not reserve all of it: unknown pages are added", _RULE, line, "warning"))
        page = reserved.first_in_ram(host, span)
        if page is not None:
            raise RefusedError(f"IVMD: page at {page * PAGE:x} can't be converted")


def _access(region: ReservedRegion) -> tuple[bool, bool]:
    """What a unity map allows: (read, write). An exclusion range that became one allows both."""
    if region.flags is None or region.flags & _EXCLUSION:
        return True, True
    return bool(region.flags & 2), bool(region.flags & 4)


def _scopes(rdm: Rdm) -> Iterator[DeviceScope]:
    for region in (rdm.declared, *rdm.joined):
        yield from region.scopes


def _names_all(rdm: Rdm) -> bool:
    return rdm.declared.scopes[0].kind is ScopeKind.ALL


def _meet(one: ReservedRegion, other: ReservedRegion) -> bool:
    """Whether a device may be under both."""
    return any(_ids(a)[0] <= _ids(b)[1] and _ids(b)[0] <= _ids(a)[1] for a in one.scopes for b in other.scopes)


def _ids(scope: DeviceScope) -> tuple[int, int]:
    """The first and last requester id that a scope names; an empty range where it names none."""
    if scope.kind is ScopeKind.ALL:
        return 0, _LAST_ID
    if scope.device is None:
        return 0, -1
    last = scope.last if scope.last is not None else scope.device
    return scope.device.requester_id, last.requester_id


def _numbers(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Every requester id in one of the ranges, in order, once."""
    done = -1
    for low, high in sorted(ranges):
        yield from range(max(low, done + 1), high + 1)
        done = max(done, high)
