"""One mutant against the tests, in a forked child: pytest and hypothesis are imported once, in the parent."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import io
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis
import hypothesis.strategies
import pytest

from tests.mutation.mutants import Mutant

EXAMPLES = 10
"""Examples of each property: enough to find bugs that the other tests miss, and the same for each mutant."""
FIRST = ("test_grid.py",)
"""It kills half of all mutants, in a tenth of the time."""
LAST = ("test_machine_properties.py",)
"""The slow ones run last: most mutants are killed before."""
LIMITS = "test_too_many.py"
"""Also slow, and about one limit only."""
HAS_LIMIT = ("connected", "connecting", "limits", "machine", "orders", "transitions")
"""The modules with this limit."""
NOT_RUN = ("test_imports.py",)
"""It reads the unmutated files on the disk."""
TIMEOUT = 60.0
"""Seconds after which an endless mutant counts as killed; all tests take some 3 s."""
MOST_MEMORY = 2 * 1024**3
"""Memory limit of a mutant in bytes, because an endless one must not exhaust the machine."""
BROKEN_IMPORT = 100
"""The exit status of a mutant that can't be imported."""


class Outcome(Enum):
    """The outcome of a trial."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    BROKEN_IMPORT = "can't be imported"


@dataclass(slots=True)
class Trial:
    """A trial of a mutant. pid: of the child."""

    mutant: Mutant
    pid: int
    began: float

    def outcome(self, status: int) -> Outcome:
        """The outcome of a mutant. status: the child's, from `os.waitpid`."""
        if os.WIFSIGNALED(status):
            return Outcome.TIMED_OUT if time.monotonic() - self.began >= TIMEOUT else Outcome.KILLED
        return {0: Outcome.SURVIVED, BROKEN_IMPORT: Outcome.BROKEN_IMPORT}.get(
            os.waitstatus_to_exitcode(status), Outcome.KILLED
        )


def prepare() -> None:
    """Import the libraries of every trial once, but nothing of the appliance, which each child imports itself."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    hypothesis.settings.register_profile(
        "mutation",
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutation")
    # An empty collection imports the modules that pytest and its plugins load late.
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*_OPTIONS, "--collect-only", str(Path(__file__).with_name("__init__.py"))])
    loaded = [name for name in sys.modules if name.split(".")[0] == "appliance"]
    assert not loaded, f"imported before the fork: {loaded}"


def stages(root: Path) -> list[list[str]]:
    """The test files in groups, which run in turn until one kills the mutant."""
    names = sorted(path.name for path in (root / "tests" / "core").glob("test_*.py") if path.name not in NOT_RUN)
    middle = [name for name in names if name not in (*FIRST, *LAST, LIMITS)]
    return [[str(root / "tests" / "core" / name) for name in group] for group in (FIRST, middle, (*LAST, LIMITS))]


def start(mutant: Mutant, groups: Sequence[Sequence[str]]) -> Trial:
    """Fork a child that tests the mutant."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = _try(mutant, groups)
        finally:
            os._exit(status)
    return Trial(mutant, pid, time.monotonic())


_OPTIONS = ("-x", "-q", "--noconftest", "--tb=no", "-p", "no:cacheprovider", "-p", "no:logging", "-c", os.devnull)
"""Options of pytest: tests/core needs neither the project's plugins nor its settings, which take time."""


def _try(mutant: Mutant, groups: Sequence[Sequence[str]]) -> int:
    signal.alarm(int(TIMEOUT))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    module = ".".join(Path(mutant.path).with_suffix("").parts)
    sys.meta_path.insert(0, _Finder(module, mutant))
    try:
        importlib.import_module("appliance.core.present")
        importlib.import_module(module)
    except BaseException:  # noqa: BLE001 - whatever it is, this mutant is no program
        return BROKEN_IMPORT
    limits = Path(mutant.path).stem in HAS_LIMIT
    for group in groups:
        files = [file for file in group if limits or Path(file).name != LIMITS]
        if status := int(pytest.main([*_OPTIONS, *files])):
            return status
    return 0


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the mutated module instead of the one on the disk."""

    def __init__(self, module: str, mutant: Mutant) -> None:
        self._module = module
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def get_source(self, fullname: str) -> str:
        return self._mutant.code

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.code, self._mutant.path, "exec", dont_inherit=True)
