"""Debian's suites, read by apt in a folder of its own: the host's lists and packages play no part."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
APT_HELPER = "/usr/lib/apt/apt-helper"
NOT_THERE = re.compile(r"  404  |Failed to fetch some archives")
"""apt's words for a file that its list names and the mirror does not have."""


Source = tuple[str, str]
"""Name and version of a source package."""


class SuitesError(Exception):
    """apt can't read a suite, or fetch a package."""


class Suites:
    """The suites of a sources.list. Without one, those that the image is made from, at this host's mirrors."""

    def __init__(self, folder: Path, kind: str, lines: str | None = None) -> None:
        """Fetch the lists of packages (kind `deb`) or of source packages (`deb-src`).

        Raises:
            SuitesError: a suite can't be read.
        """
        # apt takes a relative folder for one of its own.
        folder = folder.resolve()
        self._configuration = folder / "apt.conf"
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        lines = run(str(ROOT / "image/base-suites"), kind) if lines is None else lines
        (folder / "sources.list").write_text(lines)
        self._configuration.write_text(
            f'Dir::State::lists "{folder}/lists"; Dir::Cache "{folder}/cache"; Dir::State::status "/dev/null";\n'
            f'Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::Etc::preferences "{ROOT}/image/apt-preferences"; Dir::Etc::preferencesparts "/dev/null";\n'
            'APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Sandbox::User "root";\n'
            'APT::Update::Error-Mode "any"; Acquire::Languages "none"; Acquire::Retries "2";\n'
        )
        self._run("apt-get", "update", "--quiet")

    def source_files(self) -> dict[Source, dict[str, str]]:
        """The files of each source package, with their SHA-256."""
        found: dict[Source, dict[str, str]] = {}
        for file in self._run("apt-get", "indextargets", "--format", "$(FILENAME)", "Created-By: Sources").split():
            for paragraph in self._run(APT_HELPER, "cat-file", file).split("\n\n"):
                fields = dict(re.findall(r"^([\w-]+): ?(.*(?:\n .*)*)", paragraph, re.MULTILINE))
                if fields:
                    files = re.findall(r"([0-9a-f]{64}) \d+ (\S+)", fields["Checksums-Sha256"])
                    found[fields["Package"], fields["Version"]] = {name: digest for digest, name in files}
        return found

    def fetch_sources(self, packages: Iterable[Source], folder: Path) -> set[Source]:
        """Fetch source packages, and return those that the mirror has with all their files.

        Raises:
            SuitesError: the mirror can't be reached, or sends wrong files.
        """
        listed = self.source_files()
        if not listed:
            raise SuitesError("the mirror lists no source package")
        known = sorted(set(packages) & listed.keys())
        if known:
            names = [f"{name}={version}" for name, version in known]
            fetch = ("apt-get", "source", "--quiet", "--download-only", "--only-source", *names)
            done = start(*fetch, folder=folder, configuration=self._configuration)
            for line in done.stderr.splitlines():
                if line.startswith("E:") and not NOT_THERE.search(line):
                    raise SuitesError(line)
        complete = {one for one in known if all(is_whole(folder / name, sha) for name, sha in listed[one].items())}
        whole = {name for one in complete for name in listed[one]}
        for path in folder.iterdir():
            if path.name not in whole:
                path.unlink()
        return complete

    def versions(self, packages: Iterable[str]) -> Iterator[tuple[str, str, str]]:
        """Name, version and suite of each package version that the image's preferences allow."""
        name = version = ""
        allowed = False
        for line in self._run("apt-cache", "policy", *packages).splitlines():
            if match := re.fullmatch(r"(\S+):", line):
                name = match[1]
            elif match := re.fullmatch(r" (?:\*\*\*|   ) (\S+) (-?\d+)", line):
                version, allowed = match[1], int(match[2]) > 0
            elif allowed and (match := re.fullmatch(r" +-?\d+ \S+ ([^/\s]+)/\S+ \S+ Packages", line)):
                yield name, version, match[1]

    def _run(self, *command: str) -> str:
        return run(*command, configuration=self._configuration)


def run(*command: str, configuration: Path | None = None) -> str:
    """The output of a command of apt.

    Raises:
        SuitesError: it is not installed, or fails.
    """
    done = start(*command, configuration=configuration)
    if done.returncode:
        raise SuitesError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return done.stdout


def start(*command: str, configuration: Path | None, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of apt to its end.

    Raises:
        SuitesError: it is not installed.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8"} | ({"APT_CONFIG": str(configuration)} if configuration else {})
    try:
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except OSError as problem:
        raise SuitesError(str(problem)) from problem


def is_whole(path: Path, digest: str) -> bool:
    """Whether a file is there with this SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def is_newer(version: str, than: str) -> bool:
    """Whether a version of a Debian package is higher than another, as dpkg compares them."""
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", than], check=False).returncode == 0
