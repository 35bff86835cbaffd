"""The `rdm=` string, read as libxlutil reads it (xlu/libxlu_pci.c:213-283)."""

from __future__ import annotations

from planner.model.guest import RdmPolicy, RdmReading, RdmSetting, RdmStrategy


def parse(text: str) -> RdmSetting:
    """Both readings of an `rdm=` string; never raises, for xl never refuses one: it drops what it cannot read."""
    return RdmSetting(text, as_documented=_read(text, inverted=False), as_shipped=_read(text, inverted=True))


def _read(text: str, *, inverted: bool) -> RdmReading:
    """Since bdc0799fe2 (4.15) the test of the policy parser's answer is the wrong way round: `inverted`."""
    strategy: RdmStrategy | None = None
    policy: RdmPolicy | None = None
    messages: list[str] = []

    def reading(accepted: bool) -> RdmReading:
        return RdmReading(accepted, strategy, policy, tuple(messages))

    rest = text
    while True:
        key, equals, rest = rest.partition("=")
        if not equals:
            return reading(False)
        if key not in ("strategy", "policy"):
            messages.append(f"Unknown RDM state option: {key}")
            return reading(False)
        value, comma, rest = rest.partition(",")
        if key == "strategy":
            if value != "host":
                messages.append(f"Unknown RDM strategy option: {value}")
                return reading(False)
            strategy = RdmStrategy.HOST
        else:
            known = value.lower() in list(RdmPolicy)
            if known:
                policy = RdmPolicy(value.lower())
            else:
                messages.append(f"Unknown RDM policy: {value}")
            if known == inverted:
                return reading(False)
        if not comma:
            return reading(True)
