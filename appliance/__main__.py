"""The command line: each command, its options, and the part that carries it out, which alone is loaded."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import __version__

if TYPE_CHECKING:
    from appliance.config import Config
    from appliance.core.values import Mistake
    from appliance.panel import Panel

log = logging.getLogger("appliance")

SETTINGS = Path("/boot/firmware/tt-appliance.yaml"), Path("/etc/tt-appliance.yaml")
"""Where the service's settings are, with the image and without it; whoever asks on that machine means those."""
EX_CONFIG = 78
"""The exit code of a configuration that can't be used (sysexits.h)."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["simulate"]:
        from appliance.simulator.cli import main as simulate

        return simulate(arguments[1:])
    options = _parser(arguments).parse_args(arguments)
    return int(options.command(options))


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tt-appliance",
        description="Shows a kitchen how many Table Tracker orders are active, and sounds the pages.",
    )
    parser.add_argument("--version", action="version", version=f"tt-appliance {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the appliance")
    run.add_argument(
        "--panel", choices=("hardware", "terminal", "headless"), default="hardware", help="default: hardware"
    )
    _takes_settings(run, "all defaults")
    run.add_argument(
        "--lenient", action="store_true", help="show mistakes in the settings on the display, and go on without them"
    )
    run.add_argument("--verbose", action="store_true", help="log more")
    run.set_defaults(command=_run)

    config = commands.add_parser("config", help="print the settings in force, commented")
    _takes_settings(config, "all defaults")
    config.set_defaults(command=_config)

    demo = commands.add_parser("demo", help="run the appliance on a simulated gateway, in the terminal")
    how = demo.add_mutually_exclusive_group()
    how.add_argument("--auto", action="store_true", help="play the whole story unattended, and check it")
    how.add_argument("--window", action="store_true", help="in a window instead of the terminal; needs luma.emulator")
    demo.set_defaults(command=_demo)

    doctor = commands.add_parser("doctor", help="try every part in turn, and say what is wrong and how to mend it")
    _takes_settings(doctor, "the service's")
    doctor.add_argument("--no-questions", action="store_true", help="ask nobody what is seen and heard")
    doctor.set_defaults(command=_doctor)

    screens = commands.add_parser("screens", help="draw every screen, in each size, as pictures")
    screens.add_argument("--out", type=Path, metavar="DIR", default=Path("screens"), help="default: screens")
    screens.set_defaults(command=_screens)

    history = commands.add_parser("history", help="tell of orders that are over: a table, CSV, JSON lines or a chart")
    _takes_settings(history, "the service's")
    history.set_defaults(command=_history)
    if arguments[:1] == ["history"]:
        from appliance.history.cli import add_arguments

        add_arguments(history)

    pair = commands.add_parser("pair", help="get this computer a token of its own from the gateway, for history")
    _takes_settings(pair, "the service's")
    pair.set_defaults(command=_pair)
    if arguments[:1] == ["pair"]:
        from appliance.history.pair import add_arguments

        add_arguments(pair)

    # Only named here; its own options are read by the simulator.
    commands.add_parser("simulate", help="run a simulated gateway alone", add_help=False)
    return parser


def _takes_settings(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument("--config", type=Path, metavar="FILE", help=f"the settings, in YAML; default: {default}")


def _run(options: argparse.Namespace) -> int:
    from appliance import logs

    # Told to end before there is a loop that could do so in an orderly way: there is nothing to put in order yet.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.set_up(logging.DEBUG if options.verbose else logging.INFO)
    mistakes: tuple[Mistake, ...] = ()
    if options.lenient and options.config is not None:
        from appliance.config.lenient import load_leniently

        config, mistakes = load_leniently(options.config)
        for mistake in mistakes:
            place = "" if mistake.line is None else f":{mistake.line}"
            key = f"{mistake.key}: " if mistake.key else ""
            log.warning("Left out: %s%s: %s%s", options.config, place, key, mistake.text)
    else:
        strict = _load(options.config)
        if strict is None:
            return EX_CONFIG
        config = strict
    # Made first, and before there is a loop: the display greets while the rest of the program is not even loaded.
    panel = _panel(config, options.panel)
    import asyncio

    from appliance.service import serve

    with logs.hold_back() if options.panel == "terminal" else nullcontext():
        asyncio.run(serve(config, panel, mistakes))
    return 0


def _panel(config: Config, kind: str) -> Panel:
    match kind:
        case "headless":
            from appliance.panel.headless import HeadlessPanel

            return HeadlessPanel()
        case "terminal":
            from appliance.panel.terminal import TerminalPanel

            return TerminalPanel()
        case _:
            from appliance.panel.hardware import HardwarePanel

            return HardwarePanel.from_config(config)


def _config(options: argparse.Namespace) -> int:
    from appliance.config.dumper import dump

    config = _load(options.config)
    if config is None:
        return EX_CONFIG
    sys.stdout.write(dump(config))
    return 0


def _demo(options: argparse.Namespace) -> int:
    import asyncio

    from appliance import logs

    # That a gateway is lost is seen on the screen, and meant to be.
    logs.set_up(logging.ERROR)
    if options.window:
        return _demo_in_a_window()
    # Without a terminal there is nobody to press a key; a stream that is closed is None.
    if options.auto or not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        from appliance.demo.scripted import play_story

        return asyncio.run(play_story())
    from appliance.demo.interactive import play
    from appliance.panel.terminal import TerminalPanel

    with logs.hold_back():
        return asyncio.run(play(TerminalPanel))


def _demo_in_a_window() -> int:
    import asyncio

    from appliance.demo.interactive import play
    from appliance.panel.window import WindowMissingError, WindowPanel

    try:
        return asyncio.run(play(WindowPanel))
    except WindowMissingError as error:
        print(f"tt-appliance demo: {error}", file=sys.stderr)
        return 1


def _doctor(options: argparse.Namespace) -> int:
    from appliance import doctor

    config = _load(_settings(options))
    if config is None:
        return EX_CONFIG
    return doctor.main(config, questions=not options.no_questions)


def _history(options: argparse.Namespace) -> int:
    from appliance import logs
    from appliance.history.cli import main

    settings = _settings(options)
    config = _load(settings)
    if config is None:
        return EX_CONFIG
    logs.set_up(logging.WARNING)
    return main(options, config, chosen=settings is not None)


def _pair(options: argparse.Namespace) -> int:
    from appliance import logs
    from appliance.history.pair import main

    config = _load(_settings(options))
    if config is None:
        return EX_CONFIG
    logs.set_up(logging.WARNING)
    return main(options, config)


def _screens(options: argparse.Namespace) -> int:
    from appliance.pictures import save_all

    try:
        save_all(options.out)
    except OSError as error:
        print(f"tt-appliance screens: {options.out}: {error}", file=sys.stderr)
        return 1
    return 0


def _settings(options: argparse.Namespace) -> Path | None:
    """The settings that were named, or the service's on its own machine; None for neither."""
    named: Path | None = options.config
    return named or next(filter(Path.is_file, SETTINGS), None)


def _load(path: Path | None) -> Config | None:
    """The settings; None, and what is wrong on stderr, where they can't be used."""
    from appliance.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
