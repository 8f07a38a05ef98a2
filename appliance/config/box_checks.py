"""Checks (see `checks`) of the machine's clock and SSH keys, which the SD card image applies at boot."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from appliance.config.checks import nearest, shown, text_of
from appliance.config.yaml_lines import Node, Scalar, Sequence

SHORTEST_SECRET, LONGEST_SECRET = 16, 200
"""Characters: four random words have more than the least."""
ZONES = Path("/usr/share/zoneinfo")
_CURVES = ("nistp256", "nistp384", "nistp521")
KEY_PARTS = {
    "ssh-ed25519": 1,
    **{f"ecdsa-sha2-{curve}": 2 for curve in _CURVES},
    "ssh-rsa": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""Types of public keys that OpenSSH accepts (sshd(8), AUTHORIZED_KEYS FILE FORMAT), and the fields of their data."""


def time_zone(node: Node) -> str:
    """A time zone of the tz database, such as Europe/Berlin."""
    must = "must be a time zone"
    text = text_of(node, must)
    # Without a tz database, accept every name; the image has one.
    is_name = re.fullmatch(r"[A-Za-z0-9_+-]{1,20}(/[A-Za-z0-9_+-]{1,20}){0,2}", text)
    if is_name and ((ZONES / text).is_file() or not ZONES.is_dir()):
        return text
    from zoneinfo import available_timezones

    near = nearest(text, tuple(sorted(available_timezones())))
    raise ValueError(f"{must}; did you mean {near}?" if near else f"{must} such as Europe/Berlin, not {shown(node)}")


def secret(node: Node) -> str:
    """Words that encrypt: long enough that nobody tries all, even with the copy at hand."""
    text = text_of(node, "must be some words")
    if re.search("[\x00-\x1f\x7f-\x9f]", text):
        raise ValueError("has a control character, such as a tab; correct it")
    if not SHORTEST_SECRET <= len(text) <= LONGEST_SECRET:
        raise ValueError(f"must have {SHORTEST_SECRET} to {LONGEST_SECRET} characters, not {len(text)}")
    return text


def ssh_keys(node: Node) -> tuple[str, ...]:
    """Public keys as in .pub files: one, a list, or one on each line of a text (YAML's `|`)."""
    if isinstance(node, Sequence):
        return tuple(key for item in node.items for key in ssh_keys(item))
    must = "must be a public key, as in id_ed25519.pub"
    if isinstance(node, Scalar) and "\n" in node.text:
        lines = (line.strip() for line in node.text.split("\n"))
        return tuple(_ssh_key(line, must) for line in lines if line and not line.startswith("#"))
    if isinstance(node, Scalar):
        # A long line may be broken in a plain or quoted value.
        node = Scalar(node.line, node.kind, " ".join(node.text.split()), node.plain)
    return (_ssh_key(text_of(node, must), must),)


def _ssh_key(text: str, must: str) -> str:
    import base64
    import binascii

    text = " ".join(text.split())
    kind, _, rest = text.partition(" ")
    if "PRIVATE KEY" in text:
        raise ValueError("must not be a private key: make a new pair, and write the public key")
    if kind not in KEY_PARTS:
        raise ValueError("must begin with its type, such as ssh-ed25519, as in a .pub file")
    if not text.isprintable():
        raise ValueError("has a character that can't be used; copy the key again")
    encoded, _, comment = rest.partition(" ")
    words = comment.split()
    if any(word in KEY_PARTS and after.startswith("AAAA") for word, after in itertools.pairwise(words)):
        raise ValueError("has two keys; write | here, and each key on a line below, indented")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        data = b""
    fields = _fields(data)
    if fields is None or len(fields) != KEY_PARTS[kind] + 1 or fields[0] != kind.encode() or not all(fields):
        raise ValueError("is incomplete; copy the whole line of the .pub file")
    return text


def _fields(data: bytes) -> tuple[bytes, ...] | None:
    """The strings of a key's data, the first of which repeats its type (RFC 4253, 6.6); None if it is truncated."""
    fields: list[bytes] = []
    while data:
        size = int.from_bytes(data[:4])
        if len(data) < 4 + size:
            return None
        fields.append(data[4 : 4 + size])
        data = data[4 + size :]
    return tuple(fields)
