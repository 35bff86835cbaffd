"""The command line: one module a command, imported when it is called. stdout carries results only."""

from __future__ import annotations

import codecs
import errno
import gc
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

from planner import __version__
from planner.cli import exits

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = ("check", "map", "fix", "export", "diff", "collect", "explain", "rules", "schema", "samples", "completion")
_APP = "app"
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class _Commands(click.Group):
    """The commands by name; words that name none are the app's own arguments."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in (*COMMANDS, _APP):
            return None
        command: click.Command = importlib.import_module(f"planner.cli.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if ctx.resilient_parsing and not args:  # a shell asks for completions of the first word
            return super().parse_args(ctx, args)
        if not args or (args[0] not in (*COMMANDS, "--help", "-h", "--version")):
            args = [_APP, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, or files where the word begins none: bash takes only one of the two."""
        from click.shell_completion import CompletionItem

        return super().shell_complete(ctx, incomplete) or [CompletionItem(incomplete, type="file")]


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit: 0 nothing at or above the threshold, 1 findings, 2 bad usage or input, 3 our own bug.",
    subcommand_metavar="[HOST [GUEST.cfg]... | SITE | PLAN.toml | COMMAND]",
)
@click.version_option(__version__, prog_name="rdm-planner")
def _group() -> None:
    """See the memory map Xen will build for guests with PCI devices, before any reboot.

    Without a command, opens the planner: on a host inventory with guest configs, on a SITE (a folder with host.toml
    and *.cfg guests), or on a bundled sample. It takes --xen, --profile, --rdm and --ascii; HOST --help tells more.

    Its keys, theme and ASCII can be set in $XDG_CONFIG_HOME/rdm-planner/settings.toml (~/.config where that is not
    set): theme = "nord", ascii = true, and in [keys] a key or a list of keys by command id, as the help (?) names them.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with the code that `exits` lists; bad input never shows a traceback."""
    from planner.model.errors import InputError

    # Modules are loaded once and stay: with its usual threshold the collector would look at them again and again.
    gc.set_threshold(50_000)
    # No other package's plugin is to see or change what is read, and looking for them takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _speak(sys.stdout, sys.stderr)
    try:
        sys.exit(_group.main(args, prog_name="rdm-planner", standalone_mode=False) or exits.OK)
    except click.Abort:
        _complain("interrupted")
        sys.exit(exits.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InputError as error:
        _complain(str(error))
        sys.exit(exits.USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exits.OK)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK_FULL:  # storage tells of every other file by name
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            _complain(f"standard output: cannot be written: {error.strerror}")
            sys.exit(exits.USAGE)
        if os.environ.get("RDM_PLANNER_TRACEBACK"):
            raise
        _complain(f"internal error: {type(error).__name__}: {error}")
        _complain("this is a bug in rdm-planner; RDM_PLANNER_TRACEBACK=1 shows where")
        sys.exit(exits.BUG)


def _speak(*streams: TextIO) -> None:
    """Let no letter that a stream's encoding lacks be an error: our glyphs have twins there."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and not is_utf8(stream):
            codecs.register_error("twins", _twins)
            stream.reconfigure(errors="twins")


def is_utf8(stream: TextIO) -> bool:
    """Whether every letter can be written there."""
    return codecs.lookup(stream.encoding or "ascii").name == "utf-8"


def _twins(error: UnicodeError) -> tuple[str, int]:
    from planner.report.words import to_ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end


def _complain(message: str) -> None:
    from planner.report.words import printable

    click.echo(f"rdm-planner: {printable(message)}", err=True)
