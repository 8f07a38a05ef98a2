"""The cache of the image's base layer, which clones share. Needs no image: a stub stands for the build of a layer."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUB = '#!/bin/sh\necho made >>"$TT_MADE"\nsleep 0.3\nmkdir "$1"\ndate +%s.%N >"$1/when"\n'
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the image's scripts need root")


def clone(tmp_path: Path, name: str) -> Path:
    """A clone with the files that build the base layer."""
    folder = tmp_path / name
    shutil.copytree(ROOT / "image", folder / "image")
    for file in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "image" / "base-make").write_text(STUB)
    return folder


def start(clone: Path, command: str, **variables: str) -> subprocess.Popen[str]:
    """Start a command in the clone."""
    made, cache = str(clone.with_name("made")), str(clone.with_name("cache"))
    environment = {**os.environ, "IMAGE_CACHE": cache, "TT_MADE": made, **variables}
    return subprocess.Popen(["sh", "-c", command], cwd=clone, env=environment, stdout=subprocess.PIPE, text=True)


def base(clone: Path, **variables: str) -> Path:
    """The base layer's folder."""
    process = start(clone, "image/base", **variables)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return Path(out.strip())


def test_two_clones_build_the_layer_once(tmp_path: Path) -> None:
    both = [start(clone(tmp_path, name), "image/base") for name in ("a", "b")]
    folders = {process.communicate(timeout=30)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(folders) == 1
    assert (tmp_path / "made").read_text() == "made\n"


def test_a_fresh_layer_replaces_the_old_one_after_its_last_use(tmp_path: Path) -> None:
    here, other = clone(tmp_path, "a"), clone(tmp_path, "b")
    old = base(here).joinpath("when").read_text()
    with start(other, ". image/lib.sh; hold_base; echo held; sleep 1; cat $base/when") as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "held\n"
        fresh = base(here, IMAGE_FRESH="1").joinpath("when").read_text()
        assert user.stdout.readline() == old
    assert fresh != old
    assert (tmp_path / "made").read_text() == "made\nmade\n"


def test_old_and_unfinished_layers_are_removed_unless_in_use(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for age in range(1, 6):
        folder = cache / f"base-{age:016d}"
        folder.mkdir()
        os.utime(folder, (10**9 - age, 10**9 - age))
    (cache / "base-00000000000000aa.new").mkdir()
    with (cache / f"base-{5:016d}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        made = base(clone(tmp_path, "a"))
    kept = {path.name for path in cache.iterdir() if path.is_dir()}
    assert kept == {made.name, *(f"base-{age:016d}" for age in (1, 2, 5))}
