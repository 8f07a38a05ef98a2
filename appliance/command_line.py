"""The commands and their options, as one parser: for the program, its manual page and the shells' completion."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from appliance import __version__

PROGRAM = "tt-appliance"
COMMANDS = (
    "run",
    "status",
    "config",
    "demo",
    "doctor",
    "screens",
    "history",
    "pair",
    "record",
    "backup",
    "simulate",
    "update",
    "help",
)
EXIT_CODES = (
    ("0", "success; for run, demo, simulate and record also: quit"),
    ("1", "failure, or doctor found something wrong or different; the message says what"),
    ("2", "unknown command, option or value"),
    ("69", "status found no running appliance; update does not run on the appliance's SD card"),
    ("75", "history could not reach the gateway, and reported archived orders only"),
    ("78", "invalid settings; the message names file, line and key"),
    ("130", "Ctrl-C"),
    ("141", "the reader of a pipe closed it, as head does"),
    ("129, 143", "SIGHUP or SIGTERM ended doctor; it has switched off all outputs"),
)
"""The exit codes, and their meaning."""


def make_parser(wanted: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the whole command line. wanted: commands whose own modules are imported for their options."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Shows a kitchen how many Table Tracker orders are active, and sounds the pages.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")

    run = commands.add_parser("run", help="run the appliance")
    run.add_argument(
        "--panel", choices=("hardware", "terminal", "headless"), default="hardware", help="default: hardware"
    )
    _add_config_option(run, "all defaults")
    run.add_argument(
        "--lenient",
        action="store_true",
        help="show errors in the settings on the display, and use the defaults instead",
    )
    run.add_argument("--verbose", action="store_true", help="log debug messages")

    status = commands.add_parser("status", help="say what the running appliance shows")
    _add_config_option(status, "the service's")
    status.add_argument("--json", action="store_true", help="one line of JSON")

    config = commands.add_parser("config", help="print the settings that apply, or check a settings file")
    source = config.add_mutually_exclusive_group()
    _add_config_option(source, "all defaults")
    source.add_argument(
        "--check", type=Path, metavar="FILE", help="say what the box would do with this file, and what is wrong in it"
    )
    config.add_argument("--json", action="store_true", help="with --check: one line of JSON")
    config.set_defaults(parser=config)

    demo = commands.add_parser("demo", help="run the appliance on a simulated gateway, in the terminal")
    mode = demo.add_mutually_exclusive_group()
    mode.add_argument("--auto", action="store_true", help="play a whole story unattended, and check each step")
    mode.add_argument("--window", action="store_true", help="use a window instead of the terminal; needs luma.emulator")

    doctor = commands.add_parser("doctor", help="test every part, and say what is wrong and how to fix it")
    _add_config_option(doctor, "the service's")
    doctor.add_argument("--no-questions", action="store_true", help="do not ask what can be seen and heard")
    mode = doctor.add_mutually_exclusive_group()
    mode.add_argument("--json", action="store_true", help="one line of JSON at the end, and no questions")
    mode.add_argument(
        "--protocol",
        action="store_true",
        help="instead, ask the gateway for the facts that its documents leave open; changes nothing without consent",
    )

    screens = commands.add_parser("screens", help="save a picture of every screen, for each display size")
    screens.add_argument("--out", type=Path, metavar="DIR", default=Path("screens"), help="default: screens")

    history = commands.add_parser("history", help="report finished orders: as a table, CSV, JSON lines or a chart")
    _add_config_option(history, "the service's")
    if "history" in wanted:
        from appliance.history.options import add_history_arguments

        add_history_arguments(history)

    pair = commands.add_parser("pair", help="pair this computer with the gateway, for history")
    _add_config_option(pair, "the service's")
    pair.add_argument("--gateway", metavar="NAME", help="the gateway's name, if there are several")

    record = commands.add_parser("record", help="write what the paired gateway says to a file, for tests")
    _add_config_option(record, "the service's")
    if "record" in wanted:
        from appliance.recording.options import add_record_arguments

        add_record_arguments(record)

    backup = commands.add_parser("backup", help="save a copy of this box's state: pairing, archive, chosen display")
    backup.add_argument("file", type=Path, metavar="FILE", help="the copy to write; replaces an older one")

    simulate = commands.add_parser("simulate", help="run a simulated gateway alone")
    if "simulate" in wanted and find_spec("appliance.simulator") is not None:
        from appliance.simulator.options import add_simulator_arguments

        add_simulator_arguments(simulate)

    update = commands.add_parser("update", help="on the SD card: install an update, or go back to the other system")
    update.add_argument(
        "action",
        choices=("status", "install", "rollback"),
        metavar="ACTION",
        help="status: say which systems the card has. install: install FILE, to be tried at the next restart. "
        "rollback: restart into the other system, if it is whole",
    )
    update.add_argument("file", nargs="?", type=Path, metavar="FILE", help="with install: the update (*.raucb)")
    update.add_argument("--json", action="store_true", help="with status: one line of JSON")
    update.set_defaults(parser=update)

    about = commands.add_parser("help", help="show the help of a command")
    about.add_argument("about", nargs="?", choices=COMMANDS, metavar="COMMAND", help=", ".join(COMMANDS))
    return parser


def _add_config_option(command: argparse._ActionsContainer, default: str) -> None:
    command.add_argument("--config", type=Path, metavar="FILE", help=f"settings file (YAML); default: {default}")
