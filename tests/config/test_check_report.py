"""`tt-appliance config --check`: what the box would do with a file, as JSON and in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.__main__ import EX_CONFIG, main
from tests.config.test_wifi_safety import BAR, LOST_PASSWORDS, PASSWORD, SECRET

NOTHING: dict[str, Any] = {
    "wifi": None,
    "time_server": None,
    "dns": [],
    "gateway": {"address": None, "name": None},
}


def check(path: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the standard output; nothing is written to standard error."""
    code = main(["config", "--check", str(path), *options])
    written = capsys.readouterr()
    assert written.err == ""
    return code, written.out


def test_a_right_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tt.yaml"
    more = "box: {time_server: ntp.example.org}\nnetwork: {dns: [9.9.9.9, 2001:db8::1]}\n"
    file.write_text(BAR + PASSWORD + more + "gateway:\n  address: [fe80::1%eth0]:8001\n  name: Küche\n")
    code, output = check(file, "--json", capsys=capsys)
    assert code == 0
    assert output.isascii()
    assert output.count("\n") == 1
    assert json.loads(output) == {
        "mistakes": [],
        "effect": {
            "wifi": {"name": "Bar", "country": "DE", "security": "password"},
            "time_server": "ntp.example.org",
            "dns": ["9.9.9.9", "2001:db8::1"],
            "gateway": {"address": "[fe80::1%eth0]:8001", "name": "Küche"},
        },
    }
    assert check(file, capsys=capsys) == (
        0,
        "Wi-Fi: joins 'Bar' with a password, by the radio rules of DE\n"
        "Time server: ntp.example.org\n"
        "Name servers: 9.9.9.9, 2001:db8::1\n"
        "Gateway: at [fe80::1%eth0]:8001, named 'Küche'\n",
    )


def test_an_open_network_and_a_named_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tt.yaml"
    file.write_text("wifi: {name: Bar, open: true}\ngateway: {name: Kitchen}\n")
    code, output = check(file, "--json", capsys=capsys)
    effect = json.loads(output)["effect"]
    assert (code, effect["wifi"]) == (0, {"name": "Bar", "country": None, "security": "open"})
    assert effect["gateway"] == {"address": None, "name": "Kitchen"}
    assert check(file, capsys=capsys)[1].splitlines()[::3] == [
        "Wi-Fi: joins 'Bar' without a password",
        "Gateway: the one named 'Kitchen'",
    ]


def test_an_empty_file_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tt.yaml"
    file.write_text("")
    assert json.loads(check(file, "--json", capsys=capsys)[1]) == {"mistakes": [], "effect": NOTHING}
    assert check(file, capsys=capsys) == (
        0,
        "Wi-Fi: joins none\n"
        "Time server: the default ones\n"
        "Name servers: those that the network assigns\n"
        "Gateway: found by itself\n",
    )


def test_mistakes_are_told_with_the_effect_of_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tt.yaml"
    file.write_text(BAR + "  psk: kitchen-2024\nnetwork: {dns: 9.9.9.9}\n")
    code, output = check(file, "--json", capsys=capsys)
    assert code == EX_CONFIG == 78
    assert json.loads(output) == {
        "mistakes": [
            {"line": 4, "key": "wifi.psk", "text": "unknown setting; did you mean wifi.password?"},
            {
                "line": 4,
                "key": "wifi.password",
                "text": "missing: the Wi-Fi is not joined. No password? Write open: true",
            },
        ],
        "effect": NOTHING | {"dns": ["9.9.9.9"]},
    }
    code, output = check(file, capsys=capsys)
    assert code == 78
    assert output.splitlines()[0] == f"{file}:4: wifi.psk: unknown setting; did you mean wifi.password?"
    assert output.splitlines()[2:4] == ["Wi-Fi: joins none", "Time server: the default ones"]


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("kind", LOST_PASSWORDS)
def test_no_password_is_printed(
    kind: str, options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, written = tmp_path / "tt.yaml", LOST_PASSWORDS[kind]
    file.write_bytes(BAR.encode() + (written if isinstance(written, bytes) else written.encode()))
    code, output = check(file, *options, capsys=capsys)
    assert code == 78
    assert "2024" not in output
    file.write_text(BAR + PASSWORD)
    assert SECRET not in check(file, *options, capsys=capsys)[1]


def test_files_that_can_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, text in (
        (tmp_path / "none.yaml", "can't be read: No such file or directory"),
        (tmp_path, "can't be read: Is a directory"),
        (Path("a\0b"), "is not the name of a file"),
    ):
        code, output = check(path, "--json", capsys=capsys)
        assert code == 78
        assert json.loads(output) == {"mistakes": [{"line": None, "key": None, "text": text}], "effect": NOTHING}


def test_a_name_with_control_characters_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tt.yaml"
    file.write_text(r'wifi: {name: "a\n\e[31mb\u202e", open: true}')
    code, output = check(file, capsys=capsys)
    assert code == 0
    assert output.splitlines()[0] == r"Wi-Fi: joins 'a\n\x1b[31mb\u202e' without a password"


@pytest.mark.parametrize("arguments", [["--json"], ["--check"], ["--check", "a", "--config", "b"]])
def test_options_that_make_no_sense_together(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["config", *arguments])
    assert ended.value.code == 2
    assert "tt-appliance config: error: " in capsys.readouterr().err
