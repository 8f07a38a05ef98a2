"""The source archive and the written offer, from a small Debian mirror on this machine. Needs no image."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image.sources import needed, write
from image.suites import SuitesError
from tests.served_folder import serve

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="apt is not installed")


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A mirror's folder, and its line of sources.list."""
    folder = tmp_path / "mirror"
    place = folder / "dists/trixie/main/source"
    place.mkdir(parents=True)
    release = "Origin: Debian\nSuite: trixie\nCodename: trixie\nArchitectures: arm64\nComponents: main\n"
    (folder / "dists/trixie/Release").write_text(release)
    with serve(folder) as address:
        yield folder, f"deb-src [trusted=yes] {address} trixie main\n"


def add_source(mirror: Path, name: str, version: str) -> None:
    """Put a source package into the mirror's index and pool."""
    pool = mirror / "pool" / name
    pool.mkdir(parents=True)
    plain = version.partition(":")[2] or version
    lines = []
    for file in (f"{name}_{plain}.dsc", f"{name}_{plain}.tar.gz"):
        (pool / file).write_text(f"contents of {file}")
        digest = hashlib.sha256((pool / file).read_bytes()).hexdigest()
        lines.append(f" {digest} {(pool / file).stat().st_size} {file}\n")
    with (mirror / "dists/trixie/main/source/Sources").open("a") as index:
        index.write(
            f"Package: {name}\nBinary: {name}\nVersion: {version}\nArchitecture: any\nFormat: 3.0 (native)\n"
            f"Directory: pool/{name}\nChecksums-Sha256:\n{''.join(lines)}\n"
        )


def listing(folder: Path, *sources: tuple[str, str]) -> Path:
    """A list of parts: a package under the GPL for each source, and one under another licence."""
    parts: list[dict[str, Any]] = [
        {
            "name": f"{name}-bin",
            "purl": f"pkg:deb/debian/{name}-bin@1",
            "licenses": [{"license": {"id": licence}}],
            "properties": [{"name": "debian:source", "value": f"pkg:deb/debian/{name}@{version}?arch=source"}],
        }
        for licence, (name, version) in [*(("GPL-2.0-only", source) for source in sources), ("MIT", ("zlib", "1"))]
    ]
    path = folder / "dist" / "tt-appliance-1.0-arm64.cdx.json"
    path.parent.mkdir()
    about = {"timestamp": "2026-11-30T00:00:00Z", "component": {"version": "1.0"}}
    path.write_text(json.dumps({"metadata": about, "components": parts}))
    return path


def test_a_part_of_this_project_needs_no_source_of_its_own() -> None:
    """The archive has the project in any case."""
    parts = [{"name": "m", "purl": "pkg:generic/m@1", "licenses": [{"license": {"id": "GPL-2.0-only"}}]}]
    assert needed(parts) == ({}, [])


def names_in(archive: Path) -> set[str]:
    with tarfile.open(archive) as packed:
        return {member.name.partition("/")[2] for member in packed if member.isfile()}


def test_the_archive_has_each_source_at_its_exact_version(
    mirror: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, suites = mirror
    for source in (("dash", "0.5.12-12"), ("busybox", "1:1.37.0-6"), ("dash-old", "1"), ("zlib", "1")):
        add_source(folder, *source)
    parts = listing(tmp_path, ("dash", "0.5.12-12"), ("busybox", "1%3A1.37.0-6"))
    monkeypatch.chdir(tmp_path)
    write(parts.relative_to(tmp_path), suites)
    archive = parts.with_name("tt-appliance-1.0-arm64.sources.tar")
    assert names_in(archive) == {
        "README",
        "debian/busybox_1.37.0-6.dsc",
        "debian/busybox_1.37.0-6.tar.gz",
        "debian/dash_0.5.12-12.dsc",
        "debian/dash_0.5.12-12.tar.gz",
        "project/tt-appliance-1.0.tar.gz",
    }
    assert sorted(path.name for path in parts.parent.iterdir()) == [parts.name, archive.name]
    first = hashlib.sha256(archive.read_bytes()).hexdigest()
    write(parts, suites)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == first


def test_a_source_that_the_mirror_lacks_is_offered(mirror: tuple[Path, str], tmp_path: Path) -> None:
    """Its index has another version, or one of its files is not there."""
    folder, suites = mirror
    for source in (("dash", "0.5.12-12"), ("glibc", "2.41-13"), ("attr", "2")):
        add_source(folder, *source)
    (folder / "pool/attr/attr_2.tar.gz").unlink()
    parts = listing(tmp_path, ("dash", "0.5.12-12"), ("glibc", "2.41-12"), ("attr", "2"))
    write(parts, suites)
    assert {name for name in names_in(parts.with_name("tt-appliance-1.0-arm64.sources.tar")) if "debian/" in name} == {
        "debian/dash_0.5.12-12.dsc",
        "debian/dash_0.5.12-12.tar.gz",
    }
    offer = parts.with_name("tt-appliance-1.0-arm64.offer.txt").read_text()
    assert "attr 2 (for attr-bin)" in offer
    assert "https://snapshot.debian.org/package/glibc/2.41-12/" in offer
    assert "dash" not in offer


def test_no_archive_is_written_while_the_mirror_is_unreachable(mirror: tuple[Path, str], tmp_path: Path) -> None:
    """An outage does not turn into an offer."""
    parts = listing(tmp_path, ("dash", "0.5.12-12"))
    with pytest.raises(SuitesError):
        write(parts, "deb-src [trusted=yes] http://127.0.0.1:1 trixie main\n")
    assert [path.name for path in parts.parent.iterdir()] == [parts.name]


def test_a_source_with_wrong_contents_is_an_error(mirror: tuple[Path, str], tmp_path: Path) -> None:
    folder, suites = mirror
    add_source(folder, "dash", "1")
    (folder / "pool/dash/dash_1.tar.gz").write_text("contents of dash_1.tar.xx")
    with pytest.raises(SuitesError):
        write(listing(tmp_path, ("dash", "1")), suites)
