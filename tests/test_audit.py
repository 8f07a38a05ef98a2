"""`make audit`'s evaluation of answers: a library that was not looked up does not count as safe."""

from __future__ import annotations

from typing import Any

import pytest

from tests import audit

SAFE = {"name": "pillow", "version": "13.0.0", "vulns": []}
VULNERABLE = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "yarl", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("libraries", "code", "words"),
    [
        ([SAFE], 0, "no known vulnerability in 1 libraries"),
        ([SAFE, VULNERABLE], 1, "urllib3 1.0: PYSEC-1, fixed in 1.1"),
        ([SAFE, UNKNOWN], 69, "not in any reachable database: yarl"),
        ([UNKNOWN], 69, "nothing was checked"),
        ([], 69, "nothing was checked"),
    ],
)
def test_each_audit_result_has_its_exit_code(
    libraries: list[dict[str, Any]],
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "run_pip_audit", lambda lock, service: {"dependencies": libraries})
    assert audit.main() == code
    assert words in capsys.readouterr().out


def test_every_lock_file_has_hashes() -> None:
    for lock in audit.LOCKS:
        lines = (audit.ROOT / lock).read_text().split("\n")
        named = [line for line in lines if "==" in line]
        assert named
        for line in named:
            after = lines[lines.index(line) + 1]
            assert line.endswith("\\"), line
            assert "--hash=sha256:" in after, line
