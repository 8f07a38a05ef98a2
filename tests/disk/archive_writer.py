"""Writes archives until it is killed: reads one directory per line, and forks a child for each.

It prints the child's pid before the child begins, and the number of each batch after it is archived.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from appliance.history.archive import Archive
from tests.disk.archive_batches import GATEWAY, archive_batch


def main() -> None:
    for line in sys.stdin:
        directory = Path(line.rstrip("\n"))
        if (pid := os.fork()) == 0:
            _write_batches(directory)
        os.waitpid(pid, 0)
        _say("gone")


def _write_batches(directory: Path) -> None:
    _say(f"pid {os.getpid()}")
    archive = Archive(directory)
    number = int(archive.progress(GATEWAY).read_to or 0)
    while True:
        number += 1
        archive_batch(archive, number)
        _say(f"done {number}")


def _say(words: str) -> None:
    os.write(1, words.encode() + b"\n")


if __name__ == "__main__":
    main()
