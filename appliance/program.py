"""The process: runs a command, and ends without a traceback whatever happens to its terminal, pipe or disk.

Exit codes: the command's own; 130 after Ctrl-C (128 + SIGINT); 141 where the reader closed the pipe (128 + SIGPIPE); 1
where standard output can't be written for another reason.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance import standard_streams
from appliance.standard_streams import OutputError

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + signal.SIGPIPE


def main() -> int:
    """Run the command line; the installed command's entry point."""

    def load_and_run() -> int:
        # Loaded here, so that Ctrl-C is handled from the first import on.
        from appliance.__main__ import main

        return main()

    return run(load_and_run)


def run(command: Callable[[], int]) -> int:
    """Run a command as a process of its own; its exit code."""
    standard_streams.prepare()
    sys.unraisablehook = _end_or_report
    try:
        code = _exit_code(command)
    except KeyboardInterrupt:
        _silence_destructors()
        code = INTERRUPTED
    except OutputError:
        code = 1
    # Python itself has yet to end: from now on Ctrl-C ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Python would look for garbage several times as it ends: with 100,000 orders, two seconds on the slowest board.
    gc.freeze()
    failure = standard_streams.flush()
    if failure is None:
        return code
    if failure.errno == errno.EPIPE:
        return BROKEN_PIPE
    print(f"{_name()}: {failure.filename}: {failure.strerror}", file=sys.stderr)
    return code or 1


def _exit_code(command: Callable[[], int]) -> int:
    try:
        return command()
    except SystemExit as end:
        # argparse ends this way after --help, --version and a usage error.
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1


def _silence_destructors() -> None:
    """Keep objects that were interrupted half-made, such as an event loop, from printing warnings."""
    import logging
    import warnings

    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
    logging.disable()


def _name() -> str:
    words = sys.argv[1:2]
    return " ".join(["tt-appliance", *(word for word in words if not word.startswith("-"))])


def _end_or_report(unraisable: UnraisableHookArgs) -> None:
    """End the process where a signal arrived inside a callback or destructor, in which Python discards exceptions."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    if isinstance(unraisable.exc_value, SystemExit):
        os._exit(unraisable.exc_value.code if isinstance(unraisable.exc_value.code, int) else 1)
    sys.__unraisablehook__(unraisable)
