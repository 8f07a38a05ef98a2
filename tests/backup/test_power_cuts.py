"""Power cuts while a copy is saved or restored, on real ext4 file systems: the old or the new is left.

A child process is killed at one system call after the other. At that moment the disk is copied: what was not flushed is
missing from it, as after a power cut.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.backup.contents import RESTORED
from appliance.backup.copy_file import check
from appliance.backup.restore import choose, stage
from appliance.backup.save import save_to_folder
from tests.backup.states import BOX, PASSPHRASE, archived, fill, orders, token
from tests.backup.test_copies import SCRIPT, tree
from tests.disk.syscall_trace import missing

CALLS = ("write", "fsync", "rename", "unlink", "unlinkat", "rmdir", "mkdir")
"""The system calls by which Python changes a disk here."""
MOST_CALLS = 40
"""Of one name."""


@pytest.fixture(autouse=True)
def tools() -> None:
    if os.geteuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("needs root and loop devices")
    if (why := missing()) is not None:
        pytest.skip(why)


@contextmanager
def mounted(disk: Path, at: Path) -> Iterator[Path]:
    """Mount a file. Its name must be new: a loop device may keep what an earlier file of that name had."""
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop,data=journal", disk, at], check=True, capture_output=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file system with the state of a paired box, of a new one, and an older copy on a stick."""
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-J", "size=4", path], check=True)
    with mounted(path, tmp_path / "mounted") as root:
        fill(root / "state")
        (root / "stick").mkdir()
        (root / "new/tt-appliance").mkdir(parents=True)
        save_to_folder(root / "state", root / "stick", PASSPHRASE, BOX)
    return path


def killed(work: Callable[[], object], name: str, number: int) -> bool:
    """Do the work in a child that is killed at its nth call of a name; whether it was, and did not end before."""
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}"]
    command += ["-e", f"inject={name}:signal=KILL:when={number}", "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        os.kill(child, signal.SIGCONT)
        _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "the work itself failed"
    return os.WIFSIGNALED(status)


def cuts(disk: Path, work: Callable[[Path], object], judge: Callable[[Path, bool], None]) -> int:
    """Cut the power at each call of the work, and judge the disk, mounted again; the number of cuts.

    judge: takes the folder, and whether the work had ended.
    """
    here, count = disk.parent, 0
    for name in CALLS:
        for number in range(1, MOST_CALLS):
            file, left = here / f"{name}-{number}", here / f"{name}-{number}-left"
            shutil.copyfile(disk, file)
            with mounted(file, here / "mounted") as root:
                cut = killed(lambda root=root: work(root), name, number)  # type: ignore[misc]
                shutil.copyfile(file, left)
            with mounted(left, here / "mounted") as root:
                judge(root, not cut)
            file.unlink()
            left.unlink()
            count += cut
            if not cut:
                break
        else:
            raise AssertionError(f"the work makes more calls of {name} than that")
    return count


def test_a_power_cut_while_a_copy_is_saved_leaves_a_whole_one(disk: Path) -> None:
    numbers: list[int] = []

    def judge(root: Path, ended: bool) -> None:
        copy = choose(root / "stick", BOX)
        assert copy is not None
        numbers.append(check(copy).number)
        assert not ended or len(list((root / "stick").iterdir())) == 1
        # A further copy can be saved.
        save_to_folder(root / "state", root / "stick", PASSPHRASE, BOX)

    count = cuts(disk, lambda root: save_to_folder(root / "state", root / "stick", PASSPHRASE, BOX), judge)
    assert count > 4
    assert {*numbers} == {1, 2}


def test_a_power_cut_while_a_copy_is_restored_leaves_the_old_state_or_the_new_one(disk: Path) -> None:
    outcomes: list[bool] = []

    def work(root: Path) -> None:
        copy = choose(root / "stick", BOX)
        assert copy is not None
        stage(root / "new", copy, PASSPHRASE)

    def judge(root: Path, ended: bool) -> None:
        # The next start of the appliance.
        subprocess.run(["sh", SCRIPT, root / "new"], check=True)
        outcomes.append(token(root / "new") is not None)
        if outcomes[-1]:
            assert token(root / "new") == token(root / "state")
            assert archived(root / "new") == len(orders())
            assert not (root / "new" / RESTORED).exists()
        else:
            assert not ended
            assert tree(root / "new/tt-appliance") == {}

    assert cuts(disk, work, judge) > 8
    assert {*outcomes} == {False, True}


def test_a_power_cut_while_the_files_are_moved_is_completed_by_the_next_start(disk: Path) -> None:
    here = disk.parent
    with mounted(disk, here / "mounted") as root:
        copy = choose(root / "stick", BOX)
        assert copy is not None
        stage(root / "new", copy, PASSPHRASE)

    def judge(root: Path, _: bool) -> None:
        subprocess.run(["sh", SCRIPT, root / "new"], check=True)
        assert token(root / "new") == token(root / "state")
        assert archived(root / "new") == len(orders())
        assert not (root / "new" / RESTORED).exists()

    # The shell is one of the processes that may be killed, and each program that it runs.
    lines = SCRIPT.read_text().splitlines()
    steps = [
        number
        for number, line in enumerate(lines)
        if line.startswith(("    rm", "    sync", "        mv", "rm", "sync", ":"))
    ]
    assert len(steps) == 8, steps
    for number in steps:
        file, left = here / f"step-{number}", here / f"step-{number}-left"
        shutil.copyfile(disk, file)
        with mounted(file, here / "mounted") as root:
            stopped = "\n".join([*lines[:number], lines[number], "kill -9 $$", *lines[number + 1 :]])
            subprocess.run(["sh", "-c", stopped, "sh", root / "new"], check=False)
            shutil.copyfile(file, left)
        with mounted(left, here / "mounted") as root:
            judge(root, False)
