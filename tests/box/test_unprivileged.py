"""The child that parses foreign input: it has no rights, and whatever it does, the parent goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.box import unprivileged
from appliance.box.unprivileged import ChildFailed, run_unprivileged

MOST = 1000
SECONDS = 30.0


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that every machine has, because only the image has the real one."""
    monkeypatch.setattr(unprivileged, "USER", "nobody")


def test_the_answer_arrives() -> None:
    assert run_unprivileged(lambda: b"x" * MOST, MOST, SECONDS) == b"x" * MOST


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to lose")
def test_the_child_loses_all_rights(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(0o600)
    tmp_path.chmod(0o755)

    def facts() -> bytes:
        status = Path("/proc/self/status").read_text()
        lines = dict(
            line.split(":\t", 1) for line in status.splitlines() if line.startswith(("Uid", "Gid", "Cap", "Gro"))
        )
        refused = []
        attempts: tuple[Callable[[], object], ...] = (
            secret.read_bytes,
            lambda: os.setuid(0),
            lambda: os.kill(os.getppid(), 0),
            lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        )
        for attempt in attempts:
            try:
                attempt()
            except PermissionError:
                refused.append(True)
        return json.dumps([lines, len(refused)]).encode()

    lines, refused = json.loads(run_unprivileged(facts, MOST, SECONDS))
    assert set(lines["Uid"].split()) == {"65534"}
    assert "0" not in lines["Gid"].split()
    assert lines["Groups"].strip() == ""
    assert {int(lines[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert refused == 4


def test_the_child_has_no_descriptor_but_the_pipe(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)

        def descriptors() -> bytes:
            return "\n".join(
                str(Path(entry).readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()
            ).encode()

        found = run_unprivileged(descriptors, MOST, SECONDS).decode().split("\n")
    assert [name for name in found if not name.startswith(("/dev/null", "pipe:", "/proc/"))] == []


def _raise() -> bytes:
    raise ValueError("secret")


def _crash() -> bytes:
    os.kill(os.getpid(), signal.SIGSEGV)
    return b"never"


def _hang() -> bytes:
    time.sleep(600)
    return b"never"


def _close_and_hang() -> bytes:
    os.close(3)
    return _hang()


@pytest.mark.parametrize("work", [_raise, _crash, lambda: b"", lambda: b"x" * (MOST + 1), lambda: b"x" * 10_000_000])
def test_a_child_without_a_proper_answer_has_failed(
    work: Callable[[], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ChildFailed) as failed:
        run_unprivileged(work, MOST, SECONDS)
    assert "secret" not in str(failed.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("work", [_hang, _close_and_hang])
def test_a_child_that_never_ends_is_killed(work: Callable[[], bytes]) -> None:
    with pytest.raises(ChildFailed):
        run_unprivileged(work, MOST, 0.2)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
