"""SECURITY.md names a test for each promise: each is there, and is one that pytest runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


def test_each_promise_has_a_test() -> None:
    table = TEXT.partition("| promise | test |\n| --- | --- |\n")[2].partition("\n\n")[0]
    rows = table.splitlines()
    assert len(rows) > 10
    for row in rows:
        assert re.search(r"::test_\w+`", row), row


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_it_is_there(path: str, name: str) -> None:
    functions = ast.walk(ast.parse((ROOT / path).read_text()))
    (found,) = [
        one for one in functions if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == name
    ]
    marks = [ast.unparse(mark) for mark in found.decorator_list]
    # One that wants a tool or a right may be left out where there is none; CI has them all.
    assert not any(mark.startswith(("pytest.mark.skip(", "pytest.mark.xfail")) for mark in marks), marks


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([\w/.]+)\)", TEXT))))
def test_what_it_links_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()
