"""rdm-planner.toml: what a project has decided about its files."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from planner.model.fields import FromFile, Reason, whole

RuleId = Annotated[str, whole("[A-Z]{3}[0-9]{3}")]


class PathSettings(FromFile, frozen=True):
    """What holds for the files that one of `match` names."""

    match: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description='patterns from this file\'s folder, such as "lab/*"; * matches "/" too'),
    ]
    ignore: Annotated[
        dict[RuleId, Reason], Meta(description="rules whose findings are not to be told here, each with its reason")
    ] = field(default_factory=dict)


class Settings(FromFile, frozen=True):
    """A project's settings: `rdm-planner.toml`, found upwards from each config."""

    paths: tuple[PathSettings, ...] = ()
