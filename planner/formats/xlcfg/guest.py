"""An xl.cfg as a `Guest`: the keys that matter to a plan, read as xl reads them (xl_parse.c)."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise, takewhile

from planner.formats.xlcfg import pci_spec, rdm
from planner.formats.xlcfg.cnumbers import strtol
from planner.formats.xlcfg.syntax import Atom, Config, ListValue, Setting, Value, parse
from planner.model.errors import InputError
from planner.model.guest import ConfigFile, Guest, Passthrough, Place

_TYPES = ("hvm", "pvh", "pv")
_VGA = ("stdvga", "cirrus", "qxl", "none")
_PASSTHROUGH = ("default", "disabled", "enabled", "sync_pt", "share_pt")
_ALTP2M = ("disabled", "mixed", "external", "limited")
_GFX = ("default", "igd")
_BIOS = ("seabios", "ovmf", "rombios")
_HUGE = 1 << 24  # MiB: page numbers of a guest's RAM are 32 bits wide (xg_dom_x86.c:617-618)


def read(text: str, path: str = "-") -> Guest:
    """The guest that the config `text` asks for; `path` is its name in messages.

    InputError, with file, line and column, for what Xen's grammar rejects, for what makes xl exit, and for a value
    of the wrong kind (xl only warns there and then goes on without the setting, which no admin means).
    """
    try:
        reader = _Reader(parse(text))
        return reader.guest(path)
    except InputError as error:
        raise error.within(path) from None


@lru_cache(maxsize=64)
def as_read(file: ConfigFile) -> Guest | None:
    """The guest as that file has it; None where that is no config any more."""
    try:
        return read(file.text, file.path)
    except InputError:
        return None


def _is_ide_disk(text: str) -> bool:
    """Whether a disk sits on hda to hdd and is no CD-ROM: those are what hdtype moves to AHCI."""
    return re.search(r"\bhd[a-d]\b", text) is not None and "cdrom" not in text


class _Reader:
    def __init__(self, config: Config) -> None:
        self._config = config

    def guest(self, path: str) -> Guest:
        name = self._string("name")
        if not name:
            raise InputError(
                'no name = "…": xl refuses the file with "Domain name must be specified."', line=1, column=1
            )
        pci, places = self._pci()
        setting = self._config.latest.get("rdm")
        rdm_text = self._string("rdm")
        keys = tuple((key, self._place(setting.value)) for key, setting in self._config.latest.items())
        return Guest(
            name=name,
            type=self._type(),
            memory=self._mib("memory"),
            maxmem=self._mib("maxmem"),
            vcpus=self._long("vcpus") or 1,
            vga=self._vga(),
            videoram=self._mib("videoram"),
            hap=self._bool("hap"),
            mmio_hole=self._mib("mmio_hole"),
            rdm_mem_boundary=self._mib("rdm_mem_boundary"),
            rdm=rdm.parse(rdm_text) if setting is not None and rdm_text is not None else None,
            passthrough=self._passthrough(),
            gfx_passthru=self._gfx_passthru(),
            igd=self._string("gfx_passthru") == "igd",
            firmware=self._firmware(),
            xen_platform_pci=self._bool("xen_platform_pci") is not False,
            usb=bool(self._bool("usb")) or "usbdevice" in self._config.latest,
            usbversion=self._long("usbversion"),
            soundhw=self._string("soundhw"),
            nics=self._nics(),
            ahci=self._string("hdtype") == "ahci" and any(_is_ide_disk(text) for text in self._strings("disk")),
            extra_devices=self._extra_devices(),
            altp2m=self._altp2m(),
            vnuma="vnuma" in self._config.latest,
            stubdomain=bool(self._bool("device_model_stubdomain_override")),
            pci_permissive=bool(self._bool("pci_permissive")),
            pci_seize=bool(self._bool("pci_seize")),
            pci=pci,
            file=ConfigFile(path, self._config.text, (*keys, *places), on_disk=path != "-", pci=pci),
        )

    def _place(self, value: Value) -> Place:
        return Place(value.line, self._config.column(value.start))

    def _error(self, value: Value, message: str) -> InputError:
        place = self._place(value)
        return InputError(message, line=place.line, column=place.column)

    def _atom(self, key: str, expected: str) -> tuple[Setting, Atom] | None:
        setting = self._config.latest.get(key)
        if setting is None:
            return None
        if isinstance(setting.joined, ListValue):
            raise self._error(setting.value, f"{key}: expected {expected}, found a list; xl would warn and ignore it")
        return setting, setting.joined

    def _string(self, key: str) -> str | None:
        found = self._atom(key, "a string")
        return found[1].text if found else None

    def _long(self, key: str) -> int | None:
        found = self._atom(key, "a number")
        if found is None:
            return None
        setting, atom = found
        if setting.op == "+=":
            raise self._error(setting.value, f"{key}: a number cannot be made with +=; xl would warn and ignore it")
        if atom.long is None:
            message = f"{key}: expected a number, found {atom.text!r:.60}; xl would warn and ignore it"
            raise self._error(setting.value, message)
        return atom.long

    def _mib(self, key: str) -> int | None:
        value = self._long(key)
        if value is not None and not 0 <= value < _HUGE:
            raise self._error(
                self._config.latest[key].value, f"{key}: {value} MiB is more than Xen gives a guest (16 TiB)"
            )
        return value

    def _bool(self, key: str) -> bool | None:
        value = self._long(key)
        return None if value is None else value != 0

    def _type(self) -> str:
        """`type` and `builder` are matched by prefix: "" and "h" mean hvm (xl_parse.c:1410-1450)."""
        builder = self._string("builder")
        from_builder = None
        if builder is not None:
            from_builder = next(
                (kind for word, kind in (("hvm", "hvm"), ("generic", "pv")) if word.startswith(builder)), None
            )
            if from_builder is None:
                raise self._error(
                    self._config.latest["builder"].value, f'builder: expected "hvm" or "generic", found {builder!r}'
                )
        text = self._string("type")
        if text is None:
            return from_builder or "pv"
        kind = next((kind for kind in ("hvm", "pv", "pvh") if kind.startswith(text)), None)
        if kind is None:
            raise self._error(
                self._config.latest["type"].value, f"type: expected one of {', '.join(_TYPES)}, found {text!r}"
            )
        if from_builder is not None and from_builder != kind:
            raise self._error(
                self._config.latest["type"].value, f'type "{kind}" contradicts builder "{builder}"; xl exits'
            )
        return kind

    def _vga(self) -> str:
        text = self._string("vga")
        if text is None:
            return "stdvga" if self._bool("stdvga") else "cirrus"
        if text not in _VGA:
            raise self._error(
                self._config.latest["vga"].value, f"vga: expected one of {', '.join(_VGA)}, found {text!r}"
            )
        return text

    def _passthrough(self) -> str | None:
        text = self._string("passthrough")
        if text is not None and text.lower() not in _PASSTHROUGH:
            value = self._config.latest["passthrough"].value
            raise self._error(value, f"passthrough: expected one of {', '.join(_PASSTHROUGH)}, found {text!r}")
        return text.lower() if text is not None and text.lower() != "default" else None

    def _gfx_passthru(self) -> bool:
        """A number is a boolean, else the kind of card (xl_parse.c:2961)."""
        text = self._string("gfx_passthru")
        if text is None:
            return False
        number = strtol(text)
        if number is None and text not in _GFX:
            value = self._config.latest["gfx_passthru"].value
            raise self._error(value, f"gfx_passthru: expected 0, 1 or one of {', '.join(_GFX)}, found {text!r:.60}")
        return number != 0

    def _altp2m(self) -> bool:
        """A mode by name or number, or the older boolean (xl_parse.c)."""
        text = self._string("altp2m")
        if text is None:
            return bool(self._bool("altp2mhvm"))
        number = strtol(text)
        if text not in _ALTP2M and number not in range(len(_ALTP2M)):
            value = self._config.latest["altp2m"].value
            raise self._error(value, f"altp2m: expected one of {', '.join(_ALTP2M)}, found {text!r:.60}")
        return text != _ALTP2M[0] and number != 0

    def _strings(self, key: str) -> list[str]:
        """The strings of a list, up to the first nested one, where xl stops reading too; none if it is not a list."""
        setting = self._config.latest.get(key)
        if setting is None or isinstance(setting.joined, Atom):
            return []
        texts = [value.text if isinstance(value, Atom) else None for value in setting.joined.items]
        return [text for text in takewhile(lambda text: text is not None, texts) if text is not None]

    def _firmware(self) -> str:
        """`bios` names the firmware; `firmware` may override it: uefi means ovmf, another name but bios is a path."""
        bios = self._string("bios")
        if bios is not None and bios not in _BIOS:
            value = self._config.latest["bios"].value
            raise self._error(value, f"bios: expected one of {', '.join(_BIOS)}, found {bios!r:.60}")
        named = {"uefi": "ovmf", "ovmf": "ovmf", "seabios": "seabios", "rombios": "rombios"}
        return named.get(self._string("firmware") or "", bios or "seabios")

    def _nics(self) -> tuple[str, ...]:
        """The models of the `vif`s that QEMU emulates: all but those of type=vif; rtl8139 unless said."""
        nics = []
        for text in self._strings("vif"):
            options = dict(part.strip().partition("=")[::2] for part in text.split(","))
            if options.get("type") != "vif":
                nics.append(options.get("model", "rtl8139"))
        return tuple(nics)

    def _extra_devices(self) -> tuple[str, ...]:
        words = self._strings("device_model_args_hvm") or self._strings("device_model_args")
        return tuple(value.partition(",")[0] for word, value in pairwise(words) if word == "-device")

    def _pci(self) -> tuple[tuple[Passthrough, ...], list[tuple[str, Place]]]:
        setting = self._config.latest.get("pci")
        if setting is None:
            return (), []
        if isinstance(setting.joined, Atom):
            raise self._error(
                setting.value, 'pci: expected a list such as [ "00:1d.0" ]; xl would warn and ignore this'
            )
        items: list[Passthrough] = []
        places: list[tuple[str, Place]] = []
        for value in setting.joined.items:
            if isinstance(value, ListValue):
                raise self._error(value, "pci: a list inside the list: xl would silently stop reading here")
            try:
                item = pci_spec.parse(value.text)
            except InputError as error:
                raise self._error(value, error.message) from None
            items.append(item)
            if item.address is not None:
                places.append((f"pci[{item.address}]", self._place(value)))
        return tuple(items), places
