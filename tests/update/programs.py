"""Programs of the box's system, as small scripts in PATH."""

from __future__ import annotations

from pathlib import Path


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script into a folder, in place of one that is there."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
