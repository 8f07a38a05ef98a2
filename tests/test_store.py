"""The token store: stored tokens and damaged files."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import TokensLoaded
from appliance.core.limits import LARGEST_TOKEN_FILE, LONGEST_TOKEN
from appliance.core.values import Credential, Token
from appliance.store import TokenStore
from tests.disk.store_operations import NEW, OLD, OTHER


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


# Stored tokens.


def test_an_empty_directory_has_no_tokens(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "a" / "b")
    assert store.load(tidy=False) == TokensLoaded(None, None)
    store.forget()
    store.drop_pending()
    assert names(tmp_path) == set()
    assert store.load() == TokensLoaded(None, None)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_token_is_pending_then_proven_then_deleted(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.store(OLD)
    assert store.load() == TokensLoaded(OLD, None)
    store.store_pending(NEW)
    assert store.load() == TokensLoaded(OLD, NEW)
    store.store(NEW)
    assert store.load() == TokensLoaded(NEW, None)
    assert names(tmp_path) == {"token.json"}
    store.store_pending(OTHER)
    store.drop_pending()
    assert store.load() == TokensLoaded(NEW, None)
    store.store_pending(OTHER)
    (tmp_path / "token.json.damaged").write_text(NEW.token.reveal())
    store.forget()
    assert names(tmp_path) == set()


def test_another_pairings_pending_token_is_kept(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.store_pending(OTHER)
    store.store(NEW)
    assert store.load() == TokensLoaded(NEW, OTHER)


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_only_the_owner_may_read(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        TokenStore(tmp_path / "state").store(NEW)
        TokenStore(tmp_path / "state").store_pending(OLD)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for name in ("token.json", "token.pending.json"):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600
    assert json.loads((tmp_path / "state" / "token.json").read_text()) == {
        "gateway": NEW.gateway,
        "token": NEW.token.reveal(),
    }


def test_unknown_keys_are_tolerated_and_temporary_files_removed(tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text('{"token": "abc", "gateway": "Bar", "made": [1, null]}')
    for name in ("token.json.new", "token.pending.json.new"):
        (tmp_path / name).write_text('{"tok')
    assert TokenStore(tmp_path).load(tidy=False) == TokensLoaded(Credential("Bar", Token("abc")), None)
    assert len(names(tmp_path)) == 3
    assert TokenStore(tmp_path).load() == TokensLoaded(Credential("Bar", Token("abc")), None)
    assert names(tmp_path) == {"token.json"}


@pytest.mark.parametrize(
    ("gateway", "token"),
    [
        ("", "a"),
        ("a", ""),
        ("a", "a b"),
        ("a", "a\n"),
        ("a", "ü"),
        ("a", "a" * (LONGEST_TOKEN + 1)),
        ("\ud800", "a"),
        ("é" * 12000, "a"),
    ],
)
def test_a_token_that_could_not_be_read_back_is_not_written(tmp_path: Path, gateway: str, token: str) -> None:
    with pytest.raises(OSError, match="load\\(\\) would reject"):
        TokenStore(tmp_path).store(Credential(gateway, Token(token)))
    assert names(tmp_path) == set()


def test_the_longest_token_and_name_are_stored(tmp_path: Path) -> None:
    longest = Credential("\u98df" * 21, Token("a" * LONGEST_TOKEN))
    TokenStore(tmp_path).store(longest)
    assert TokenStore(tmp_path).load() == TokensLoaded(longest, None)


def test_a_file_of_just_the_largest_size_is_written_and_read(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    envelope = len(json.dumps({"gateway": "", "token": "a"})) + 1
    longest = Credential("g" * (LARGEST_TOKEN_FILE - envelope), Token("a"))
    store.store(longest)
    assert (tmp_path / "token.json").stat().st_size == LARGEST_TOKEN_FILE
    assert store.load() == TokensLoaded(longest, None)
    with pytest.raises(OSError, match="load\\(\\) would reject"):
        store.store(Credential(f"{longest.gateway}g", Token("a")))
    with (tmp_path / "token.json").open("a") as file:
        file.write(" ")
    assert store.load(tidy=False) == TokensLoaded(None, None, damaged=True)


@pytest.mark.parametrize("beside", ["\ud7ff", "\ue000"], ids=ascii)
def test_only_surrogates_are_refused_in_a_gateways_name(tmp_path: Path, beside: str) -> None:
    TokenStore(tmp_path).store(Credential(beside, Token("!~")))
    assert TokenStore(tmp_path).load().current == Credential(beside, Token("!~"))
    for surrogate in ("\ud800", "\udfff"):
        with pytest.raises(OSError, match="load\\(\\) would reject"):
            TokenStore(tmp_path).store(Credential(surrogate, Token("a")))


# Damaged files.

DAMAGED = {
    "empty": b"",
    "torn": b'{"gateway": "Kitchen", "tok',
    "zeros": bytes(4096),
    "list": b'["gateway", "token"]',
    "not utf-8": b'{"gateway": "K\xfcche", "token": "abc"}',
    "utf-16": '{"gateway": "Bar", "token": "abc"}'.encode("utf-16"),
    "no gateway": b'{"token": "abc"}',
    "empty gateway": b'{"gateway": "", "token": "abc"}',
    "half a character": b'{"gateway": "\\ud800", "token": "abc"}',
    "number": b'{"gateway": "a", "token": 123}',
    "space": b'{"gateway": "a", "token": "a b"}',
    "line end": b'{"gateway": "a", "token": "a\\r\\nX: y"}',
    "long token": b'{"gateway": "a", "token": "' + b"a" * (LONGEST_TOKEN + 1) + b'"}',
    "deep": b"[" * 60_000,
    "long number": b"1" * 60_000,
    "large": b'{"gateway": "a", "token": "b"}' + b" " * LARGEST_TOKEN_FILE,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("name", ["token.json", "token.pending.json"])
def test_a_damaged_file_is_put_aside(tmp_path: Path, name: str, content: bytes) -> None:
    store = TokenStore(tmp_path)
    store.store(OLD)
    store.store_pending(NEW)
    (tmp_path / name).write_bytes(content)
    left = TokensLoaded(None, NEW, damaged=True) if name == "token.json" else TokensLoaded(OLD, None, damaged=True)
    assert store.load(tidy=False) == left
    assert names(tmp_path) == {"token.json", "token.pending.json"}
    assert store.load() == left
    assert (tmp_path / f"{name}.damaged").read_bytes() == content
    assert store.load() == TokensLoaded(left.current, left.pending)
    (store.store if name == "token.json" else store.store_pending)(OTHER)
    assert OTHER in (store.load().current, store.load().pending)


def _a_directory(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _a_loop(path: Path) -> None:
    path.symlink_to(path)


def _a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_a_directory, _a_pipe, _a_loop, _a_link_to_a_device])
def test_special_files_count_as_damaged_and_do_not_block(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "token.json")
    store = TokenStore(tmp_path)
    assert store.load() == TokensLoaded(None, None, damaged=True)
    assert names(tmp_path) == {"token.json.damaged"}
    store.store(NEW)
    assert store.load() == TokensLoaded(NEW, None)


def test_a_limited_number_of_damaged_files_is_kept(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / "token.json").write_text(str(number))
        assert TokenStore(tmp_path).load().damaged
    kept = {name: (tmp_path / name).read_text() for name in names(tmp_path)}
    assert kept == {"token.json.damaged": "0", "token.json.damaged.1": "1", "token.json.damaged.2": "5"}


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=5
    ).map(lambda value: json.dumps({"gateway": value, "token": value}).encode())
    | st.fixed_dictionaries({}, optional={"gateway": st.text(), "token": st.text(), "more": st.integers()}).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_content_raises(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "token.json").write_bytes(content)
        loaded = TokenStore(directory).load()
        assert loaded.damaged == (loaded.current is None)
        if loaded.current is not None:
            held = json.loads(content)
            assert held["gateway"] == loaded.current.gateway
            assert held["token"] == loaded.current.token.reveal()
            TokenStore(directory).store(loaded.current)
            assert TokenStore(directory).load() == loaded


def test_earlier_unconfirmed_tokens_stay_with_the_latest(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.store(OLD)
    store.store_pending(NEW, (OTHER,))
    assert store.load() == TokensLoaded(OLD, NEW, earlier=(OTHER,))
    store.store(NEW)
    assert store.load() == TokensLoaded(NEW, None)
    assert [path.name for path in tmp_path.iterdir()] == ["token.json"]
    assert OTHER.token.reveal() not in (tmp_path / "token.json").read_text()


def test_the_way_of_a_token_is_stored_with_it(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.store_pending(NEW)
    by_header = replace(NEW, header=True)
    store.store(by_header)
    assert store.load() == TokensLoaded(by_header, None)
    assert json.loads((tmp_path / "token.json").read_text())["header"] is True


@pytest.mark.parametrize("earlier", [7, "x", [7], [{}], [{"gateway": "Bar"}], [{"gateway": "Bar", "token": "a b"}]])
def test_damaged_earlier_tokens_cost_no_pairing(tmp_path: Path, earlier: object) -> None:
    content = {"gateway": "Bar", "token": "abc", "earlier": earlier}
    (tmp_path / "token.pending.json").write_text(json.dumps(content))
    assert TokenStore(tmp_path).load() == TokensLoaded(None, Credential("Bar", Token("abc")))
