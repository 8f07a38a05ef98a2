"""The sockets of an appliance: its own and those from systemd, beside strangers, other appliances and killed ones."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from appliance.status import client, places
from appliance.status.client import NotPermittedError, StatusError, find_appliance
from appliance.status.listeners import BACKLOG, listening
from appliance.status.places import ARCHIVE, STATUS, own_folder, socket_path
from tests.child_process import ChildProcess

ROOT = Path(__file__).parents[2]
NOBODY = 65534


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in the place of /tmp, with a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="tt-") as folder:
        Path(folder).chmod(0o1777)
        monkeypatch.setattr(places, "TEMPORARY", Path(folder))
        for module in (places, client):
            monkeypatch.setattr(module, "SERVICE", Path(folder, "service"))
        yield Path(folder)


def answering(listener: socket.socket, state_dir: Path) -> None:
    """Answer one client as the appliance of a state directory."""
    listener.setblocking(True)
    connection, _ = listener.accept()
    connection.sendall(json.dumps({"state_dir": os.path.realpath(state_dir)}).encode() + b"\n")
    connection.close()


def is_found(listener: socket.socket, state_dir: Path) -> bool:
    child = os.fork()
    if not child:
        try:
            answering(listener, state_dir)
        finally:
            os._exit(0)
    try:
        return find_appliance(state_dir) is not None
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("name", ["state", "s" * 200 + "/" + "t" * 200 + "/" + "u" * 200, "a b\n\u00fc\udcff"])
def test_an_appliance_is_found_by_its_state_directory(tmp_path: Path, short: Path, name: str) -> None:
    """However long or odd its path is, and whether it is there or not."""
    state = tmp_path / name
    with listening(state) as sockets:
        assert sockets.keys() == {STATUS, ARCHIVE}
        for each in (STATUS, ARCHIVE):
            assert not socket_path(own_folder(state, os.geteuid()), each).parent.stat().st_mode & 0o077
        assert own_folder(state, os.geteuid()).parent.stat().st_mode & 0o777 == 0o711
        assert is_found(sockets[STATUS], state)
        link = tmp_path / "link"
        link.symlink_to(state)
        assert is_found(sockets[STATUS], link)
        assert find_appliance(tmp_path / "other") is None
    assert find_appliance(state) is None
    assert list(own_folder(state, os.geteuid()).parent.iterdir()) == []


def test_the_sockets_of_a_killed_appliance_are_replaced(tmp_path: Path, short: Path) -> None:
    child = os.fork()
    if not child:
        with listening(tmp_path):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    folder = own_folder(tmp_path, os.geteuid())
    assert socket_path(folder, STATUS).is_socket()
    assert find_appliance(tmp_path) is None, "nobody answers there"
    with listening(tmp_path) as sockets:
        assert is_found(sockets[STATUS], tmp_path)
    assert not folder.exists()


def test_a_second_appliance_leaves_the_first_ones_sockets(
    tmp_path: Path, short: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(tmp_path) as first:
        with listening(tmp_path) as second:
            assert not second
            assert "Another appliance" in caplog.text
        with listening(tmp_path / "other") as other:
            assert other
        assert is_found(first[STATUS], tmp_path)
    with listening(tmp_path) as third:
        assert is_found(third[STATUS], tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("what", ["another user's", "open to all", "a link", "a file", "read-only"])
def test_no_folder_of_a_stranger_is_used(tmp_path: Path, short: Path, what: str) -> None:
    """The appliance runs without a status, and its clients read none there."""
    folder = own_folder(tmp_path, 0).parent
    match what:
        case "another user's":
            folder.mkdir(0o700)
            os.chown(folder, NOBODY, NOBODY)
        case "open to all":
            folder.mkdir()
            folder.chmod(0o777)
        case "a link":
            (tmp_path / "elsewhere").mkdir(0o700)
            folder.symlink_to(tmp_path / "elsewhere")
        case "a file":
            folder.touch()
        case _:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(short)], check=True)
    try:
        with listening(tmp_path) as sockets:
            assert not sockets
        assert find_appliance(tmp_path) is None
    finally:
        if what == "read-only":
            subprocess.run(["umount", str(short)], check=True)


def asked_by_a_stranger(state_dir: Path) -> str:
    """What another user is told, who is in no group."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            found = find_appliance(state_dir)
            os.write(writing, str(found).encode())
        except NotPermittedError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    told = os.read(reading, 1000).decode()
    os.close(reading)
    return told


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_may_not_read_the_status_is_told_so(tmp_path: Path, short: Path) -> None:
    """The service's sockets are in root's folder, the status with mode 0660 of a group."""
    places.SERVICE.mkdir(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        path = socket_path(places.SERVICE, STATUS)
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        assert is_found(listener, tmp_path)
        told = asked_by_a_stranger(tmp_path)
        assert told == f"no permission for {path}; run as root (sudo), or as a member of the group tt-status"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_appliance_of_another_user_is_told_from_none(tmp_path: Path, short: Path) -> None:
    with listening(tmp_path):
        told = asked_by_a_stranger(tmp_path)
        path = socket_path(own_folder(tmp_path, 0), STATUS)
        assert told == f"no permission for {path}; run as root (sudo), or as the user who runs the appliance"
        assert asked_by_a_stranger(tmp_path / "other") == "None"
    assert asked_by_a_stranger(tmp_path) == "None"


def test_a_crowded_socket_is_not_taken_for_a_missing_one(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody accepts the connections that fill its queue."""
    monkeypatch.setattr("appliance.status.client.TIMEOUT", 0.2)
    with listening(tmp_path), ExitStack() as stack:
        for _ in range(BACKLOG + 1):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(socket_path(own_folder(tmp_path, os.geteuid()), STATUS)))
        with pytest.raises(StatusError, match="the appliance does not respond"):
            find_appliance(tmp_path)


@pytest.mark.parametrize("said", [b"", b"[]\n", b"{", b"x" * 200_000, b'{"state_dir": "/elsewhere"}\n', None])
def test_strange_answers_are_no_status(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None
) -> None:
    """None: no answer at all."""
    monkeypatch.setattr("appliance.status.client.TIMEOUT", 0.2)
    with listening(tmp_path) as sockets:
        child = os.fork()
        if not child:
            sockets[STATUS].setblocking(True)
            connection, _ = sockets[STATUS].accept()
            try:
                connection.sendall(said or b"")
                if said is None:
                    connection.recv(1)
                connection.close()
            finally:
                os._exit(0)
        try:
            with suppress(StatusError):
                assert find_appliance(tmp_path) is None
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="needs systemd-socket-activate")
def test_the_service_uses_the_sockets_that_systemd_holds(tmp_path: Path) -> None:
    """It makes none of its own, and takes the two in either order."""
    state = tmp_path / "state"
    state.mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(f"state_dir: {state}\nnetwork: {{interfaces: [tt-none0]}}\n")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="tt-") as short:
        paths = {name: socket_path(Path(short), name) for name in (ARCHIVE, STATUS)}
        command = ["systemd-socket-activate", *(f"--listen={path}" for path in paths.values())]
        command += [f"--fdname={':'.join(paths)}", sys.executable, "-m", "appliance", "run", "--panel", "headless"]
        with ChildProcess[bytes](
            [*command, "--config", str(config)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            while not paths[STATUS].exists():
                assert process.poll() is None
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(20)
                client.connect(str(paths[STATUS]))
                facts = json.loads(client.makefile("rb").readline())
            assert (facts["state"], facts["state_dir"]) == ("discovering", str(state))
            assert not own_folder(state, os.geteuid()).exists()
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(str(paths[ARCHIVE]))
                client.sendall(b"what?")
                assert b"unknown request" in client.makefile("rb").readline()
            process.terminate()
            assert process.wait(5) == 0
        assert all(path.is_socket() for path in paths.values()), "they are systemd's"
