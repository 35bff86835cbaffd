from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from planner.cli import _group

SAMPLES = Path(__file__).resolve().parents[2] / "sample-hosts"
DELL = SAMPLES / "dell-poweredge-r820"


def run(*args: str) -> Result:
    return CliRunner().invoke(_group, ["diff", *args], catch_exceptions=False)


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The Dell after a card came in front of the network card that `edge` has: bus 01 is now bus 1e."""
    text = (DELL / "host.toml").read_text()
    assert "0000:01:00.2" in text
    path = tmp_path / "after.toml"
    buses = '{{ secondary = "{0}", subordinate = "{0}" }}'
    assert buses.format("01") in text
    path.write_text(text.replace("0000:01:00.", "0000:1e:00.").replace(buses.format("01"), buses.format("1e")))
    return path


def test_the_same_inventory_breaks_nothing() -> None:
    result = run(str(DELL), str(DELL))
    assert (result.exit_code, result.stdout) == (0, "0 changes: nothing breaks\n")


def test_a_card_that_moved_breaks_the_guest_that_names_its_address(moved: Path) -> None:
    result = run(str(DELL / "host.toml"), str(moved), str(DELL / "edge.cfg"))
    assert result.exit_code == 1
    assert "moved from 01:00.2 to 1e:00.2" in " ".join(result.stdout.split())
    assert "PCI509" in result.stdout
    assert "01:00.2 is not there; the pinned one is now at 1e:00.2" in " ".join(result.stdout.split())
    assert "help: write 0000:1e:00.2 instead" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert run(str(DELL / "host.toml"), str(moved), str(DELL / "storage.cfg"), "-q").exit_code == 0
    assert run(str(DELL / "host.toml"), str(moved), str(DELL / "edge.cfg"), "-q", "--fail-on", "never").exit_code == 0


def test_json_has_the_changes_and_the_findings(moved: Path) -> None:
    result = run(str(DELL), str(moved), "--format", "json")
    value = json.loads(result.stdout)
    assert list(value) == ["schema_version", "changes", "moved", "findings"]
    assert value["moved"]["0000:01:00.2"] == "0000:1e:00.2"
    assert {finding["rule"] for finding in value["findings"]} == {"PCI509"}
    assert {change["kind"] for change in value["changes"]} == {"moved"}
    assert result.stdout == run(str(DELL), str(moved), "--format", "json").stdout


def test_a_region_that_came_with_new_firmware(tmp_path: Path) -> None:
    path = tmp_path / "after.toml"
    text = (DELL / "host.toml").read_text()
    scope = '{ path = "00:01.0", device = "0000:01:00.2" }'
    new = f'[[regions]]\nstart = "0x7a000000"\nend = "0x7a0fffff"\nscopes = [{scope}]\n'
    path.write_text(text.replace("[[devices]]", f"{new}\n[[devices]]", 1))
    result = run(str(DELL), str(path))
    assert result.exit_code == 1
    assert "region    RMRR 0x7a000000-0x7a0fffff (1 MiB) for 00:01.0 is new" in " ".join(result.stdout.split("\n")[0:1])
    assert "RDM101" in result.stdout


def test_what_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    result = CliRunner().invoke(_group, ["diff", str(tmp_path / "none.toml"), str(DELL)])
    assert result.exit_code != 0
