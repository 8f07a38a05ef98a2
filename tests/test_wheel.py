"""The wheel in a fresh environment: its command works, and without the simulator's library it says what to install."""

from __future__ import annotations

import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests import manual
from tests.child_process import ChildProcess

ROOT = Path(__file__).parents[1]
LIBRARIES = Path(sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (built,) = folder.glob("table_tracker_appliance-*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command. Its libraries are links to this environment's, all but aiohttp."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=60)
    links = folder / "libraries"
    links.mkdir()
    for library in LIBRARIES.iterdir():
        if not library.name.startswith(("aiohttp", "table_tracker", "_table_tracker")) and library.suffix != ".pth":
            (links / library.name).symlink_to(library)
    (site,) = (folder / "lib").glob("python3.*/site-packages")
    (site / "libraries.pth").write_text(f"{links}\n")
    return folder / "bin" / "tt-appliance"


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], cwd=program.parent, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_wheel_has_only_the_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"appliance", "table_tracker_appliance"}
    assert "appliance/panel/drawing/fonts/RobotoCondensed-Bold.ttf" in names
    shared = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    assert shared == set(manual.files()), "where man and the shells look for them"


def test_the_appliance_needs_no_extra(program: Path) -> None:
    config = run(program, "config")
    assert (config.returncode, config.stderr) == (0, "")
    assert config.stdout.startswith("# ")
    assert run(program, "--version").stdout.startswith("tt-appliance ")


@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_without_aiohttp_one_line_names_the_extra(command: str, program: Path) -> None:
    ended = run(program, command)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert f"tt-appliance {command}: aiohttp is not installed" in ended.stderr
    assert "extra `simulator`" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "first"),
    [(["demo", "--auto"], "looking for the gateway"), (["simulate", "--port", "0", "--no-advertise"], "gateway")],
)
def test_with_aiohttp_the_simulator_works(arguments: list[str], first: str, program: Path) -> None:
    links = program.parents[1] / "libraries"
    for library in LIBRARIES.glob("aiohttp*"):
        if not (links / library.name).exists():
            (links / library.name).symlink_to(library)
    with ChildProcess(
        [program, *arguments], cwd=program.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert first in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
