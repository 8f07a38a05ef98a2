"""Prints the list that Raspberry Pi Imager takes as a custom repository: IMAGE PACKED VERSION TIME PLACE.

PLACE: the folder that the packed image is published in, as a URL or a path.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def address(place: str, name: str) -> str:
    """A file's URL. Imager accepts no URL relative to its list (`setSrc` in its src/imagewriter.cpp)."""
    folder = place if "://" in place else Path(place).absolute().as_uri()
    return f"{folder.rstrip('/')}/{quote(name)}"


def main() -> int:
    """Print the list."""
    image, packed, version, time = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    entry = {
        "name": f"Table Tracker appliance {version}",
        "description": "For Zero 2 W, 3A+, 3B, 3B+, 4B, CM4 and 5. Its settings are in tt-appliance.yaml on the card.",
        "url": address(sys.argv[5], packed.name),
        "icon": "",
        "extract_size": image.stat().st_size,
        "extract_sha256": digest(image),
        "image_download_size": packed.stat().st_size,
        "image_download_sha256": digest(packed),
        "release_date": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d"),
        "devices": ["pi5-64bit", "pi4-64bit", "pi3-64bit"],
        # Imager's own customisation is for its own images; these settings are in the file on the card.
        "init_format": "none",
    }
    print(json.dumps({"imager": {"latest_version": "1.8.5"}, "os_list": [entry]}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
