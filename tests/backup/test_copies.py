"""Copies of a state: what is in one, what comes back from it, and what is refused without a change."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from appliance.backup.contents import PLAIN, SECRETS
from appliance.backup.copy_file import CopyError, check
from appliance.backup.restore import choose, end_first_start, is_first_start, stage
from appliance.backup.save import names, save_to_file, save_to_folder
from appliance.core.backups import BackupReason
from appliance.history.archive import Archive, Progress
from appliance.store import TokenStore
from tests.backup.states import BOX, PASSPHRASE, SSH_KEY, TOKEN, archived, fill, orders, token

SCRIPT = Path(__file__).parents[2] / "image/root/usr/lib/tt-appliance/restored-state"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    fill(tmp_path / "state")
    return tmp_path / "state"


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The state of a new card: the appliance has started, and nobody has paired it."""
    (tmp_path / "new/tt-appliance").mkdir(parents=True)
    return tmp_path / "new"


def restored(state: Path) -> Path:
    """What the start of the appliance makes of a staged copy."""
    subprocess.run(["sh", SCRIPT, state], check=True)
    return state


def refusal(copy: Path) -> BackupReason | None:
    """Why a copy is refused; None if it is whole."""
    try:
        check(copy)
    except CopyError as error:
        return error.reason
    return None


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_back(state: Path, stick: Path, new: Path) -> None:
    assert save_to_folder(state, stick, PASSPHRASE, BOX)
    copy = choose(stick, BOX)
    assert copy is not None
    percent: list[int] = []
    assert stage(new, copy, PASSPHRASE, percent.append)
    assert percent[-1] == 100
    assert is_first_start(new)
    restored(new)
    assert token(new) == token(state)
    assert archived(new) == archived(state) == len(orders())
    assert (new / "tt-appliance/display-driver").read_bytes() == (state / "tt-appliance/display-driver").read_bytes()
    assert (new / "ssh/ssh_host_ed25519_key").read_text() == SSH_KEY
    assert (new / "ssh/ssh_host_ed25519_key").stat().st_mode & 0o777 == 0o600
    assert not (new / "tt-restore").exists()
    assert not is_first_start(new), "the stick restores nothing a second time"


@pytest.mark.parametrize("passphrase", [None, "another passphrase"])
def test_without_the_passphrase_all_but_the_secrets_comes_back(
    state: Path, stick: Path, new: Path, passphrase: str | None
) -> None:
    save_to_file(state, stick / "copy", PASSPHRASE, BOX)
    assert not stage(new, stick / "copy", passphrase)
    restored(new)
    assert token(new) is None
    assert not (new / "ssh").exists()
    assert archived(new) == len(orders())


def test_without_a_passphrase_no_secret_is_in_the_copy(state: Path, stick: Path) -> None:
    assert not save_to_file(state, stick / "copy", None, BOX)
    with zipfile.ZipFile(stick / "copy") as copy:
        assert {*copy.namelist()} == {*PLAIN, "copy.json"}
        content = b"".join(copy.read(name) for name in copy.namelist())
    assert TOKEN.reveal().encode() not in content
    assert SSH_KEY.encode() not in content


def test_with_a_passphrase_the_secrets_are_encrypted(state: Path, stick: Path) -> None:
    save_to_file(state, stick / "copy", PASSPHRASE, BOX)
    with zipfile.ZipFile(stick / "copy") as copy:
        assert SECRETS in copy.namelist()
        content = b"".join(copy.read(name) for name in copy.namelist())
    assert TOKEN.reveal().encode() not in content
    assert SSH_KEY.encode() not in content
    assert PASSPHRASE.encode() not in content


def test_only_the_owner_may_read_a_copy(state: Path, stick: Path) -> None:
    save_to_file(state, stick / "copy", None, BOX)
    assert (stick / "copy").stat().st_mode & 0o777 == 0o600


def test_an_empty_state_can_be_saved(stick: Path, new: Path) -> None:
    assert save_to_file(new, stick / "copy", PASSPHRASE, BOX)
    assert not stage(new, stick / "copy", PASSPHRASE), "there was no pairing"


def test_a_copy_is_of_one_moment_of_the_archive(state: Path, stick: Path, new: Path) -> None:
    """The appliance can't change it while it is read, and writes its orders after that."""
    failed: list[str] = []

    def write(percent: int) -> None:
        if not failed:
            database = sqlite3.connect(state / "tt-appliance/history.sqlite3", timeout=0)
            try:
                database.execute("DELETE FROM orders")
                database.commit()
            except sqlite3.OperationalError as error:
                failed.append(str(error))
            finally:
                database.close()

    save_to_file(state, stick / "copy", None, BOX, on_percent=write)
    assert failed == ["database is locked"]
    stage(new, stick / "copy", None)
    assert archived(restored(new)) == len(orders())
    assert Archive(state / "tt-appliance").add("Küche", [], Progress(2000.0)) == 0


def test_an_interrupted_update_of_the_archive_saves_nothing(state: Path, stick: Path) -> None:
    (state / "tt-appliance/history.sqlite3-journal").write_bytes(
        bytes.fromhex("d9d505f920a163d7") + b"\0\0\0\1" + b"\0" * 500 + b"x" * 5000
    )
    with pytest.raises(CopyError) as refused:
        save_to_folder(state, stick, None, BOX)
    assert refused.value.reason is BackupReason.FAILED
    assert tree(stick) == {}


def test_a_new_copy_replaces_the_older_one_of_the_box_alone(state: Path, stick: Path) -> None:
    other = save_to_folder(state, stick, None, "tt-appliance-ffff")
    assert not other
    for number in range(1, 4):
        save_to_folder(state, stick, None, BOX)
        own = [path for path in names(stick, BOX) if path.exists()]
        assert len(own) == 1
        assert check(own[0]).number == number
    assert len(list(stick.iterdir())) == 2
    assert choose(stick, BOX) == own[0]


def test_the_copy_of_another_box_is_taken_if_it_is_the_only_one(state: Path, stick: Path) -> None:
    save_to_folder(state, stick, None, BOX)
    assert choose(stick, "tt-appliance-9999") == names(stick, BOX)[0]
    save_to_folder(state, stick, None, "tt-appliance-ffff")
    with pytest.raises(CopyError) as refused:
        choose(stick, "tt-appliance-9999")
    assert refused.value.reason is BackupReason.SEVERAL_COPIES


def test_a_stick_without_a_copy_has_none(stick: Path) -> None:
    (stick / "holiday.zip").write_bytes(b"x")
    assert choose(stick, BOX) is None


def test_any_damage_is_noticed_and_changes_nothing(state: Path, stick: Path, new: Path) -> None:
    save_to_file(state, stick / "copy", PASSPHRASE, BOX)
    whole, index, before = (stick / "copy").read_bytes(), check(stick / "copy"), tree(new)
    for at in range(0, len(whole), 37):
        (stick / "copy").write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        if refusal(stick / "copy") is None:
            # A ZIP archive has fields that nobody reads, such as dates.
            assert check(stick / "copy") == index
            continue
        assert refusal(stick / "copy") in (BackupReason.DAMAGED, BackupReason.NEWER)
        with pytest.raises(CopyError):
            stage(new, stick / "copy", None)
        assert tree(new) == before
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (stick / "copy").write_bytes(whole[:length])
        with pytest.raises(CopyError):
            stage(new, stick / "copy", PASSPHRASE)
        assert tree(new) == before


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ({"format": 2}, BackupReason.NEWER),
        ({"format": 0}, BackupReason.DAMAGED),
        ({"format": "1"}, BackupReason.DAMAGED),
        ({"parts": []}, BackupReason.DAMAGED),
        ({"parts": {"history.sqlite3": {"size": -1, "sha256": ""}}}, BackupReason.DAMAGED),
        ({"parts": {"nothing": {"size": 1, "sha256": ""}}}, BackupReason.DAMAGED),
        ({"number": None}, BackupReason.DAMAGED),
    ],
)
def test_an_index_of_another_kind_is_refused(
    stick: Path, new: Path, index: dict[str, object], reason: BackupReason
) -> None:
    with zipfile.ZipFile(stick / "copy", "w") as copy:
        copy.writestr(
            "copy.json", json.dumps({"format": 1, "number": 1, "box": BOX, "version": "1", "parts": {}} | index)
        )
    with pytest.raises(CopyError) as refused:
        stage(new, stick / "copy", None)
    assert refused.value.reason is reason
    assert tree(new) == {}


def test_a_part_that_unpacks_to_more_than_its_index_says_is_refused(stick: Path, new: Path) -> None:
    index = {"format": 1, "number": 1, "box": BOX, "version": "1"}
    with zipfile.ZipFile(stick / "copy", "w", zipfile.ZIP_DEFLATED) as copy:
        copy.writestr("history.sqlite3", bytes(50_000_000))
        part = {"size": 1000, "sha256": "0" * 64}
        copy.writestr("copy.json", json.dumps(index | {"parts": {"history.sqlite3": part}}))
    with pytest.raises(CopyError):
        stage(new, stick / "copy", None)
    assert tree(new) == {}


def test_parts_of_other_names_are_left_alone(stick: Path, new: Path) -> None:
    index = {"format": 1, "number": 1, "box": BOX, "version": "1"}
    empty = {"size": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}
    with zipfile.ZipFile(stick / "copy", "w") as copy:
        copy.writestr("../../evil", b"")
        copy.writestr("copy.json", json.dumps(index | {"parts": {"../../evil": empty}}))
    stage(new, stick / "copy", None)
    assert tree(restored(new)) == {"tt-no-restore": b""}


def test_the_journal_of_the_replaced_archive_is_not_applied_to_the_restored_one(
    state: Path, stick: Path, new: Path
) -> None:
    save_to_file(state, stick / "copy", None, BOX)
    stage(new, stick / "copy", None)
    (new / "tt-appliance/history.sqlite3-journal").write_bytes(b"of another archive")
    restored(new)
    assert not (new / "tt-appliance/history.sqlite3-journal").exists()
    assert archived(new) == len(orders())


def test_a_full_disk_leaves_the_older_copy(state: Path, stick: Path) -> None:
    save_to_folder(state, stick, None, BOX)
    before = tree(stick)
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            save_to_folder(state, stick, None, BOX)
        except OSError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert tree(stick) == before


def test_a_box_is_at_its_first_start_until_it_is_paired_or_told_otherwise(new: Path, state: Path) -> None:
    assert is_first_start(new)
    assert not is_first_start(state)
    TokenStore(state / "tt-appliance").forget()
    assert is_first_start(state)
    end_first_start(state)
    assert not is_first_start(state)
