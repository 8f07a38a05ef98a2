"""Reading the board's sensors from a simulated root of the kernel's files."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance import board as module
from appliance.board import READ_INTERVAL, read_board, read_model, watch_board
from appliance.core.events import BoardRead, Event
from appliance.core.values import Board, Card
from tests.clock import VirtualTimeLoop

TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"


def put(root: Path, name: str, content: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def put_alarm(root: Path, content: str) -> None:
    put(root, "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    put(root, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    put(root, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", content)


def test_a_machine_without_sensors(tmp_path: Path) -> None:
    assert read_board(tmp_path) == Board(None, None, None)
    assert read_model(tmp_path) is None


def test_the_cards_state_is_read(tmp_path: Path) -> None:
    def card() -> Card:
        return read_board(tmp_path, str(tmp_path / "marks")).card

    assert card() is read_board(tmp_path).card is Card.SOUND
    put(tmp_path, "marks/state-reset", "")
    assert card() is Card.RESET
    for name in ("state-in-memory", "settings-lost", "system-damaged"):
        put(tmp_path, f"marks/{name}", "")
        assert card() is Card.BROKEN
        (tmp_path / "marks" / name).unlink()
        assert card() is Card.RESET


def test_temperature_and_model_are_read(tmp_path: Path) -> None:
    put(tmp_path, TEMPERATURE, "51540\n")
    put(tmp_path, "proc/device-tree/model", b"Raspberry Pi Zero 2 W Rev 1.0\0")
    assert read_board(tmp_path) == Board(51.54, None, None)
    assert read_model(tmp_path) == "Raspberry Pi Zero 2 W Rev 1.0"


def test_a_temperature_below_zero_is_read(tmp_path: Path) -> None:
    put(tmp_path, TEMPERATURE, "-3000\n")
    assert read_board(tmp_path).temperature == -3.0


@pytest.mark.parametrize(
    ("alarm", "throttled", "weak", "was_weak"),
    [
        ("0\n", None, False, None),
        ("1\n", None, True, True),
        (None, "0\n", False, False),
        (None, "50005\n", True, True),
        (None, "0x50000\n", False, True),
        (None, "1\n", True, True),
        # The heat bits are not about the power supply.
        (None, "e000e\n", False, False),
        # The driver clears the firmware's bits, so with the driver a cleared bit 16 is meaningless.
        ("0\n", "0\n", False, None),
        ("0\n", "50000\n", False, True),
        ("1\n", "0\n", True, True),
        ("0\n", "1\n", True, True),
        ("busy\n", "0\n", False, False),
    ],
)
def test_undervoltage_is_detected(
    tmp_path: Path, alarm: str | None, throttled: str | None, weak: bool | None, was_weak: bool | None
) -> None:
    if alarm is not None:
        put_alarm(tmp_path, alarm)
    if throttled is not None:
        put(tmp_path, THROTTLED, throttled)
    assert read_board(tmp_path) == Board(None, weak, was_weak)


@pytest.mark.parametrize("odd", ["", "warm\n", "1 2\n", b"\xff\xfe\n", b"\0" * 1000])
def test_malformed_files_are_ignored(tmp_path: Path, odd: str | bytes) -> None:
    put(tmp_path, TEMPERATURE, odd)
    put(tmp_path, THROTTLED, odd)
    put(tmp_path, "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    put(tmp_path, "sys/class/hwmon/hwmon1/in0_lcrit_alarm", odd)
    assert read_board(tmp_path) == Board(None, None, None)


def test_unexpected_directories_and_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / TEMPERATURE).mkdir(parents=True)
    put(tmp_path, "sys/class/hwmon", "not a directory")
    (tmp_path / "proc/device-tree/model").mkdir(parents=True)
    assert read_board(tmp_path) == Board(None, None, None)
    assert read_model(tmp_path) is None


def test_the_board_is_reported_at_first_and_on_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = [
        Board(50.0, False, None),
        Board(51.9, False, None),  # noise
        Board(52.0, False, None),
        Board(50.5, False, None),  # noise again, relative to the last report
        Board(50.5, True, True),
        Board(50.5, False, None),  # the earlier undervoltage must be kept
        Board(50.5, False, None),
        Board(None, False, None),
        Board(None, False, None),
        Board(40.0, False, None),
    ]
    left = list(reads)
    reports: list[tuple[float, Event]] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        began, over = loop.time(), asyncio.Event()

        def read(fault_directory: str | None) -> Board:
            if not left:
                loop.call_soon_threadsafe(over.set)
                return reads[-1]
            return left.pop(0)

        monkeypatch.setattr(module, "read_board", read)
        watching = asyncio.create_task(watch_board(lambda event: reports.append((loop.time() - began, event))))
        # No timeout: during a read it would be the only timer, and the virtual clock would jump to it.
        await over.wait()
        watching.cancel()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(watch())
    assert left == []
    assert [event for _, event in reports] == [
        BoardRead(Board(50.0, False, None)),
        BoardRead(Board(52.0, False, None)),
        BoardRead(Board(50.5, True, True)),
        BoardRead(Board(50.5, False, True)),
        BoardRead(Board(None, False, True)),
        BoardRead(Board(40.0, False, True)),
    ]
    assert [round(at / READ_INTERVAL) for at, _ in reports] == [0, 2, 4, 5, 7, 9]


async def test_this_machines_board_can_be_read() -> None:
    reports: asyncio.Queue[Event] = asyncio.Queue()
    watching = asyncio.create_task(watch_board(reports.put_nowait))
    event = await asyncio.wait_for(reports.get(), 5)
    watching.cancel()
    assert isinstance(event, BoardRead)


async def test_a_later_card_result_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(module, "READ_INTERVAL", 0.01)
    reports: asyncio.Queue[Event] = asyncio.Queue()
    watching = asyncio.create_task(watch_board(reports.put_nowait))
    assert (await next_board(reports)).card is Card.SOUND
    put(tmp_path, "system-damaged", "")
    while (await next_board(reports)).card is Card.SOUND:
        pass
    watching.cancel()


async def next_board(reports: asyncio.Queue[Event]) -> Board:
    event = await asyncio.wait_for(reports.get(), 5)
    assert isinstance(event, BoardRead)
    return event.board
