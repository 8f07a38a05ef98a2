"""`make audit`: the locked libraries against the databases of known vulnerabilities, PyPI's and OSV's.

Exit code: 0 where every library was looked up and none is known to be vulnerable, 1 where one is, 69 where one could
not be looked up, which is said.
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
Told = Mapping[str, Any]


def main() -> int:
    """Look them all up."""
    wrong: list[str] = []
    unknown: dict[str, set[str]] = {}
    looked_up: set[str] = set()
    for lock in LOCKS:
        for service in SERVICES:
            told = ask(lock, service)
            wrong += vulnerable(told)
            found, missing = known(told)
            looked_up |= found
            for name in missing:
                unknown.setdefault(name, set()).add(service)
    print(*sorted(set(wrong)), sep="\n", end="\n" if wrong else "")
    nowhere = sorted(name for name in unknown if name not in looked_up)
    if not looked_up:
        print("no database of known vulnerabilities can be reached from here: nothing was checked")
    elif nowhere:
        print(f"{len(looked_up)} libraries were looked up; in no database that can be reached: {', '.join(nowhere)}")
    elif not wrong:
        print(f"none of {len(looked_up)} libraries is known to be vulnerable")
    return 1 if wrong else UNAVAILABLE if nowhere or not looked_up else 0


def ask(lock: str, service: str) -> Told:
    """What a database says of a lock; nothing where it can't be asked."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    more = ["--format", "json", "--timeout", "10", "--vulnerability-service", service, "--requirement", lock]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        told: Told = json.loads(done.stdout)
    except ValueError:
        print(f"{lock}, {service}: {(done.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
        return {"dependencies": []}
    return told


def vulnerable(told: Told) -> Iterable[str]:
    """A line for each vulnerability."""
    for library in told["dependencies"]:
        for one in library.get("vulns", ()):
            mended = ", ".join(one.get("fix_versions") or ["no version yet"])
            yield f"{library['name']} {library.get('version')}: {one['id']}, mended in {mended}"


def known(told: Told) -> tuple[set[str], set[str]]:
    """The libraries that were looked up, and those that could not be."""
    found = {library["name"] for library in told["dependencies"] if "skip_reason" not in library}
    return found, {library["name"] for library in told["dependencies"]} - found


if __name__ == "__main__":
    sys.exit(main())
