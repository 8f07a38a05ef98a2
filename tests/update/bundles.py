"""Signed bundles, made by RAUC with throw-away keys of image/keys."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.update.cards import run

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Keys:
    """A root and a release key. root, release: folders of image/keys."""

    root: Path
    release: Path

    @classmethod
    def make(cls, folder: Path) -> Keys:
        keys = cls(folder / "root", folder / "release")
        use_keys("root", keys.root)
        use_keys("release", keys.root, keys.release)
        return keys


def use_keys(*words: str | Path) -> str:
    """Run image/keys; its output."""
    return run(PROJECT / "image/keys", *words, cwd=PROJECT)


def make_bundle(
    rauc: Path,
    keys: Keys,
    slot: Path,
    version: str,
    to: Path,
    *,
    compatible: str = "tt-appliance-arm64",
    minimum: str = "0.1.0",
) -> Path:
    """A bundle of a slot's image, signed by the release key."""
    new = to.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    os.link(slot, new / "slot.img")
    manifest = f"""\
[update]
compatible={compatible}
version={version}
[bundle]
format=verity
[image.system]
filename=slot.img
[meta.update]
minimum-version={minimum}
"""
    (new / "manifest.raucm").write_text(manifest)
    to.unlink(missing_ok=True)
    sign(rauc, keys, new, to)
    return to


def sign(rauc: Path, keys: Keys, new: Path, to: Path) -> None:
    """Have RAUC make a bundle of a folder. Without a keyring it does not check what a box would refuse."""
    done = subprocess.run(
        [rauc, "bundle", f"--cert={keys.release}/certificate.pem", f"--key={keys.release}/key.pem", new, to],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def with_revocation_list(bundle: Path, revoked: bytes, to: Path) -> None:
    """Put a list of revoked certificates (PEM) into a bundle's signature, which does not cover it."""
    data = bundle.read_bytes()
    (size,) = struct.unpack(">Q", data[-8:])
    crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
    for name in ("BIO_new_mem_buf", "d2i_CMS_bio", "PEM_read_bio_X509_CRL"):
        getattr(crypto, name).restype = ctypes.c_void_p

    def memory(content: bytes) -> ctypes.c_void_p:
        # It refers to the content, which must live as long.
        return ctypes.c_void_p(crypto.BIO_new_mem_buf(content, len(content)))

    signed = data[-8 - size : -8]
    signature = ctypes.c_void_p(crypto.d2i_CMS_bio(memory(signed), None))
    revocations = ctypes.c_void_p(crypto.PEM_read_bio_X509_CRL(memory(revoked), None, None, None))
    assert crypto.CMS_add1_crl(signature, revocations) == 1
    encoded = ctypes.c_void_p()
    length = crypto.i2d_CMS_ContentInfo(signature, ctypes.byref(encoded))
    assert length > size
    to.write_bytes(data[: -8 - size] + ctypes.string_at(encoded, length) + struct.pack(">Q", length))
