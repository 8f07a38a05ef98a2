"""A second build on the same base layer, in another folder, with another umask and time, is identical.

`make base-twice` compares two builds of the base layer, which takes minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.image.conftest import ROOT, Built

pytestmark = [pytest.mark.image, pytest.mark.release]


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that `make image` writes; `make release` adds the source archive and an offer."""
    paths = [path for path in folder.glob("tt-appliance-*") if path.suffix not in (".tar", ".txt")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_second_build_is_identical(built: Built, tmp_path: Path) -> None:
    (parts,) = (ROOT / "dist").glob("*.cdx.json")
    time = datetime.fromisoformat(json.loads(parts.read_text())["metadata"]["timestamp"])
    (listed,) = (ROOT / "dist").glob("*.rpi-imager.json")
    url = json.loads(listed.read_text())["os_list"][0]["url"]
    variables = {
        "IMAGE_URL": url.rpartition("/")[0],
        "IMAGE_WORK": str(tmp_path / "elsewhere" / "work"),
        "IMAGE_DIST": str(tmp_path / "dist"),
        "SOURCE_DATE_EPOCH": f"{time.timestamp():.0f}",
        "TZ": "Pacific/Auckland",
        "LANG": "tr_TR.UTF-8",
    }
    command = ["sh", "-c", "umask 077; exec image/build"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "dist") == digests(ROOT / "dist")
