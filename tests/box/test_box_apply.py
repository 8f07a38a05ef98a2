"""Applying the settings: files where the system looks for them, and nothing that a bad file could stop."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from appliance.box import __main__ as box
from appliance.box.files import File

OVERSIZED = "#" * (box.MAX_BYTES + 1)


def problems_of(path: Path) -> list[str]:
    problems: list[str] = []
    box._read(path, problems)
    return problems


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "settings.yaml: can't be read: No such file or directory"),
        (OVERSIZED.encode(), "settings.yaml: larger than 64 KiB; these are no settings"),
        (b"box:\n  hostname: caf\xe9\n", "settings.yaml:2: not UTF-8; save the file as UTF-8"),
        (b"box:\n  hostname: a b\n", "settings.yaml:2: box.hostname: must be letters, digits and hyphens, 63 at most"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "settings.yaml"
    if content is not None:
        path.write_bytes(content)
    assert problems_of(path) == [told]


def test_a_file_of_windows_is_as_good(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"\xef\xbb\xbfbox:\r\n  hostname: kitchen\r\n")
    problems: list[str] = []
    assert box._read(path, problems).hostname == "kitchen"
    assert problems == []


def test_a_secret_is_for_its_owner_from_the_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    for content in ("first", "second"):
        box._write(path, File(content, 0o600))
        assert path.read_text() == content
        assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    named: list[str] = []
    settings = tmp_path / "tt-appliance.yaml"
    settings.write_text("box:\n  timezone: Nowhere/At_All\n  hostname: kitchen\n")
    monkeypatch.setattr(socket, "sethostname", named.append)
    monkeypatch.setattr(box, "SETTINGS", settings)
    monkeypatch.setattr(box, "PROBLEMS", tmp_path / "problems")
    monkeypatch.setattr(box, "FOLDER", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["box", "apply"])
    assert box.main() == 0
    assert named == ["kitchen"]
    told = "tt-appliance.yaml:2: box.timezone: there is no time zone 'Nowhere/At_All'; write it as Europe/Berlin\n"
    assert (tmp_path / "problems").read_text() == told
    assert told in capsys.readouterr().err
    assert (tmp_path / "localtime").readlink() == Path("/usr/share/zoneinfo/Etc/UTC")
