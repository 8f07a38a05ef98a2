"""The settings file: missing, unreadable, too large, or from another system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.config import ConfigError, load
from appliance.core.limits import LARGEST_SETTINGS


def _missing(path: Path) -> None: ...


def _directory(path: Path) -> None:
    path.mkdir()


def _latin(path: Path) -> None:
    path.write_bytes(b"gateway:\n  name: K\xfcche\n")


def _utf16(path: Path) -> None:
    path.write_bytes("gateway: {}".encode("utf-16")[:-1])


def _large(path: Path) -> None:
    path.write_bytes(b"#\n" * (LARGEST_SETTINGS // 2 + 1))


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_missing, "{}: can't be read: No such file or directory"),
        (_directory, "{}: can't be read: Is a directory"),
        (_latin, "{}:2: gateway.name: has a letter in an old encoding; save the file as UTF-8"),
        (_utf16, "{}: ends in half a character; save the file as UTF-8"),
        (_large, "{}:32769: larger than 64 KiB: too large for a settings file"),
        (_binary, "{}:1: has a character that can't be used (U+0000); delete it"),
    ],
)
def test_unusable_files(tmp_path: Path, make: Callable[[Path], None], expected: str) -> None:
    path = tmp_path / "tt.yaml"
    make(path)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).splitlines()[0] == expected.format(path)


def test_an_unreadable_file_and_an_invalid_path(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ConfigError, match="can't be read: Too many levels of symbolic links"):
        load(tmp_path / "loop")
    with pytest.raises(ConfigError, match="is not the name of a file"):
        load(Path("a\0b"))


def test_a_byte_order_mark_and_dos_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "tt.yaml"
    path.write_bytes(b"\xef\xbb\xbfdisplay:\r\n  contrast: 7\r\n")
    assert load(path).display.contrast == 7
