"""What a check of a function says: every layer's verdict, and the smallest that fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.check.function_signatures import arrays_of
from convgrad_cli.check.problem import LONG_NAMES

if TYPE_CHECKING:
    from convgrad_cli.check.function_series import Case
    from convgrad_cli.check.report import GradientReport

ORDER = ("dX", "dW", "dDepthwise", "dPointwise", "db", "dZ")


@dataclass
class CaseReport:
    """What the function made of one layer."""

    case: Case
    verdict: str  # right | wrong | failed | not run
    gradients: dict[str, GradientReport] = field(default_factory=dict)
    problem: str | None = None
    kind: str = "returned"

    @property
    def wrong(self) -> list[str]:
        """The gradients that are wrong, dX first."""
        return [n for n in ORDER if n in self.gradients and self.gradients[n].verdict == "wrong"]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {"name": self.case.name, "verdict": self.verdict}
        found["geometry"] = self.case.problem.geometry_dict()
        found["shapes"] = shapes_of(self.case)
        found["gradients"] = {name: report.verdict for name, report in self.gradients.items()}
        if self.problem:
            found["error"] = self.problem
        return found


@dataclass
class FunctionReport:
    """The verdict on a function."""

    name: str
    signature: str
    layer: str
    cases: list[CaseReport]
    notes: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[CaseReport]:
        """The layers that came out wrong, smallest first."""
        return [case for case in self.cases if case.verdict in ("wrong", "failed")]

    @property
    def passed(self) -> int:
        """How many layers came out right."""
        return sum(case.verdict == "right" for case in self.cases)

    @property
    def right(self) -> bool:
        """Whether every layer was run and came out right."""
        return all(case.verdict == "right" for case in self.cases)

    @property
    def verdict(self) -> str:
        """``"right"`` or ``"wrong"``."""
        return "right" if self.right else "wrong"

    def __bool__(self) -> bool:
        """True when right, so that ``assert check_function(f)`` works in a test."""
        return self.right

    @property
    def smallest(self) -> CaseReport | None:
        """The smallest failing layer."""
        return self.failures[0] if self.failures else None

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object."""
        return {
            "convgrad": 1,
            "operation": "check_function",
            "verdict": self.verdict,
            "function": self.name,
            "signature": self.signature,
            "layer": self.layer,
            "passed": self.passed,
            "failed": len(self.failures),
            "not_run": sum(case.verdict == "not run" for case in self.cases),
            "smallest_failure": self._smallest_dict(),
            "cases": [case.as_dict() for case in self.cases],
            "notes": self.notes,
        }

    def _smallest_dict(self) -> dict[str, Any] | None:
        smallest = self.smallest
        if smallest is None:
            return None
        gradient = smallest.wrong[0] if smallest.wrong else None
        report = smallest.gradients[gradient] if gradient else None
        return {
            "name": smallest.case.name,
            "geometry": smallest.case.problem.geometry_dict(),
            "shapes": shapes_of(smallest.case),
            "gradient": gradient,
            "error": smallest.problem,
            "diagnosis": [] if report is None else [d.as_dict() for d in report.diagnosis],
            "gradients": {name: r.as_dict() for name, r in smallest.gradients.items()},
        }

    def __str__(self) -> str:
        """A short text, for an assertion's message."""
        lines = [f"{self.name}: {self.verdict} ({self.passed} of {len(self.cases)} layers right)"]
        smallest = self.smallest
        if smallest is not None:
            lines.append(f"smallest failing layer: {smallest.case.name}")
            lines += [f"  {smallest.problem}"] if smallest.problem else []
            for name in smallest.wrong:
                lines += [f"  {name}: {d.text}" for d in smallest.gradients[name].diagnosis]
        return "\n".join(lines)


def shapes_of(case: Case) -> dict[str, list[int]]:
    """The shapes the function sees."""
    return {LONG_NAMES[name]: list(array.shape) for name, array in arrays_of(case).items()}
