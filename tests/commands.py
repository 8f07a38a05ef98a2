"""A command in the tests' own process, where a process of its own proves nothing more and costs a start."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

from appliance.__main__ import main


def run_command(*arguments: object) -> CompletedProcess[str]:
    """Run a command line to its end, with its real files and sockets."""
    line, output, errors = [*map(str, arguments)], io.StringIO(), io.StringIO()
    with _kept_logging(), redirect_stdout(output), redirect_stderr(errors):
        try:
            code = main(line)
        except SystemExit as end:
            if not isinstance(end.code, int):
                raise
            code = end.code
    return CompletedProcess(line, code, output.getvalue(), errors.getvalue())


@contextmanager
def _kept_logging() -> Iterator[None]:
    """Put the log's handlers and levels back afterwards: a command sets up its own."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    levels = [one.level for one in loggers]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
