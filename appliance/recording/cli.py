"""`tt-appliance record`: writes what a gateway says to a file, until a time is over, a signal, or the file is full."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from appliance import __version__
from appliance.config import Config
from appliance.core.formatting import clock
from appliance.core.values import Credential
from appliance.history.locate import search_gateways
from appliance.history.paths import NotPairedError, find_state_directory
from appliance.progress import ProgressBar
from appliance.recording.entries import End, Entry, Heading, Mdns
from appliance.recording.mdns_listener import MdnsListener
from appliance.recording.recorder import Recorder, Tally
from appliance.recording.redaction import Redaction
from appliance.recording.writer import LARGEST, RecordingFile

SHOW_EVERY = 0.5
"""Seconds between two updates of the progress bar."""


def main(options: argparse.Namespace, config: Config, *, chosen: bool) -> int:
    """Run the command; its exit code. chosen: there is a settings file."""
    try:
        state = find_state_directory(config, chosen=chosen)
        if state.credential is None:
            raise NotPairedError("this computer is not paired with a gateway; run: tt-appliance pair")
    except NotPairedError as error:
        return _fail(str(error))
    path: Path = options.file
    try:
        tally, size = asyncio.run(_record(path, options.duration, config, state.credential))
    except FileExistsError:
        return _fail(f"{path} exists already; give the name of a new file")
    except OSError as error:
        return _fail(f"can't write {path}: {error.strerror}")
    said = (
        f"{_counted(tally.messages, 'message')}, {_counted(tally.answers, 'HTTP answer')} "
        f"and {_counted(tally.records, 'mDNS record')}"
    )
    print(f"Recorded {said} in {path} ({size:,} bytes).", flush=True)
    if not tally.messages and not tally.answers:
        return _fail(f"{state.credential.gateway} did not answer")
    return 0


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


async def _record(path: Path, duration: float | None, config: Config, credential: Credential) -> tuple[Tally, int]:
    """Record until the end; what was recorded, and the size in bytes. Raises OSError."""
    ending: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.put_nowait, "quit")
    if duration is not None:
        loop.call_later(duration, ending.put_nowait, "time")
    file = RecordingFile(path, Redaction(credential.token))
    bar = ProgressBar(sys.stderr, "recording")
    try:
        file.add(
            Heading(
                program=f"tt-appliance {__version__}",
                began=datetime.now().astimezone().isoformat(timespec="seconds"),
                gateway=credential.gateway,
            )
        )

        def add(entry: Entry) -> None:
            recorder.tally.records += isinstance(entry, Mdns)
            file.add(entry)

        listener = MdnsListener(add, lambda: recorder.now())
        async with search_gateways(config, credential.gateway, listener) as search:
            recorder = Recorder(search, credential, add)
            why = await _until_end(recorder, file, ending, bar)
        file.add(End(at=recorder.now(), why=why), last=True)
        await file.flush()
    finally:
        bar.close()
        file.close()
    return recorder.tally, file.written


async def _until_end(recorder: Recorder, file: RecordingFile, ending: asyncio.Queue[str], bar: ProgressBar) -> str:
    """Record until there is a reason to end; that reason. Raises OSError if the file can't be written."""
    why = "size"

    async def end_when_asked() -> None:
        nonlocal why
        why = await ending.get()

    async def end_when_full() -> None:
        await file.full.wait()

    work = (recorder.run(), file.run(), _show(recorder, file, bar), end_when_asked(), end_when_full())
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return why
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, OSError):
                await task


async def _show(recorder: Recorder, file: RecordingFile, bar: ProgressBar) -> None:
    while True:
        words = f"{clock(recorder.now())}, {recorder.tally.messages:,} messages, {file.written:,} bytes; Ctrl-C ends it"
        bar.show(file.written / LARGEST, words)
        await asyncio.sleep(SHOW_EVERY)


def _fail(words: str) -> int:
    print(f"tt-appliance record: {words}", file=sys.stderr)
    return 1
