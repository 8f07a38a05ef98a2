"""The list of slow tests: each exists, and the scheduler hands out their files first."""

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


@pytest.mark.parametrize("path", sorted({name.partition("::")[0] for name in slowest.seconds}))
def test_each_listed_test_exists(path: str) -> None:
    listed = {name.partition("::")[2] for name in slowest.seconds if name.startswith(f"{path}::")}
    found = {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if hasattr(node, "name")}
    assert listed <= found, "run `make slowest`, or rename them in tests/slowest.txt"


def test_the_slowest_files_start_first(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowest, "seconds", {"a.py::slow": 9.0, "b.py::slower": 8.0, "b.py::slow": 8.0})
    collection = ["0.py::one", "a.py::two", "a.py::slow[x]", "a.py::slow[y]", "b.py::slower", "b.py::slow", "c.py::one"]
    config: Any = SimpleNamespace(
        option=SimpleNamespace(loadscopereorder=True, tx=["popen"] * 2, numprocesses=2, rsyncdir=[]),
        getvalue=lambda name: ["popen"] * 2,
        hook=pytestconfig.hook,
    )
    scheduler = slowest.SlowestFirst(config, Producer("test"))
    nodes: list[Any] = [Node("first"), Node("second")]
    for node in nodes:
        scheduler.add_node(node)
        scheduler.add_node_collection(node, collection)
    scheduler.schedule()
    assert [node.given for node in nodes] == [[[4, 5], [0]], [[1, 2, 3]]]


def test_the_list_and_the_table_are_written() -> None:
    took = [("tests/a.py::slow", 12.34), ("tests/b.py::slow", 3.0)]
    assert slowest.record(took) == " 12.3 tests/a.py::slow\n  3.0 tests/b.py::slow\n"
    assert slowest.read(slowest.record(took)) == {"tests/a.py::slow": 12.3, "tests/b.py::slow": 3.0}
    document = f"head\n{slowest.BEGIN}old\n{slowest.END}rest\n"
    assert slowest.with_table(document, took[:1]) == (
        f"head\n{slowest.BEGIN}| seconds | test |\n| ---: | --- |\n| 12 | `tests/a.py::slow` |\n{slowest.END}rest\n"
    )
