"""The channel's signed index, made by image/index and read by the real RAUC with the rules of a box."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.core.updates import UpdateReason
from appliance.update import bundle, index
from appliance.update.bundle import Refused
from appliance.update.channel import read_index
from appliance.update.places import Places
from tests.update.bundles import PROJECT, Keys, make_bundle, use_keys
from tests.update.cards import make_slot, run

pytestmark = [pytest.mark.image, pytest.mark.release]
URL = "https://updates.example.org/tt/index"


@dataclass(frozen=True)
class Lab:
    """A box with a keyring, and a bundle to offer."""

    folder: Path
    keys: Keys
    places: Places
    bundle: Path

    def make(self, number: int, *words: str | Path, keys: Keys | None = None) -> Path:
        """An index by image/index."""
        signer, to = keys or self.keys, self.folder / f"{number}.index"
        (self.folder / "signers.pem").write_text(use_keys("keyring", signer.root))
        environment = [f"RELEASE_KEY={signer.release}/key.pem", f"RELEASE_CERTIFICATE={signer.release}/certificate.pem"]
        environment.append(f"RELEASE_KEYRING={self.folder / 'signers.pem'}")
        run("env", *environment, "image/index", str(number), to, *words, cwd=PROJECT)
        return to


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    rauc = Path(run("image/host-rauc", cwd=PROJECT).strip())
    keys = Keys.make(folder)
    rules = (PROJECT / "image/root/etc/rauc/system.conf").read_text().replace("@VERSION@", "1.0.0")
    (folder / "etc/rauc").mkdir(parents=True)
    (folder / "etc/rauc/system.conf").write_text(rules)
    (folder / "etc/rauc/keyring.pem").write_text(use_keys("keyring", keys.root))
    (folder / "bin").mkdir()
    shutil.copy(rauc, folder / "bin/rauc")
    made = make_bundle(rauc, keys, make_slot(folder / "slot.img", "1.2.0"), "1.2.0", folder / "1.2.0.raucb")
    return Lab(folder, keys, Places(folder), made)


@pytest.fixture(autouse=True)
def real_rauc(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{lab.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin")


def reason(lab: Lab, path: Path) -> UpdateReason:
    with pytest.raises(Refused) as refused:
        read_index(lab.places, path, URL)
    return refused.value.reason


def test_an_index_says_what_its_bundle_says(lab: Lab) -> None:
    found = read_index(lab.places, lab.make(7, "25", lab.bundle), URL)
    (release,) = found.releases
    said = bundle.read(lab.places, lab.bundle)
    assert (found.number, release.percent, release.url) == (7, 25, "https://updates.example.org/tt/1.2.0.raucb")
    assert (release.version, release.system, release.minimum) == (said.version, said.digest, said.minimum)
    assert release.size == lab.bundle.stat().st_size
    assert read_index(lab.places, lab.make(8), URL).releases == ()


def test_neither_passes_for_the_other(lab: Lab) -> None:
    with pytest.raises(ValueError, match="no index"):
        read_index(lab.places, lab.bundle, URL)
    with pytest.raises(Refused):
        bundle.read(lab.places, lab.make(9))
    assert index.COMPATIBLE != "tt-appliance-arm64"


def test_another_key_a_changed_byte_and_half_an_index(lab: Lab, tmp_path: Path) -> None:
    assert reason(lab, lab.make(10, keys=Keys.make(tmp_path))) is UpdateReason.WRONG_KEY
    data = lab.make(11).read_bytes()
    changed = tmp_path / "changed"
    changed.write_bytes(data.replace(b'"number": 11', b'"number": 99'))
    assert changed.read_bytes() != data
    assert reason(lab, changed) is UpdateReason.CORRUPT
    changed.write_bytes(data[:-100])
    assert reason(lab, changed) in (UpdateReason.CORRUPT, UpdateReason.TRUNCATED)


def test_a_revoked_key_signs_no_index(lab: Lab, tmp_path: Path) -> None:
    thief = Keys.make(tmp_path)
    signed = lab.make(12, keys=thief)
    use_keys("revoke", thief.root, thief.release / "certificate.pem")
    keyring = lab.folder / "etc/rauc/keyring.pem"
    before = keyring.read_text()
    try:
        keyring.write_text(use_keys("keyring", thief.root))
        assert reason(lab, signed) is UpdateReason.WRONG_KEY
    finally:
        keyring.write_text(before)


@pytest.mark.parametrize("words", [("101", "BUNDLE"), ("x", "BUNDLE"), ("10", "/etc/hostname")])
def test_a_wrong_index_is_not_made(words: tuple[str, ...], lab: Lab) -> None:
    with pytest.raises(AssertionError):
        lab.make(13, *(word.replace("BUNDLE", str(lab.bundle)) for word in words))
    assert not (lab.folder / "13.index").exists()
