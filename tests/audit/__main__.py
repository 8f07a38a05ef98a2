"""`make audit`: [LIST]. LIST is an image's list of parts (*.cdx.json); without one, that of dist/.

Exit code: 0 if everything was looked up and no fix is missing; 1 if a Python library is known to be vulnerable, 3 if
only fixes of Debian are missing in the image, 69 if something could not be looked up; the output names it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.audit.debian_packages import audit_packages
from tests.audit.findings import Findings
from tests.audit.python_libraries import LOCKS, ROOT, audit_requirements, requirements


def main() -> int:
    """Look up everything, and print what was found."""
    listings = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "dist").glob("*.cdx.json"))
    findings = Findings()
    files = [ROOT / lock for lock in LOCKS]
    with TemporaryDirectory() as folder:
        for listing in listings:
            parts = json.loads(listing.read_text())["components"]
            findings.notes.append(f"{listing.name}: {len(parts)} parts")
            findings.add(audit_packages(parts))
            files.append(Path(folder) / f"{listing.name}.txt")
            files[-1].write_text(requirements(parts))
        findings.add(audit_requirements(files))
    if not listings:
        findings.unknown.append("the image: dist/ has no list of its parts (make image)")
    print(findings.report())
    return findings.exit_code()


if __name__ == "__main__":
    sys.exit(main())
