"""The ceremony of docs/release.md with throw-away keys: issue, encrypt, sign a request, revoke, rotate."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from tests.update.bundles import PROJECT, Keys, use_keys
from tests.update.cards import run


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


def verify(keyring: str, certificate: Path, folder: Path) -> str:
    """What OpenSSL says of a certificate, by the rules of a box; empty if it accepts it."""
    path = folder / "keyring.pem"
    path.write_text(keyring)
    command = ["openssl", "verify", "-crl_check_all", "-CAfile", str(path), "-purpose", "any", str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def test_a_release_certificate_is_the_roots_and_for_updates_alone(keys: Keys, tmp_path: Path) -> None:
    certificate = keys.release / "certificate.pem"
    assert verify(use_keys("keyring", keys.root), certificate, tmp_path) == ""
    text = run("openssl", "x509", "-in", certificate, "-noout", "-text")
    assert all(words in text for words in ("CA:FALSE", "Digital Signature", "Code Signing"))
    assert "Cert Sign" not in text


def test_no_other_user_reads_a_key(keys: Keys) -> None:
    files = [path for folder in (keys.root, keys.release) for path in folder.iterdir()]
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in files)


def test_the_keyring_has_no_secret(keys: Keys) -> None:
    keyring = use_keys("keyring", keys.root)
    assert "PRIVATE" not in keyring
    assert keyring.count("BEGIN CERTIFICATE") == keyring.count("BEGIN X509 CRL") == 1


def test_a_stolen_key_is_revoked_and_its_successor_trusted(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path)
    successor = tmp_path / "successor"
    use_keys("release", keys.root, successor)
    use_keys("revoke", keys.root, keys.release / "certificate.pem")
    keyring = use_keys("keyring", keys.root)
    assert "certificate revoked" in verify(keyring, keys.release / "certificate.pem", tmp_path)
    assert verify(keyring, successor / "certificate.pem", tmp_path) == ""


def test_a_new_root_does_not_need_the_old_one(keys: Keys, tmp_path: Path) -> None:
    new = Keys.make(tmp_path / "new")
    both = use_keys("keyring", keys.root, new.root)
    for each in (keys, new):
        assert verify(both, each.release / "certificate.pem", tmp_path) == ""
    assert verify(use_keys("keyring", new.root), keys.release / "certificate.pem", tmp_path)


def test_the_roots_key_may_be_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_PASSWORD", "correct horse")
    keys = Keys.make(tmp_path)
    assert "ENCRYPTED" in (keys.root / "key.pem").read_text()
    use_keys("revoke", keys.root, keys.release / "certificate.pem")
    monkeypatch.setenv("ROOT_PASSWORD", "wrong")
    refused = subprocess.run(
        [PROJECT / "image/keys", "release", keys.root, tmp_path / "next"], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert not (tmp_path / "next/certificate.pem").exists()


def test_the_certificate_of_a_key_on_a_token(keys: Keys, tmp_path: Path) -> None:
    """The token makes the key and the request; here OpenSSL does."""
    request, key = tmp_path / "request.pem", tmp_path / "key.pem"
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    run("openssl", "req", "-new", "-key", key, "-subj", "/CN=token", "-out", request)
    use_keys("sign", keys.root, request, tmp_path / "token.pem")
    assert verify(use_keys("keyring", keys.root), tmp_path / "token.pem", tmp_path) == ""


def test_a_key_is_never_replaced(keys: Keys) -> None:
    before = (keys.root / "key.pem").read_bytes()
    refused = subprocess.run([PROJECT / "image/keys", "root", keys.root], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, f"keys: {keys.root} has a key already\n")
    assert (keys.root / "key.pem").read_bytes() == before


def test_a_wrong_command_prints_the_usage() -> None:
    done = subprocess.run([PROJECT / "image/keys", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "revoke ROOT CERTIFICATE" in done.stderr
