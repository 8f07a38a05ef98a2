"""Every mutant of a source file: mutmut's operators, and a few that a state machine of `match` and tuples needs.

mutmut itself mutates the bodies of plain functions only, and neither samples nor stops in time. Half of the
possible mistakes in the core are in constants, dataclasses and guards of `case`, so this module calls its operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators

SKIPPED = (cst.Annotation, cst.Assert, cst.ImportFrom, cst.Import)
"""Never evaluated, or never false: annotations, and assertions for the type checker."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one change. path: relative to the project. before, after: the changed lines, stripped."""

    path: str
    line: int
    before: str
    after: str
    code: str

    def __str__(self) -> str:
        change = [f"  - {line}" for line in self.before.splitlines()] + [
            f"  + {line}" for line in self.after.splitlines()
        ]
        return "\n".join([f"{self.path}:{self.line}", *change])


@dataclass(frozen=True, slots=True)
class Edit:
    """The replacement of a part of a file, from offset to offset."""

    path: Path
    begin: int
    end: int
    text: str

    def mutant(self, root: Path) -> Mutant | None:
        """The file with this change; None if the program stays the same. root: the project's folder."""
        source = self.path.read_text()
        path = str(self.path.relative_to(root))
        code = source[: self.begin] + self.text + source[self.end :]
        try:
            compile(code, path, "exec")
        except SyntaxError:
            return None
        old, new = ([line.strip() for line in text.splitlines()] for text in (source, code))
        changes = [one for one in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if one[0] != "equal"]
        if not changes:
            return None
        before = old[changes[0][1] : changes[-1][2]]
        after = new[changes[0][3] : changes[-1][4]]
        return Mutant(path, changes[0][1] + 1, "\n".join(before), "\n".join(after), code)


def edits_of(path: Path) -> list[Edit]:
    """Every change of a file, each once, in the order of the source."""
    found = _Finder(path.read_text()).edits()
    return [Edit(path, *one) for one in sorted(set(found))]


_Span = tuple[int, int, str]


class _Finder:
    def __init__(self, source: str) -> None:
        self._wrapper = MetadataWrapper(cst.parse_module(source))
        self._positions = self._wrapper.resolve(PositionProvider)
        self._parents = self._wrapper.resolve(ParentNodeProvider)
        lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))

    def edits(self) -> Iterator[_Span]:
        for node in _walk(self._wrapper.module):
            yield from self._by_mutmut(node)
            yield from self._by_us(node)

    def _by_mutmut(self, node: cst.CSTNode) -> Iterator[_Span]:
        for kind, mutate in mutation_operators:
            # This module drops cases itself, below, because mutmut would lose the indentation of a nested match.
            if isinstance(node, kind) and not isinstance(node, cst.Match):
                for mutated in mutate(node):
                    if not _is_none_for_false(node, mutated):
                        yield self._replaced(node, mutated)

    def _by_us(self, node: cst.CSTNode) -> Iterator[_Span]:
        match node:
            case cst.MatchCase():
                yield from self._of_case(node)
            case cst.If() | cst.CompIf() | cst.While():
                begin, end = self._span(node.test)
                condition = cst.Module([]).code_for_node(node.test)
                yield (begin, end, f"({condition}) and False")
                yield (begin, end, f"({condition}) or True")
            case cst.Tuple() | cst.List() | cst.Set() | cst.Dict() if not self._is_target(node):
                for dropped in node.elements if not isinstance(node, cst.Set) or len(node.elements) > 1 else ():
                    left = [one for one in node.elements if one is not dropped]
                    if isinstance(node, cst.Tuple) and len(left) == 1:
                        left = [left[0].with_changes(comma=cst.Comma())]
                    yield self._replaced(node, node.with_changes(elements=left))
            case cst.Expr(value=cst.Call()):
                yield self._replaced(node, cst.Pass())
            case _:
                pass

    def _of_case(self, case: cst.MatchCase) -> Iterator[_Span]:
        match = self._parents[case]
        assert isinstance(match, cst.Match)
        if case.guard is not None:
            _, pattern_ends = self._span(case.pattern)
            _, guard_ends = self._span(case.guard)
            yield (pattern_ends, guard_ends, "")
        if len(match.cases) > 1 and not _does_nothing(case):
            where = self._positions[case]
            yield (self._starts[where.start.line - 1], self._starts[where.end.line], "")

    def _replaced(self, node: cst.CSTNode, mutated: cst.CSTNode) -> _Span:
        return (*self._span(node), cst.Module([]).code_for_node(mutated).strip())

    def _span(self, node: cst.CSTNode) -> tuple[int, int]:
        where = self._positions[node]
        begin, end = where.start, where.end
        return self._starts[begin.line - 1] + begin.column, self._starts[end.line - 1] + end.column

    def _is_target(self, node: cst.CSTNode) -> bool:
        parent = self._parents[node]
        if isinstance(parent, cst.For | cst.CompFor):
            return parent.target is node
        return isinstance(parent, cst.AssignTarget)


def _walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """All nodes that are evaluated."""
    if isinstance(node, SKIPPED) or _is_alias(node) or _is_auto(node) or _is_assertion(node):
        return
    yield node
    children: Iterable[cst.CSTNode] = node.children
    for child in children:
        yield from _walk(child)


def _is_none_for_false(node: cst.CSTNode, mutated: cst.CSTNode) -> bool:
    """Return True if an argument or default False became None: equally false, and the type checker rejects it."""
    if isinstance(node, cst.AnnAssign):
        return node.value is not None and _is_name(node.value, "False") and isinstance(mutated, cst.AnnAssign)
    if not isinstance(node, cst.Call) or not isinstance(mutated, cst.Call) or len(node.args) != len(mutated.args):
        return False
    pairs = zip(node.args, mutated.args, strict=True)
    return any(one.value is not other.value and _is_name(one.value, "False") for one, other in pairs)


def _is_auto(node: cst.CSTNode) -> bool:
    """Return True for an enumeration's member with a meaningless value."""
    return isinstance(node, cst.Assign) and isinstance(node.value, cst.Call) and _is_name(node.value.func, "auto")


def _is_assertion(node: cst.CSTNode) -> bool:
    """Return True if this raises AssertionError, which is unreachable."""
    return isinstance(node, cst.Raise) and isinstance(node.exc, cst.Call) and _is_name(node.exc.func, "AssertionError")


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _is_alias(node: cst.CSTNode) -> bool:
    """Return True for a type alias such as `A | B` or `tuple[A, ...]`, which only annotations use."""
    return isinstance(node, cst.Assign) and _is_type(node.value)


def _is_type(node: cst.CSTNode) -> bool:
    match node:
        case cst.BinaryOperation(left=left, operator=cst.BitOr(), right=right):
            return (_is_type(left) or isinstance(left, cst.Name)) and (_is_type(right) or isinstance(right, cst.Name))
        case cst.Subscript(value=cst.Name(value="tuple")):
            return True
        case _:
            return False


def _does_nothing(case: cst.MatchCase) -> bool:
    """Return True for `case _: pass`, which has no effect."""
    match case:
        case cst.MatchCase(
            pattern=cst.MatchAs(pattern=None),
            body=cst.IndentedBlock(body=[cst.SimpleStatementLine(body=[cst.Pass()])]),
        ):
            return True
        case _:
            return False
