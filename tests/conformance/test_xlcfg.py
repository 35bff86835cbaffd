"""Xen's config library on 900 texts: what it accepts, what it reads, what it rejects and where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conformance_vectors import load

from planner.formats.xlcfg import pci_spec, rdm
from planner.formats.xlcfg.cnumbers import LONG_MAX, LONG_MIN
from planner.formats.xlcfg.syntax import Atom, ListValue, Setting, Value, parse
from planner.model.errors import InputError
from planner.model.guest import RdmReading

VECTORS = load("xlcfg")


def test_all_vectors_are_here() -> None:
    assert len(VECTORS) == 900


def _plain(value: Value) -> Any:
    return value.text if isinstance(value, Atom) else [_plain(item) for item in value.items]


def _long(setting: Setting) -> dict[str, Any]:
    """What xlu_cfg_get_long answers for the newest setting of a name."""
    value = setting.joined
    if isinstance(value, ListValue) or setting.op == "+=":
        return {"long": None, "long_errno": 22}
    if value.long is not None:
        return {"long": value.long}
    out_of_range = re.fullmatch(r"\s*[+-]?(0[xX][0-9a-fA-F]+|[1-9][0-9]*|0[0-7]*)", value.text)
    assert not out_of_range or not LONG_MIN <= int(value.text, 0) <= LONG_MAX
    return {"long": None, "long_errno": 34 if out_of_range else 22}


def _as_xen_lists(settings: tuple[Setting, ...]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    newer: dict[str, Setting] = {}
    for setting in reversed(settings):
        row = {"name": setting.name, "op": setting.op, "line": setting.line, "value": _plain(setting.joined)}
        if setting.name in newer:
            # Xen moves a list's items into the list that extends it.
            moved = newer[setting.name].op == "+=" and isinstance(setting.joined, ListValue)
            row |= {"long": None, "shadowed": True} | ({"value": []} if moved else {})
        else:
            row |= _long(setting)
        newer[setting.name] = setting
        rows.append(row)
    return rows


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "xlcfg-cfg"], ids=lambda v: v["id"])
def test_cfg(vector: dict[str, Any]) -> None:
    text, expect = vector["input"]["text"], vector["expect"]
    if expect["errno"]:
        with pytest.raises(InputError) as caught:
            parse(text)
        line = int(re.match(r"cfg:(\d+):", expect["report"])[1])  # type: ignore[index]
        # Xen counts a newline to the line before the one it ends; a person looks for it where it stands.
        assert caught.value.line == line + caught.value.message.endswith("found the end of the line")
        assert caught.value.column is not None
        assert caught.value.column >= 1
    else:
        config = parse(text)
        assert _as_xen_lists(config.settings) == expect["settings"]
        assert config.text == text


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "xlcfg-pci"], ids=lambda v: v["id"])
def test_pci_spec(vector: dict[str, Any]) -> None:
    text, expect = vector["input"]["text"], vector["expect"]
    if expect.get("undefined_behaviour") or expect["rc"]:
        with pytest.raises(InputError, match="unable to parse PCI_SPEC_STRING"):
            pci_spec.parse(text)
        return
    spec = pci_spec.parse(text)
    if spec.address is not None:
        assert tuple(spec.address) == (expect["domain"], expect["bus"], expect["dev"], expect["func"])
        assert spec.all_functions == (expect["vfunc_mask"] != 1)
    assert (spec.vslot or 0) << 3 == expect["vdevfn"]
    for flag in ("permissive", "msitranslate", "power_mgmt", "seize"):
        assert bool(getattr(spec, flag)) == bool(expect[flag])
    assert (spec.policy or "invalid") == expect["rdm_policy"]
    assert spec.name == expect["name"]
    assert pci_spec.parse(pci_spec.render(spec)) == spec


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "xlcfg-rdm"], ids=lambda v: v["id"])
def test_rdm(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    reading = rdm.parse(vector["input"]["text"]).as_shipped
    unset = {"UNSET": None}
    assert reading == RdmReading(
        accepted=expect["rc"] == 0,
        strategy=unset.get(expect["strategy"], expect["strategy"]),
        policy=unset.get(expect["policy"], expect["policy"]),
        messages=reading.messages,
    )
    assert "".join(reading.messages) == expect["report"]
