"""A guest as xl.cfg text: the file it was read from, with only what the plan changed replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from planner.formats.xlcfg import guest as guest_reader
from planner.formats.xlcfg import pci_spec
from planner.formats.xlcfg.syntax import Atom, Config, ListValue, Setting, parse, quote
from planner.model.errors import InputError
from planner.model.guest import Guest, Passthrough
from planner.policy.evaluate import Report
from planner.policy.findings import Finding

_INDENT = "    "
_SIZES = ("memory", "maxmem", "mmio_hole", "rdm_mem_boundary")


def refusals(report: Report, guest: str | None = None) -> tuple[Finding, ...]:
    """What forbids writing the plan, or one `guest` of it: findings of error severity. Empty: go ahead."""
    return tuple(finding for finding in report.blocking if guest is None or finding.guest in (None, guest))


def render(guest: Guest) -> str:
    """The config of `guest`: every byte of its file kept but for what differs from what the file says.

    The result is read back and must ask for exactly what `guest` asks for; InputError if it cannot be made to.
    """
    text = guest.file.text if guest.file is not None else _new(guest)
    path = guest.file.path if guest.file is not None else f"{guest.name}.cfg"
    as_read = guest_reader.read(text, path)
    if as_read.name != guest.name:
        text = _set_string(text, "name", guest.name)
    if as_read.rdm != guest.rdm:
        text = _set_string(text, "rdm", guest.rdm.text if guest.rdm is not None else None)
    if as_read.passthrough != guest.passthrough:
        text = _set_string(text, "passthrough", guest.passthrough)
    for key in _SIZES:
        text = _set_size(text, key, getattr(guest, key), path)
    wanted = guest.pci
    if guest_reader.read(text, path).pci != wanted:
        ways = (_edit_pci, _refill_pci, _replace_pci)
        text = next((edited for way in ways if _reads_as(edited := way(text, wanted), path, wanted)), text)
    if guest_reader.read(text, path) != guest:
        raise InputError("cannot be edited into what the plan asks for without changing other settings", source=path)
    return text


@dataclass(frozen=True, slots=True)
class _Cut:
    """Replace text[start:end] with `text`."""

    start: int
    end: int
    text: str = ""


def _new(guest: Guest) -> str:
    lines = [f"name = {quote(guest.name)}", f"type = {quote(guest.type)}"]
    lines += [f"vcpus = {guest.vcpus}"] if guest.vcpus != 1 else []
    lines += [f"vga = {quote(guest.vga)}"] if guest.vga != "cirrus" else []
    lines += [f"videoram = {guest.videoram}"] if guest.videoram is not None else []
    lines += [f"hap = {guest.hap:d}"] if guest.hap is not None else []
    lines += [f"rdm = {quote(guest.rdm.text)}"] if guest.rdm is not None else []
    lines += [f"passthrough = {quote(guest.passthrough)}"] if guest.passthrough is not None else []
    lines += [f"gfx_passthru = {quote('igd') if guest.igd else 1}"] if guest.gfx_passthru else []
    lines += [f"bios = {quote(guest.firmware)}"] if guest.firmware != "seabios" else []
    lines += ["xen_platform_pci = 0"] if not guest.xen_platform_pci else []
    lines += ["usb = 1"] if guest.usb else []
    lines += [f"usbversion = {guest.usbversion}"] if guest.usbversion is not None else []
    lines += [f"soundhw = {quote(guest.soundhw)}"] if guest.soundhw is not None else []
    lines += [_list("vif", [f"model={model}" for model in guest.nics])] if guest.nics else []
    words = [word for device in guest.extra_devices for word in ("-device", device)]
    lines += [_list("device_model_args_hvm", words)] if words else []
    return "\n".join(lines) + "\n"


def _list(key: str, texts: list[str]) -> str:
    return f"{key} = [ {', '.join(quote(text) for text in texts)} ]"


def _apply(text: str, cuts: list[_Cut]) -> str:
    for cut in sorted(cuts, key=lambda cut: (cut.start, cut.end), reverse=True):
        text = text[: cut.start] + cut.text + text[cut.end :]
    return text


def _append(text: str, line: str) -> str:
    return text + ("" if not text or text.endswith("\n") else "\n") + line + "\n"


def _set_size(text: str, key: str, value: int | None, path: str) -> str:
    if getattr(guest_reader.read(text, path), key) == value:
        return text
    if value is None:
        return _removed(text, key)
    setting = parse(text).latest.get(key)
    if setting is None:
        return _append(text, f"{key} = {value}")
    start, end = setting.value.start, setting.value.end
    mark = text[start] if text[start] in "'\"" else ""
    return _apply(text, [_Cut(start, end, f"{mark}{value}{mark}")])


def _set_string(text: str, key: str, value: str | None) -> str:
    """`key` set to a string in place, in the quotes that stand there; None takes it out."""
    setting = parse(text).latest.get(key)
    if value is None:
        return _removed(text, key)
    if setting is None or setting.op == "+=":  # of a joined string there is no one place to change
        return _append(_removed(text, key), f"{key} = {quote(value)}")
    start, end = setting.value.start, setting.value.end
    return _apply(text, [_Cut(start, end, _quoted(value, text[start]))])


def _removed(text: str, key: str) -> str:
    return _apply(text, [_without(text, setting) for setting in parse(text).settings if setting.name == key])


def _without(text: str, setting: Setting) -> _Cut:
    """Take a statement out: with its line where it has the line to itself, a comment behind it included."""
    start, end = setting.start, setting.end
    before = text[text.rfind("\n", 0, start) + 1 : start]
    newline = text.find("\n", end)
    line_end = len(text) if newline < 0 else newline + 1
    after = text[end:line_end].strip(" \t\n")
    if not before.strip() and (not after or after.startswith("#")):
        return _Cut(start - len(before), line_end)
    semicolon = len(text[end:line_end]) - len(text[end:line_end].lstrip(" \t;"))
    return _Cut(start, end + semicolon)


def _key(item: Passthrough) -> tuple[object, ...]:
    return (item.address, item.name, item.all_functions)


def _edit_pci(text: str, wanted: tuple[Passthrough, ...]) -> str:
    """Change, drop and add items one by one, so that layout and comments stay."""
    config = parse(text)
    setting = config.latest.get("pci")
    if setting is None or not isinstance(setting.joined, ListValue):
        return _replace_pci(text, wanted)
    atoms = [atom for atom in setting.joined.items if isinstance(atom, Atom)]
    remaining = list(wanted)
    cuts: list[_Cut] = []
    kept: list[Atom] = []
    for atom in atoms:
        item = pci_spec.parse(atom.text)
        match = next((other for other in remaining if _key(other) == _key(item)), None)
        if match is None:
            cuts.append(_without_item(text, atom, atoms))
            continue
        remaining.remove(match)
        kept.append(atom)
        if match != item:
            cuts.append(_Cut(atom.start, atom.end, _like(match, atom, text)))
    if remaining:
        cuts.append(_added(text, setting, kept, remaining, atoms))
    return _apply(text, cuts)


def _refill_pci(text: str, wanted: tuple[Passthrough, ...]) -> str:
    """The wanted items in the places of the present ones, in order: for lists that change theirs. Comments stay."""
    setting = parse(text).latest.get("pci")
    if setting is None or not isinstance(setting.joined, ListValue):
        return text
    atoms = [atom for atom in setting.joined.items if isinstance(atom, Atom)]
    written = {
        _key(item): text[atom.start : atom.end] for atom in atoms if (item := pci_spec.parse(atom.text)) in wanted
    }
    filled = [
        _Cut(atom.start, atom.end, written.get(_key(item), _like(item, atom, text)))
        for atom, item in zip(atoms, wanted, strict=False)
    ]
    spare = [_without_item(text, atom, atoms) for atom in atoms[len(wanted) :]]
    extra = wanted[len(atoms) :]
    added = [_added(text, setting, atoms, list(extra), atoms)] if extra else []
    return _apply(text, [*filled, *spare, *added])


def _like(item: Passthrough, atom: Atom | None, text: str) -> str:
    """`item` as a string in the style of an item beside it: its quotes, and no segment 0 where that leaves it out."""
    spec = pci_spec.render(item)
    if atom is None:
        return _quoted(spec, '"')
    return _quoted(spec if atom.text.startswith("0000:") else spec.removeprefix("0000:"), text[atom.start])


def _quoted(text: str, style: str) -> str:
    """`text` as a string in the quotes that `style` opens with, where they can hold it."""
    plain = "'" not in text and "\\" not in text and text.isprintable()
    return f"'{text}'" if style == "'" and plain else quote(text)


def _comma_after(text: str, position: int) -> int | None:
    """Where the comma that follows a list item stands; None where a bracket comes first. Comments are passed over."""
    while True:
        if text[position] == "#":
            position = text.index("\n", position)
        elif text[position] not in " \t\n":
            return position if text[position] == "," else None
        position += 1


def _without_item(text: str, atom: Atom, atoms: list[Atom]) -> _Cut:
    comma = _comma_after(text, atom.end)
    start, end = atom.start, atom.end if comma is None else comma + 1
    line_start = text.rfind("\n", 0, start) + 1
    newline = text.find("\n", end)
    rest = text[end : newline if newline >= 0 else len(text)].strip(" \t")
    if not text[line_start:start].strip(" \t") and newline >= 0 and (not rest or rest.startswith("#")):
        return _Cut(line_start, newline + 1)
    if comma is not None:
        return _Cut(start, end + len(text[end:]) - len(text[end:].lstrip(" \t")))
    previous = max((other.end for other in atoms if other.end <= start), default=None)
    if previous is not None and not text[previous:start].strip(", \t"):
        return _Cut(previous, end)
    return _Cut(len(text[:start].rstrip(" \t")), end)


def _added(text: str, setting: Setting, kept: list[Atom], items: list[Passthrough], atoms: list[Atom]) -> _Cut:
    """Insert items behind the last one that stays, in its style: one a line where it has a line of its own."""
    here = [atom for atom in kept if setting.value.start <= atom.start < setting.value.end]
    last = here[-1] if here else None
    new = [_like(item, last or next(iter(atoms), None), text) for item in items]
    if last is None:
        return _filled(text, setting, new)
    line_start = text.rfind("\n", 0, last.start) + 1
    indent = text[line_start : last.start]
    comma = _comma_after(text, last.end)
    if indent.strip(" \t"):
        return _Cut(last.end, last.end, "".join(f", {one}" for one in new))
    newline = text.find("\n", last.end if comma is None else comma)
    lines = "".join(f"{indent}{one},\n" for one in new)
    rest = text[last.end : newline]
    own_line = newline >= 0 and rest.strip(" \t,")[:1] in ("", "#")
    if not own_line:
        return _Cut(last.end, last.end, "".join(f",\n{indent}{one}" for one in new))
    if comma is None:
        return _Cut(last.end, newline + 1, f",{rest}\n{lines}")
    return _Cut(newline + 1, newline + 1, lines)


def _filled(text: str, setting: Setting, items: list[str]) -> _Cut:
    """Items into a list that has none or keeps none: one a line where its brackets stand on different lines."""
    start, end = setting.value.start + 1, setting.value.end - 1
    inside = text[start:end]
    if "\n" in inside:
        return _Cut(start, start, "".join(f"\n{_INDENT}{item}," for item in items))
    if inside.strip():  # items that go, whose own space stays behind them
        space = " " if inside.startswith(" ") else ""
        return _Cut(start, start, f"{space}{', '.join(items)}" + ("" if inside.endswith(" ") else space))
    return _Cut(start, end, f" {', '.join(items)} ")


def _replace_pci(text: str, wanted: tuple[Passthrough, ...]) -> str:
    """The whole list anew, where editing item by item does not come to the wanted order."""
    value = "[ " + ", ".join(_quoted(pci_spec.render(item), '"') for item in wanted) + " ]" if wanted else "[ ]"
    config: Config = parse(text)
    settings = [setting for setting in config.settings if setting.name == "pci"]
    if not settings:
        return _append(text, f"pci = {value}")
    cuts = [_without(text, setting) for setting in settings[:-1]]
    last = settings[-1]
    return _apply(text, [*cuts, _Cut(last.start, last.end, f"pci = {value}")])


def _reads_as(text: str, path: str, wanted: tuple[Passthrough, ...]) -> bool:
    try:
        return guest_reader.read(text, path).pci == wanted
    except InputError:
        return False


def file_name(guest: Guest) -> str:
    """The name of the file a guest goes to: its own, else a new one."""
    if guest.file is not None and guest.file.path != "-":
        return PurePath(guest.file.path).name
    return guest.new_file
