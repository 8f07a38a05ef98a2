"""SECURITY.md names a test for each promise; each named test exists and pytest runs it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


def test_each_promise_names_a_test() -> None:
    table = TEXT.partition("| promise | test |\n| --- | --- |\n")[2].partition("\n\n")[0]
    rows = table.splitlines()
    assert len(rows) > 10
    for row in rows:
        assert re.search(r"::test_\w+`", row), row


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_each_named_test_exists_and_runs(path: str, name: str) -> None:
    functions = ast.walk(ast.parse((ROOT / path).read_text()))
    (found,) = [
        one for one in functions if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    ]
    marks = [ast.unparse(mark) for mark in found.decorator_list]
    # A test may be skipped without a tool or root; CI has both.
    assert not any(mark.startswith(("pytest.mark.skip(", "pytest.mark.xfail")) for mark in marks), marks


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w/.]+)\)", TEXT))))
def test_each_linked_file_exists(path: str) -> None:
    assert (ROOT / path).exists()
