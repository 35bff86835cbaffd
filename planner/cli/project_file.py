"""rdm-planner.toml: which of a plan's files fall under one, and what it says of them."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from planner import storage
from planner.model.errors import InputError
from planner.model.plan import Plan
from planner.policy.suppress import Governed

if TYPE_CHECKING:
    from planner.model.settings import Settings

FILE_NAME = "rdm-planner.toml"


def governed(plan: Plan) -> dict[str, Governed]:
    """The project file that each of a plan's files falls under, by the file's name, where there is one.

    InputError where it cannot be read. What was read is known from then on.
    """
    names = {plan.host_file, *(guest.file.path for guest in plan.guests if guest.file is not None)}
    return _governed(tuple(sorted(names)))


def forget() -> None:
    """The files may have changed since they were read."""
    _governed.cache_clear()
    _settings_above.cache_clear()


@lru_cache(maxsize=4)  # the app asks after every step
def _governed(names: tuple[str, ...]) -> dict[str, Governed]:
    found = {}
    for name in names:
        path = Path(os.path.abspath(name))  # noqa: PTH100 - drops "..", and leaves links alone
        above = _settings_above(path.parent)
        if above is not None:
            place, settings = above
            relative = path.relative_to(place).as_posix()
            found[name] = Governed(os.path.relpath(place / FILE_NAME), relative, settings)
    return found


@cache
def _settings_above(folder: Path) -> tuple[Path, Settings] | None:
    """The nearest rdm-planner.toml upwards from `folder`, and where it lies. InputError if it cannot be read."""
    place = next((place for place in (folder, *folder.parents) if (place / FILE_NAME).is_file()), None)
    if place is None:
        return None
    from planner.formats import settings_toml  # few projects have one

    try:
        return place, settings_toml.parse(storage.read_text(place / FILE_NAME))
    except InputError as error:
        raise error.within(os.path.relpath(place / FILE_NAME)) from None
