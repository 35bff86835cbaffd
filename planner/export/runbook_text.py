"""A runbook as Markdown for people and as a POSIX shell script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from planner.export.runbook import GRUB_CONFIG, GRUB_FILE, Runbook, Step

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")

_HEAD = """\
#!/bin/sh
# Prepares {host} for the guests of a plan. Made by rdm-planner; read it before you run it.
#   sh runbook.sh                 says what would be done, and does nothing
#   sh runbook.sh --apply         does it, and stops at the first surprise
#   sh runbook.sh --undo          says how it would be taken back
#   sh runbook.sh --undo --apply  takes it back, last step first
# shellcheck disable=SC2016  # the variables of GRUB's own file are for GRUB to read
set -u
SYSFS=${{SYSFS:-/sys}}
GRUB_FILE=${{GRUB_FILE:-{file}}}
GRUB_CONFIG=${{GRUB_CONFIG:-{config}}}
apply=no
undo=no
for word in "$@"; do
    case $word in
    --apply) apply=yes ;;
    --undo) undo=yes ;;
    *)
        echo "usage: sh runbook.sh [--undo] [--apply]" >&2
        exit 2
        ;;
    esac
done

stop() {{
    echo "STOPPED at step $1: $2" >&2
    exit 1
}}
"""

_ENGINE = """
forward() {
    if check_"$1" >/dev/null 2>&1; then
        echo "$1. already so: $2"
    elif [ "$3" = question ]; then
        [ $apply = no ] || stop "$1" "not so: $2"
        echo "$1. NOT SO: $2"
    elif [ $apply = no ]; then
        echo "$1. would do: $2"
        printf '%s\\n' "$4" | sed 's/^/       /'
    else
        echo "$1. $2"
        do_"$1" || stop "$1" "a command failed"
        check_"$1" >/dev/null 2>&1 || stop "$1" "it was done, but the check fails"
    fi
}

backward() {
    if [ -z "$3" ]; then
        echo "$1. nothing to take back: $2"
    elif ! check_"$1" >/dev/null 2>&1; then
        echo "$1. is not so, nothing to take back: $2"
    elif [ $apply = no ]; then
        echo "$1. would take back: $2"
        printf '%s\\n' "$3" | sed 's/^/       /'
    else
        echo "$1. taking back: $2"
        undo_"$1" || stop "$1" "a command failed"
        ! check_"$1" >/dev/null 2>&1 || stop "$1" "it was taken back, but is still so"
    fi
}
"""


def script(book: Runbook) -> str:
    """The runbook as a script: without --apply it only says what it would do."""
    parts = [
        _HEAD.format(host=_plain(book.host) or "this host", file=GRUB_FILE, config=GRUB_CONFIG),
        *(f"{line}\n" for line in _left(book, "# ", _plain)),
    ]
    for number, step in enumerate(book.steps, 1):
        parts.append(f"\n# {number}. {_plain(step.title)}\n#    {_plain(step.why)}\n")
        parts.append(_function(f"check_{number}", (step.check,)))
        parts += [_function(f"do_{number}", step.do)] if step.do else []
        parts += [_function(f"undo_{number}", step.undo)] if step.undo else []
    numbered = list(enumerate(book.steps, 1))
    forward = "".join(f"    {_forward(number, step)}\n" for number, step in numbered)
    backward = "".join(f"    {_backward(number, step)}\n" for number, step in reversed(numbered))
    nothing = "    :\n"
    parts += [_ENGINE, f"\nif [ $undo = yes ]; then\n{backward or nothing}else\n{forward or nothing}fi\n"]
    parts.append(f"echo {shlex.quote(_ending(book))}\n")
    return "".join(parts)


def markdown(book: Runbook) -> str:
    """The runbook as Markdown."""
    lines = [f"# Runbook for {_md(book.host or 'this host')}", ""]
    lines += [f"For Xen {_md(book.xen)}, in this order, as root in dom0. {_md(_ending(book))}.", ""]
    lines += _left(book, "* ", _md)
    if book.steps:
        lines += ["", "The commands use these:", ""]
        lines += ["    SYSFS=/sys", f"    GRUB_FILE={GRUB_FILE}", f"    GRUB_CONFIG={GRUB_CONFIG}"]
    for number, step in enumerate(book.steps, 1):
        lines += ["", f"## {number}. {_md(step.title)}", "", f"Why: {_md(step.why)}.", ""]
        lines += _commands("Do" if step.do else "Only go on if this succeeds", step.do or (step.check,))
        lines += _commands("Check", (step.check,)) if step.do else []
        lines += _commands("Undo", step.undo) if step.undo else []
        lines += ["Undo: nothing, it is harmless.", ""] if step.do and not step.undo else []
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _ending(book: Runbook) -> str:
    if book.reboot is not None:
        return f"Restart the host afterwards: {_plain(book.reboot)}"
    return "No restart is needed"


def _left(book: Runbook, bullet: str, words: Callable[[str], str]) -> list[str]:
    told = [f"{bullet}NOT in it: {address}, {words(why)}" for address, why in book.left_out]
    return told + [f"{bullet}dom0 loses {address}: {words(why)}" for address, why in book.taken]


def _commands(label: str, commands: tuple[str, ...]) -> list[str]:
    return [f"{label}:", "", *(f"    {command}" for command in commands), ""]


def _function(name: str, commands: tuple[str, ...]) -> str:
    body = " &&\n        ".join(commands)
    return f"{name}() {{\n    {body}\n}}\n"


def _forward(number: int, step: Step) -> str:
    kind = "action" if step.do else "question"
    return f"forward {number} {shlex.quote(_plain(step.title))} {kind} {shlex.quote(chr(10).join(step.do))}"


def _backward(number: int, step: Step) -> str:
    return f"backward {number} {shlex.quote(_plain(step.title))} {shlex.quote(chr(10).join(step.undo))}"


def _plain(text: str) -> str:
    """Text on one line that a terminal can take: names come from devices."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _md(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _plain(text))
