"""The worked cases G1 to G13 of the rules catalogue: guests with 8 MiB of video RAM against one RMRR each."""

from __future__ import annotations

from typing import Any

import pytest
from planning import NIC, USB, built, guest, host, rmrr

A = rmrr(0xAC6D3000, 0xAC6E6FFF, NIC)
B = rmrr(0xAD800000, 0xAFFFFFFF, USB)
C = rmrr(0x7C4BF000, 0x7C4C0FFF, NIC)

# id, memory, regions, policy, other settings, error, low end, high end
CASES: list[tuple[str, int, tuple[Any, ...], str, dict[str, Any], str | None, int, int]] = [
    ("G1", 2800, (A,), "strict", {}, None, 0xAC600000, 0x102200000),
    ("G2", 2800, (A, B), "strict", {"rdm": "strategy=host"}, None, 0xAC600000, 0x102200000),
    ("G3", 2800, (A,), "strict", {"rdm_mem_boundary": 2816}, "RDM conflict at 0xac6d3000.", 0xAE800000, 0),
    ("G4", 4096, (C,), "relaxed", {}, None, 0xF0000000, 0x10F800000),
    ("G5", 4096, (C,), "strict", {}, "RDM conflict at 0x7c4bf000.", 0xF0000000, 0x10F800000),
    ("G6", 4096, (C,), "strict", {"rdm_mem_boundary": 1984}, None, 0x7C400000, 0x183400000),
    ("G7", 4096, (C,), "strict", {"mmio_hole": 2112}, None, 0x7C000000, 0x183800000),
    ("G8", 1900, (C,), "strict", {}, None, 0x76400000, 0),
    ("G9", 1024, (rmrr(0xE8000, 0xEBFFF, NIC),), "strict", {}, "RDM conflict at 0xe8000.", 0x3F800000, 0),
    (
        "G10",
        4096,
        (rmrr(0x80000000, 0x80000FFF, NIC),),
        "strict",
        {},
        "RDM conflict at 0x80000000.",
        0xF0000000,
        0x10F800000,
    ),
    (
        "G11",
        8192,
        (rmrr(0x140000000, 0x140000FFF, NIC),),
        "strict",
        {},
        "RDM conflict at 0x140000000.",
        0xF0000000,
        0x20F800000,
    ),
    ("G12", 8192, (rmrr(0xF1000000, 0xF1000FFF, NIC),), "strict", {}, None, 0xF0000000, 0x20F800000),
    ("G13", 2800, (A,), "strict", {"hap": 0}, None, 0xAC6D3000, 0x10212D000),
]


@pytest.mark.parametrize(
    ("name", "memory", "regions", "policy", "settings", "error", "low", "high"),
    CASES,
    ids=lambda v: v if isinstance(v, str) and v.startswith("G") else "",
)
def test_worked_case(
    name: str,
    memory: int,
    regions: tuple[Any, ...],
    policy: str,
    settings: dict[str, Any],
    error: str | None,
    low: int,
    high: int,
) -> None:
    one = guest(f"{NIC},rdm_policy={policy}", memory=memory, **settings)
    result = built(host(*regions), one)
    assert result.layout is not None
    assert result.error == error
    assert (result.layout.low_end, result.layout.high_end) == (low, high)


def test_relaxed_conflict_is_masked_and_logged() -> None:
    result = built(host(C), guest(f"{NIC},rdm_policy=relaxed"))
    assert result.layout is not None
    assert result.layout.log == (("warning", "Ignoring RDM conflict at 0x7c4bf000."),)
    assert result.layout.regions[0].policy == "invalid"
    assert [entry.type for entry in result.layout.e820] == ["ram", "ram"]
