"""Python libraries in PyPI's and OSV's databases of known vulnerabilities, by pip-audit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.audit.findings import Findings

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements-dev.lock", "image/requirements-pi.lock", "requirements-tools.lock")
SERVICES = ("pypi", "osv")
Audit = Mapping[str, Any]


def audit_requirements(files: Sequence[Path]) -> Findings:
    """What the databases know about the libraries of requirements files."""
    findings = Findings()
    unknown: set[str] = set()
    looked_up: set[str] = set()
    for service in SERVICES:
        for file in files:
            try:
                audit = run_pip_audit(file, service)
            except ValueError as problem:
                findings.unreachable.append(f"{service} ({problem})")
                break
            findings.vulnerable.update(vulnerable(audit))
            found, missing = split_by_lookup(audit)
            looked_up |= found
            unknown |= missing
    if not looked_up:
        findings.unknown.append("no database of Python libraries can be reached: none was looked up")
    elif not_found := sorted(unknown - looked_up):
        findings.unknown.append(f"Python libraries in no database that was reached: {', '.join(not_found)}")
    findings.notes.append(f"{len(looked_up)} Python libraries were looked up")
    return findings


def requirements(parts: Iterable[Mapping[str, Any]]) -> str:
    """The Python libraries of an image's list of parts as a requirements file."""
    return "".join(f"{part['name']}=={part['version']}\n" for part in parts if part["purl"].startswith("pkg:pypi/"))


def run_pip_audit(file: Path, service: str) -> Audit:
    """The audit of a requirements file by one database.

    Raises:
        ValueError: the database can't be reached.
    """
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    more = ["--format", "json", "--timeout", "10", "--vulnerability-service", service, "--requirement", str(file)]
    done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
    try:
        audit: Audit = json.loads(done.stdout)
    except ValueError:
        raise ValueError((done.stderr.strip().splitlines() or ["no answer"])[-1][:120]) from None
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
