"""Every line that people paste is recognised, with its values."""

from __future__ import annotations

from pathlib import Path

import pytest
from planning import report
from policy.test_rules import CASES

from planner.formats import host_toml
from planner.formats.xlcfg.guest import read
from planner.model.plan import Plan
from planner.policy.evaluate import Report, evaluate
from planner.policy.findings import RULES
from planner.policy.log_lines import LINES, nearest, recognise

ROOT = Path(__file__).parent.parent.parent

# What people with such troubles paste, and who says it.
PASTED = [
    (
        "P1",
        "Linux",
        "vfio-pci 0000:08:00.0: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.",
    ),
    ("P1", "Linux", "failed to set iommu for container: Operation not permitted"),
    ("P2", "Xen", "[VT-D] It's disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for Dom32753"),
    ("P2", "xenopsd", "Cannot_add(0000:08:00.0, 1: Operation not permitted)"),
    ("P3", "people", "RMRR override unreachable from libvirt; hacked onto nostrictreset"),
    ("P4", "people", "GPU HVM crashes / black screen above ~3–3.5 GB RAM"),
    ("P4", "people", "USB HVM dies above 2200 MB"),
    ("P4", "people", "HVM + USB hangs ≥3857 MB"),
    ("P5", "Linux", "GPU has fallen off the bus"),
    ("P5", "QEMU", "xen_pt_check_bar_overlap"),
    ("P5", "people", "Resizable bar doesn't work when enabled"),
    ("P6", "Linux", "Unable to reset PCI device 0000:01:00.0: no FLR, PM reset or bus reset available"),
    ("P6", "people", "second boot of GPU fails; host freeze"),
    ("P7", "Linux", "group 14 is not viable"),
    ("P8", "Linux", "no iommuGroup available"),
    ("P8", "people", "groups changed after upgrade"),
    ("P9", "people", "BDF moved after adding a card/BIOS update; wrong device attached"),
    ("P10", "people", "dom0 loses disk/NIC/keyboard"),
    ("P11", "libxl", "SR-IOV IGD VF: stubdom cannot open `0000:00:00.0/config`, error -9"),
    ("P12", "Linux", "pcifront BAR claim failure"),
    ("P12", "Linux", "igbvf probe error -22"),
    ("P13", "people", "NVMe passthrough very slow"),
    ("P14", "ESXi", "Module 'DevicePowerOn' power on failed"),
    ("P14", "ESXi", "total number of pages needed (4206594) exceeds limit"),
    ("P15", "people", "cannot suspend/smart-reboot/migrate host"),
    ("P15", "XAPI", "VM_HAS_PCI_ATTACHED"),
    ("P16", "people", "XCP-ng setting lost after ISO upgrade"),
    ("P17", "people", "why on earth is this not part of the GUI"),
    ("P17", "people", "surprised at the complexity"),
    ("P18", "libxl", "Couldn't bind device to pciback"),
    ("P18", "libxl", "libxl: error: libxl_pci.c:1539:x: PCI device 0:3:0.0 is not assignable"),
    ("P18", "libxl", "Must specify a v-slot for multi-function devices"),
    ("P19", "people", "firmware omits an RMRR ⇒ DMA faults"),
    ("P19", "Xen", "(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d0 addr 00000000bdf80000 flags 0x10 RW"),
    ("P19", "Xen", "(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:04:00.4] fault addr bdf80000"),
    ("P20", "people", "security worry: mapping RMRR lets guest reach firmware memory"),
]
LOGGED = [
    (
        "libxl: warning: libxl_dm.c:624:libxl__domain_device_construct_rdm: Ignoring RDM conflict at 0x7e000000.",
        "RDM102",
    ),
    ("libxl: error: libxl_dm.c:620:libxl__domain_device_construct_rdm: RDM conflict at 0x7e000000.", "RDM101"),
    ("checking reserved device memory failed", "RDM101"),
    ("Ooops! Too many entries in the memory map!", "MEM209"),
    ("no space for resource!", "BAR301"),
    ("Unknown RDM policy: bogus", "CFG603"),
    ("Unknown PCI_SPEC_STRING option: colour", "CFG606"),
    ("passthrough disabled but devices are specified", "MEM208"),
    ("Failed to parse ACPI DMAR.  Disabling VT-d.", "GRP405"),
    ('(XEN) [VT-D]  RMRR [99000000,99000fff] not in reserved memory; need "iommu_inclusive_mapping=1"?', "RDM111"),
    ("(XEN) [2026-08-20 10:00:00] [VT-D] RMRR [99001000,99000fff] is incorrect!", "RDM112"),
    ("d5: cannot map reserved region [bf800000,bf800fff]: -16", "MEM213"),
    ("unknown rdm check flag.", "CFG612"),
]


@pytest.mark.parametrize(("trouble", "actor", "text"), PASTED, ids=[f"{row[0]}-{row[2][:30]}" for row in PASTED])
def test_what_people_paste_is_recognised(trouble: str, actor: str, text: str) -> None:
    found = recognise(text)
    assert found is not None
    assert found.line.actor == actor
    assert found.meaning
    assert found.remedy


@pytest.mark.parametrize(("text", "rule"), LOGGED, ids=[row[1] for row in LOGGED])
def test_a_line_leads_to_its_rule(text: str, rule: str) -> None:
    found = recognise(text)
    assert found is not None
    assert found.rule is RULES[rule]


def test_values_are_taken_from_the_line() -> None:
    found = recognise("(XEN) [VT-D] It's disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for Dom32753")
    assert found is not None
    assert dict(found.values) == {"device": "0000:08:00.0", "address": "0x7ba77000", "domain": "Dom32753"}
    assert "0000:08:00.0 shares the reserved region at 0x7ba77000" in found.meaning


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.example[:40])
def test_every_example_is_recognised_as_itself(line: object) -> None:
    found = next((recognise(one.example) for one in LINES if one is line), None)
    assert found is not None
    assert found.line is line
    assert "…" not in found.meaning
    assert found.remedy
    assert found.line.rule is None or found.line.rule in RULES


def _reports() -> list[Report]:
    reports = [report(*case[1]) for case in CASES]
    for path in sorted((ROOT / "sample-hosts").glob("*/host.toml")):
        guests = tuple(read(file.read_text(), str(file)) for file in sorted(path.parent.glob("*.cfg")))
        reports.append(evaluate(Plan(host=host_toml.parse(path.read_text()), guests=guests)))
    return reports


def test_every_line_that_findings_quote_is_recognised() -> None:
    said = {finding.xen_says for one in _reports() for finding in one.findings if finding.xen_says}
    assert len(said) > 20
    assert {text for text in said if recognise(text) is None} == set()


def test_every_line_that_a_build_logs_as_an_error_is_recognised() -> None:
    builds = [build for one in _reports() for build in one.builds]
    steps = [step for build in builds for stage in build.stages for step in stage.steps]
    steps += [step for one in _reports() for step in one.iommu.steps]
    said = {step.log for step in steps if step.log and step.level in ("error", "warning")}
    assert {text for text in said if recognise(text) is None} == set()


def test_an_unknown_line_is_not_guessed_at() -> None:
    assert recognise("e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps") is None
    near = nearest("RDM konflict at adress 0x7e000000")
    assert near is not None
    assert "RDM conflict" in near.example
    assert nearest("ξ") is None


@pytest.mark.parametrize(
    ("address", "rule"), [("0xe8000", "RDM107"), ("0x7e000000", "RDM101"), ("0x140000000", "RDM106")]
)
def test_a_conflict_belongs_to_the_rule_of_its_address(address: str, rule: str) -> None:
    found = recognise(f"libxl: error: libxl_dm.c:620:x: Domain 5:RDM conflict at {address}.")
    assert found is not None
    assert (found.line.rule, dict(found.values)) == (rule, {"address": address})


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[1;31m[VT-D] It's \x1b[0mdisallowed to assign 0000:08:00.0 with shared RMRR at 7ba\x1b[1m77000 for d3",
        "It’s disallowed to assign 0000:08:00.0 with shared RMRR at 7ba77000 for d3",
    ],
)
def test_colours_and_a_forum_s_quotes_do_not_matter(text: str) -> None:
    found = recognise(text)
    assert found is not None
    assert dict(found.values) == {"device": "0000:08:00.0", "address": "0x7ba77000", "domain": "d3"}
