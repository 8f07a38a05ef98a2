"""Runs every check, prints each finding and a summary, and switches all outputs off."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from functools import partial
from itertools import groupby
from typing import NamedTuple

from appliance import logs
from appliance.config import Config
from appliance.config.values import LIGHTS
from appliance.doctor.box import check_board, check_settings, check_supply
from appliance.doctor.buzzer import check_buzzer
from appliance.doctor.console import Console
from appliance.doctor.context import CheckContext
from appliance.doctor.display import check_display
from appliance.doctor.finding import Finding, State, wrong
from appliance.doctor.network import check_gateway, check_network, check_pairing, check_sight
from appliance.doctor.pins import check_button, check_light, check_pins
from appliance.doctor.service import SystemdService, check_restart, check_service, paused_service

MARK, NAME = 7, 13
"""Widths of the columns for the mark and the check's name."""
ADVICE = " " * 9
NARROWEST, WIDEST = 60, 110
"""Bounds of the line width."""


class Check(NamedTuple):
    """A check and its name. of_part: it needs pins or display for itself. Its result is None if it does not apply."""

    name: str
    run: Callable[[CheckContext], Awaitable[Finding | None]]
    of_part: bool = False


def checks_for(config: Config) -> list[Check]:
    """All checks of the parts that are there; later ones use the results of earlier ones."""
    present = config.pins.present
    return [
        Check("service", check_service),
        Check("settings", check_settings),
        Check("board", check_board),
        Check("supply", check_supply),
        Check("pins", check_pins, of_part=True),
        Check("display", check_display, of_part=True),
        *(
            Check(f"{colour} light", partial(check_light, colour=colour), True)
            for colour in LIGHTS
            if colour in present
        ),
        *([Check("buzzer", check_buzzer, of_part=True)] if "buzzer" in present else []),
        Check("button", check_button, of_part=True),
        Check("restart", check_restart),
        Check("network", check_network),
        Check("mDNS" if config.gateway.address is None else "address", check_sight),
        Check("gateway", check_gateway),
        Check("pairing", check_pairing),
    ]


def main(config: Config, *, questions: bool, as_json: bool = False) -> int:
    """Examine the box; the exit code: 0 if nothing is wrong, 1 if something is, 128 + the signal's number.

    questions: ask the user what is visible and audible. as_json: print a line of JSON at the end, and ask nothing.
    """
    # The findings replace the log.
    logs.set_up(logging.CRITICAL)
    asks = questions and not as_json and sys.stdin.isatty()
    console = Console((lambda _: None) if as_json else write, sys.stdin.fileno() if asks else None)
    context = CheckContext(config, console, service=SystemdService())
    with _lgpio_directory():
        code = asyncio.run(examine_until_signal(context))
    if as_json and code < 128:
        print(json.dumps(_as_facts(context)))
    return code


async def examine(context: CheckContext) -> int:
    """Run all checks and print the findings: 0 if nothing is wrong, else 1. Always switches all outputs off."""
    say = partial(say_wrapped, context.console)
    async with context.closing:
        for of_part, checks in groupby(checks_for(context.config), lambda check: check.of_part):
            # The parts are free before the service starts again.
            async with AsyncExitStack() as stack:
                if of_part:
                    await stack.enter_async_context(paused_service(context))
                    await stack.enter_async_context(context.parts)
                for check in checks:
                    finding = await _result(check, context)
                    if finding is None:
                        continue
                    context.findings[check.name] = finding
                    say(f"{finding.state.value:<{MARK}}{check.name:<{NAME}}", finding.words)
                    for way in finding.advice:
                        say(f"{ADVICE}- ", way)
    context.console.say("")
    for words in _summary(context.findings):
        say("", words)
    return 1 if any(finding.state is State.WRONG for finding in context.findings.values()) else 0


def _as_facts(context: CheckContext) -> dict[str, object]:
    """The findings for programs, and the status of the running appliance, if it told one."""
    checks = [
        {"name": name, "state": finding.state.name.lower(), "words": finding.words, "advice": list(finding.advice)}
        for name, finding in context.findings.items()
    ]
    return {"checks": checks, "status": context.status}


def say_wrapped(console: Console, head: str, words: str) -> None:
    """Print words behind a head, wrapped to the terminal's width with a hanging indent."""
    width = min(max(shutil.get_terminal_size((WIDEST, 0)).columns, NARROWEST), WIDEST)
    # Do not break commands such as tt-appliance at a hyphen.
    lines = textwrap.wrap(words, width - len(head), break_on_hyphens=False)
    for at, line in enumerate(lines):
        console.say((" " * len(head) if at else head) + line)


async def _result(check: Check, context: CheckContext) -> Finding | None:
    again = "Run the doctor again; if that does not help, please report this as a bug."
    try:
        async with asyncio.timeout(context.limits.check):
            return await check.run(context)
    except TimeoutError:
        return wrong("timed out", again)
    except Exception as error:  # noqa: BLE001 - an unexpected error in one check must not prevent the others
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        return wrong(f"unexpected error: {type(first).__name__}: {first}", again)


def _summary(found: dict[str, Finding]) -> list[str]:
    bad = [name for name, finding in found.items() if finding.state is State.WRONG]
    open_ = [name for name, finding in found.items() if finding.state is State.NOT_TRIED]
    lines = [f"Wrong: {', '.join(bad)}." if bad else "Nothing is wrong."]
    if open_:
        lines.append(f"Not tried: {', '.join(open_)}.")
    return lines


async def examine_until_signal(
    context: CheckContext, examine: Callable[[CheckContext], Coroutine[None, None, int]] = examine
) -> int:
    """Run all checks, or another examination, or stop at a signal; the exit code as in `main`."""
    caught: list[int] = []
    examining = asyncio.create_task(examine(context))

    def stop(number: int) -> None:
        # A second signal must not interrupt the clean-up.
        if not caught:
            caught.append(number)
            examining.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    try:
        return await examining
    except asyncio.CancelledError:
        if not caught:
            raise
        context.console.say("")
        context.console.say("Interrupted. All outputs are off.")
        return 128 + caught[0]
    finally:
        context.console.close()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


@contextmanager
def _lgpio_directory() -> Iterator[None]:
    """A temporary directory for lgpio, which creates a pipe in its working directory."""
    if "LG_WD" in os.environ:
        yield
        return
    with ExitStack() as stack:
        # The disk may be full or read-only; lgpio then uses the current directory.
        with suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="tt-appliance-doctor-", ignore_cleanup_errors=True)
            os.environ["LG_WD"] = stack.enter_context(folder)
            stack.callback(os.environ.pop, "LG_WD")
        yield


def write(text: str) -> None:
    """Print text at once, if the terminal is still there."""
    try:
        print(text, end="", flush=True)
    except OSError:
        # The terminal is gone; still run the clean-up.
        return
