"""rdm-planner schema."""

from __future__ import annotations

from typing import Any

import click

NAMES = ("host", "plan", "settings", "report")


@click.command("schema", short_help="The JSON Schema of a file format.")
@click.argument("what", type=click.Choice(NAMES))
def command(what: str) -> None:
    """Print a JSON Schema, for editors and validators.

    host is host.toml, plan is plan.toml, settings is rdm-planner.toml, report is what `check --format json` prints.
    """
    import json

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | _schema(what)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))


def _schema(what: str) -> dict[str, Any]:
    if what == "report":
        from planner.report import schema

        return schema.report()
    from planner.formats import values
    from planner.formats.plan_toml import SavedPlan
    from planner.model.host import Host
    from planner.model.settings import Settings

    return values.schema({"host": Host, "plan": SavedPlan, "settings": Settings}[what])
