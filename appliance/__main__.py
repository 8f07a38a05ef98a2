"""The commands. Only the modules that a command needs are imported."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from appliance.command_line import make_parser
from appliance.terminal import is_dumb

if TYPE_CHECKING:
    from appliance.config import Config
    from appliance.core.values import Mistake
    from appliance.panel import Panel

log = logging.getLogger("appliance")

SETTINGS = Path("/boot/firmware/tt-appliance.yaml"), Path("/etc/tt-appliance.yaml")
"""The service's settings: on the SD card image, and elsewhere. Other commands on that machine use them by default."""
EX_CONFIG = 78
"""The exit code for invalid settings (sysexits.h)."""
NO_CURSOR = "the panel needs a terminal with a cursor, and TERM is dumb"


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code. Raises what only a process can handle: `program.run` does."""
    arguments = sys.argv[1:] if argv is None else argv
    # Without it, the simulator's options may be missing too.
    if arguments[:1] == ["simulate"] and not _has_simulator("simulate"):
        return 1
    options = make_parser(arguments[:1]).parse_args(arguments)
    return COMMANDS[options.command](options)


def _help(options: argparse.Namespace) -> int:
    about: list[str] = [] if options.about is None else [options.about]
    make_parser(about).parse_args([*about, "--help"])
    return 0


def _run(options: argparse.Namespace) -> int:
    from appliance import logs

    # Until the event loop handles SIGTERM there is nothing to shut down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.set_up(logging.DEBUG if options.verbose else logging.INFO)
    last_problem = logs.LastProblem.of_the_log()
    mistakes: tuple[Mistake, ...] = ()
    if options.lenient and options.config is not None:
        from appliance.config.lenient import load_leniently
        from appliance.config.problems import Problem

        config, mistakes = load_leniently(options.config)
        for mistake in mistakes:
            log.warning("Ignored setting: %s", Problem(str(options.config), mistake.line, mistake.key, mistake.text))
    else:
        strict = _load(options.config)
        if strict is None:
            return EX_CONFIG
        config = strict
    if options.panel == "terminal" and is_dumb():
        print(f"tt-appliance run: {NO_CURSOR}; use --panel headless", file=sys.stderr)
        return 1
    # Created before asyncio is imported: the display shows its greeting while the rest of the program is loading.
    panel = _panel(config, options.panel)
    import asyncio

    from appliance.service import serve

    with logs.hold_back() if options.panel == "terminal" else nullcontext():
        asyncio.run(serve(config, panel, mistakes, last_problem))
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
            from appliance import display_file
            from appliance.panel.hardware import HardwarePanel

            return HardwarePanel.from_config(config, display_file.load(config.state_dir))


def _config(options: argparse.Namespace) -> int:
    if options.check is not None:
        from appliance.config.check_report import check

        report, right = check(options.check, as_json=options.json)
        sys.stdout.write(report)
        return 0 if right else EX_CONFIG
    if options.json:
        options.parser.error("--json needs --check FILE")
    from appliance.config.dumper import dump

    config = _load(options.config)
    if config is None:
        return EX_CONFIG
    sys.stdout.write(dump(config, for_eyes=sys.stdout.isatty()))
    return 0


def _demo(options: argparse.Namespace) -> int:
    import asyncio

    from appliance import logs

    # The demo loses its gateway on purpose: the screen shows that, and no warning is needed.
    logs.set_up(logging.ERROR)
    if not _has_simulator("demo"):
        return 1
    if options.window:
        return _demo_in_a_window()
    # Without a terminal nobody can press a key.
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if on_terminal and is_dumb() and not options.auto:
        print(f"tt-appliance demo: {NO_CURSOR}; playing the story of --auto", file=sys.stderr)
        on_terminal = False
    if options.auto or not on_terminal:
        from appliance.demo.scripted import play_story

        return asyncio.run(play_story())
    from appliance.demo.interactive import play
    from appliance.panel.terminal import TerminalPanel

    with logs.hold_back():
        return asyncio.run(play(TerminalPanel))


def _simulate(options: argparse.Namespace) -> int:
    from appliance.simulator.cli import main

    return main(options)


def _has_simulator(command: str) -> bool:
    """Whether aiohttp, which the simulator needs and the appliance does not, is installed; else say how to get it."""
    if find_spec("aiohttp") is not None:
        return True
    print(
        f"tt-appliance {command}: aiohttp is not installed; install this program with its extra `simulator`, "
        "or only aiohttp: pip install aiohttp",
        file=sys.stderr,
    )
    return False


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

    settings = _settings(options)
    config = _load(settings)
    if config is None:
        return EX_CONFIG
    if options.protocol:
        from appliance.doctor.protocol import main

        return main(config, chosen=settings is not None, questions=not options.no_questions)
    return doctor.main(config, questions=not options.no_questions, as_json=options.json)


def _status(options: argparse.Namespace) -> int:
    from appliance.status.cli import main

    settings = _settings(options)
    if settings is not None and _is_file(settings):
        from appliance.config.lenient import load_leniently

        # The service runs with mistakes in its settings, too.
        return main(load_leniently(settings)[0].state_dir, as_json=options.json)
    config = _load(settings)
    return EX_CONFIG if config is None else main(config.state_dir, as_json=options.json)


def _with_settings(options: argparse.Namespace, main: Callable[..., int]) -> int:
    """Run a command with its settings, and with warnings alone in the log. main: takes `chosen`: there is a file."""
    from appliance import logs

    settings = _settings(options)
    config = _load(settings)
    if config is None:
        return EX_CONFIG
    logs.set_up(logging.WARNING)
    return main(options, config, chosen=settings is not None)


def _history(options: argparse.Namespace) -> int:
    from appliance.history.cli import main

    return _with_settings(options, main)


def _pair(options: argparse.Namespace) -> int:
    from appliance import logs
    from appliance.history.pair import main

    config = _load(_settings(options))
    if config is None:
        return EX_CONFIG
    logs.set_up(logging.WARNING)
    return main(options, config)


def _record(options: argparse.Namespace) -> int:
    from appliance.recording.cli import main

    return _with_settings(options, main)


def _update(options: argparse.Namespace) -> int:
    from appliance.update.cli import main

    return main(options)


def _backup(options: argparse.Namespace) -> int:
    from appliance.backup.cli import main

    return main(options.file)


def _screens(options: argparse.Namespace) -> int:
    if find_spec("appliance.pictures") is None:
        print("tt-appliance screens: not part of the SD card image; run it on another computer", file=sys.stderr)
        return 1
    from appliance.pictures import save_all
    from appliance.progress import ProgressBar

    bar = ProgressBar(sys.stderr, "saving")
    try:
        save_all(options.out, bar)
    except OSError as error:
        print(f"tt-appliance screens: can't write {error.filename or options.out}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        bar.close()
    return 0


def _settings(options: argparse.Namespace) -> Path | None:
    """The settings file of the command line, or the service's where there is one that this user may see."""
    given: Path | None = options.config
    return given or next(filter(_is_file, SETTINGS), None)


def _is_file(path: Path) -> bool:
    """Whether it is one, and this user may know."""
    try:
        return path.is_file()
    except OSError:
        return False


def _load(path: Path | None) -> Config | None:
    """The settings in a file; None if they are invalid, with the errors on stderr."""
    from appliance.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = MappingProxyType(
    {
        "run": _run,
        "config": _config,
        "demo": _demo,
        "doctor": _doctor,
        "screens": _screens,
        "status": _status,
        "history": _history,
        "pair": _pair,
        "record": _record,
        "backup": _backup,
        "simulate": _simulate,
        "update": _update,
        "help": _help,
    }
)

if __name__ == "__main__":
    from appliance.program import run

    sys.exit(run(main))
