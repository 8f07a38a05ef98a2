"""Writes the source archive of an image beside its list of parts: LIST (a file *.cdx.json).

It has the source of each part under the GPL, the LGPL or a like licence, at its exact version: Debian's source
packages, the source distributions of Python libraries, and this project, whose scripts put them together. For a source
that Debian's mirror does not have, it writes an offer; OFFER_ADDRESS is the publisher's address in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name

from image.licences import is_copyleft
from image.runtime import entries
from image.suites import ROOT, Source, Suites, SuitesError

ON_CARD = {"firmware-nonfree": "its files under the GPL are the radios' settings, text that is on the card itself"}
"""Sources that are not in the archive, and why."""
LOCKS = ("requirements.lock", "image/requirements-pi.lock")
README = """Source of {image}

This archive has the source of each part of that image whose licence asks for it. The image's list of parts
({image}.cdx.json) names every part with its licences; their texts are on the card in /usr/share/doc and
/usr/share/common-licenses, and in the folders *.dist-info of the Python libraries.

debian/   Debian's source packages: `dpkg-source -x FILE.dsc` unpacks one
python/   source distributions of Python libraries
project/  the appliance, and all scripts that build the image

{list}
"""
OFFER = """Written offer for source code

For at least three years from the day on which you received {image}, and for as long as the publisher
offers spare parts or support for the box, the publisher gives any third party a complete machine-readable copy of the
source code of the parts below, on a medium customarily used for software interchange, for no more than the cost of
performing the distribution. Write to:

{address}

The sources of all other parts whose licences ask for them are in {image}.sources.tar.

{list}
"""


def needed(parts: Sequence[Mapping[str, Any]]) -> tuple[dict[Source, list[str]], list[str]]:
    """The source packages that the licences ask for, with the parts made from them; and the Python libraries."""
    debian: dict[Source, list[str]] = {}
    python: list[str] = []
    for part in parts:
        names = [str(next(iter(one["license"].values()))) for one in part["licenses"]]
        if is_copyleft(names) and part["purl"].startswith("pkg:pypi/"):
            python.append(canonicalize_name(part["name"]))
        elif is_copyleft(names):
            for source in sources_of(part):
                debian.setdefault(source, []).append(part["name"])
    return debian, python


def sources_of(part: Mapping[str, Any]) -> list[Source]:
    """The source packages of a Debian package."""
    found = [one["value"] for one in part.get("properties", ()) if one["name"] == "debian:source"]
    texts = [purl.removeprefix("pkg:deb/debian/").partition("?")[0].partition("@") for purl in found]
    return [(unquote(name), unquote(version)) for name, _, version in texts]


def fetch_python(names: Sequence[str], folder: Path) -> None:
    """Fetch the source distributions of Python libraries, with the locked hashes."""
    locked = {name: text for lock in LOCKS for name, text in entries((ROOT / lock).read_text()).items()}
    wanted = folder.parent / "wanted.lock"
    wanted.write_text("".join(locked[name] for name in names))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # Not `:all:`, with which pip would compile the build tools that it needs to read the metadata.
    more = ["--no-binary", ",".join(names), "--require-hashes", "--dest", str(folder), "--requirement", str(wanted)]
    subprocess.run([*command, *more], check=True)
    wanted.unlink()


def archive_project(version: str, folder: Path) -> None:
    """Put the project's current commit into a folder."""
    name = f"tt-appliance-{version}"
    archive = ["git", "archive", f"--prefix={name}/", "--output", str(folder / f"{name}.tar.gz"), "HEAD"]
    subprocess.run(archive, cwd=ROOT, check=True)


def offer(image: str, missing: Mapping[Source, Sequence[str]], address: str) -> str:
    """The offer for sources that could not be fetched, with the place where Debian keeps all versions."""
    lines = [
        f"{name} {version} (for {', '.join(parts)})\n"
        f"    also at https://snapshot.debian.org/package/{quote(name)}/{quote(version)}/"
        for (name, version), parts in sorted(missing.items())
    ]
    return OFFER.format(image=image, address=address, list="\n".join(lines))


def pack(folder: Path, archive: Path, time: str) -> None:
    """Pack a folder, so that the same contents give the same archive."""
    same = ["--sort=name", f"--mtime={time}", "--owner=root:0", "--group=root:0", "--mode=u=rwX,go=rX", "--format=gnu"]
    top = archive.name.removesuffix(".tar")
    command = ["tar", *same, f"--transform=s,^\\.,{top},", "-C", str(folder), "-cf", str(archive), "."]
    subprocess.run(command, check=True)


def write(listing: Path, suites: str | None = None) -> None:
    """Write the archive, and the offer if the mirror lacks a source.

    Raises:
        SuitesError: the mirror can't be reached.
    """
    listing = listing.resolve()
    contents = json.loads(listing.read_text())
    image = listing.name.removesuffix(".cdx.json")
    archive, offered = (listing.with_name(f"{image}.{end}") for end in ("sources.tar", "offer.txt"))
    debian, python = needed(contents["components"])
    with TemporaryDirectory(dir=listing.parent) as name:
        work = Path(name)
        for part in ("debian", "python", "project"):
            (work / "tree" / part).mkdir(parents=True)
        apt = Suites(work / "apt", "deb-src", suites)
        wanted = {source: parts for source, parts in debian.items() if source[0] not in ON_CARD}
        complete = apt.fetch_sources(wanted, work / "tree/debian")
        missing = {source: wanted[source] for source in wanted.keys() - complete}
        if python:
            fetch_python(python, work / "tree/python")
        archive_project(contents["metadata"]["component"]["version"], work / "tree/project")
        lines = [
            f"{' '.join(source)}{', by the written offer' * (source in missing)} (for {', '.join(parts)})"
            for source, parts in sorted(wanted.items())
        ]
        lines += [f"{source} is left out: {reason}" for source, reason in ON_CARD.items()]
        (work / "tree/README").write_text(README.format(image=image, list="\n".join([*lines, *sorted(python)])))
        pack(work / "tree", archive, contents["metadata"]["timestamp"])
        offered.unlink(missing_ok=True)
        if missing:
            address = os.environ.get("OFFER_ADDRESS") or f"the maintainers of tt-appliance, where {image} was published"
            offered.write_text(offer(image, missing, address))
    print(f"{archive.name}: the sources of {len(complete)} Debian packages and {len(python)} Python libraries")
    if missing:
        print(f"{offered.name}: an offer for {len(missing)} sources that Debian's mirror does not have")


def main() -> int:
    """Write the files; 1 if that fails."""
    try:
        write(Path(sys.argv[1]))
    except (SuitesError, subprocess.CalledProcessError) as problem:
        print(f"no source archive: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
