"""xl's reading of a guest: which values it hands to libxl, and which policy each device ends up with.

Source: tools/xl/xl_parse.c and the defaults of tools/libs/light/libxl_create.c.
"""

from __future__ import annotations

from typing import NamedTuple

from planner.model.address import Sbdf
from planner.model.guest import Guest, RdmPolicy, RdmReading, RdmStrategy
from planner.model.span import KIB
from planner.xen.release import Release
from planner.xen.steps import Step

DEFAULT_BOUNDARY_KIB = 2048 * KIB  # libxl.h:1636
DEFAULT_MEMORY_KIB = 32 * KIB  # libxl_create.c:204-207
MMIO_HOLE_MIN = 256  # MiB, xl_parse.c:1981
MMIO_HOLE_MAX = 3840

_DEFAULT_VIDEORAM = {"stdvga": 16, "cirrus": 8, "qxl": 128, "none": 0}  # MiB, libxl_create.c:266-302
_TOO_LITTLE_VIDEORAM = {
    "stdvga": "videoram must be at least 16 MB for STDVGA on QEMU_XEN",
    "cirrus": "videoram must be at least 8 MB for CIRRUS on QEMU_XEN",
    "qxl": "128 Mib videoram is the minimum for qxl default",
}


# libxl_create.c:397, seen on a real run.
_TWO_USBS = "usbversion and/or usbredirection cannot be enabled with usb and/or usbdevice parameters."


class DomainDevice(NamedTuple):
    """A device as libxl gets it. `policy` INVALID: not said, which means strict; None: undefined (stack garbage)."""

    address: Sbdf | None
    policy: RdmPolicy | None


class Domain(NamedTuple):
    """What xl hands to libxl. Sizes in KiB as there; None where libxl chooses. `policy` None: undefined."""

    type: str
    max_kib: int
    target_kib: int
    video_kib: int = 0
    mmio_hole_kib: int | None = None
    boundary_kib: int | None = None
    hap: bool = True
    strategy: RdmStrategy = RdmStrategy.IGNORE
    policy: RdmPolicy | None = RdmPolicy.INVALID
    devices: tuple[DomainDevice, ...] = ()
    passthrough: str | None = None
    acpi_modules: tuple[tuple[int, int], ...] = ()


class Asked(NamedTuple):
    """Stage `asked`: the domain, or the line with which xl or libxl refuses the config."""

    domain: Domain
    steps: tuple[Step, ...]
    error: str | None = None


def configure(guest: Guest, release: Release, *, hap: bool = True, as_documented: bool = False) -> Asked:
    """What xl makes of `guest` under `release` on a host that can or cannot do `hap`.

    `as_documented` reads `rdm=` as the manual has it instead of as the release does.
    """
    steps: list[Step] = []
    reading = _rdm(guest, release, as_documented, steps)
    domain = _domain(guest, reading, hap)
    steps.append(
        Step(
            f"maximum {domain.max_kib // KIB} MiB, target {domain.target_kib // KIB} MiB, "
            f"of which {domain.video_kib // KIB} MiB are video RAM",
            "xl_parse.c:1525-1529, libxl_create.c:266-302",
        )
    )
    for item, device in zip(guest.pci, domain.devices, strict=True):
        steps.append(Step(f"{item.label}: rdm_policy {_policy_words(device.policy)}", "xl_parse.c:1729"))
    error = _refusal(guest, domain, release)
    if error is not None:
        steps.append(Step("the config is refused", "xl_parse.c, libxl_create.c", error, "error"))
    return Asked(domain, tuple(steps), error)


def _domain(guest: Guest, reading: RdmReading | None, hap: bool) -> Domain:
    hvm = guest.type == "hvm"
    policy = reading.policy if reading is not None else RdmPolicy.INVALID
    strategy = (reading.strategy or RdmStrategy.IGNORE) if reading is not None else RdmStrategy.IGNORE
    maximum = guest.maxmem if guest.maxmem is not None else guest.memory
    target = guest.memory if guest.memory is not None else guest.maxmem
    videoram = 0 if not hvm else guest.videoram if guest.videoram is not None else _DEFAULT_VIDEORAM.get(guest.vga, 0)
    return Domain(
        type=guest.type,
        max_kib=maximum * KIB if maximum is not None else DEFAULT_MEMORY_KIB,
        target_kib=target * KIB if target is not None else DEFAULT_MEMORY_KIB,
        video_kib=videoram * KIB,
        mmio_hole_kib=guest.mmio_hole * KIB if hvm and guest.mmio_hole is not None else None,
        boundary_kib=guest.rdm_mem_boundary * KIB if hvm and guest.rdm_mem_boundary is not None else None,
        hap=hap if guest.hap is None else guest.hap,
        strategy=strategy,
        policy=policy,
        devices=tuple(DomainDevice(item.address, item.policy or policy) for item in guest.pci),
        passthrough=guest.passthrough,
    )


def _rdm(guest: Guest, release: Release, as_documented: bool, steps: list[Step]) -> RdmReading | None:
    """The `rdm=` setting as it takes effect, None where there is none or xl drops it."""
    if guest.rdm is None:
        return None
    shipped = release.drops_rdm_with_policy and not as_documented
    reading = guest.rdm.as_shipped if shipped else guest.rdm.as_documented
    message = reading.messages[0] if reading.messages else None
    if not reading.accepted:
        steps.append(
            Step(
                f'rdm="{guest.rdm.text}" is dropped whole, and nothing fails',
                "libxlu_pci.c:259, xl_parse.c:1704-1710",
                message,
            )
        )
        return None
    undefined = [name for name in ("strategy", "policy") if getattr(reading, name) is None]
    note = f"; its {' and '.join(undefined)} is never set: xl uses what its stack holds" if undefined else ""
    steps.append(Step(f'rdm="{guest.rdm.text}" is read{note}', "xl_parse.c:1704-1710", message))
    return reading


def _policy_words(policy: RdmPolicy | None) -> str:
    if policy is None:
        return "undefined: taken from xl's stack"
    return "strict, the default" if policy is RdmPolicy.INVALID else policy.value


def _refusal(guest: Guest, domain: Domain, release: Release) -> str | None:
    named = next((item for item in guest.pci if item.name is not None), None)
    if named is not None and not release.knows_device_keys:
        return f"unable to parse PCI BDF `{named.text or named.label}' for passthrough"
    if guest.type != "hvm":
        return None
    if guest.usb and guest.usbversion is not None:
        return _TWO_USBS
    if guest.mmio_hole is not None and not MMIO_HOLE_MIN <= guest.mmio_hole <= MMIO_HOLE_MAX:
        return f'ERROR: invalid value {guest.mmio_hole} for "mmio_hole"'
    if guest.videoram is not None and guest.videoram < _DEFAULT_VIDEORAM.get(guest.vga, 0):
        return _TOO_LITTLE_VIDEORAM[guest.vga]
    return None
