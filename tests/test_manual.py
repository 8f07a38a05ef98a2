"""The manual page and the shells' completion: up to date, complete, and understood by man and bash."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from appliance.command_line import COMMANDS, EXIT_CODES, make_parser
from appliance.history.periods import PERIODS
from tests.manual import BASH, PAGE, ROOT, commands_of, files


@pytest.mark.parametrize("name", sorted(files()))
def test_the_files_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == files()[name], "run: make manual"


def test_the_page_has_every_command_option_and_exit_code() -> None:
    page = files()[PAGE].replace("\\-", "-").replace("\\(aq", "'")
    commands = commands_of(make_parser())
    assert tuple(commands) == COMMANDS
    for name, command in commands.items():
        section = page.partition(f".SS {name}\n")[2].partition(".SS ")[0]
        for action in command._actions:
            assert action.dest == "help" or all(f"\\fB{option}\\fR" in section for option in action.option_strings)
            assert action.help, f"{name} {action.dest} has no explanation"
    assert all(f".B {code}\n" in page for code, _ in EXIT_CODES)


def test_man_reads_the_page_without_a_warning() -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed")
    shown = subprocess.run(
        ["man", "--warnings", "-l", str(ROOT / PAGE)], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "tt-appliance - shows a kitchen its active Table Tracker orders" in shown.stdout


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        (["tt-appliance", "hi"], {"history"}),
        (["tt-appliance", "history", ""], set(PERIODS)),
        (["tt-appliance", "history", "--format", ""], {"table", "csv", "json"}),
        (["tt-appliance", "run", "--pan"], {"--panel"}),
        (["tt-appliance", "help", "sim"], {"simulate"}),
        (["tt-appliance", "-"], {"-h", "--help", "-V", "--version"}),
    ],
)
def test_bash_completes_a_line(line: list[str], offers: set[str]) -> None:
    words = " ".join(f"'{word}'" for word in line)
    state = f"COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}"
    script = f'. {ROOT / BASH}; {state}; _shtab_tt_appliance; echo "${{COMPREPLY[@]}}"'
    found = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) >= offers
