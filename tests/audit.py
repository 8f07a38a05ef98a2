"""`make audit`: look up the locked libraries in PyPI's and OSV's databases of known vulnerabilities.

Exit code: 0 if every library was found and none is known to be vulnerable, 1 if at least one is, 69 if a library could
not be looked up; the output names it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements-dev.lock", "image/requirements-pi.lock", "requirements-tools.lock")
SERVICES = ("pypi", "osv")
UNAVAILABLE = 69
Audit = Mapping[str, Any]


def main() -> int:
    """Look up all libraries of all lock files."""
    vulnerabilities: list[str] = []
    unknown: dict[str, set[str]] = {}
    looked_up: set[str] = set()
    for lock in LOCKS:
        for service in SERVICES:
            audit = run_pip_audit(lock, service)
            vulnerabilities += vulnerable(audit)
            found, missing = split_by_lookup(audit)
            looked_up |= found
            for name in missing:
                unknown.setdefault(name, set()).add(service)
    print(*sorted(set(vulnerabilities)), sep="\n", end="\n" if vulnerabilities else "")
    not_found = sorted(name for name in unknown if name not in looked_up)
    if not looked_up:
        print("no vulnerability database can be reached: nothing was checked")
    elif not_found:
        print(f"{len(looked_up)} libraries were looked up; not in any reachable database: {', '.join(not_found)}")
    elif not vulnerabilities:
        print(f"no known vulnerability in {len(looked_up)} libraries")
    return 1 if vulnerabilities else UNAVAILABLE if not_found or not looked_up else 0


def run_pip_audit(lock: str, service: str) -> Audit:
    """The audit of a lock file by one database; empty if the database can't be reached."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    more = ["--format", "json", "--timeout", "10", "--vulnerability-service", service, "--requirement", lock]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        audit: Audit = json.loads(done.stdout)
    except ValueError:
        print(f"{lock}, {service}: {(done.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
        return {"dependencies": []}
    return audit


def vulnerable(audit: Audit) -> Iterable[str]:
    """A line for each vulnerability."""
    for library in audit["dependencies"]:
        for vulnerability in library.get("vulns", ()):
            fixed = ", ".join(vulnerability.get("fix_versions") or ["no version yet"])
            yield f"{library['name']} {library.get('version')}: {vulnerability['id']}, fixed in {fixed}"


def split_by_lookup(audit: Audit) -> tuple[set[str], set[str]]:
    """The libraries that were looked up, and the others."""
    found = {library["name"] for library in audit["dependencies"] if "skip_reason" not in library}
    return found, {library["name"] for library in audit["dependencies"]} - found


if __name__ == "__main__":
    sys.exit(main())
