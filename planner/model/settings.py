"""rdm-planner.toml: what a project has decided about its files."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}[0-9]{3}$")]
Reason = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class PathSettings(BaseModel):
    """What holds for the files that one of `match` names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Annotated[
        tuple[str, ...],
        Field(min_length=1, description='patterns from this file\'s folder, such as "lab/*"; * matches "/" too'),
    ]
    ignore: Annotated[
        dict[RuleId, Reason], Field(description="rules whose findings are not to be told here, each with its reason")
    ] = {}


class Settings(BaseModel):
    """A project's settings: `rdm-planner.toml`, found upwards from each config."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: tuple[PathSettings, ...] = ()
