"""``check power``: which mistakes this data could not have shown, and why.

A mistake that gives the right array on the user's data passes any comparison, so that "right"
says nothing about it. The reason is found by experiment: whichever array, exchanged for a telling
one, makes the mistake show, is to blame; where none does, the geometry is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.compare import Noise
from convgrad_cli.check.generic import generic_variants
from convgrad_cli.check.power_report import PowerReport, RowPower
from convgrad_cli.check.recipes import Impossible
from convgrad_cli.check.rows import ANY_ROWS
from convgrad_cli.check.suggest import suggested, telling_arrays
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

#: Multiply-adds of a layer beyond which telling would take too long; a part says as much.
LARGEST = 300_000_000


def check_power(problem: Problem, targets: Sequence[str] | None = None) -> PowerReport:
    """Which rows of the catalogue ``problem``'s data can show.

    Raises UsageError for a layer too large to try every mistake on.
    """
    wanted = tuple(targets or problem.default_targets)
    work = max(problem.cost(target) for target in wanted)
    if work > LARGEST:
        raise UsageError(
            "The layer is too large to try every mistake on.",
            expected=f"at most {LARGEST:,} multiply-adds",
            found=f"{work:,}",
            remedy="give a few samples and channels of it, or fewer rows: the answer is the same",
        )
    rows = rated(problem, wanted, reasons=True)
    better = {(row.id, row.target): row for row in rated(suggested(problem), wanted)}
    for row in rows:
        other = better.get((row.id, row.target))
        improves = other is not None and other.verdict in ("shown", "partly")
        row.suggestion = row.verdict in ("hidden", "impossible") and improves
        if row.verdict == "partly" and other is not None:
            row.suggestion = other.verdict == "shown"
    geometry, settings = problem.geometry_dict(), problem.settings()
    return PowerReport(problem.layer, geometry, problem.shapes(), rows, settings=settings)


def rated(problem: Problem, targets: Sequence[str], *, reasons: bool = False) -> list[RowPower]:
    """Every row for every target."""
    found = []
    for target in targets:
        measured = Measured(problem, target)
        for row in problem.rows(target):
            found.append(_rate_row(measured, row, reasons=reasons))
        found += _rate_general(measured)
    return found


class Measured:
    """A target's right array and what counts as a difference from it."""

    def __init__(self, problem: Problem, target: str) -> None:
        self.problem, self.target = problem, target
        self.right = problem.right(target).astype(np.float64)
        self.top = float(np.asarray(problem.magnitude(target)).max(initial=0.0))
        self.noise = Noise(float(np.finfo(np.float64).eps), 64.0, "float64")
        self.mistakes = problem.mistakes(target)

    def shows(self, mistake: Mistake) -> bool | None:
        """Whether ``mistake`` shows on this data; None where it cannot be computed."""
        try:
            variant = self.problem.variant(self.target, [mistake])
        except (Impossible, ValueError, IndexError):
            return None
        return self.differs(variant)

    def differs(self, variant: Array) -> bool:
        """Whether a variant differs from the right array, in shape or by more than rounding."""
        if variant.shape != self.right.shape:
            return True
        return bool(np.abs(variant - self.right).max() > self.noise.everywhere(self.top))


def _rate_row(measured: Measured, row: Row, *, reasons: bool) -> RowPower:
    readings = [mistake for mistake in measured.mistakes if mistake.id == row.id]
    shown = {mistake: measured.shows(mistake) for mistake in readings}
    hidden = [mistake for mistake, seen in shown.items() if seen is False]
    result = RowPower(row.id, row.title, measured.target, "shown")
    if not any(shown.values()):
        result.verdict = "hidden" if hidden else "impossible"
    elif hidden:
        result.verdict = "partly"
    result.readings = [mistake.phrase for mistake in hidden]
    if reasons and result.verdict != "shown":
        lacks = measured.problem.unmet(row)
        result.reasons = lacks or _blamed(measured, hidden) or [LEFT_NO_ROOM]
        if result.verdict == "hidden" and result.reasons in (lacks, [LEFT_NO_ROOM]):
            result.verdict = "impossible"
    return result


LEFT_NO_ROOM = "on this geometry it gives the right array"


def _blamed(measured: Measured, hidden: list[Mistake]) -> list[str]:
    """Which arrays hide the mistakes: those that, exchanged, let one show."""
    problem: Any = measured.problem
    telling = telling_arrays(problem)
    found = []
    for name, array in telling.items():
        if _shows_with(problem, measured.target, hidden, {name: array}):
            found.append(_described(problem, name))
    if not found and _shows_with(problem, measured.target, hidden, telling):
        found.append("of " + " and ".join(_described(problem, name) for name in telling))
    return list(dict.fromkeys(found))


def _shows_with(problem: Any, target: str, hidden: list[Mistake], arrays: dict[str, Array]) -> bool:
    other = Measured(replace(problem, **arrays), target)
    return any(other.shows(mistake) for mistake in hidden)


def _described(problem: Any, name: str) -> str:
    """What makes an array say little."""
    array = getattr(problem, name)
    spatial = tuple(range(2, array.ndim))
    if not np.any(array):
        return f"{name} is zero"
    if np.all(array == array.flat[0]):
        return f"{name} is {array.flat[0]} everywhere"
    if (special := problem.described(name)) is not None:
        return str(special)
    if np.all(array == array[(..., *(slice(0, 1),) * len(spatial))]):
        return f"{name} is the same at every position"
    if np.array_equal(array, np.flip(array, spatial)):
        return f"{name} is symmetric (unchanged by a rotation of 180°)"
    if np.count_nonzero(array) == 1:
        return f"{name} has one number that is not 0"
    return f"{name}'s numbers happen to hide it"


def _rate_general(measured: Measured) -> list[RowPower]:
    """G1 to G5 on this right array."""
    right, target = measured.right, measured.target
    seen: dict[str, list[bool]] = {id: [] for id in ANY_ROWS}
    seen["G1"] = seen["G2"] = [bool(np.any(right))]
    if right.ndim > 1:
        names = measured.problem.axis_names(target)
        groups, _ = measured.problem.groups(target)
        for mistake, variant in generic_variants(right, groups, names):
            seen[mistake.id].append(measured.differs(variant))
    elif right.size > 1:
        seen["G3"] = [measured.differs(np.flip(right))]
        seen["G4"] = [measured.differs(np.roll(right, 1))]
        seen["G5"] = [bool(np.count_nonzero(right) > 1)]
    found = []
    for id, row in ANY_ROWS.items():
        shown = seen[id]
        verdict = "hidden" if not any(shown) else "shown" if all(shown) else "partly"
        reasons = [] if all(shown) and shown else [_general_reason(measured, id, shown)]
        found.append(RowPower(id, row.title, target, verdict, reasons))
    return found


def _general_reason(measured: Measured, id: str, shown: list[bool]) -> str:
    right = measured.right
    if not np.any(right):
        return f"the right {measured.target} is zero"
    if not shown:
        one = {"G3": "one element", "G4": "one element", "G5": "one sample, channel and group"}
        return f"the right {measured.target} has {one.get(id, 'one element')}"
    if np.all(right == right.flat[0]):
        return f"the right {measured.target} is {right.flat[0]:g} everywhere"
    return f"the right {measured.target} has a symmetry"
