"""Prints the list of parts of an image as CycloneDX: PARTS_TSV VERSION TIME (seconds since 1970)."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote


def component(line: str) -> dict[str, Any]:
    """One part, from a line `kind, name, version, architecture, source`. Source is our own module's licence."""
    kind, name, version, architecture, source = line.split("\t")
    if kind == "deb":
        purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}&distro=trixie"
        more: dict[str, Any] = {"properties": [{"name": "debian:source", "value": source}]}
    elif kind == "module":
        purl = f"pkg:generic/{quote(name)}@{quote(version)}"
        more = {"licenses": [{"license": {"id": source}}]}
    else:
        purl = f"pkg:pypi/{quote(name.lower())}@{quote(version)}"
        more = {}
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl} | more


def main() -> int:
    """Print the list."""
    lines, version, time = Path(sys.argv[1]).read_text().splitlines(), sys.argv[2], int(sys.argv[3])
    parts = [component(line) for line in lines]
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
        "dependencies": [{"ref": "image", "dependsOn": sorted(part["bom-ref"] for part in parts)}],
    }
    print(json.dumps(listing, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
