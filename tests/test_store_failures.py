"""The token store when system calls fail, write too little or are not flushed."""

from __future__ import annotations

import errno
import itertools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.core.events import TokensLoaded
from appliance.store import TokenStore
from tests.disk.store_operations import CHANGES, NEW, OLD, Change, fresh


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


CALLS = ("open", "read", "write", "fsync", "rename", "close", "unlink", "fchmod", "chmod", "fstat", "mkdir", "listdir")


class Calls:
    """Wraps the system calls of module os: counts and names them, and makes one fail."""

    def __init__(self, fail_at: int | None = None, code: int = 0, short: bool = False) -> None:
        self.made: list[str] = []
        self._fail_at, self._code, self._short = fail_at, code, short

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.made.append(name)
            if len(self.made) - 1 == self._fail_at:
                if name == "close":
                    real(*arguments, **named)
                raise OSError(self._code, os.strerror(self._code))
            if name == "write" and self._short:
                return real(arguments[0], arguments[1][:7])
            return real(*arguments, **named)

        return call

    @contextmanager
    def watching(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self.wrap(name, getattr(os, name)))
            yield


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_failing_call_leaves_the_old_or_the_new_token(
    tmp_path: Path, change: Change, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    for place in itertools.count():
        directory = tmp_path / str(place)
        store = fresh(directory, *change.before)
        calls = Calls(place, code)
        failed: OSError | None = None
        with calls.watching():
            try:
                change.call(store)
            except OSError as error:
                failed = error
        found = TokenStore(directory).load()
        assert found in (*change.allowed, change.done), calls.made
        if failed is None:
            assert found == change.done or found == TokensLoaded(NEW, NEW), calls.made
        else:
            assert "5ecret" not in f"{failed!r} {failed.__context__!r}"
            # A retry on a working disk succeeds.
            change.call(store)
            assert TokenStore(directory).load() == change.done
        assert ".new" not in "".join(names(directory))
        if len(calls.made) <= place:
            assert failed is None
            assert found == change.done
            assert place >= 5, "too few calls were wrapped"
            break
    assert "5ecret" not in caplog.text


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("damaged", [False, True])
def test_load_never_raises(tmp_path: Path, damaged: bool, code: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for place in itertools.count():
        directory = tmp_path / str(place) / "state"
        if damaged:
            fresh(directory, lambda s: s.store(OLD), lambda s: s.store_pending(NEW))
            (directory / "token.json").write_text(OLD.token.reveal())
            (directory / "token.json.new").touch()
        calls = Calls(place, code)
        with calls.watching():
            found = TokenStore(directory).load()
        assert found.pending in (None, NEW)
        if len(calls.made) <= place:
            assert place >= 5, "too few calls were wrapped"
            assert found == TokensLoaded(None, NEW if damaged else None, damaged=damaged)
            break
    assert "can't use the state directory" in caplog.text
    assert "5ecret" not in caplog.text


def test_short_writes_are_continued(tmp_path: Path) -> None:
    calls = Calls(short=True)
    with calls.watching():
        TokenStore(tmp_path).store(NEW)
    assert calls.made.count("write") > 5
    assert TokenStore(tmp_path).load() == TokensLoaded(NEW, None)


def test_a_write_of_zero_bytes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    with pytest.raises(OSError, match="wrote no bytes"):
        TokenStore(tmp_path).store(NEW)
    assert names(tmp_path) == set()


def test_a_file_in_place_of_the_state_directory_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").touch()
    store = TokenStore(tmp_path / "state")
    assert store.load() == TokensLoaded(None, None)
    assert "Not a directory" in caplog.text
    with pytest.raises(NotADirectoryError):
        store.store(NEW)


# Flushes of directories; tests/disk has the effects of power cuts.


def test_a_new_directory_is_flushed_to_its_parent(tmp_path: Path) -> None:
    flushed: list[Path] = []
    real = os.fsync

    def flush(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", flush)
        TokenStore(tmp_path / "a" / "b").store(NEW)
    state = tmp_path / "a" / "b"
    assert flushed == [tmp_path, tmp_path / "a", state / "token.json.new", state]
