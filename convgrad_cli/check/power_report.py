"""What a check of data says: each row of the catalogue, shown or hidden, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class RowPower:
    """One row for one array: shown, partly (some readings), hidden (by the data), or impossible
    (on this geometry); ``suggestion`` says whether the suggested data shows it."""

    id: str
    title: str
    target: str
    verdict: str
    reasons: list[str] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    suggestion: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "gradient": self.target,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "readings": self.readings,
            "shown_by_suggestion": self.suggestion,
        }


@dataclass
class PowerReport:
    """What the data can and cannot show."""

    layer: str
    geometry: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    rows: list[RowPower]
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def blind(self) -> list[RowPower]:
        """What this data could not have shown, wholly or in part."""
        return [row for row in self.rows if row.verdict != "shown"]

    @property
    def verdict(self) -> str:
        """``"right"``: shows all that its geometry can show; ``"wrong"``: better data exists."""
        return "wrong" if any(row.suggestion for row in self.blind) else "right"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "convgrad": 1,
            "operation": "check_power",
            "verdict": self.verdict,
            "layer": self.layer,
            **self.settings,
            "geometry": self.geometry,
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "shown": sum(row.verdict == "shown" for row in self.rows),
            "not_shown": len(self.blind),
            "mistakes": [row.as_dict() for row in self.rows],
            "notes": self.notes,
        }
