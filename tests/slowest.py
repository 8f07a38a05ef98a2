"""The slow tests: `make test` runs the slowest first, beside each other as the cores allow; `make quick` omits them.

tests/slowest.txt lists their seconds, the seconds that they keep a core busy, and their names. `make slowest` times all
tests, and writes that file and the table in docs/development.md.
"""

from __future__ import annotations

import os
import resource
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

RECORD = Path(__file__).with_suffix(".txt")
DOCUMENT = Path(__file__).parents[1] / "docs" / "development.md"
BEGIN, END = "<!-- slowest: make slowest writes this table -->\n", "<!-- /slowest -->\n"
SLOW = 1.0
"""Seconds from which on a test is slow, with all its cases."""
SHOWN = 20
BUSY = "seconds of a core"
"""The property of a test's reports with the time that the process and its children computed."""
_BUSY_BEFORE = pytest.StashKey[float]()


class Duration(NamedTuple):
    """How long a test takes with all its cases. busy: the seconds of a core's time that it needs."""

    seconds: float
    busy: float

    @property
    def load(self) -> float:
        """The cores that it keeps busy."""
        return self.busy / self.seconds


FAST = Duration(SLOW, SLOW)
"""The fast tests of a file: their real duration does not matter, and none of them waits."""
TOGETHER = 15.0
"""Seconds of a file's slow tests up to which one worker gets the whole file, so that they share what they set up."""


def read(text: str) -> dict[str, Duration]:
    """The duration of each slow test, by `path::name`."""
    rows = (line.split(maxsplit=2) for line in text.splitlines())
    return {name: Duration(float(seconds), float(busy)) for seconds, busy, name in rows}


durations = read(RECORD.read_text())


def test_of(nodeid: str) -> str:
    """The test of a case: without its parameters."""
    return nodeid.partition("[")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-slowest", action="store_true", help="write tests/slowest.txt and docs/development.md")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if test_of(item.nodeid) in durations:
            item.add_marker("slow")


def file_of(nodeid: str) -> str:
    """The file of a test or a case."""
    return nodeid.partition("::")[0]


class SlowestFirst(LoadScopeScheduling):
    """Hands out each file to one worker, and of a file with long tests each case of them to any.

    The slowest come first, so that none of them runs alone at the end, but only as many tests that compute as there are
    cores: the other workers get tests that mostly wait.
    """

    cores = 1.2 * (os.cpu_count() or 1)
    """The cores to keep busy: a little more than there are, since even a test that computes waits now and then."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        slow: dict[str, list[Duration]] = defaultdict(list)
        for name, took in durations.items():
            slow[file_of(name)].append(took)
        sums = {
            file: Duration(sum(one.seconds for one in tests), sum(one.busy for one in tests))
            for file, tests in slow.items()
        }
        self._together = {
            file: Duration(took.seconds + FAST.seconds, took.busy + FAST.busy)
            for file, took in sums.items()
            if took.seconds <= TOGETHER
        }

    def _split_scope(self, nodeid: str) -> str:
        file = file_of(nodeid)
        return nodeid if test_of(nodeid) in durations and file not in self._together else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        free = self.cores - sum(self._load(units) for other, units in self.assigned_work.items() if other is not node)
        fitting = [unit for unit in self.workqueue if self._duration(unit).load <= free]
        if fitting:
            chosen = max(fitting, key=lambda unit: self._duration(unit).seconds)
        else:
            chosen = min(self.workqueue, key=lambda unit: self._duration(unit).load)
        self.workqueue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)

    def _duration(self, unit: str) -> Duration:
        return self._together.get(unit) or durations.get(test_of(unit), FAST)

    def _load(self, units: dict[str, dict[str, bool]]) -> float:
        """The cores that a worker keeps busy, on average until it has done the units that it has got."""
        unfinished = [self._duration(unit) for unit, tests in units.items() if not all(tests.values())]
        seconds = sum(one.seconds for one in unfinished)
        return sum(one.busy for one in unfinished) / seconds if seconds else 0.0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SlowestFirst | None:
    # "load" is the default; a command line that names another one gets it.
    return SlowestFirst(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy = sum(one.ru_utime + one.ru_stime for one in used)
    report.user_properties = [*report.user_properties, (BUSY, busy - item.config.stash.get(_BUSY_BEFORE, busy))]
    item.config.stash[_BUSY_BEFORE] = busy
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--record-slowest"):
        return
    took: dict[str, list[Duration]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                busy = next(float(value) for name, value in report.user_properties if name == BUSY)  # type: ignore[arg-type]
                took[test_of(report.nodeid)].append(Duration(report.duration, busy))
    sums = {
        name: Duration(sum(case.seconds for case in cases), sum(case.busy for case in cases))
        for name, cases in took.items()
    }
    slowest = sorted((test for test in sums.items() if test[1].seconds >= SLOW), key=lambda test: -test[1].seconds)
    RECORD.write_text(record(slowest))
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), slowest[:SHOWN]))


def record(slowest: list[tuple[str, Duration]]) -> str:
    """The text of tests/slowest.txt. slowest: the slow tests and their durations."""
    return "".join(f"{took.seconds:5.1f} {took.busy:5.1f} {name}\n" for name, took in slowest)


def with_table(document: str, slowest: list[tuple[str, Duration]]) -> str:
    """The document with a table of these tests."""
    head, _, rest = document.partition(BEGIN)
    rows = "".join(f"| {took.seconds:.0f} | {took.busy:.0f} | `{name}` |\n" for name, took in slowest)
    return f"{head}{BEGIN}| seconds | computing | test |\n| ---: | ---: | --- |\n{rows}{END}{rest.partition(END)[2]}"
