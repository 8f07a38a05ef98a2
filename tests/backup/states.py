"""A box's state for the tests: files, and an archive with orders, as the appliance writes them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from appliance.core.delivery import Finished
from appliance.core.values import Credential, Token
from appliance.history.archive import Archive, Progress
from appliance.store import TokenStore

BOX = "tt-appliance-1a2b"
PASSPHRASE = "four quiet kitchen words"
TOKEN = Token("2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186")
SSH_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real one\n"


def orders(count: int = 50) -> list[Finished]:
    """Of half a minute each, one a minute, with times in the archive's epoch."""
    starts = (800_000_000.0 + 60 * number for number in range(count))
    return [
        Finished(str(UUID(int=number)), str(number), "ON_PREMISE", "8", False, start, start + 30, 30.0)
        for number, start in enumerate(starts)
    ]


def fill(state: Path) -> None:
    """Make the state of a paired box."""
    folder = state / "tt-appliance"
    folder.mkdir(parents=True)
    TokenStore(folder).store(Credential("Küche", TOKEN))
    Archive(folder).add("Küche", orders(), Progress(1000.0))
    (folder / "display-driver").write_text("0x3C ssd1306 sh1106\n")
    (state / "ssh").mkdir()
    (state / "ssh/ssh_host_ed25519_key").write_text(SSH_KEY)


def archived(state: Path) -> int:
    """The number of orders in the archive."""
    return len(list(Archive(state / "tt-appliance", of_another=True).orders("Küche")))


def token(state: Path) -> Credential | None:
    return TokenStore(state / "tt-appliance").load(tidy=False).current
