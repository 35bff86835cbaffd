"""rdm-planner completion."""

from __future__ import annotations

import click


@click.command("completion", short_help="Shell code that completes commands, options and files.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the code that a shell evaluates to complete rdm-planner's arguments.

    \b
    bash: rdm-planner completion bash > ~/.local/share/bash-completion/completions/rdm-planner
    zsh:  rdm-planner completion zsh > "${fpath[1]}/_rdm-planner"
    fish: rdm-planner completion fish > ~/.config/fish/completions/rdm-planner.fish
    """  # noqa: D301 - click's mark for lines to keep
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise AssertionError(f"click completes no {shell}")
    # The instance is not asked whether the shell is there and new enough: the code may be for another machine.
    completion = made(ctx.find_root().command, {}, "rdm-planner", "_RDM_PLANNER_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())
