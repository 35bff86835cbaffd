"""rdm-planner schema."""

from __future__ import annotations

import click


@click.command("schema", short_help="The JSON Schema of a file format.")
@click.argument("what", type=click.Choice(["host", "plan"]))
def command(what: str) -> None:
    """Print the JSON Schema of `host` (host.toml) or `plan` (plan.toml), for editors and validators."""
    import json

    from planner.formats.plan_toml import SavedPlan
    from planner.model.host import Host

    model = SavedPlan if what == "plan" else Host
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | model.model_json_schema(by_alias=True)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
