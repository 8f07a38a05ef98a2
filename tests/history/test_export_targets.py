"""Export targets: a file is replaced atomically; a pipe or device is written directly."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.atomic_file import replacement
from appliance.history.export import lines_to


def half() -> Iterator[str]:
    yield "half"
    raise ValueError("unknown")


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("before")
    with pytest.raises(ValueError, match="unknown"), lines_to(path) as out:
        out.writelines(half())
    assert path.read_text() == "before"
    with lines_to(path) as out:
        out.write("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    """/dev/null takes the same path."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with lines_to(pipe) as out:
        out.write("text")
    reader.join(5)
    assert read == ["text"]
    assert pipe.is_fifo()


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "orders.csv"
    link.symlink_to(tmp_path / "there" / "kept.csv")
    with lines_to(link) as out:
        out.write("text")
    assert link.is_symlink()
    assert (tmp_path / "there" / "kept.csv").read_text() == "text"


def test_a_write_error_names_the_given_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing, replacement(tmp_path / "no" / "chart.png") as new:
        new.write_bytes(b"")
    assert missing.value.filename == str(tmp_path / "no" / "chart.png")
    with pytest.raises(IsADirectoryError) as folder, lines_to(tmp_path):
        pass
    assert folder.value.filename == str(tmp_path)
