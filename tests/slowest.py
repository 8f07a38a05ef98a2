"""The slow tests: `make test` starts their files first, the slowest at once, and `make quick` leaves them out.

tests/slowest.txt lists their seconds and names. `make slowest` times all tests, and writes that file and the table in
docs/development.md.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

RECORD = Path(__file__).with_suffix(".txt")
DOCUMENT = Path(__file__).parents[1] / "docs" / "development.md"
BEGIN, END = "<!-- slowest: make slowest writes this table -->\n", "<!-- /slowest -->\n"
SLOW = 1.0
"""Seconds from which on a test is slow, with all its cases."""
SHOWN = 20


def read(text: str) -> dict[str, float]:
    """The seconds of each slow test, by `path::name`."""
    rows = (line.split(maxsplit=1) for line in text.splitlines())
    return {name: float(seconds) for seconds, name in rows}


seconds = read(RECORD.read_text())


def test_of(nodeid: str) -> str:
    """The test of a case: without its parameters."""
    return nodeid.partition("[")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-slowest", action="store_true", help="write tests/slowest.txt and docs/development.md")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if test_of(item.nodeid) in seconds:
            item.add_marker("slow")


class SlowestFirst(LoadFileScheduling):
    """Hands each file to one worker, the slowest files first, so that none of them runs alone at the end."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(max(self.workqueue, key=_seconds_of), last=False)
        super()._assign_work_unit(node)


def _seconds_of(path: str) -> float:
    return sum(took for name, took in seconds.items() if name.startswith(f"{path}::"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SlowestFirst | None:
    # "load" is the default; a command line that names another one gets it.
    return SlowestFirst(config, log) if config.getoption("dist") == "load" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--record-slowest"):
        return
    took: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                took[test_of(report.nodeid)] += report.duration
    slowest = sorted(((name, took[name]) for name in took if took[name] >= SLOW), key=lambda test: -test[1])
    RECORD.write_text(record(slowest))
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), slowest[:SHOWN]))


def record(slowest: list[tuple[str, float]]) -> str:
    """The text of tests/slowest.txt. slowest: the slow tests and their seconds."""
    return "".join(f"{took:5.1f} {name}\n" for name, took in slowest)


def with_table(document: str, slowest: list[tuple[str, float]]) -> str:
    """The document with a table of these tests."""
    head, _, rest = document.partition(BEGIN)
    rows = "".join(f"| {took:.0f} | `{name}` |\n" for name, took in slowest)
    return f"{head}{BEGIN}| seconds | test |\n| ---: | --- |\n{rows}{END}{rest.partition(END)[2]}"
