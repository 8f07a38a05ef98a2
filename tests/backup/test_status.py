"""The status of copies, from root's services to the core."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.backup.status import Progress, read, report
from appliance.backup.watch import watch_backup
from appliance.core.backups import NO_BACKUP, BackupPhase, BackupReason, BackupStatus
from appliance.core.events import BackupChanged, Event
from appliance.update.watch import CHECK_EVERY
from tests.clock import virtual_time

SAVING = BackupStatus(BackupPhase.SAVING, 40)
FAILED = BackupStatus(BackupPhase.FAILED, 0, BackupReason.NO_STICK)


@pytest.mark.parametrize("status", [SAVING, FAILED, BackupStatus(BackupPhase.ERASING)])
def test_what_is_reported_is_read_by_everybody(tmp_path: Path, status: BackupStatus) -> None:
    report(status, tmp_path / "keep.json")
    assert read(tmp_path / "keep.json") == status
    assert (tmp_path / "keep.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"phase": "x", "percent": 1, "reason": ""}', b"\xff", b"[" * 4000, b"x" * 5000]
)
def test_anything_else_is_no_status(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keep.json").write_bytes(content)
    assert read(tmp_path / "keep.json") == NO_BACKUP


def test_progress_is_reported_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(BackupPhase.SAVING, tmp_path / "keep.json")
    for percent in range(101):
        progress(percent)
        found = read(tmp_path / "keep.json").percent
        assert percent - 5 < found <= percent
    inode = (tmp_path / "keep.json").stat().st_ino
    progress(100)
    assert (tmp_path / "keep.json").stat().st_ino == inode


@virtual_time
async def test_the_core_hears_at_once_that_copies_are_offered_and_then_of_changes(tmp_path: Path) -> None:
    (tmp_path / "tt-slot").write_text("A\n")
    events: list[Event] = []
    task = asyncio.create_task(watch_backup(events.append, tmp_path / "keep.json", tmp_path / "tt-slot"))
    await asyncio.sleep(CHECK_EVERY + 0.1)
    report(SAVING, tmp_path / "keep.json")
    await asyncio.sleep(2 * CHECK_EVERY)
    report(FAILED, tmp_path / "keep.json")
    await asyncio.sleep(2 * CHECK_EVERY)
    task.cancel()
    assert events == [BackupChanged(NO_BACKUP), BackupChanged(SAVING), BackupChanged(FAILED)]


@virtual_time
async def test_off_the_card_nothing_is_offered(tmp_path: Path) -> None:
    events: list[Event] = []
    await watch_backup(events.append, tmp_path / "keep.json", tmp_path / "tt-slot")
    assert events == []
