"""Xen's own config library (Debian package libxenmisc4.17) through ctypes: the judge of every file we write.

Without it a developer's run skips the tests that need it; under CI that is a failure.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, Union, byref, c_bool, c_char_p, c_int, c_long, c_uint8, c_uint32, c_void_p
from pathlib import Path
from typing import Any

import pytest

_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib")


class _Place(Structure):
    _fields_ = [(name, c_int) for name in ("first_line", "first_column", "last_line", "last_column")]


class _Value(Structure):
    pass


class _List(Structure):
    _fields_ = [("allocated", c_int), ("count", c_int), ("values", POINTER(POINTER(_Value)))]


class _StringOrList(Union):
    _fields_ = [("string", c_char_p), ("list", _List)]


_Value._fields_ = [("kind", c_int), ("u", _StringOrList), ("place", _Place)]


class _Setting(Structure):
    pass


_Setting._fields_ = [
    ("next", POINTER(_Setting)),
    ("name", c_char_p),
    ("value", POINTER(_Value)),
    ("op", c_int),
    ("line", c_int),
]


class _Config(Structure):
    _fields_ = [("settings", POINTER(_Setting)), ("report", c_void_p), ("source", c_char_p)]


class _Pci(Structure):
    _fields_ = [
        ("func", c_uint8),
        ("dev", c_uint8),
        ("bus", c_uint8),
        ("domain", c_int),
        ("vdevfn", c_uint32),
        ("vfunc_mask", c_uint32),
        ("msitranslate", c_bool),
        ("power_mgmt", c_bool),
        ("permissive", c_bool),
        ("seize", c_bool),
        ("rdm_policy", c_int),
        ("name", c_char_p),
    ]


_PCI_FIELDS = [field[0] for field in _Pci._fields_]


class LibXlUtil:
    """The library, loaded."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None, use_errno=True)
        self._c.open_memstream.restype = c_void_p
        self._c.fclose.argtypes = [c_void_p]
        ctypes.CDLL(_find("libxenlight"), mode=ctypes.RTLD_GLOBAL)
        self._lib = ctypes.CDLL(_find("libxlutil"))
        self._lib.xlu_cfg_init.restype = POINTER(_Config)
        self._lib.xlu_cfg_init.argtypes = [c_void_p, c_char_p]
        self._lib.xlu_cfg_destroy.argtypes = [POINTER(_Config)]
        self._lib.xlu_cfg_readdata.argtypes = [POINTER(_Config), c_char_p, c_int]
        self._lib.xlu_cfg_get_long.argtypes = [POINTER(_Config), c_char_p, POINTER(c_long), c_int]
        self._lib.xlu_pci_parse_spec_string.argtypes = [POINTER(_Config), POINTER(_Pci), c_char_p]

    def read(self, text: str) -> dict[str, Any] | None:
        """What each name of a config means: a string, or a list of strings (nested); None if Xen rejects the text."""
        config, report = self._open()
        try:
            data = text.encode()
            if self._lib.xlu_cfg_readdata(config, data, len(data)):
                return None
            meanings: dict[str, Any] = {}
            setting = config.contents.settings
            while setting:
                meanings.setdefault(setting.contents.name.decode(), _plain(setting.contents.value.contents))
                setting = setting.contents.next
            return meanings
        finally:
            self._close(config, report)

    def pci(self, text: str) -> dict[str, Any] | None:
        """A PCI_SPEC_STRING as libxl_device_pci; None if Xen rejects it."""
        config, report = self._open()
        try:
            # What libxl_device_pci_init leaves: all zero, but for the policy, which is "not said".
            spec = _Pci(rdm_policy=-1)
            if self._lib.xlu_pci_parse_spec_string(config, byref(spec), text.encode()):
                return None
            fields = {name: getattr(spec, name) for name in _PCI_FIELDS}
            fields["name"] = spec.name.decode() if spec.name is not None else None
            return fields
        finally:
            self._close(config, report)

    def _open(self) -> tuple[Any, c_void_p]:
        self._buffer, self._size = c_void_p(), ctypes.c_size_t()
        report = c_void_p(self._c.open_memstream(byref(self._buffer), byref(self._size)))
        return self._lib.xlu_cfg_init(report, b"cfg"), report

    def _close(self, config: Any, report: c_void_p) -> None:
        self._lib.xlu_cfg_destroy(config)
        self._c.fclose(report)
        self._c.free(self._buffer)


def load() -> LibXlUtil:
    """The library; skips the calling test where it is not installed, and fails it under CI."""
    try:
        return LibXlUtil()
    except OSError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}: apt-get install libxenmisc4.17")


def _find(stem: str) -> str:
    for folder in _FOLDERS:
        found = sorted(Path(folder).glob(f"{stem}.so.4.[0-9]*"))
        if found:
            return str(found[-1])
    raise OSError(f"{stem} is not installed")


def _plain(value: _Value) -> Any:
    if value.kind == 0:
        return value.u.string.decode()
    return [_plain(value.u.list.values[index].contents) for index in range(value.u.list.count)]
