"""GRP: what the IOMMU must do before a device can be given away."""

from __future__ import annotations

from collections.abc import Iterator

from planner.policy.findings import Context, Finding, Rule, Severity, guest_rule
from planner.xen.build import Build


@guest_rule(
    Rule(
        "GRP405",
        "No working IOMMU",
        Severity.ERROR,
        by="libxl",
        why="Without an IOMMU a device's DMA cannot be confined to its guest, so Xen passes none through.",
        remedy="Switch VT-d or AMD-Vi on in the firmware; if Xen refuses the firmware's table, update the firmware.",
        source="libxl_create.c:1163, vtd/dmar.c",
    )
)
def no_iommu(context: Context, rule: Rule, build: Build) -> Iterator[Finding]:
    """Devices on a host whose IOMMU is off, or whose table Xen refuses."""
    if build.error == "passthrough not supported on this platform":
        cause = f" (Xen at boot: {context.iommu.error})" if context.iommu.error else ""
        yield context.finding(
            rule,
            build.guest,
            f"the host has no working IOMMU{cause}",
            xen_says="passthrough not supported on this platform",
            keys=("pci",),
        )
