"""`make audit`: what was not looked up does not count as safe, and a fix that the image lacks is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.audit import python_libraries
from tests.audit.debian_packages import audit_packages
from tests.audit.findings import Findings
from tests.served_folder import serve

SAFE = {"name": "pillow", "version": "13.0.0", "vulns": []}
VULNERABLE = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited"}
needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is not installed")


@pytest.mark.parametrize(
    ("libraries", "code", "words"),
    [
        ([SAFE], 0, "1 Python libraries were looked up"),
        ([SAFE, VULNERABLE], 1, "urllib3 1.0: PYSEC-1, fixed in 1.1"),
        ([SAFE, UNKNOWN], 69, "in no database that was reached: yarl"),
        ([UNKNOWN], 69, "none was looked up"),
        ([], 69, "none was looked up"),
    ],
)
def test_each_answer_about_python_libraries_has_its_exit_code(
    libraries: list[dict[str, Any]], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_libraries, "run_pip_audit", lambda file, service: {"dependencies": libraries})
    findings = python_libraries.audit_requirements([Path("requirements.lock")])
    assert findings.exit_code() == code
    assert words in findings.report()


def test_every_lock_file_has_hashes() -> None:
    for lock in python_libraries.LOCKS:
        lines = (python_libraries.ROOT / lock).read_text().split("\n")
        named = [line for line in lines if "==" in line]
        assert named
        for line in named:
            after = lines[lines.index(line) + 1]
            assert line.endswith("\\"), line
            assert "--hash=sha256:" in after, line


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as address:
        yield folder, address


def package(name: str, version: str, source: str, source_version: str) -> dict[str, Any]:
    """A part as image/parts.py lists it."""
    quoted = source_version.replace("+", "%2B").replace(":", "%3A")
    value = f"pkg:deb/debian/{source}@{quoted}?arch=source&distro=trixie"
    return {
        "name": name,
        "version": version,
        "purl": f"pkg:deb/debian/{name}@{version}?arch=arm64&distro=trixie",
        "properties": [{"name": "debian:source", "value": value}],
    }


SSL = package("libssl3t64", "3.5.1-1+deb13u1", "openssl", "3.5.1-1+deb13u1")
KERNEL = package("linux-image-arm64", "7.3.4-1~bpo13+1", "linux", "7.3.4-1~bpo13+1")
DASH = package("dash", "0.5.12-12", "dash", "0.5.12-12")
SOURCES = {"linux-image-arm64": "linux-signed-arm64"}
# Records of the tracker, with its fields.
TRACKER = {
    "openssl": {
        "CVE-2026-1": {
            "scope": "remote",
            "releases": {
                "sid": {
                    "status": "resolved",
                    "repositories": {"sid": "3.6.0-1"},
                    "fixed_version": "3.6.0-1",
                    "urgency": "x",
                },
                "trixie": {
                    "status": "resolved",
                    "repositories": {"trixie": "3.5.1-1+deb13u1", "trixie-security": "3.5.1-1+deb13u2"},
                    "fixed_version": "3.5.1-1+deb13u2",
                    "urgency": "not yet assigned",
                },
            },
        },
        "CVE-2026-2": {
            "releases": {"trixie": {"status": "resolved", "fixed_version": "3.5.1-1+deb13u1", "urgency": "x"}}
        },
        "CVE-2026-3": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}}},
        "CVE-2026-4": {"releases": {"trixie": {"status": "open", "urgency": "not yet assigned"}}},
        "CVE-2026-5": {"releases": {"trixie": {"status": "open", "urgency": "unimportant"}}},
    },
    "linux": {
        "CVE-2026-6": {
            "releases": {
                "trixie": {"status": "open", "urgency": "x"},
                "sid": {"status": "resolved", "fixed_version": "7.3.4-1", "urgency": "x"},
            }
        },
        "CVE-2026-7": {"releases": {"sid": {"status": "resolved", "fixed_version": "7.3.5-1", "urgency": "x"}}},
    },
    "vim": {"CVE-2026-8": {"releases": {"trixie": {"status": "open", "urgency": "high"}}}},
}


def suite(folder: Path, name: str, packages: dict[str, str]) -> str:
    """Write an unsigned suite with packages and their versions; return its line of sources.list."""
    place = folder / "debian" / "dists" / name / "main" / "binary-arm64"
    place.mkdir(parents=True)
    (place / "Packages").write_text(
        "".join(
            f"Package: {package}\nSource: {SOURCES.get(package, package)}\nVersion: {version}\nArchitecture: arm64\n"
            f"Maintainer: nobody\nDescription: a test\nFilename: pool/{package}\nSize: 1\nSHA256: {'0' * 64}\n\n"
            for package, version in packages.items()
        )
    )
    release = f"Origin: Debian\nSuite: {name}\nCodename: {name}\nArchitectures: arm64\nComponents: main\n"
    (place.parents[1] / "Release").write_text(release)
    return f"deb [trusted=yes] http://ADDRESS/debian {name} main\n"


def check(served: tuple[Path, str], parts: list[dict[str, Any]], lines: str) -> Findings:
    """An audit of parts at the local server."""
    address = served[1]
    return audit_packages(parts, f"{address}/tracker.json", lines.replace("http://ADDRESS", address))


@needs_apt
def test_fixes_of_the_tracker_and_of_the_suites_are_told(served: tuple[Path, str]) -> None:
    """Also for a backport, and for a package that the tracker does not know yet."""
    folder, _ = served
    (folder / "tracker.json").write_text(json.dumps(TRACKER))
    lines = suite(
        folder, "trixie", {"dash": "0.5.12-13", "libssl3t64": "3.5.1-1+deb13u1", "linux-image-arm64": "6.12.9-1"}
    )
    lines += suite(folder, "trixie-security", {"libssl3t64": "3.5.1-1+deb13u2"})
    lines += suite(folder, "trixie-backports", {"linux-image-arm64": "7.3.5-1~bpo13+1"})
    findings = check(served, [SSL, KERNEL, DASH], lines)
    assert findings.exit_code() == 3
    assert findings.fixes == [
        "linux 7.3.4-1~bpo13+1: fixed in 7.3.5-1: CVE-2026-7",
        "openssl 3.5.1-1+deb13u1: fixed in 3.5.1-1+deb13u2: CVE-2026-1",
        "libssl3t64 3.5.1-1+deb13u1: trixie-security has 3.5.1-1+deb13u2",
        "linux-image-arm64 7.3.4-1~bpo13+1: trixie-backports has 7.3.5-1~bpo13+1",
    ]
    assert "3 sources, 1 vulnerabilities without a fix" in findings.report()
    assert "newer in Debian, without a security update: dash" in findings.report()


@needs_apt
def test_an_image_with_all_fixes(served: tuple[Path, str]) -> None:
    lines = suite(served[0], "trixie", {"dash": "0.5.12-12"})
    findings = check(served, [DASH], lines)
    assert findings.exit_code() == 0
    assert "No fix is missing, as far as databases could be read." in findings.report()
    assert "security tracker, which also has those without a fix (HTTP Error 404" in findings.report()


@needs_apt
def test_a_kernel_whose_series_left_the_suites_is_told(served: tuple[Path, str]) -> None:
    lines = suite(served[0], "trixie", {"linux-image-arm64": "6.12.9-1"})
    findings = check(served, [KERNEL], lines)
    assert findings.exit_code() == 3
    assert "raise its pin" in findings.report()


@needs_apt
def test_without_a_reachable_database_nothing_counts_as_checked(served: tuple[Path, str]) -> None:
    findings = check(served, [SSL, DASH], "deb [trusted=yes] http://ADDRESS/debian trixie main\n")
    assert findings.exit_code() == 69
    assert "2 packages of Debian: neither its tracker nor its suites can be reached" in findings.report()


@needs_apt
def test_suites_without_any_package_of_the_image_do_not_count_as_read(served: tuple[Path, str]) -> None:
    findings = check(served, [SSL], suite(served[0], "trixie", {"dash": "0.5.12-12"}))
    assert findings.exit_code() == 69
    assert "they list no package of the image" in findings.report()


def test_the_requirements_of_a_list_of_parts() -> None:
    library = {"name": "zeroconf", "version": "0.154.0", "purl": "pkg:pypi/zeroconf@0.154.0"}
    assert python_libraries.requirements([SSL, library]) == "zeroconf==0.154.0\n"
