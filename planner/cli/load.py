"""From what the user names on the command line to plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import click

from planner import storage
from planner.formats import host_toml
from planner.formats.xlcfg import guest as guest_reader
from planner.model.errors import InputError
from planner.model.guest import Guest
from planner.model.host import Host
from planner.model.plan import Plan, Profile
from planner.report.words import printable


def plans(
    inputs: Sequence[str], *, xen: str | None = None, profile: str = "default", rdm: str = "shipped"
) -> list[tuple[str, Plan]]:
    """The plans that `HOST GUEST…` or `SITE…` name, each with its name. InputError for what cannot be read."""
    paths = [Path(text) for text in inputs]
    sites = [path for path in paths if is_site(path)]
    if len(sites) == len(paths) or len(sites) > 1:
        for path in paths:
            if path not in sites:  # `sample-hosts/*` names the README beside the sites too
                _skip(path)
        named = [(str(path), path / "host.toml", guest_files(path)) for path in sites]
    else:
        first = paths[0]
        named = [(str(first), first / "host.toml" if is_site(first) else first, paths[1:])]
    for name, _, guests in named:
        if not guests:
            click.echo(f"rdm-planner: {printable(name)}: no guest is named, so only the host is looked at", err=True)
    documented = rdm == "documented"
    return [
        (name, replace(_plan(host, guests), xen=xen, profile=Profile(profile), rdm_as_documented=documented))
        for name, host, guests in named
    ]


def _skip(path: Path) -> None:
    """Pass over what is no site among several; a guest there would belong to no host."""
    if path.suffix == ".cfg" or str(path) == "-":
        raise InputError("a guest among several sites: which host is it for?", source=str(path))
    click.echo(f"rdm-planner: {printable(str(path))}: no site (no host.toml in it), passed over", err=True)


def is_site(path: Path) -> bool:
    """Whether `path` is a site: a folder with a host.toml."""
    return (path / "host.toml").is_file()


def guest_files(site: Path) -> list[Path]:
    """The guests of a site, by name."""
    return [path for path in storage.list_folder(site) if path.suffix == ".cfg"]


def host(path: Path) -> Host:
    """The inventory at `path`: a host.toml, or a folder of artefacts that `collect` reads."""
    if path.is_dir():
        from planner.collect import collect

        return collect(path).host
    if path.suffix == ".cfg":
        raise InputError("expected a host inventory (.toml) or a folder first, found a guest config", source=str(path))
    try:
        return host_toml.parse(storage.read_text(path))
    except InputError as error:
        raise error.within(str(path)) from None


def _plan(host_file: Path, guest_paths: Sequence[Path]) -> Plan:
    machine = host(host_file)
    guests: dict[str, Guest] = {}
    for path in guest_paths:
        guest = guest_reader.read(storage.read_text(path), str(path))
        if guest.name in guests:
            first = guests[guest.name].file
            raise InputError(
                f"the name {guest.name!r} is taken by {first.path if first else 'another guest'}", source=str(path)
            )
        _check_devices(machine, guest, str(host_file))
        guests[guest.name] = guest
    return Plan(host=machine, guests=tuple(guests.values()), host_file=str(host_file))


def _check_devices(machine: Host, guest: Guest, host_file: str) -> None:
    for item in guest.pci:
        if item.address is None or machine.knows(item.address):
            continue
        place = guest.file.place(f"pci[{item.address}]") if guest.file else None
        near = get_close_matches(str(item.address), [str(address) for address in machine.by_address], 1, 0.8)
        hint = f"; did you mean {near[0]}?" if near else f"; expected one of its {len(machine.devices)} devices"
        raise InputError(
            f"device {item.address} is not in {host_file}{hint}",
            source=guest.file.path if guest.file else None,
            line=place.line if place else None,
            column=place.column if place else None,
        )
