"""What a check says: plain data, for the renderers, for JSON and for Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.check.mistake import Mistake


@dataclass(frozen=True)
class Diagnosis:
    """One explanation that reproduces the user's array: the mistakes, in words, and the fix."""

    mistakes: tuple[str, ...]
    text: str
    fix: str
    causes: tuple[Mistake, ...] = field(default=(), repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"mistakes": list(self.mistakes), "text": self.text, "fix": self.fix}


@dataclass(frozen=True)
class Place:
    """Where a difference lives, in words; ``exactly`` when it fills that region."""

    region: str
    text: str
    exactly: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"region": self.region, "text": self.text, "exactly": self.exactly}


@dataclass(frozen=True)
class SideBySide:
    """The worst element's equation: right, and as a diagnosed mistake would have it."""

    element: str
    right: str
    mistaken: str
    mistakes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "element": self.element,
            "right": self.right,
            "mistaken": self.mistaken,
            "mistakes": list(self.mistakes),
        }


@dataclass
class GradientReport:
    """One array's verdict; indices are in the user's rank and layout."""

    name: str
    verdict: str
    rule: str
    expected_shape: tuple[int, ...]
    found_shape: tuple[int, ...]
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    worst_rel_index: tuple[int, ...] | None = None
    expected: float | int | None = None
    found: float | int | None = None
    differing: int | None = None
    total: int | None = None
    nonfinite: int = 0
    first_nonfinite: tuple[int, ...] | None = None
    diagnosis: list[Diagnosis] = field(default_factory=list)
    where: list[Place] = field(default_factory=list)
    tried: str = ""
    equations: list[SideBySide] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {
            "verdict": self.verdict,
            "rule": self.rule,
            "shape": {"expected": list(self.expected_shape), "found": list(self.found_shape)},
            "max_abs_error": self.max_abs_error,
            "max_rel_error": self.max_rel_error,
            "worst_index": _listed(self.worst_index),
            "worst_rel_index": _listed(self.worst_rel_index),
            "expected": self.expected,
            "found": self.found,
            "differing": self.differing,
            "total": self.total,
            "nonfinite": self.nonfinite,
            "diagnosis": [diagnosis.as_dict() for diagnosis in self.diagnosis],
            "where": [place.as_dict() for place in self.where],
        }
        if self.tried:
            found["tried"] = self.tried
        if self.equations:
            found["equations"] = [equation.as_dict() for equation in self.equations]
        if self.blind:
            found["not_shown"] = self.blind
        if self.notes:
            found["notes"] = self.notes
        return found


@dataclass
class ArraysReport:
    """The verdict on all arrays given."""

    layer: str
    geometry: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    gradients: dict[str, GradientReport]
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether every array given is right."""
        return all(report.verdict == "right" for report in self.gradients.values())

    @property
    def verdict(self) -> str:
        """``"right"`` or ``"wrong"``."""
        return "right" if self.right else "wrong"

    def __bool__(self) -> bool:
        """True when right, so that ``assert check_arrays(...)`` works in a test."""
        return self.right

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object."""
        return {
            "convgrad": 1,
            "operation": "check_arrays",
            "verdict": self.verdict,
            "layer": self.layer,
            **self.settings,
            "geometry": self.geometry,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "gradients": {name: report.as_dict() for name, report in self.gradients.items()},
            "notes": self.notes,
        }

    def __str__(self) -> str:
        """A short text, for an assertion's message or a notebook."""
        return "\n".join(
            f"{name}: {report.verdict}"
            + "".join(f"\n  {d.text} [{'+'.join(d.mistakes)}]" for d in report.diagnosis)
            for name, report in self.gradients.items()
        )


def _listed(index: tuple[int, ...] | None) -> list[int] | None:
    return None if index is None else list(index)
