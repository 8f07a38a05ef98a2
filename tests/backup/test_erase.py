"""The image's script that mounts the state, on a real file system: a factory reset, and power cuts in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "image/root/usr/lib/tt-appliance/state"
SIZE, GROWN = 64 * 1024 * 1024, 512 * 1024 * 1024
"""Bytes of the partition in the image, and on its card."""
SECRET = b"2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186"
TOOLS = ("losetup", "mke2fs", "debugfs", "shred", "unshare", "blkdiscard")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)), reason=f"needs root, loop devices and {', '.join(TOOLS)}"
)


class Partition:
    """A state partition on a loop device, and the start of a box that mounts it."""

    def __init__(self, folder: Path, device: str, *, discards: bool) -> None:
        self.file, self.device = folder / "disk", device
        self._folder = folder
        for name in ("lib", "run"):
            (folder / name).mkdir()
        self._script = folder / "state"
        self._script.write_text(
            SCRIPT.read_text()
            .replace("/dev/tt/state", device)
            .replace("/var/lib", str(folder / "lib"))
            .replace("/run/", f"{folder}/run/")
            .replace("blkdiscard -f", "blkdiscard -f" if discards else "false")
        )

    def start(self, then: str = "true", instead: str = "") -> str:
        """Run the script, then shell commands in its mount namespace. instead: replaces a line `A` by `B`: `A|B`."""
        text = self._script.read_text()
        if instead:
            line, other = instead.split("|", 1)
            assert line in text
            text = text.replace(line, other)
        script = self._folder / "started"
        script.write_text(text)
        command = f"sh {script} >/dev/null; cd {self._folder}/lib && {then}"
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def content(self) -> bytes:
        os.sync()
        with self.file.open("rb") as file:
            end, parts = 0, []
            # Without its holes.
            while (start := _next_data(file.fileno(), end)) is not None:
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                parts.append(os.pread(file.fileno(), end - start, start))
            return b"".join(parts)


def _next_data(descriptor: int, at: int) -> int | None:
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:
        return None


@pytest.fixture(params=[False], ids=["card that can't discard"])
def partition(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Partition]:
    """A state partition that has grown to its card. Parameter: whether the card can discard blocks."""
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(SIZE)
    added = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True, check=False)
    if added.returncode != 0:
        pytest.skip(f"no loop device: {added.stderr.strip()}")
    device = added.stdout.strip()
    try:
        made = Partition(tmp_path, device, discards=request.param)
        made.start()
        os.truncate(disk, GROWN)
        subprocess.run(["losetup", "--set-capacity", device], check=True)
        subprocess.run(["e2fsck", "-fp", device], stdout=subprocess.DEVNULL, check=True)
        subprocess.run(["resize2fs", device], capture_output=True, check=True)
        yield made
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)


RESET = ": >tt-reset; sync"
FILL = f"""mkdir -p tt-appliance ssh && head -c 3M /dev/zero >archive && sync &&
echo {SECRET.decode()} >tt-appliance/token.json && sync && cp tt-appliance/token.json ssh/key && sync"""
"""After a large file, the journal's copies are far from where a new file system begins."""


def test_the_state_survives_a_start(partition: Partition) -> None:
    partition.start(FILL)
    assert SECRET.decode() in partition.start("cat tt-appliance/token.json")


def test_a_reset_leaves_nothing_of_the_state(partition: Partition) -> None:
    partition.start(f"{FILL}; {RESET}")
    assert partition.content().count(SECRET) > 2, "two files, and copies in the journal"
    assert partition.start("find . -type f").split() == ["./tt-no-restore"]
    assert SECRET not in partition.content()


@pytest.mark.parametrize(
    "cut",
    [
        "    umount |    sync; kill -9 $$; umount ",
        "    # Not every card|    kill -9 $$\n    # Not every card",
        "    start_anew\n    # A stick|    kill -9 $$\n    # A stick",
    ],
)
def test_a_power_cut_during_a_reset_is_completed(partition: Partition, cut: str) -> None:
    """The loop device keeps what was written until the script was killed."""
    partition.start(f"{FILL}; {RESET}")
    partition.start(instead=cut)
    assert partition.start("find . -type f").split() == ["./tt-no-restore"]
    assert SECRET not in partition.content()


@pytest.mark.parametrize("partition", [True], ids=["card that can discard"], indirect=True)
def test_a_card_that_can_discard_is_discarded(partition: Partition) -> None:
    partition.start(f"{FILL}; head -c 30M /dev/urandom >other; sync; rm other; {RESET}")
    before = partition.file.stat().st_blocks
    partition.start()
    assert partition.file.stat().st_blocks < before / 2, "even of a file that was deleted long ago"
    assert SECRET not in partition.content()
