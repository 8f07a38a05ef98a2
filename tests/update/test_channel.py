"""The channel over real HTTPS on loopback: what it takes, and everything that a server can do wrong."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.updates import UpdatePhase, UpdateReason, UpdateSource, UpdateStatus
from appliance.update import channel, downloads, https, state, status
from appliance.update.channel import BACK_OFF, LONGEST_BACK_OFF, Settings, look, read_settings
from appliance.update.places import Places
from appliance.update.state import Channel, Trial
from appliance.update.watch import read_update
from tests.update.channel_server import Server, make_authority, make_certificate, serving
from tests.update.programs import program

OWN, NEW = "1.0.0", "1.2.0"
NOW = 1.8e9
CONTENT = os.urandom(300_000)
FOUND = UpdateStatus(UpdatePhase.FOUND, NEW, 0, "channel")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("tls") / "ca", "throw-away CA")


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    with serving(authority / "server.pem") as served:
        yield served


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A box whose RAUC finds every signature right, and prints what the file says."""
    for folder in ("run/tt-box", "var/lib", "etc/rauc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run/tt-slot").write_text("A\n")
    (tmp_path / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    program(tmp_path / "bin", "rauc", 'cat "$5"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Places(tmp_path)


class Box:
    """A box that looks at a server. pauses: the seconds that it waited between two attempts."""

    def __init__(self, places: Places, server: Server, authority: Path) -> None:
        self.places = places
        self.server = server
        self.context = ssl.create_default_context(cafile=authority / "ca.pem")
        self.pauses: list[float] = []
        self.killed_at_pause = False

    def look(self, now: float = NOW) -> bool:
        settings = Settings(self.server.url, 0.0)
        return look(self.places, settings, self.context, now, sleep=self.sleep, version=OWN)

    def sleep(self, seconds: float) -> None:
        if self.killed_at_pause:
            raise KeyboardInterrupt
        self.pauses.append(seconds)

    @property
    def has(self) -> str | None:
        """The version of the bundle that waits."""
        found = downloads.downloaded(self.places)
        return None if found is None else found.version

    @property
    def shown(self) -> UpdateStatus:
        return read_update(self.places.run / status.NAME)

    @property
    def kept(self) -> Channel:
        return state.load(self.places).channel


@pytest.fixture
def box(places: Places, server: Server, authority: Path) -> Box:
    return Box(places, server, authority)


def bundle_requests(server: Server) -> list[str | None]:
    return [asked for path, asked in server.asked if path.endswith(".raucb")]


def test_an_update_is_downloaded_and_shown(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    assert box.look()
    assert (box.has, box.shown, box.kept.number) == (NEW, FOUND, 7)
    assert (box.places.channel / downloads.BUNDLE).read_bytes() == CONTENT
    assert (box.places.channel.stat().st_mode & 0o777, box.pauses) == (0o700, [])
    assert box.look()
    assert bundle_requests(server) == [None], "it is not downloaded twice"


@pytest.mark.parametrize("phase", [UpdatePhase.INSTALLING, UpdatePhase.READY, UpdatePhase.TRIAL, UpdatePhase.FAILED])
def test_nothing_is_shown_over_an_update_that_is_under_way_or_failed(
    phase: UpdatePhase, box: Box, server: Server
) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    other = UpdateStatus(phase, "1.1.0", 100, "usb", "crashed" if phase is UpdatePhase.FAILED else "")
    status.publish(box.places, other)
    assert box.look()
    assert (box.shown, box.has) == (other, NEW)


def test_a_download_that_is_cut_goes_on_where_it_was(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    server.cut = [100_000, 100_000]
    assert box.look()
    assert box.has == NEW
    assert bundle_requests(server) == [None, "bytes=100000-", "bytes=200000-"]
    assert box.pauses == [10.0, 20.0]


def test_a_download_goes_on_after_the_program_was_killed(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    server.cut = [250_000]
    box.killed_at_pause = True
    with pytest.raises(KeyboardInterrupt):
        box.look()
    assert downloads.downloaded(box.places) is None
    assert box.look()
    assert box.has == NEW
    assert bundle_requests(server) == [None, "bytes=250000-"]


def test_a_server_without_ranges_begins_again(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    server.way, server.cut = "no ranges", [100_000]
    assert box.look()
    assert box.has == NEW


def test_a_bundle_that_changed_meanwhile_is_not_mixed(box: Box, server: Server) -> None:
    """Its new ETag makes the server send all of it; and its hash is not the signed one."""
    entry = server.bundle(NEW, CONTENT)
    server.offer(7, entry)
    server.cut = [100_000] * 5
    server.files[f"/updates/{NEW}.raucb"] = CONTENT[:150_000]
    assert not box.look()
    server.bundle(NEW, CONTENT[::-1])
    server.cut = []
    assert not box.look(NOW + LONGEST_BACK_OFF)
    assert box.has is None
    assert list(box.places.channel.iterdir() if box.places.channel.exists() else ()) == []
    assert box.shown.phase is UpdatePhase.NONE


@pytest.mark.parametrize("way", ["endless", "silent", "dripping"])
def test_an_index_without_end(way: str, box: Box, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "SILENCE", 0.4)
    monkeypatch.setattr(channel, "INDEX_LIMIT", 0.8)
    server.offer(7, server.bundle(NEW, CONTENT))
    server.way = way
    assert not box.look()
    assert (box.kept.number, box.has) == (0, None)


def test_a_bundle_without_end_fills_no_card(box: Box, server: Server) -> None:
    entry = server.bundle(NEW, CONTENT)
    server.offer(7, entry)
    server.files[f"/updates/{NEW}.raucb"] = CONTENT * 9
    server.way = "no length"
    assert not box.look()
    assert sum(path.stat().st_size for path in box.places.channel.iterdir()) < len(CONTENT)


@pytest.mark.parametrize("cut", [0, 1000])
def test_a_download_that_never_ends_well(cut: int, box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    server.cut = [cut] * 5
    assert not box.look()
    assert (box.has, box.pauses) == (None, [10.0, 20.0, 40.0, 80.0])


def test_the_certificate_of_another_authority(box: Box, tmp_path: Path) -> None:
    other = make_authority(tmp_path / "other", "another CA")
    with serving(other / "server.pem") as server:
        server.offer(7, server.bundle(NEW, CONTENT))
        box.server = server
        assert not box.look()
        assert (server.asked, box.kept.failures) == ([], 1)


@pytest.mark.parametrize(
    ("subject", "more"),
    [("DNS:updates.example.org", ("-days", "2")), ("IP:127.0.0.1", ("-days", "-1"))],
    ids=["another-name", "expired"],
)
def test_a_certificate_that_does_not_fit(subject: str, more: tuple[str, ...], box: Box, authority: Path) -> None:
    certificate = make_certificate(authority, "unfit.pem", subject, *more)
    with serving(certificate) as server:
        server.offer(7, server.bundle(NEW, CONTENT))
        box.server = server
        assert not box.look()
        assert server.asked == []


def test_an_old_index_is_refused(box: Box, server: Server) -> None:
    server.offer(7)
    assert box.look()
    server.offer(6, server.bundle(NEW, CONTENT))
    assert not box.look()
    server.offer(7, server.bundle(NEW, CONTENT))
    assert not box.look(NOW + LONGEST_BACK_OFF), "another one of the same number"
    assert (box.has, box.kept.number) == (None, 7)
    server.offer(8, server.bundle(NEW, CONTENT))
    assert box.look(NOW + 2 * LONGEST_BACK_OFF)
    assert (box.has, box.kept.number, box.kept.failures) == (NEW, 8, 0)


def test_a_bundle_is_no_index(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    index = server.files["/updates/index"]
    server.files["/updates/index"] = index.replace(b"tt-appliance-index", b"tt-appliance-arm64")
    assert not box.look()
    assert box.kept.number == 0


def test_an_index_with_a_wrong_signature(box: Box, server: Server, tmp_path: Path) -> None:
    program(tmp_path / "bin", "rauc", "echo 'signature verification failed: Verify error: unknown' >&2; exit 1")
    server.offer(7, server.bundle(NEW, CONTENT))
    assert not box.look()
    assert (box.kept.number, box.has) == (0, None)


def test_what_was_withdrawn_is_removed(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT))
    assert box.look()
    server.offer(8)
    assert box.look()
    assert (box.has, box.places.channel.exists(), box.shown.phase) == (None, False, UpdatePhase.NONE)


def test_a_newer_release_replaces_the_one_that_waits(box: Box, server: Server) -> None:
    first = server.bundle(NEW, CONTENT)
    server.offer(7, first)
    assert box.look()
    server.offer(8, first, server.bundle("1.3.0", CONTENT[:1000]))
    assert box.look()
    assert (box.has, box.shown.version) == ("1.3.0", "1.3.0")
    assert len(list(box.places.channel.iterdir())) == 2, "the bundle and its note"


def test_a_bundle_that_failed_is_not_downloaded_again(box: Box, server: Server) -> None:
    entry = server.bundle(NEW, CONTENT)
    server.offer(7, entry)
    with state.changed(box.places) as kept:
        kept.channel.refuse(entry["sha256"], UpdateReason.NO_ROOM)
    assert box.look()
    with state.changed(box.places) as kept:
        kept.channel.refused.clear()
        kept.trial = Trial("B", NEW, entry["system"], UpdateSource.CHANNEL)
    assert box.look(), "it is installed, and waits for the restart"
    with state.changed(box.places) as kept:
        kept.end_trial(UpdateReason.CRASHED)
    assert box.look()
    assert bundle_requests(server) == []


def test_a_release_of_other_boxes(box: Box, server: Server) -> None:
    server.offer(7, server.bundle(NEW, CONTENT, percent=0))
    assert box.look()
    server.offer(8, server.bundle(NEW, CONTENT, minimum="1.1.0"))
    assert box.look()
    assert bundle_requests(server) == []


def test_a_full_card(box: Box, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "RESERVE", 1 << 60)
    server.offer(7, server.bundle(NEW, CONTENT))
    assert not box.look()
    assert not box.places.channel.exists()


def test_a_server_that_fails_is_left_alone_for_longer_and_longer(box: Box, server: Server) -> None:
    now, waits = NOW, []
    for _ in range(6):
        assert not box.look(now)
        waits.append(box.kept.retry_at - now)
        count = len(server.asked)
        assert box.look(now + waits[-1] - 1)
        assert len(server.asked) == count, "not asked"
        now += waits[-1]
    assert waits == [BACK_OFF, 2 * BACK_OFF, 4 * BACK_OFF, *[LONGEST_BACK_OFF] * 3]
    server.offer(7)
    assert box.look(now - 10 * LONGEST_BACK_OFF), "the clock was set back"
    assert (box.kept.failures, box.kept.retry_at) == (0, 0.0)


def test_the_settings_come_from_root(places: Places) -> None:
    assert read_settings(places) is None
    places.channel_settings.write_text(json.dumps({"url": "https://a.org/index", "at": 14400.0}))
    assert read_settings(places) == Settings("https://a.org/index", 14400.0)
