"""The file of a recording: complete lines whatever happens, a bound on its size, and no other file is touched."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from appliance.core.values import Token
from appliance.recording.entries import End, Heading, Message, load
from appliance.recording.redaction import Redaction
from appliance.recording.writer import RESERVED, RecordingFile

REDACTION = Redaction(Token("2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186"))
HEADING = Heading(gateway="Grill")


def message(at: float, size: int = 10) -> Message:
    return Message(at=at, feed=1, data="x" * size)


async def test_lines_are_in_the_file_a_second_later(tmp_path: Path) -> None:
    """Without any end: as after a power cut."""
    path = tmp_path / "r"
    file = RecordingFile(path, REDACTION)
    writing = asyncio.create_task(file.run())
    file.add(HEADING)
    file.add(message(1.0))
    async with asyncio.timeout(5):
        while not path.read_bytes().endswith(b'xxx"}\n'):  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    writing.cancel()
    assert load(path) == (HEADING, [message(1.0)], False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "it has orders"
    file.close()


async def test_a_full_recording_has_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "r"
    file = RecordingFile(path, REDACTION, largest=4096)
    file.add(HEADING)
    for at in range(100):
        file.add(message(float(at), 100))
    assert file.full.is_set()
    file.add(message(100.0, 1))
    file.add(End(at=101.0, why="size"), last=True)
    await file.flush()
    file.close()
    _, entries, cut = load(path)
    assert not cut
    assert [entry.at for entry in entries] == [*map(float, range(len(entries) - 1)), 101.0], "no gap"
    assert 4096 - RESERVED - 200 < path.stat().st_size == file.written <= 4096


async def test_an_existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        RecordingFile(path, REDACTION)
    assert path.read_text() == "precious"


async def test_a_full_disk_is_told() -> None:
    file = RecordingFile(Path("/dev/full"), REDACTION)
    file.add(HEADING)
    with pytest.raises(OSError, match="No space left"):
        await file.run()
    file.close()
