"""The examination: every check in turn, a line for each finding, the sum at the end, and everything off after it."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import NamedTuple

from appliance import logs
from appliance.config import Config
from appliance.doctor.box import check_board, check_settings, check_supply
from appliance.doctor.buzzer import check_buzzer
from appliance.doctor.console import Console
from appliance.doctor.context import Bench
from appliance.doctor.display import check_display
from appliance.doctor.finding import Finding, State, wrong
from appliance.doctor.network import check_gateway, check_network, check_pairing, check_sight
from appliance.doctor.pins import LIGHTS, check_button, check_light, check_pins

MARK, NAME = 7, 13
"""Columns of the mark, and of the check's name."""
ADVICE = " " * 9
NARROWEST, WIDEST = 60, 110
"""Columns of a line, whatever the terminal has."""


class Check(NamedTuple):
    """One check, and what it is called."""

    name: str
    run: Callable[[Bench], Awaitable[Finding]]


def checks_for(config: Config) -> list[Check]:
    """All checks, in an order in which each finds done what it builds on."""
    return [
        Check("settings", check_settings),
        Check("board", check_board),
        Check("supply", check_supply),
        Check("pins", check_pins),
        Check("display", check_display),
        *(Check(f"{colour} light", partial(check_light, colour=colour)) for colour in LIGHTS),
        Check("buzzer", check_buzzer),
        Check("button", check_button),
        Check("network", check_network),
        Check("mDNS" if config.gateway.address is None else "address", check_sight),
        Check("gateway", check_gateway),
        Check("pairing", check_pairing),
    ]


def main(config: Config, *, questions: bool) -> int:
    """Examine the box; the process's exit code: 0 where nothing is wrong, else 1; 128 and the signal's number if ended.

    questions: whether somebody sits at the terminal to say what is seen and heard.
    """
    # What the parts would log, the doctor says itself.
    logs.set_up(logging.CRITICAL)
    asks = questions and sys.stdin.isatty()
    console = Console(_write, sys.stdin.fileno() if asks else None)
    with _workplace():
        return asyncio.run(attend(Bench(config, console)))


async def examine(bench: Bench) -> int:
    """Try everything and tell of it: 0 where nothing is wrong, else 1. Whatever happens, all is off afterwards."""
    found: dict[str, Finding] = {}
    say = partial(_say, bench.console)
    async with bench.closing:
        for check in checks_for(bench.config):
            finding = await _result(check, bench)
            found[check.name] = finding
            say(f"{finding.state.value:<{MARK}}{check.name:<{NAME}}", finding.words)
            for way in finding.mend:
                say(f"{ADVICE}- ", way)
    bench.console.say("")
    for words in _sum(found):
        say("", words)
    return 1 if any(finding.state is State.WRONG for finding in found.values()) else 0


def _say(console: Console, head: str, words: str) -> None:
    """Say something in lines that the terminal need not break, all after the first as far from its edge as the head."""
    width = min(max(shutil.get_terminal_size((WIDEST, 0)).columns, NARROWEST), WIDEST)
    # What is to be typed as it stands here, such as tt-appliance, is not to be parted at its hyphen.
    lines = textwrap.wrap(words, width - len(head), break_on_hyphens=False)
    for at, line in enumerate(lines):
        console.say((" " * len(head) if at else head) + line)


async def _result(check: Check, bench: Bench) -> Finding:
    again = "Run the doctor once more; if it stays so, this is a fault of the program: please report it."
    try:
        async with asyncio.timeout(bench.limits.check):
            return await check.run(bench)
    except TimeoutError:
        return wrong("it took too long and was given up", again)
    except Exception as error:  # noqa: BLE001 - whatever one check did not foresee is no reason not to try the others
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        return wrong(f"could not be tried: {type(first).__name__}: {first}", again)


def _sum(found: dict[str, Finding]) -> list[str]:
    bad = [name for name, finding in found.items() if finding.state is State.WRONG]
    open_ = [name for name, finding in found.items() if finding.state is State.NOT_TRIED]
    lines = [f"Wrong: {', '.join(bad)}." if bad else "Nothing is wrong."]
    if open_:
        lines.append(f"Not tried: {', '.join(open_)}.")
    return lines


async def attend(bench: Bench) -> int:
    """Examine until the end, or until a signal ends it early; the exit code, as above."""
    caught: list[int] = []
    examining = asyncio.create_task(examine(bench))

    def stop(number: int) -> None:
        # A second one does not cut short what switches everything off.
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
        bench.console.say("")
        bench.console.say("Ended early. Everything is off.")
        return 128 + caught[0]
    finally:
        bench.console.close()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)


@contextmanager
def _workplace() -> Iterator[None]:
    """A directory in which lgpio can make the pipe that it needs, wherever the doctor was called."""
    if "LG_WD" in os.environ:
        yield
        return
    with ExitStack() as stack:
        # A disk that is full or read-only may well be why the doctor is called: lgpio then takes where it is.
        with suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="tt-appliance-doctor-", ignore_cleanup_errors=True)
            os.environ["LG_WD"] = stack.enter_context(folder)
            stack.callback(os.environ.pop, "LG_WD")
        yield


def _write(text: str) -> None:
    try:
        print(text, end="", flush=True)
    except OSError:
        # The terminal is gone, and with it whoever would have read this; all is switched off nonetheless.
        return
