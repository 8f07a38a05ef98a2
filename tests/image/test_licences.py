"""The licences in the list of parts. Needs no image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from image import licences
from image.parts import OWN
from image.sources import needed, sources_of

ROOT = Path(__file__).parents[2]
SITE = "root/usr/local/lib/python3.13/dist-packages"
MACHINE_READABLE = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: radios

Files: *
Copyright: 2019 A
License: GPL-2+ or Artistic, and Expat

Files: brcm/brcmfmac*.bin
 cypress/*.clm_blob
Copyright: 2020 B
License: binary-redist-Broadcom-wifi
 Redistribution. GPL-3 is not meant here.

Files: brcm/brcmfmac43430*.txt
Copyright: 2021 C
License: GPL-2

License: LGPL-2.1+
 On Debian systems, see /usr/share/common-licenses/LGPL-2.1.
"""


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3", "GPL-3.0-only"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPL-2.0+", "LGPL-2.0-or-later"),
        ("GPL-2.0-only", "GPL-2.0-only"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("zlib", "Zlib"),
        ("Apache-2", "Apache-2.0"),
        ("GPL-2 with Linux-syscall-note exception", ""),
        ("public-domain", ""),
        ("LicenseRef-mine", ""),
    ],
)
def test_a_name_becomes_an_spdx_identifier_if_there_is_one(name: str, identifier: str) -> None:
    assert licences.identifier(name) == (identifier or name)
    assert licences.has_identifier(licences.identifier(name)) == bool(identifier)


def test_a_machine_readable_copyright_file() -> None:
    """All licences of the source, or those of the files on the card: the last paragraph that matches a file has it."""
    everything = [
        "Artistic",
        "GPL-2.0-only",
        "GPL-2.0-or-later",
        "LGPL-2.1-or-later",
        "MIT",
        "binary-redist-Broadcom-wifi",
    ]
    assert licences.of_debian(MACHINE_READABLE) == everything
    files = ["brcm/brcmfmac43430-sdio.bin", "cypress/cyfmac43430-sdio.clm_blob"]
    assert licences.of_debian(MACHINE_READABLE, files) == ["binary-redist-Broadcom-wifi"]
    assert licences.of_debian(MACHINE_READABLE, ["brcm/brcmfmac43430-sdio.txt"]) == ["GPL-2.0-only"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("under version 2 of the GPL: /usr/share/common-licenses/GPL-2'.", ["GPL-2.0-only"]),
        ("2, or (at your option) any\nlater version: /usr/share/common-licenses/LGPL-2.1.", ["LGPL-2.1-or-later"]),
        ("Copyright A; GPL (v3 or later), with Autoconf exception", ["GPL-3.0-or-later"]),
        ("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2", ["PSF-2.0"]),
        ("All rights reserved.", []),
    ],
)
def test_a_copyright_file_in_free_text(text: str, names: list[str]) -> None:
    assert licences.of_debian(text) == names


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ("License-Expression: LGPL-2.1-or-later\nLicense: ignored", ["LGPL-2.1-or-later"]),
        ("License-Expression: Apache-2.0 OR BSD-2-Clause", ["Apache-2.0", "BSD-2-Clause"]),
        ("License: unlicense.org", ["Unlicense"]),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", ["MIT"]),
    ],
)
def test_the_metadata_of_a_python_library(metadata: str, names: list[str]) -> None:
    assert licences.of_python(f"Metadata-Version: 2.4\nName: a\n{metadata}\n") == names


def base_layer(folder: Path, copyright_of_dash: str) -> Path:
    """The files of a base layer that the list of parts is made from."""
    docs = folder / "root/usr/share/doc"
    for name, text in (("busybox-static", "/usr/share/common-licenses/GPL-2"), ("dash", copyright_of_dash)):
        (docs / name).mkdir(parents=True)
        (docs / name / "copyright").write_text(text)
    about = folder / SITE / "luma_core-2.6.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Name: luma.core\nLicense: MIT\n")
    rows = (
        ("deb", "busybox-static", "1:1.37.0-6+b4", "arm64", "busybox", "1:1.37.0-6", "glibc (= 2.41-12+deb13u4)"),
        ("deb", "dash", "0.5.12-12", "arm64", "dash", "0.5.12-12", ""),
        ("pypi", "luma-core", "2.6.0", "", "", "", ""),
    )
    (folder / "parts.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    return folder


def list_parts(base: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "image.parts", str(base), "1.0", "86400"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_each_part_has_its_licences_and_its_source(tmp_path: Path) -> None:
    """A static program also has the source of the library that it contains."""
    done = list_parts(base_layer(tmp_path, "Format: x\n\nFiles: *\nLicense: BSD-3-clause\n"))
    parts = {part["name"]: part for part in json.loads(done.stdout)["components"]}
    assert parts["busybox-static"]["licenses"] == [{"license": {"id": "GPL-2.0-only"}}]
    assert parts["busybox-static"]["purl"] == "pkg:deb/debian/busybox-static@1%3A1.37.0-6%2Bb4?arch=arm64&distro=trixie"
    both = [("busybox", "1:1.37.0-6"), ("glibc", "2.41-12+deb13u4")]
    assert sources_of(parts["busybox-static"]) == both
    assert parts["luma-core"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert parts["GNU Unifont"]["licenses"] == [{"license": {"id": "OFL-1.1"}}]
    assert needed(list(parts.values())) == ({source: ["busybox-static"] for source in both}, [])


def test_no_list_is_made_while_a_licence_is_unknown(tmp_path: Path) -> None:
    done = list_parts(base_layer(tmp_path, "All rights reserved."))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no licence found for dash" in done.stderr


def test_each_font_with_a_licence_of_its_own_is_listed() -> None:
    fonts = (ROOT / "appliance/panel/drawing/fonts").glob("LICENSE-*.txt")
    for name in (path.stem.removeprefix("LICENSE-") for path in fonts):
        assert any(name in own for own, _ in OWN), name
