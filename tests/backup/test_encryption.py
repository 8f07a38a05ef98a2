"""The encryption of a copy's secrets: by published test vectors, and with a wrong passphrase."""

from __future__ import annotations

import pytest

from appliance.backup import encryption
from appliance.backup.encryption import NONCE, SALT, TAG, WrongPassphraseError, decrypt, encrypt

PASSPHRASE = "four quiet kitchen words"


def test_the_cipher_is_aes_256_gcm() -> None:
    """Test case 15 of the GCM specification (McGrew and Viega, 2005)."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        "b094dac5d93471bdec1a502270e3cc6c"
    )
    assert encryption._seal(key, nonce, plain) == sealed
    assert encryption._open(key, nonce, sealed) == plain


@pytest.mark.parametrize("data", [b"", b"x", b"token" * 1000])
def test_the_passphrase_decrypts(data: bytes) -> None:
    encrypted = encrypt(data, PASSPHRASE)
    assert decrypt(encrypted, PASSPHRASE) == data
    assert len(encrypted) == SALT + NONCE + len(data) + TAG
    assert len(data) < 2 or data not in encrypted


def test_another_passphrase_does_not() -> None:
    with pytest.raises(WrongPassphraseError):
        decrypt(encrypt(b"token", PASSPHRASE), PASSPHRASE + " ")


def test_no_two_copies_share_a_key_or_a_nonce() -> None:
    first, second = (encrypt(b"token", PASSPHRASE)[: SALT + NONCE] for _ in range(2))
    assert first[:SALT] != second[:SALT]
    assert first[SALT:] != second[SALT:]


@pytest.mark.parametrize("at", [0, SALT, SALT + NONCE, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    changed = bytearray(encrypt(b"token", PASSPHRASE))
    changed[at] ^= 1
    with pytest.raises(WrongPassphraseError):
        decrypt(bytes(changed), PASSPHRASE)


@pytest.mark.parametrize("length", [0, SALT, SALT + NONCE + TAG - 1, SALT + NONCE + TAG + 4])
def test_a_truncated_one_is_refused(length: int) -> None:
    with pytest.raises(WrongPassphraseError):
        decrypt(encrypt(b"token", PASSPHRASE)[:length], PASSPHRASE)
