"""From what the user names on the command line to plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from planner import storage
from planner.cli import options
from planner.formats import host_toml
from planner.formats.xlcfg import guest as guest_reader
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.host import Host
from planner.model.plan import Plan, Profile
from planner.pci.present import check_devices
from planner.report.words import printable

if TYPE_CHECKING:
    from planner.formats.plan_toml import SavedPlan

LIVE = "live"
"""Names the machine that we run on."""
TARS = (".tar", ".tar.gz", ".tgz")


class Site(NamedTuple):
    """What the command line names as one whole: a site, a host with guests, or a saved plan (`host` is then that).

    `guests` None: those of the site's folder, which is listed when it is read (a fleet has very many).
    """

    name: str
    host: Path
    guests: tuple[Path, ...] | None = None
    is_plan: bool = False

    def files(self) -> tuple[Path, ...]:
        """The host's file and the guests'; a saved plan's own alone."""
        return (self.host, *self.guest_files())

    def guest_files(self) -> Sequence[Path]:
        """The guests' files, in order."""
        if self.guests is None:
            return () if self.is_plan else guest_files(self.host.parent)
        return self.guests


def to_stderr(message: str) -> None:
    """Say it to who called the command."""
    click.echo(f"rdm-planner: {printable(message)}", err=True)


class Reading(NamedTuple):
    """How to read plans: options that several commands share, and what to call a guest from standard input.

    `xen`, `profile` and `rdm` go before what a saved plan says; None leaves it at that, or at the default. So do
    `moves_to`, the inventories of hosts that the guests are to move to. `tell` takes what there is to know besides.
    `mend`: what a saved plan names and is lost is left out and told.
    """

    xen: str | None = None
    profile: str | None = None
    rdm: str | None = None
    stdin_name: str = "-"
    another_host: bool = False
    moves_to: tuple[Path, ...] = ()
    mend: bool = False
    tell: Callable[[str], None] = to_stderr


def plans(
    inputs: Sequence[str],
    *,
    xen: str | None = None,
    profile: str | None = None,
    rdm: str | None = None,
    guests_follow: bool = False,
    mend: bool = False,
    tell: Callable[[str], None] = to_stderr,
) -> list[tuple[str, Plan]]:
    """The plans that `HOST GUEST…`, `SITE…` or `PLAN.toml…` name, named. InputError for what is unreadable.

    `guests_follow`: a host without guests is as it should be. `tell` takes what there is to know besides. `mend` as
    in `saved_plan`.
    """
    reading = Reading(xen, profile, rdm, another_host=options.another_host(), mend=mend, tell=tell)
    return [(site.name, plan(site, reading)) for site in sites(inputs, guests_follow=guests_follow, tell=tell)]


def sites(inputs: Sequence[str], *, guests_follow: bool = False, tell: Callable[[str], None] = to_stderr) -> list[Site]:
    """What the command line names, not read yet. InputError for a guest that would belong to no host."""
    paths = [Path(text) for text in inputs]
    whole = [path for path in paths if is_site(path) or is_plan(path)]
    if len(whole) == len(paths) or len(whole) > 1:
        known = set(whole)
        for path in paths:
            if path not in known:  # `sample-hosts/*` names the README beside the sites too
                _skip(path)
        named = [_whole(path) for path in whole]
    else:
        first = paths[0]
        if is_plan(first):
            raise InputError("a saved plan names its own guests; give it alone", source=str(first))
        named = [Site(str(first), first / "host.toml" if is_site(first) else first, tuple(paths[1:]))]
    for site in named:
        if not site.is_plan and not guests_follow and not site.guest_files():
            tell(f"{site.name}: no guest is named, so only the host is looked at")
    return named


def sites_of(inputs: Sequence[str]) -> list[Site]:
    """The sites that the named files are in, each once; a file in none is passed over."""
    found: dict[Path, None] = {}
    for path in map(Path, inputs):
        folder = path if is_site(path) else path.parent
        if is_site(folder):
            found[folder] = None
        else:
            _pass_over(path)
    return [_whole(folder) for folder in found]


def _whole(path: Path) -> Site:
    if is_site(path):
        return Site(str(path), path / "host.toml")
    return Site(str(path), path, is_plan=True)


def plan(site: Site, reading: Reading) -> Plan:
    """The plan of one site. InputError for what cannot be read."""
    if site.is_plan:
        return chosen(saved_plan(site.host, reading.another_host, reading.tell, mend=reading.mend), reading)
    return chosen(_plan(site, reading.stdin_name), reading)


def chosen(read: Plan, reading: Reading) -> Plan:
    """`read` with the release, profile and `rdm=` reading that the command line chooses."""
    return replace(
        read,
        xen=reading.xen or read.xen,
        profile=Profile(reading.profile) if reading.profile else read.profile,
        rdm_as_documented=reading.rdm == "documented" if reading.rdm else read.rdm_as_documented,
        moves_to={str(path): host_of(path) for path in reading.moves_to} or read.moves_to,
    )


def saved_plan(
    path: Path, another_host: bool = False, tell: Callable[[str], None] = to_stderr, *, mend: bool = False
) -> Plan:
    """The session that the plan at `path` keeps. InputError where it was made for another inventory, unless told.

    `mend`: guests whose files are lost, and devices that the host lacks, are left out and told; else InputError.
    """
    from planner.formats import plan_toml
    from planner.pci.present import without_missing

    try:
        saved = plan_toml.parse(storage.read_text(path))
        machine = host(Path(plan_toml.located(path.parent, saved.host)))
        if mend and another_host and saved.host_identity != plan_toml.identity(machine):
            tell(f"{saved.host}: has other devices or reserved regions now than when this was kept")
        if mend:
            saved = _without_lost(saved, path.parent, tell)
        texts = {name: _guests_text(path, name) for name in saved.files}
        others = {name: host_of(Path(plan_toml.located(path.parent, name))) for name in saved.moves_to}
        restored = plan_toml.restore(saved, machine, texts, path.parent, others, another_host=another_host)
    except InputError as error:
        raise error.within(str(path)) from None
    plan = restored.plan
    if mend:
        plan, left_out = without_missing(plan)
        for one in left_out:
            tell(one)
    for guest in plan.guests:
        check_devices(machine, guest, plan.host_file, within=str(path))
    for changed in restored.changed:
        tell(f"{changed}: changed since {path} was saved; the plan's settings go on top of what it says now")
    return plan


def _guests_text(plan: Path, name: str) -> str:
    from planner.formats import plan_toml

    file = Path(plan_toml.located(plan.parent, name))
    try:
        return storage.read_text(file)
    except InputError as error:
        message = f"its guest's file {file}: {error.message}. Put it back, or take its [[guests]] out of the plan"
        raise InputError(message, source=str(plan)) from None


def _without_lost(saved: SavedPlan, folder: Path, tell: Callable[[str], None]) -> SavedPlan:
    """`saved` without the guests whose files cannot be read; a guest that its file calls something else is that."""
    from msgspec.structs import replace as changed

    from planner.formats.plan_toml import located

    guests = []
    for one in saved.guests:
        if one.file is not None:
            file = located(folder, one.file)
            called = one.set.name or one.name
            try:
                found = guest_reader.read(storage.read_text(Path(file)), file).name
                taken = found != one.name and found in {other.set.name or other.name for other in saved.guests}
            except InputError as error:
                tell(f"{error}; the plan's guest {called} is left out: mend that and open it again, or go on without")
                continue
            if taken:
                tell(f"{file}: holds another guest {found}; the plan's guest {called} is left out")
                continue
            if found != one.name:
                tell(f"{file}: its guest is called {found} now, not {one.name}")
            one = changed(one, name=found)
        guests.append(one)
    return changed(saved, guests=tuple(guests))


def _skip(path: Path) -> None:
    """Pass over what is no site among several; a guest there would belong to no host."""
    if path.suffix == ".cfg" or str(path) == "-":
        raise InputError("a guest among several sites: which host is it for?", source=str(path))
    _pass_over(path)


def _pass_over(path: Path) -> None:
    to_stderr(f"{path}: no site (no host.toml in it), passed over")


def is_site(path: Path) -> bool:
    """Whether `path` is a site: a folder with a host.toml."""
    return (path / "host.toml").is_file()


def is_plan(path: Path) -> bool:
    """Whether `path` is a saved plan, or a backup of one: TOML that names its host, which an inventory never does."""
    is_backup = path.suffix == ".bak" and ".toml." in path.name
    if not (path.suffix == ".toml" or is_backup) or not path.is_file():
        return False
    for line in storage.read_text(path).split("\n"):
        key, equals, value = line.partition("=")
        if equals and key.strip() == "host":
            return True
        if key.lstrip().startswith("[") or value.lstrip().startswith(('"""', "'''")):
            break  # plain keys stand before the tables, and we write them first
    return False


def guest_files(site: Path) -> list[Path]:
    """The guests of a site, by name."""
    return [path for path in storage.list_folder(site) if path.suffix == ".cfg"]


def host(path: Path) -> Host:
    """The inventory at `path`: a host.toml, a folder or a tar of artefacts, or `live` for this very machine."""
    if str(path) == LIVE and not path.exists():
        from planner.collect import collect_live

        return collect_live().host
    if path.is_dir() and storage.holds_configs_alone(path):
        raise InputError(
            "holds xl configs and no host: name the host first, then the configs (HOST GUEST.cfg …)", source=str(path)
        )
    if path.is_dir() or path.name.endswith(TARS):
        from planner.collect import collect

        return collect(path).host
    if path.suffix == ".cfg":
        raise InputError(
            "expected a host inventory (.toml), a folder or a tar first, found a guest config", source=str(path)
        )
    try:
        return host_toml.parse(storage.read_text(path))
    except InputError as error:
        raise error.within(str(path)) from None


def named(machine: Host) -> Host:
    """`machine` with the names of pci.ids where its listing had none: for who shows devices to people."""
    from planner.formats import pci_ids

    return pci_ids.fill(machine, storage.pci_ids()) if pci_ids.needs_names(machine) else machine


def host_of(path: Path) -> Host:
    """The inventory at `path`, which may be a site's folder too."""
    return host(path / "host.toml" if is_site(path) else path)


def guests_on(host_path: Path, paths: Sequence[Path]) -> Plan:
    """The guests of `paths` (configs, one site or one saved plan) on the inventory at `host_path`.

    Devices that it lacks are no input error here: that is for a finding to say.
    """
    machine, file = named(host_of(host_path)), str(host_path)
    if len(paths) == 1 and is_plan(paths[0]):
        return replace(saved_plan(paths[0], another_host=True), host=machine, host_file=file)
    if len(paths) == 1 and is_site(paths[0]):
        paths = guest_files(paths[0])
    return Plan(host=machine, guests=_guests(paths, "-"), host_file=file)


def _plan(site: Site, stdin_name: str) -> Plan:
    machine = host(site.host)
    guests = _guests(site.guest_files(), stdin_name)
    for guest in guests:
        check_devices(machine, guest, str(site.host))
    return Plan(host=machine, guests=guests, host_file=str(site.host))


def _guests(paths: Sequence[Path], stdin_name: str) -> tuple[Guest, ...]:
    guests: dict[str, Guest] = {}
    for path in paths:
        name = stdin_name if str(path) == "-" else str(path)
        guest = guest_reader.read(storage.read_text(path), name)
        if str(path) == "-" and guest.file is not None:
            guest = replace(guest, file=replace(guest.file, on_disk=False))
        if guest.name in guests:
            first = guests[guest.name].file
            raise InputError(
                f"the name {guest.name!r} is taken by {first.path if first else 'another guest'}", source=name
            )
        guests[guest.name] = guest
    return tuple(guests.values())


def with_new_guest(plan: Plan, guest: Guest) -> Plan:
    """`plan` with one guest more. InputError where its name is taken or the host has not its devices."""
    if plan.guest(guest.name) is not None:
        raise InputError(f"the plan has a guest {guest.name!r} already")
    check_devices(plan.host, guest, plan.host_file)
    return replace(plan, guests=(*plan.guests, guest))
