"""The update's status file, from root's programs to the core; and the request back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import Event, UpdateChanged
from appliance.core.heartbeat import BEAT
from appliance.core.limits import LONGEST_TEXT
from appliance.core.updates import NO_UPDATE, Action, UpdatePhase, UpdateStatus
from appliance.update import watch
from appliance.update.request_file import request
from appliance.update.watch import CHECK_EVERY, LARGEST, read_update, watch_update
from tests.clock import virtual_time

FOUND = UpdateStatus(UpdatePhase.FOUND, "1.2.0", 0, "usb")
INSTALLING = replace(FOUND, phase=UpdatePhase.INSTALLING, percent=45)
SOON = CHECK_EVERY + 0.1


def publish(path: Path, update: UpdateStatus) -> None:
    """Replace the status as root's programs do."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(update)))
    new.replace(path)


@pytest.fixture
def status(tmp_path: Path) -> Path:
    """The status file of a box that runs from its card; it is not there yet."""
    (tmp_path / "tt-slot").write_text("A\n")
    return tmp_path / "status.json"


@asynccontextmanager
async def watched(status: Path) -> AsyncIterator[list[Event]]:
    events: list[Event] = []
    task = asyncio.create_task(watch_update(events.append, status, status.with_name("tt-slot")))
    try:
        await asyncio.sleep(SOON)
        yield events
    finally:
        task.cancel()


@virtual_time
async def test_each_change_is_told_once(status: Path) -> None:
    async with watched(status) as events:
        assert events == []
        for update in (FOUND, INSTALLING, replace(INSTALLING, percent=46)):
            publish(status, update)
            await asyncio.sleep(SOON)
            assert events == [UpdateChanged(update)]
            publish(status, update)
            await asyncio.sleep(5 * SOON)
            assert events == [UpdateChanged(update)], "the same again is no change"
            events.clear()
        status.unlink()
        await asyncio.sleep(SOON)
        assert events == [UpdateChanged(NO_UPDATE)]


@virtual_time
async def test_a_status_from_before_the_start_is_told(status: Path) -> None:
    publish(status, FOUND)
    async with watched(status) as events:
        assert events == [UpdateChanged(FOUND)]


@virtual_time
async def test_a_broken_status_is_none(status: Path) -> None:
    publish(status, FOUND)
    async with watched(status) as events:
        status.write_text('{"phase": "fou')
        await asyncio.sleep(SOON)
        assert events == [UpdateChanged(FOUND), UpdateChanged(NO_UPDATE)]


@virtual_time
async def test_off_the_card_nothing_is_watched(tmp_path: Path) -> None:
    publish(tmp_path / "status.json", FOUND)
    events: list[Event] = []
    async with asyncio.timeout(0.1):
        await watch_update(events.append, tmp_path / "status.json", tmp_path / "tt-slot")
    assert events == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "3",
        "[]",
        '"found"',
        "{}",
        '{"phase": "other"}',
        '{"phase": 3}',
        '{"phase": ["found"]}',
        "[" * 4000,
        "\0",
    ],
)
def test_what_is_no_status_is_none(status: Path, text: str) -> None:
    status.write_text(text)
    assert read_update(status) == NO_UPDATE
    status.unlink()
    status.mkdir()
    assert read_update(status) == NO_UPDATE


def test_a_huge_status_is_none(status: Path) -> None:
    publish(status, replace(FOUND, version="x" * LARGEST))
    assert read_update(status) == NO_UPDATE


def test_values_of_another_kind_are_left_out(status: Path) -> None:
    status.write_text('{"phase": "found", "version": 3, "percent": true, "source": null, "reason": ["a"], "new": 1}')
    assert read_update(status) == UpdateStatus(UpdatePhase.FOUND)
    for percent, shown in ((-1, 0), (0, 0), (100, 100), (101, 100), (4.5, 0), ("5", 0)):
        status.write_text(json.dumps({"phase": "installing", "percent": percent}))
        assert read_update(status).percent == shown
    status.write_text(json.dumps({"phase": "found", "version": "x" * 500}))
    assert read_update(status).version == "x" * LONGEST_TEXT


@given(
    st.builds(
        UpdateStatus,
        st.sampled_from(UpdatePhase),
        st.text(max_size=LONGEST_TEXT),
        st.integers(0, 100),
        st.sampled_from(("usb", "card", "channel", "")),
        st.text(max_size=LONGEST_TEXT),
    )
)
def test_a_status_that_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, update: UpdateStatus) -> None:
    path = tmp_path_factory.getbasetemp() / "written.json"
    publish(path, update)
    assert read_update(path) == update


@pytest.mark.parametrize("action", Action)
def test_a_request_is_a_file_with_the_action_alone(tmp_path: Path, action: Action) -> None:
    request(str(tmp_path), Action.RESET)
    request(str(tmp_path), action)
    assert [path.name for path in tmp_path.iterdir()] == ["request"]
    assert json.loads((tmp_path / "request").read_text()) == {"action": action.value}
    assert (tmp_path / "request").stat().st_mode & 0o777 == 0o600


def test_without_a_runtime_directory_a_request_fails() -> None:
    for directory in (None, ""):
        with pytest.raises(FileNotFoundError):
            request(directory, Action.INSTALL)


@virtual_time
async def test_it_looks_when_the_heartbeat_wakes_the_program_anyway(
    status: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    looks: list[float] = []
    monkeypatch.setattr(watch, "_stamp", lambda path: looks.append(loop.time()))
    await asyncio.sleep(0.7)
    began = loop.time()
    async with watched(status):
        await asyncio.sleep(3 * BEAT)
    beats = [(began // BEAT + number) * BEAT for number in range(1, 5)]
    assert looks == pytest.approx([began, *beats])
