"""Licences of the image's packages: SPDX identifiers where there is one, otherwise the name that the package gives.

Debian's copyright files are machine-readable (DEP 5), or free text. A list names every licence of the package's source,
also of files that are only used to build it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from fnmatch import fnmatchcase

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

COPYLEFT = re.compile(r"\b(A|L)?GPL|\bGFDL\b|\bMPL\b|\bEPL\b|\bCDDL\b|\bEUPL\b|\bSleepycat\b|CC-BY-SA")
"""Licences with a duty to offer the source."""
FAMILIES = re.compile(r"(AGPL|LGPL|GPL|GFDL(?:-NIV)?)-?v?(\d)(?:\.(\d))?(?:\.0)?(\+|-or-later|-only)?", re.IGNORECASE)
DEBIAN_NAMES = {
    "expat": "MIT",
    "apache-2": "Apache-2.0",
    "bsl-1": "BSL-1.0",
    "mit/x11": "X11",
    "artistic-2": "Artistic-2.0",
    "zlib/libpng": "Zlib",
    "unicode": "Unicode-DFS-2016",
    "unlicense.org": "Unlicense",
}
FREE_TEXT = (
    (r"PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2", "PSF-2.0"),
    (r"GCC Runtime Library\s+Exception", "GPL-3.0-or-later with GCC Runtime Library exception"),
    (r"Massachusetts\s+Institute of Technology", "MIT Kerberos licence"),
    (r"Permission is hereby granted,\s+free\s+of\s+charge,", "MIT"),
    (r"Permission to use, copy, modify, and(?:/or)? distribute this software", "ISC or HPND"),
    (r"Redistribution and use in source and binary forms", "BSD"),
    (r"public domain", "public-domain"),
)
"""Typical words of licences, for copyright files in free text."""
FIRMWARE = {
    "Proprietary_1": "Raspberry Pi boot firmware licence (Broadcom)",
    "Proprietary_2": "Broadcom WLAN firmware licence",
}
"""Names for the licences that Debian's raspi-firmware only numbers."""
PYTHON_CLASSIFIERS = {"BSD License": "BSD", "MIT License": "MIT", "Apache Software License": "Apache-2.0"}


def identifier(name: str) -> str:
    """The SPDX identifier of a licence's name, or the name itself if there is none."""
    name = " ".join(name.split())
    if match := FAMILIES.fullmatch(name):
        family, major, minor, later = match[1].upper(), match[2], match[3] or "0", match[4]
        middle = "-no-invariants" if family.endswith("-NIV") else ""
        end = "or-later" if later in ("+", "-or-later") else "only"
        name = f"{family.removesuffix('-NIV')}-{major}.{minor}{middle}-{end}"
    else:
        name = DEBIAN_NAMES.get(name.lower(), FIRMWARE.get(name, name))
    try:
        return canonicalize_license_expression(name) if is_word(name) else name
    except InvalidLicenseExpression:
        return name


def has_identifier(name: str) -> bool:
    """Whether a licence's name is an SPDX identifier."""
    try:
        return is_word(name) and bool(canonicalize_license_expression(name))
    except InvalidLicenseExpression:
        return False


def is_word(name: str) -> bool:
    """Whether a name is no expression and no reference to a licence of one's own."""
    return " " not in name and not name.startswith("LicenseRef-")


def is_copyleft(names: Iterable[str]) -> bool:
    """Whether one of the licences gives the receiver a right to the source."""
    return any(COPYLEFT.search(name) for name in names)


def of_debian(text: str, files: Iterable[str] | None = None) -> list[str]:
    """The licences that a copyright file of Debian names: all of them, or those of some files of the source."""
    if not re.match(r"\s*Format(-Specification)?:", text):
        return sorted(of_free_text(text))
    paragraphs = list(read_paragraphs(text))
    if files is not None:
        paragraphs = [found for file in files if (found := covering(file, paragraphs))]
    return sorted({name for paragraph in paragraphs for name in split(paragraph.get("license", ""))})


def read_paragraphs(text: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a machine-readable copyright file: their fields, of the licence the name alone."""
    for paragraph in re.split(r"\n(?:[ \t]*\n)+", text):
        fields = re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        found = {name.lower(): value for name, value in fields}
        if "license" in found:
            found["license"] = found["license"].split("\n")[0]
        yield found


def covering(file: str, paragraphs: Iterable[dict[str, str]]) -> dict[str, str] | None:
    """The paragraph for a file of the source: by DEP 5, the last one that matches."""
    found = None
    for paragraph in paragraphs:
        if any(fnmatchcase(file, pattern) for pattern in paragraph.get("files", "").split()):
            found = paragraph
    return found


def split(names: str) -> Iterator[str]:
    """The identifiers in a line such as `GPL-2+ or Artistic, and Expat`."""
    for name in re.split(r",?\s+(?:and|or|AND|OR)\s+|,\s*|\s*\|\s*", names.strip()):
        name = name.strip(" ()")
        # A longer one is the licence's own text.
        if name and len(name) <= 70:
            yield identifier(name)


def of_free_text(text: str) -> set[str]:
    """The licences that a copyright file in free text refers to, or quotes."""
    later = bool(re.search(r"any\s+later\s+version", text))
    names = set(re.findall(r"/usr/share/common-licenses/([A-Za-z]+(?:-[\d.]*\d)?)", text))
    found = {identifier(name + "+" * (later and FAMILIES.fullmatch(name) is not None)) for name in names}
    found |= {identifier(f"{name}-{number}+") for name, number in re.findall(r"(L?GPL) \(v([\d.]+) or later\)", text)}
    return found | {name for words, name in FREE_TEXT if re.search(words, text, re.IGNORECASE)}


def of_python(metadata: str) -> list[str]:
    """The licences that the metadata of a Python distribution declares."""
    fields = HeaderParser().parsestr(metadata)
    if declared := fields.get("License-Expression"):
        return sorted(set(split(declared)))
    if (declared := fields.get("License") or "") and "\n" not in declared and declared != "UNKNOWN":
        return sorted(set(split(declared)))
    kinds = [value.rsplit(" :: ", 1) for value in fields.get_all("Classifier", []) if value.startswith("License")]
    return sorted({PYTHON_CLASSIFIERS.get(kind[-1], kind[-1]) for kind in kinds})
