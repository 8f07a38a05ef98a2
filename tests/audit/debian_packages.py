"""Debian's packages of an image, in Debian's security tracker and in the suites that the image is made from.

The tracker knows each vulnerability; the suites have the fixes. OSV's records of Debian are copies of the tracker's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

from image.sources import sources_of
from image.suites import Source, Suites, SuitesError, is_newer
from tests.audit.findings import Findings

TRACKER = "https://security-tracker.debian.org/tracker/data/json"
RELEASE = "trixie"
TIMEOUT = 60.0
"""Seconds for each read of the tracker's 80 MB."""
Part = Mapping[str, Any]
Tracker = Mapping[str, Mapping[str, Any]]

newer = lru_cache(maxsize=None)(is_newer)


def audit_packages(parts: Sequence[Part], tracker: str = TRACKER, suites: str | None = None) -> Findings:
    """What Debian knows about the packages of a list of parts."""
    packages = [part for part in parts if part["purl"].startswith("pkg:deb/")]
    findings = Findings()
    reached = 0
    try:
        with urlopen(tracker, timeout=TIMEOUT) as answer:
            check_tracker(json.load(answer), packages, findings)
        reached += 1
    except (OSError, ValueError) as problem:
        findings.unreachable.append(f"Debian's security tracker, which also has those without a fix ({problem})")
    try:
        with TemporaryDirectory() as folder:
            check_suites(Suites(Path(folder), "deb", suites), packages, findings)
        reached += 1
    except SuitesError as problem:
        findings.unreachable.append(f"Debian's suites ({problem})")
    if not reached:
        findings.unknown.append(
            f"{len(packages)} packages of Debian: neither its tracker nor its suites can be reached"
        )
    return findings


def check_tracker(tracker: Tracker, packages: Sequence[Part], findings: Findings) -> None:
    """Add the vulnerabilities of the packages' sources that have a fix, and count the others."""
    sources = sorted({source for part in packages for source in sources_of(part)})
    open_ones = 0
    for source in sources:
        fixed: dict[str, list[str]] = {}
        for number, release in vulnerabilities(tracker, source):
            version = release.get("fixed_version")
            if release["status"] == "open":
                open_ones += release.get("urgency") != "unimportant"
            elif release["status"] == "resolved" and version and newer(version, compared(source)):
                fixed.setdefault(version, []).append(number)
        findings.fixes += [
            f"{' '.join(source)}: fixed in {version}: {', '.join(sorted(numbers))}"
            for version, numbers in sorted(fixed.items())
        ]
    note = f"Debian's security tracker: {len(sources)} sources, {open_ones} vulnerabilities without a fix"
    findings.notes.append(note)


def vulnerabilities(tracker: Tracker, source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each vulnerability of a source, with its record of the image's release. A backport has that of unstable."""
    name, version = source
    release = "sid" if "~bpo" in version else RELEASE
    for number, record in tracker.get(name, {}).items():
        if release in record["releases"]:
            yield number, record["releases"][release]


def compared(source: Source) -> str:
    """The version to compare with the tracker's: a backport has the fixes of the version that it was made from."""
    return source[1].partition("~bpo")[0]


def check_suites(suites: Suites, packages: Sequence[Part], findings: Findings) -> None:
    """Add security updates as fixes. Backports have no suite for those, so there each newer version counts as one."""
    installed = {part["name"]: part["version"] for part in packages}
    highest: dict[str, str] = {}
    fixes: dict[str, str] = {}
    others: set[str] = set()
    for name, version, suite in suites.versions(sorted(installed)):
        highest[name] = version if name not in highest or newer(version, highest[name]) else highest[name]
        if newer(version, installed[name]):
            if suite.endswith(("-security", "-backports")):
                fixes[name] = f"{name} {installed[name]}: {suite} has {version}"
            else:
                others.add(name)
    if not highest:
        raise SuitesError("they list no package of the image")
    # The pin of image/apt-preferences may hold a series that has left the backports.
    for name in highest:
        if "~bpo" in installed[name] and newer(installed[name], highest[name]):
            fixes[name] = (
                f"{name} {installed[name]}: no longer in Debian's suites; raise its pin in image/apt-preferences"
            )
    findings.fixes += [fixes[name] for name in sorted(fixes)]
    missing = sorted(installed.keys() - highest.keys())
    text = f"; no longer there: {', '.join(missing)}" if missing else ""
    findings.notes.append(f"Debian's suites: {len(highest)} of {len(installed)} packages{text}")
    if more := sorted(others - fixes.keys()):
        findings.notes.append(f"newer in Debian, without a security update: {', '.join(more)}")
