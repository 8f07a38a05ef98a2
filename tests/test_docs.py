"""The documents: links lead somewhere, README and glossary stay short, and no path of one machine is in them."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from pathlib import Path

import pytest

from appliance.config import DisplayConfig
from appliance.config.keys import KEYS, SECTIONS
from appliance.config.loader import parse
from appliance.core import texts

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "image", ROOT / "appliance")
    for path in (folder.rglob("*.md") if folder.name == "appliance" else folder.glob("*.md"))
)
LONGEST_README = 1500
"""Words."""
LONGEST_GLOSSARY = 30
"""Lines, including the table's head."""
OUTSIDE = ("http://", "https://", "mailto:")

FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?\s*\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
YAML = re.compile(r"^( *)```yaml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"`((?:gateway|orders|display|pins|buzzer|network|wifi|box|history)\.\w+)[`:]")
MACHINE_PATH = re.compile(r"/(?:work|home|root|Users|tmp)/|\bshared/")
"""Paths that exist only on one person's machine."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(path: Path) -> list[str]:
    """The targets of a document's links and pictures, without those in code."""
    return LINK.findall(CODE.sub("", FENCE.sub("", path.read_text())))


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    made: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", path.read_text())):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
        slug = "".join("-" if c == " " else c for c in words if c.isalnum() or c in " -_")
        repeated = next(n for n in range(100) if (f"{slug}-{n}" if n else slug) not in made)
        made.add(f"{slug}-{repeated}" if repeated else slug)
    return frozenset(made)


def test_the_search_finds_all_documents() -> None:
    found = {name(path) for path in DOCUMENTS}
    assert found >= {"README.md", "hardware.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "image/README.md"}
    assert found >= {f"docs/{one}.md" for one in ("install", "history", "architecture", "development")}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_each_link_has_a_target(path: Path) -> None:
    broken = []
    for link in links(path):
        if link.startswith(OUTSIDE):
            continue
        target, _, anchor = link.partition("#")
        there = (path.parent / target).resolve() if target else path
        inside = there == ROOT or ROOT in there.parents
        if target.startswith("/") or not inside or not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_no_path_of_one_machine_is_named(path: Path) -> None:
    assert not MACHINE_PATH.findall(path.read_text())


def test_the_readme_links_every_document() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        targets = (link.partition("#")[0] for link in links(path) if not link.startswith(OUTSIDE))
        ahead += [there for target in targets if (there := (path.parent / target).resolve()) in DOCUMENTS]
    assert {name(path) for path in {*DOCUMENTS} - reached} <= {"appliance/panel/drawing/fonts/README.md"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= LONGEST_README


def test_the_glossary_is_short() -> None:
    glossary = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Glossary\n")[2].partition("\n## ")[0]
    lines = [line for line in glossary.splitlines() if line.strip()]
    assert 10 < len(lines) <= LONGEST_GLOSSARY


def test_no_recommended_part_needs_a_setting() -> None:
    """The display is detected, so that neither the steps nor the parts list ask for its driver."""
    assert (DisplayConfig().driver, DisplayConfig().i2c_address) == ("auto", None)
    parts = (ROOT / "hardware.md").read_text().partition("\n## Parts\n")[2].partition("\n## ")[0]
    assert "No part of this list needs a setting." in parts
    steps = (ROOT / "README.md").read_text().partition("\n## Set one up\n")[2].partition("\n## ")[0]
    for text in (parts, steps):
        assert "`display." not in text


def test_every_named_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        text = path.read_text()
        named = set(re.findall(r"`make ([a-z][a-z-]*)", text)) | set(re.findall(r"^make ([a-z][a-z-]*)", text, re.M))
        assert named <= targets, name(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_named_setting_exists(path: Path) -> None:
    assert set(SETTING.findall(path.read_text())) <= {*KEYS, *SECTIONS, "history.sqlite3"}


def test_the_installation_guides_settings_are_valid() -> None:
    blocks = YAML.findall((ROOT / "docs/install.md").read_text())
    assert len(blocks) >= 3
    for _, block in blocks:
        parse(textwrap.dedent(block), "install.md")


def test_the_functions_on_the_path_of_a_page_exist() -> None:
    named = re.findall(
        r"`([\w.]+)`\s+in\s+\[[^\]]*\]\((\.\./appliance/[\w/]+\.py)\)", (ROOT / "docs/architecture.md").read_text()
    )
    assert len(named) >= 8
    for function, path in named:
        source = (ROOT / "docs" / path).resolve().read_text()
        for part in function.split("."):
            assert re.search(rf"^\s*(?:async )?(?:def|class) {part}\b", source, re.MULTILINE), (function, path)


TROUBLE = [
    texts.NO_NETWORK,
    " ".join(texts.NO_INTERFACE).format(missing="end0"),
    texts.NO_INTERFACE_HERE.format(present="eth0"),
    " ".join(texts.UNASSIGNED),
    " ".join(texts.SELF_ASSIGNED_HINT),
    texts.HOST_NOT_FOUND.format(host="NAME"),
    *texts.HOST_NOT_FOUND_HINT,
    " ".join(texts.LOOKING),
    " ".join(texts.PRESS_HERE),
    " ".join(texts.PRESS_GATEWAY),
    texts.CONFIRM_YES,
    texts.CONFIRM_NO,
    texts.PAIRING_TIMED_OUT,
    texts.PAIRING_REVOKED,
    texts.PAIRING_DAMAGED,
    " ".join(texts.PAIRING_REFUSED),
    texts.OFFLINE_UNREACHABLE[0],
    texts.OFFLINE_OTHER_GATEWAY[0].format(name="NAME"),
    texts.OFFLINE_OTHER_GATEWAY[1],
    *texts.OFFLINE_NO_ORDERS,
    texts.OFFLINE_UNREADABLE[0],
    " ".join(texts.PAIRING_UNREADABLE),
    " ".join(texts.OFFLINE_TOO_MANY),
    texts.CARD_RESET,
    texts.CARD_BROKEN,
    texts.PAIRING_NOT_SAVED,
    texts.BUTTON_STUCK,
    texts.WEAK_POWER,
    texts.SETTINGS_WRONG.format(line=12),
    texts.CHECK_SETTINGS,
    texts.FAILING,
    texts.FAILING_RESTART,
    texts.FAILING_RETRY,
    texts.STOPPING,
    texts.COUNT_IN_DOUBT,
    texts.REMARK.format(count=2, word=texts.UNREADABLE),
    texts.REMARK.format(count=2, word=texts.OLD),
    texts.UPDATE_PRESS_TIMES.format(count=3),
    texts.INSTALL_YES,
    texts.UPDATE_INSTALLING.format(percent=45),
    texts.UPDATE_READY,
    texts.RESTART_YES,
    texts.UPDATE_TRYING,
    texts.UPDATE_DONE.format(version="1.2.0"),
    texts.UPDATE_READ,
    texts.UPDATE_FAILED,
    texts.UPDATE_KEPT,
    *texts.UPDATE_REASONS.values(),
    texts.SAVING_SHARE.format(percent=40),
    texts.LEAVE_STICK,
    texts.COPY_SAVED,
    texts.SAVED_WITHOUT_PAIRING,
    texts.RESTORING_SHARE.format(percent=40),
    texts.COPY_RESTORED,
    texts.RESTORED_WITHOUT_PAIRING,
    texts.COPY_FAILED,
    *texts.COPY_REASONS.values(),
    texts.ERASE,
    texts.ERASE_CANCEL,
    texts.ERASING,
]
"""The messages that a person may look up."""


@pytest.mark.parametrize("message", TROUBLE)
def test_the_installation_guide_explains_each_message(message: str) -> None:
    assert f"`{message}`" in (ROOT / "docs/install.md").read_text()
