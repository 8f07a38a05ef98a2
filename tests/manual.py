"""Writes the manual page and the shells' completion, from the parser of the command line: `make manual`.

The files are part of the repository and of the wheel, which installs them where man, bash and zsh look.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import shtab

from appliance.command_line import EXIT_CODES, PROGRAM, make_parser

ROOT = Path(__file__).parents[1]
PAGE = "share/man/man1/tt-appliance.1"
BASH, ZSH = "share/bash-completion/completions/tt-appliance", "share/zsh/site-functions/_tt-appliance"
COMPLETED: Mapping[str, object] = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY}
"""What the shell completes for a value, by its name in the help."""


def files() -> dict[str, str]:
    """The content of each file."""
    parser = make_parser()
    for command in [parser, *commands_of(parser).values()]:
        for action in command._actions:
            if isinstance(action.metavar, str) and action.metavar in COMPLETED:
                action.complete = COMPLETED[action.metavar]  # type: ignore[attr-defined]
    return {
        PAGE: "\n".join(_page(parser)) + "\n",
        BASH: shtab.complete(parser, "bash"),
        ZSH: shtab.complete(parser, "zsh"),
    }


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


def _page(parser: argparse.ArgumentParser) -> Iterator[str]:
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in commands._get_subactions()}
    yield f'.TH "{PROGRAM.upper()}" "1"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- shows a kitchen its active Table Tracker orders, and reports past ones"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}"
    yield "[\\-h | \\-V] COMMAND [OPTIONS]"
    yield ".SH DESCRIPTION"
    yield _text(parser.description or "")
    yield ".SH COMMANDS"
    for name, command in commands_of(parser).items():
        yield f".SS {_text(name)}"
        yield f"{_text(summaries[name][0].upper() + summaries[name][1:])}."
        for action in command._actions:
            if action.dest != "help":
                yield from _option(action)
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES:
        yield f".TP\n.B {_text(code)}\n{_text(meaning)}"
    yield ".SH ENVIRONMENT"
    for name, meaning in (
        ("NO_COLOR", "if it is not empty, the panel in a terminal has no colours"),
        ("TERM", "if it is dumb, no cursor is moved, and no progress bar is drawn"),
        ("XDG_STATE_HOME", "the folder of pair's token and of history's archive; ~/.local/state by default"),
    ):
        yield f".TP\n.B {name}\n{_text(meaning)}"


def _option(action: argparse.Action) -> Iterator[str]:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else "")
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
    takes = "" if action.nargs == 0 else f"\\fI{_text(str(value or action.dest.upper()))}\\fR"
    yield ".TP"
    yield " ".join(filter(None, (names, takes)))
    yield _text((action.help or "") % {"default": action.default})


def _text(text: str) -> str:
    """Escape a text for roff: hyphens are copied from the page as they are typed, and no line is a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def main() -> int:
    """Write the files; the exit code."""
    for name, content in files().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
