"""Prints the list of parts of an image as CycloneDX: BASE VERSION TIME (seconds since 1970).

BASE is the base layer. Its parts.tsv has a line for each package: kind (deb or pypi), name, version, architecture, and
for deb the source package, its version, and the sources of other packages that it contains (Debian's Built-Using).
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from image import licences

SITE = "root/usr/local/lib/python3.13/dist-packages"
FIRMWARE = {
    "raspi-firmware": ("boot/firmware", (".",), Path("boot")),
    "firmware-brcm80211": ("root/usr/lib/firmware", ("brcm", "cypress"), Path()),
}
"""Packages of which the card has few files, under several licences: a folder of BASE, the folders in it that hold the
files, and its name in the source."""
OWN = (
    ("tt-appliance", "MIT"),
    ("tt_tryboot", "GPL-2.0-only"),
    ("DejaVu Sans Condensed", "Bitstream-Vera"),
    ("Helvetica bitmap fonts of X11", "permission notice of Adobe and DEC"),
    ("Roboto Condensed", "Apache-2.0"),
    ("GNU Unifont", "OFL-1.1"),
)
"""What the image has from this project's folder, with its licences: the source archive has all of that folder."""


def component(base: Path, line: str) -> dict[str, Any]:
    """One part, from a line of parts.tsv."""
    kind, name, version, architecture, source, source_version, contained = line.split("\t")
    if kind == "deb":
        purl = f"{debian_purl(name, version)}?arch={architecture}&distro=trixie"
        sources = [(source, source_version), *re.findall(r"(\S+) \(= ([^)]+)\)", contained)]
        named = [{"name": "debian:source", "value": source_purl(*one)} for one in sources]
        return part(name, version, purl, debian_licences(base, name)) | {"properties": named}
    return part(name, version, f"pkg:pypi/{quote(name.lower())}@{quote(version)}", python_licences(base, name))


def part(name: str, version: str, purl: str, names: list[str]) -> dict[str, Any]:
    """A component with its licences."""
    known = [{"license": {"id" if licences.has_identifier(one) else "name": one}} for one in names]
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "licenses": known}


def debian_purl(name: str, version: str) -> str:
    """The package URL of a Debian package, without its qualifiers."""
    return f"pkg:deb/debian/{quote(name)}@{quote(version)}"


def source_purl(name: str, version: str) -> str:
    """The package URL of a Debian source package."""
    return f"{debian_purl(name, version)}?arch=source&distro=trixie"


def debian_licences(base: Path, name: str) -> list[str]:
    """The licences of a Debian package, from its copyright file on the card."""
    text = (base / "root/usr/share/doc" / name / "copyright").read_text(errors="replace")
    return licences.of_debian(text, firmware_files(base, name) if name in FIRMWARE else None)


def firmware_files(base: Path, name: str) -> set[str]:
    """The files on the card of a package in FIRMWARE, as its source names them."""
    root, folders, prefix = FIRMWARE[name]
    found = (path.resolve() for folder in folders for path in (base / root / folder).iterdir())
    return {str(prefix / path.relative_to((base / root).resolve())) for path in found}


def python_licences(base: Path, name: str) -> list[str]:
    """The licences of a Python library, from its metadata on the card."""
    folders = (base / SITE).glob("*.dist-info")
    (folder,) = (folder for folder in folders if canonicalize_name(folder.stem.rsplit("-", 1)[0]) == name)
    return licences.of_python((folder / "METADATA").read_text())


def main() -> int:
    """Print the list; 1 if a part has no licence."""
    base, version, time = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    lines = (base / "parts.tsv").read_text().splitlines()
    parts = [component(base, line) for line in lines]
    parts += [part(name, version, f"pkg:generic/{quote(name)}@{version}", [licence]) for name, licence in OWN]
    if unknown := [one["name"] for one in parts if not one["licenses"]]:
        print(f"no licence found for {', '.join(unknown)}: see image/licences.py", file=sys.stderr)
        return 1
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"tt-appliance {version} {time} " + " ".join(lines))
    listing = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "firmware", "bom-ref": "image", "name": "tt-appliance", "version": version},
        },
        "components": parts,
        "dependencies": [{"ref": "image", "dependsOn": sorted(one["bom-ref"] for one in parts)}],
    }
    print(json.dumps(listing, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
