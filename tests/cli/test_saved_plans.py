"""PLAN.toml in place of HOST and GUESTs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from planner import storage
from planner.cli import _group, load
from planner.formats import plan_toml
from planner.model.errors import InputError

SITE = storage.samples_folder() / "xen-lab-lowered-ram"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A plan beside a copy of a sample: its first guest with one change, for Xen 4.14."""
    for path in SITE.iterdir():
        if path.suffix in (".toml", ".cfg"):
            (tmp_path / path.name).write_text(path.read_text())
    [(_, plan)] = load.plans([str(tmp_path)], xen="4.14")
    first, *rest = plan.guests
    plan = replace(plan, guests=(replace(first, memory=1024), *rest))
    path = tmp_path / "plans" / "plan.toml"
    path.parent.mkdir()
    path.write_text(plan_toml.render(plan_toml.save(plan, lambda file: storage.path_from(path.parent, file))))
    return path


def test_every_command_takes_a_plan(saved: Path) -> None:
    done = CliRunner().invoke(_group, ["check", str(saved), "--format", "json", "--fail-on", "never"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["xen"] == "4.14"
    done = CliRunner().invoke(_group, ["map", str(saved), "--format", "json", "--xen", "4.17"])
    assert json.loads(done.stdout)["xen"] == "4.17"
    assert len(json.loads(done.stdout)["guests"]) == len(list(SITE.glob("*.cfg")))


def test_a_saved_plan_is_opened_as_it_was(saved: Path) -> None:
    plan = load.saved_plan(saved)
    assert 'host = "../host.toml"' in saved.read_text()
    assert plan.guests[0].memory == 1024
    again = plan_toml.save(plan, lambda file: storage.path_from(saved.parent, file))
    assert plan_toml.render(again) == saved.read_text()


def test_another_inventory_is_refused_unless_told(saved: Path) -> None:
    inventory = saved.parent.parent / "host.toml"
    inventory.write_text(inventory.read_text().replace("0x99000000", "0x98000000"))
    with pytest.raises(InputError, match=r"plan\.toml: made for another inventory"):
        load.plans([str(saved)])
    done = CliRunner().invoke(_group, ["check", str(saved), "--another-host", "--fail-on", "never"])
    assert done.exit_code == 0, done.output


def test_a_guest_that_changed_since_is_named(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guest = min(saved.parent.parent.glob("*.cfg"))
    guest.write_text(guest.read_text() + "# new\n")
    load.plans([str(saved)])
    assert f"{guest}: changed since {saved} was saved" in capsys.readouterr().err


def test_hosts_to_move_to_are_kept_and_may_be_named_anew(saved: Path) -> None:
    [(_, plan)] = load.plans([str(saved)])
    other = storage.samples_folder() / "fujitsu-d3401-h2"
    kept = replace(plan, moves_to={str(other): load.host_of(other)})
    saved.write_text(plan_toml.render(plan_toml.save(kept, lambda file: storage.path_from(saved.parent, file))))
    assert "moves_to" in saved.read_text()
    [(_, plan)] = load.plans([str(saved)])
    assert [host.name for host in plan.moves_to.values()] == [load.host_of(other).name]
    done = CliRunner().invoke(_group, ["check", str(saved), "--fail-on", "never", "--format", "concise"])
    assert "MIG801" in done.output
    anew = load.saved_plan(saved)
    assert load.chosen(anew, load.Reading(moves_to=(SITE,))).moves_to == {str(SITE): load.host_of(SITE)}


def test_a_plan_stands_alone(saved: Path) -> None:
    with pytest.raises(InputError, match="a saved plan names its own guests"):
        load.plans([str(saved), "-"])


@pytest.mark.parametrize(
    ("text", "is_plan"),
    [
        ('# mine\n\nschema_version = 1\nhost = "h"\n', True),
        ('host="h"', True),
        ('schema_version = 1\nname = "h"\n[[devices]]\nhost = 1\n', False),
        ('notes = """\nhost = "x"\n"""\n', False),
        ("", False),
    ],
)
def test_a_plan_is_known_by_its_host(tmp_path: Path, text: str, is_plan: bool) -> None:
    (tmp_path / "a.toml").write_text(text)
    assert load.is_plan(tmp_path / "a.toml") is is_plan
