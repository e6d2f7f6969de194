"""What the check of a hand derivation says: plain data, for the renderers, for JSON, for Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convgrad_cli.check.equations_text import Span

RIGHT, WRONG, UNREADABLE = "right", "wrong", "unreadable"
UNCHECKED = "not_checked"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind, its place, what stands there and what should.

    Kinds: wrong_term, missing_term, extra_term, doubled_term, wrong_coefficient, wrong_value (of a
    side in numbers alone), unreadable.
    """

    kind: str
    span: Span
    found: str
    expected: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON; the column counts from 1."""
        return {
            "kind": self.kind,
            "line": self.span.line,
            "column": self.span.column,
            "found": self.found,
            "expected": self.expected,
            "text": self.text,
        }


@dataclass
class EquationReport:
    """One equation's verdict: right, wrong, unreadable, or not_checked (numbers, but no arrays)."""

    line: int
    verdict: str
    subject: str = ""
    """What it is about, in the notation: ``∂L/∂X21``."""
    right: str = ""
    """The right equation."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    element: tuple[str, tuple[int, ...]] | None = None
    """The target and the index in the user's rank, where it is about an element."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {
            "line": self.line,
            "verdict": self.verdict,
            "problems": [problem.as_dict() for problem in self.problems],
        }
        if self.subject:
            found["subject"] = self.subject
        if self.element is not None:
            found["target"], found["index"] = self.element[0], list(self.element[1])
        if self.right and self.verdict != RIGHT:
            found["right"] = self.right
        if self.notes:
            found["notes"] = self.notes
        return found


class Coverage(NamedTuple):
    """How many elements of a target have an equation, and a right one."""

    written: int
    right: int
    total: int


@dataclass
class EquationsReport:
    """The verdict on a text."""

    layer: str
    notation: str
    equations: list[EquationReport]
    coverage: dict[str, Coverage]
    source: tuple[str, ...] = ()
    """The lines of the text."""
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``right``; ``wrong`` where anything is not; ``not_checkable`` where nothing could be
        judged."""
        verdicts = {equation.verdict for equation in self.equations}
        if not verdicts & {RIGHT, WRONG}:
            return "not_checkable"
        return RIGHT if verdicts <= {RIGHT, UNCHECKED} else WRONG

    def __bool__(self) -> bool:
        """True when right, so that ``assert check_equations(...)`` works in a test."""
        return self.verdict == RIGHT

    def count(self, verdict: str) -> int:
        """How many equations have this verdict."""
        return sum(1 for equation in self.equations if equation.verdict == verdict)

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object."""
        return {
            "convgrad": 1,
            "operation": "check_equations",
            "verdict": self.verdict,
            "layer": self.layer,
            "notation": self.notation,
            "equations": [equation.as_dict() for equation in self.equations],
            "coverage": {name: c._asdict() for name, c in self.coverage.items()},
            "notes": self.notes,
        }

    def __str__(self) -> str:
        """A short text, for an assertion's message or a notebook."""
        lines = [
            f"line {problem.span.line}, column {problem.span.column}: {problem.text}"
            for equation in self.equations
            for problem in equation.problems
        ]
        return "\n".join(lines) or f"{self.verdict}: {len(self.equations)} equations"
