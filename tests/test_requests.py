"""Requests of the appliance to root: only the allowed actions do anything, and each request is removed."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import pytest

from appliance import requests
from appliance.core.updates import Action
from appliance.requests import ACTIONS, LARGEST, REQUEST, take

UNITS = Path(__file__).parents[1] / "image/root/usr/lib/systemd/system"


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    return tmp_path / "request"


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_an_allowed_action_is_taken_once(request_file: Path, action: str) -> None:
    request_file.write_text(f'{{"action": "{action}"}}\n')
    assert take(request_file) == action
    assert not request_file.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"backup",
        b"[]",
        b"\xff\xfe",
        b'{"action": "poweroff"}',
        b'{"action": ["backup"]}',
        b'{"action": {"backup": 1}}',
        b'{"action": null}',
        b'{"action": "backup", "file": "/etc/shadow"}',
        b'{"action": "backup; reboot"}',
        b"[" * LARGEST,
        b'{"action": "backup"}' + b" " * LARGEST,
        b"x" * 10_000_000,
    ],
)
def test_anything_else_is_ignored_with_one_line(
    request_file: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    request_file.write_bytes(content)
    with caplog.at_level(logging.DEBUG):
        assert take(request_file) is None
    assert len(caplog.records) == 1
    assert "shadow" not in caplog.text
    assert not request_file.exists()


def test_no_request_is_ignored(request_file: Path) -> None:
    assert take(request_file) is None


def test_a_link_a_pipe_and_a_folder_are_not_read_but_removed(request_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text('{"action": "reset"}')
    request_file.symlink_to(target)
    assert take(request_file) is None
    os.mkfifo(request_file)
    assert take(request_file) is None
    request_file.mkdir()
    (request_file / "file").touch()
    assert take(request_file) is None
    assert not request_file.exists()
    assert target.exists()


def test_systemctl_is_asked_for_the_service(
    request_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program in the place of systemctl that writes down its arguments."""
    log = tmp_path / "log"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for action in ("backup", "poweroff", "restart"):
        request_file.write_text(f'{{"action": "{action}"}}')
        assert requests.main(request_file) == 0
    assert log.read_text().splitlines() == [
        "start --no-block tt-backup.service",
        "start --no-block tt-update-restart.service",
    ]


def test_systemd_watches_the_file_that_the_program_reads() -> None:
    assert f"PathExists={REQUEST}\n" in (UNITS / "tt-request.path").read_text()


def test_every_action_of_the_appliance_is_allowed() -> None:
    # The first start restores by itself.
    assert {*ACTIONS} == {*Action}


def test_the_services_of_copies_exist() -> None:
    ours = [command[-1] for command in ACTIONS.values() if re.match("tt-(backup|reset|update-restart)", command[-1])]
    assert len(ours) == 3
    assert all((UNITS / unit).is_file() for unit in ours)
