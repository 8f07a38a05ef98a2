"""Raspberry Pi Imager's list. Needs no image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

IMAGER = Path(__file__).parents[2] / "image" / "imager.py"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("https://example.org/tt", "https://example.org/tt/card%201.img.xz"),
        ("https://example.org/tt/", "https://example.org/tt/card%201.img.xz"),
        ("/home/me/my dist", "file:///home/me/my%20dist/card%201.img.xz"),
    ],
)
def test_the_image_has_an_absolute_url(place: str, url: str, tmp_path: Path) -> None:
    """Imager does not resolve relative URLs: it would take the file's name for a server."""
    image, packed = tmp_path / "card 1.img", tmp_path / "card 1.img.xz"
    image.write_bytes(b"image")
    packed.write_bytes(b"packed")
    command = [sys.executable, str(IMAGER), str(image), str(packed), "1.0", "86400", place]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (entry,) = json.loads(done.stdout)["os_list"]
    assert (entry["url"], entry["extract_size"], entry["release_date"]) == (url, 5, "1970-01-02")
