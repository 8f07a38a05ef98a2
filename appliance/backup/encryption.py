"""Encrypts the secrets of a copy with a passphrase: scrypt, then AES-256-GCM. Both come from OpenSSL.

The image has no other library for it than OpenSSL's libcrypto, which Python and OpenSSH bring along, and Python has no
interface to its ciphers: hence the few calls of EVP_EncryptInit(3), in the order of its section on AEAD.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import hashlib
import os

SALT, NONCE, TAG, KEY = 16, 12, 16, 32
"""Bytes. Salt and nonce are new for each copy, so no key encrypts twice."""
COST, BLOCK = 2**15, 8
"""The parameters n and r of scrypt: 32 MB, and about a second on the slowest board."""
_GET_TAG, _SET_TAG = 0x10, 0x11
"""EVP_CTRL_AEAD_GET_TAG and EVP_CTRL_AEAD_SET_TAG of openssl/evp.h."""


class WrongPassphraseError(Exception):
    """The passphrase is another one, or the data is damaged: AES-GCM can't tell which."""


def encrypt(data: bytes, passphrase: str) -> bytes:
    """Data that decrypt() accepts with the same passphrase alone. Raises OSError without OpenSSL's library."""
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    return salt + nonce + _seal(_key(passphrase, salt), nonce, data)


def decrypt(data: bytes, passphrase: str) -> bytes:
    """What encrypt() was given.

    Raises:
        WrongPassphraseError: See there.
        OSError: OpenSSL's library is missing.
    """
    salt, nonce, sealed = data[:SALT], data[SALT : SALT + NONCE], data[SALT + NONCE :]
    if len(sealed) < TAG:
        raise WrongPassphraseError
    return _open(_key(passphrase, salt), nonce, sealed)


def _key(passphrase: str, salt: bytes) -> bytes:
    most = 2 * 128 * COST * BLOCK
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=COST, r=BLOCK, p=1, maxmem=most, dklen=KEY)


def _seal(key: bytes, nonce: bytes, data: bytes) -> bytes:
    with _Context(key, nonce, encrypts=True) as context:
        sealed = context.update(data)
        context.finish()
        return sealed + context.tag()


def _open(key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    with _Context(key, nonce, encrypts=False) as context:
        data = context.update(sealed[:-TAG])
        context.expect(sealed[-TAG:])
        context.finish()
        return data


class _Context:
    """One EVP_CIPHER_CTX of AES-256-GCM."""

    def __init__(self, key: bytes, nonce: bytes, *, encrypts: bool) -> None:
        self._library = _libcrypto()
        self._encrypts = encrypts
        self._own = ctypes.c_void_p(self._library.EVP_CIPHER_CTX_new())
        cipher = ctypes.c_void_p(self._library.EVP_aes_256_gcm())
        # A nonce of 12 bytes is the cipher's default.
        self._check(self._library.EVP_CipherInit_ex(self._own, cipher, None, key, nonce, int(encrypts)))

    def __enter__(self) -> _Context:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.EVP_CIPHER_CTX_free(self._own)

    def update(self, data: bytes) -> bytes:
        output, length = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int()
        self._check(self._library.EVP_CipherUpdate(self._own, output, ctypes.byref(length), data, len(data)))
        return output.raw[: length.value]

    def expect(self, tag: bytes) -> None:
        self._check(self._library.EVP_CIPHER_CTX_ctrl(self._own, _SET_TAG, TAG, tag))

    def finish(self) -> None:
        output, length = ctypes.create_string_buffer(16), ctypes.c_int()
        if self._library.EVP_CipherFinal_ex(self._own, output, ctypes.byref(length)) != 1:
            raise WrongPassphraseError

    def tag(self) -> bytes:
        tag = ctypes.create_string_buffer(TAG)
        self._check(self._library.EVP_CIPHER_CTX_ctrl(self._own, _GET_TAG, TAG, tag))
        return tag.raw

    def _check(self, result: int) -> None:
        if result != 1:
            raise OSError("OpenSSL's AES-256-GCM failed")


@functools.cache
def _libcrypto() -> ctypes.CDLL:
    # By name first: find_library() runs programs.
    try:
        library = ctypes.CDLL("libcrypto.so.3")
    except OSError:
        found = ctypes.util.find_library("crypto")
        if found is None:
            raise
        library = ctypes.CDLL(found)
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
        getattr(library, name).restype = ctypes.c_void_p
    return library
