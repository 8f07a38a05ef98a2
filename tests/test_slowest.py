"""The list of slow tests: each exists, and the scheduler hands them out first."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer

from tests import slowest

ROOT = Path(__file__).parents[1]


class Node:
    """A fake xdist worker that records its tests."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[list[int]] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given.append(indices)

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.mark.parametrize("path", sorted({name.partition("::")[0] for name in slowest.durations}))
def test_each_listed_test_exists(path: str) -> None:
    listed = {name.partition("::")[2] for name in slowest.durations if name.startswith(f"{path}::")}
    found = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")}
    assert listed <= found, "run `make slowest`, or rename them in tests/slowest.txt"


def scheduled(pytestconfig: pytest.Config, collection: list[str], workers: int) -> list[list[list[str]]]:
    """The tests that each worker gets at the start, in the scheduler's units."""
    config: Any = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=True, tx=["popen"] * workers, numprocesses=workers, rsyncdir=[]),
        getvalue=lambda name: ["popen"] * workers,
        hook=pytestconfig.hook,
    )
    scheduler = slowest.SlowestFirst(config, Producer("test"))
    scheduler.cores = 2.4
    nodes: list[Any] = [Node(str(number)) for number in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, collection)
    scheduler.schedule()
    return [[[collection[index] for index in unit] for unit in node.given] for node in nodes]


def test_the_slowest_tests_start_first(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        slowest, "durations", {"a.py::slow": slowest.Duration(18.0, 18.0), "b.py::slower": slowest.Duration(22.0, 1.0)}
    )
    collection = ["0.py::one", "a.py::two", "a.py::slow[x]", "a.py::slow[y]", "a.py::slow[z]", "b.py::slower"]
    assert scheduled(pytestconfig, collection, 2) == [
        [["b.py::slower"], ["a.py::slow[y]"]],
        [["a.py::slow[x]"], ["a.py::slow[z]"]],
    ]


def test_a_file_without_long_tests_stays_together(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowest, "durations", {"a.py::slow": slowest.Duration(9.0, 5.0)})
    collection = ["0.py::one", "a.py::fast", "a.py::slow[x]", "a.py::slow[y]", "b.py::fast"]
    assert scheduled(pytestconfig, collection, 2) == [
        [["a.py::fast", "a.py::slow[x]", "a.py::slow[y]"]],
        [["0.py::one"], ["b.py::fast"]],
    ]


def test_no_more_tests_compute_at_once_than_there_are_cores(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    computes, waits = slowest.Duration(19.0, 19.0), slowest.Duration(16.0, 0.1)
    durations = {f"{name}.py::one": computes for name in "abc"} | {f"{name}.py::one": waits for name in "de"}
    monkeypatch.setattr(slowest, "durations", durations)
    given = scheduled(pytestconfig, [*durations, "f.py::one"], 3)
    assert given == [[["a.py::one"], ["c.py::one"]], [["b.py::one"], ["e.py::one"]], [["d.py::one"], ["f.py::one"]]]


def test_the_list_and_the_table_are_written() -> None:
    took = [("tests/a.py::slow", slowest.Duration(12.34, 1.0)), ("tests/b.py::slow", slowest.Duration(3.0, 2.96))]
    assert slowest.record(took) == " 12.3   1.0 tests/a.py::slow\n  3.0   3.0 tests/b.py::slow\n"
    assert slowest.read(slowest.record(took)) == {"tests/a.py::slow": (12.3, 1.0), "tests/b.py::slow": (3.0, 3.0)}
    document = f"head\n{slowest.BEGIN}old\n{slowest.END}rest\n"
    table = "| seconds | computing | test |\n| ---: | ---: | --- |\n| 12 | 1 | `tests/a.py::slow` |\n"
    assert slowest.with_table(document, took[:1]) == f"head\n{slowest.BEGIN}{table}{slowest.END}rest\n"
