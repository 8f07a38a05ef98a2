"""What an audit found, and its exit code."""

from __future__ import annotations

from dataclasses import dataclass, field

OK = 0
VULNERABLE = 1
FIX_MISSING = 3
UNAVAILABLE = 69


@dataclass(slots=True)
class Findings:
    """Lines for a reader."""

    vulnerable: set[str] = field(default_factory=set)
    """Libraries with a known vulnerability: the lock files need another version."""
    fixes: list[str] = field(default_factory=list)
    """Fixes of Debian that the image lacks: a new build has them."""
    unknown: list[str] = field(default_factory=list)
    """What was looked up nowhere."""
    unreachable: list[str] = field(default_factory=list)
    """Databases that could not be read, and why."""
    notes: list[str] = field(default_factory=list)
    """What was looked up where."""

    def add(self, other: Findings) -> None:
        """Take over another part's findings."""
        self.vulnerable |= other.vulnerable
        self.fixes += other.fixes
        self.unknown += other.unknown
        self.unreachable += other.unreachable
        self.notes += other.notes

    def report(self) -> str:
        """All findings, with a heading for those that need action."""
        parts = (
            ("Known vulnerabilities in Python libraries (raise their versions: make lock):", sorted(self.vulnerable)),
            ("Fixes of Debian that the image lacks (build it anew: make release):", self.fixes),
            ("Looked up in no database:", self.unknown),
            ("Databases that could not be read:", self.unreachable),
            ("Looked up:", self.notes),
        )
        text = ["\n  ".join([heading, *lines]) for heading, lines in parts if lines]
        if not (self.vulnerable or self.fixes or self.unknown):
            text.append("No fix is missing" + (", as far as databases could be read." if self.unreachable else "."))
        return "\n".join(text)

    def exit_code(self) -> int:
        """The worst of the findings."""
        if self.vulnerable:
            return VULNERABLE
        return FIX_MISSING if self.fixes else UNAVAILABLE if self.unknown else OK
