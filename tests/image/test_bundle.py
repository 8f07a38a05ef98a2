"""`image/bundle` and the keys that it takes: the same payload in each build, readable before it is installed."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.update.bundles import PROJECT, Keys, use_keys
from tests.update.cards import run

pytestmark = pytest.mark.image


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.make(tmp_path_factory.mktemp("keys"))


def release_variables(keys: Keys, folder: Path) -> dict[str, str]:
    keyring = folder / "keyring.pem"
    keyring.write_text(use_keys("keyring", keys.root))
    return {
        "RELEASE_KEY": f"{keys.release}/key.pem",
        "RELEASE_CERTIFICATE": f"{keys.release}/certificate.pem",
        "RELEASE_KEYRING": str(keyring),
    }


def bundle(folder: Path, to: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run image/bundle on a slot's image that is the same in each call."""
    slot, parts = folder / "slot.img", folder / "parts.cdx.json"
    slot.write_bytes(bytes(range(256)) * 20000)
    parts.write_text('{"bomFormat": "CycloneDX"}\n')
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELEASE_")}
    return subprocess.run(
        ["image/bundle", slot, "1.2.3", parts, to],
        cwd=PROJECT,
        env={**environment, "SOURCE_DATE_EPOCH": "1790000000", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def payload(path: Path) -> bytes:
    """The file system in a bundle; its hash tree, whose salt is random, and the signature follow it."""
    data = path.read_bytes()
    return data[: struct.unpack_from("<Q", data, 40)[0]]


def test_the_payload_is_the_same_in_each_build_whoever_signs_it(keys: Keys, tmp_path: Path) -> None:
    first, second = tmp_path / "first.raucb", tmp_path / "second.raucb"
    for path, signer in ((first, keys), (second, Keys.make(tmp_path / "other"))):
        (tmp_path / "slot.img").unlink(missing_ok=True)
        done = bundle(tmp_path, path, release_variables(signer, tmp_path))
        assert done.returncode == 0, done.stderr
    assert payload(first) == payload(second)
    assert not list(tmp_path.glob("*.new")) + list(tmp_path.glob("*.log"))


def test_what_it_holds_is_readable_before_it_is_installed(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "update.raucb"
    variables = release_variables(keys, tmp_path)
    assert bundle(tmp_path, path, variables).returncode == 0
    assert "CycloneDX" in run("unsquashfs", "-cat", path, "parts.cdx.json")
    assert run("unsquashfs", "-cat", path, "CHANGELOG.md") == (PROJECT / "CHANGELOG.md").read_text()
    rauc = run("image/host-rauc", cwd=PROJECT).strip()
    rules = ("-C", "keyring:check-crl=true", "-C", "keyring:check-purpose=codesign")
    said = run(rauc, *rules, "info", f"--keyring={variables['RELEASE_KEYRING']}", path)
    assert all(words in said for words in ("'1.2.3'", "minimum-version: 0.1.0", "verity", "slot.img"))


def test_a_revoked_key_makes_no_bundle(tmp_path: Path) -> None:
    keys = Keys.make(tmp_path)
    use_keys("revoke", keys.root, keys.release / "certificate.pem")
    done = bundle(tmp_path, tmp_path / "update.raucb", release_variables(keys, tmp_path))
    assert done.returncode != 0
    assert "certificate revoked" in done.stderr
    assert not (tmp_path / "update.raucb").exists()


def test_a_key_on_a_token_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SoftHSM stands for the token."""
    driver = Path("/usr/lib/softhsm/libsofthsm2.so")
    engine = list(Path("/usr/lib").glob("*/engines-3/pkcs11.so"))
    if not (driver.exists() and engine and shutil.which("pkcs11-tool")):
        pytest.skip("not installed: softhsm2, opensc, libengine-pkcs11-openssl")
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tokens}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    monkeypatch.setenv("PKCS11_MODULE_PATH", str(driver))
    monkeypatch.setenv("RAUC_PKCS11_MODULE", str(driver))
    monkeypatch.setenv("RAUC_PKCS11_PIN", "1234")
    run("softhsm2-util", "--init-token", "--free", "--label", "release", "--pin", "1234", "--so-pin", "1234")
    login = ("--module", driver, "--token-label", "release", "--login", "--pin", "1234")
    run("pkcs11-tool", *login, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "release", "--id", "01")
    key, request = "pkcs11:token=release;object=release;type=private", tmp_path / "request.pem"
    with_pin = f"{key}?pin-value=1234"
    engine_options = ("-engine", "pkcs11", "-keyform", "engine", "-key", with_pin)
    run("openssl", "req", "-new", *engine_options, "-subj", "/CN=token", "-out", request)
    use_keys("root", tmp_path / "root")
    use_keys("sign", tmp_path / "root", request, tmp_path / "certificate.pem")
    keyring = tmp_path / "keyring.pem"
    keyring.write_text(use_keys("keyring", tmp_path / "root"))
    variables = {
        "RELEASE_KEY": key,
        "RELEASE_CERTIFICATE": str(tmp_path / "certificate.pem"),
        "RELEASE_KEYRING": str(keyring),
    }
    done = bundle(tmp_path, tmp_path / "update.raucb", variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lacking", ["RELEASE_KEY", "RELEASE_CERTIFICATE", "RELEASE_KEYRING"])
def test_an_incomplete_release_key_is_told(keys: Keys, tmp_path: Path, lacking: str) -> None:
    """Never the development keys by mistake."""
    variables = release_variables(keys, tmp_path)
    del variables[lacking]
    done = bundle(tmp_path, tmp_path / "update.raucb", variables)
    assert done.returncode != 0
    assert lacking in done.stderr
    assert "docs/release.md" in done.stderr


def test_development_keys_are_made_on_the_spot_and_kept() -> None:
    first, second = (run("image/release-keys", cwd=PROJECT) for _ in range(2))
    assert first == second
    assert all(str(PROJECT / "build/keys") in path for path in first.split("|"))
    ignored = subprocess.run(["git", "check-ignore", "-q", "build/keys"], cwd=PROJECT, check=False)
    assert ignored.returncode == 0
