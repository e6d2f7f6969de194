"""The equations of max and average pools, from the windows' members.

    max:      dX[x] = sum of dY[i] over the windows i whose maximum is at x   tutorial, lecture 12
    average:  dX[x] = sum of dY[i] / count(i) over the windows i that hold x

The argmax is found here from X, in plain Python and apart from the numeric layers, so that each
checks the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import PoolPlan, window_members, windows_over

if TYPE_CHECKING:
    from collections.abc import Iterator

TIES = ("first", "last", "split")


@dataclass(frozen=True)
class TracedPool:
    """What both pools share."""

    plan: PoolPlan

    upstream = "Y"
    targets = {"Y": "Y", "dX": "X"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X and Y."""
        geometry = self.plan.geometry
        kinds = "nc" + "s" * geometry.dims
        return {
            "X": Frame(geometry.input_shape, kinds, self.plan.X),
            "Y": Frame(geometry.output_shape, kinds, self.plan.Y),
        }

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        return frozenset({"X" if target == "Y" else "dY"})


@dataclass(frozen=True)
class TracedMaxPool(TracedPool):
    """A max pool over ``values``, X with canonical axes (anything indexed by a tuple)."""

    values: Any
    ties: str = "first"

    operation = "maxpool"

    def __post_init__(self) -> None:
        if self.ties not in TIES:
            raise UsageError(
                f"Unknown tie rule {self.ties!r}.", expected=f"one of {', '.join(TIES)}"
            )

    def maxima(self, output: Index) -> list[Index]:
        """Where the window's maximum stands: all places of it, row-major. NaN counts as largest."""
        best: list[Index] = []
        largest: Any = None
        for member in window_members(self.plan.geometry, output):
            value = self.values[member.input]
            if largest is None or value > largest or (value != value and largest == largest):
                best, largest = [member.input], value
            elif value == largest or (value != value and largest != largest):
                best.append(member.input)
        return best

    def winners(self, output: Index) -> list[Index]:
        """The places that receive the window's gradient by the tie rule."""
        maxima = self.maxima(output)
        return {"first": maxima[:1], "last": maxima[-1:], "split": maxima}[self.ties]

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """Y[i] = X[argmax]; dX[x] = the windows that x won."""
        if target == "Y":
            winners = self.winners(index)
            for place in winners:
                yield Term(operand="X", index=place, coefficient=_share(winners))
            return
        for member in windows_over(self.plan.geometry, index):
            winners = self.winners(member.output)
            if index in winners:
                yield Term(member.output, coefficient=_share(winners))

    def count(self, target: str) -> int:
        """One term per window; a split tie, which only listing would find, may add some."""
        return prod(self.plan.geometry.output_shape)


@dataclass(frozen=True)
class TracedAvgPool(TracedPool):
    """An average pool."""

    count_include_pad: bool = False

    operation = "avgpool"

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """Y[i] = sum of X / count; dX[x] = sum of dY[i] / count(i)."""
        geometry = self.plan.geometry
        if target == "Y":
            weight = self.weight(index)
            for member in window_members(geometry, index):
                yield Term(operand="X", index=member.input, coefficient=weight)
            return
        for member in windows_over(geometry, index):
            yield Term(member.output, coefficient=self.weight(member.output))

    def weight(self, output: Index) -> Fraction:
        """1 / count of the window."""
        include = self.count_include_pad
        return Fraction(1, self.plan.geometry.divisor(output[2:], count_include_pad=include))

    def count(self, target: str) -> int:
        """Every member of every window once, forward and backward."""
        geometry = self.plan.geometry
        along = prod(axis.tap_count for axis in geometry.axes)
        return geometry.batch * geometry.channels * along


def _share(winners: list[Index]) -> int | Fraction:
    return 1 if len(winners) == 1 else Fraction(1, len(winners))


def trace_pool(
    layer: str,
    plan: PoolPlan,
    X: Any = None,
    *,
    ties: str = "first",
    count_include_pad: bool = False,
) -> TracedMaxPool | TracedAvgPool:
    """The tracer of a planned ``maxpool`` or ``avgpool``.

    X as given (its rank and layout). Raises UsageError for a max pool without it.
    """
    if layer == "avgpool":
        return TracedAvgPool(plan, count_include_pad)
    if X is None:
        raise UsageError(
            "A max pool's derivation needs X: which element is the maximum decides its terms.",
            remedy="give X, not only its shape",
        )
    return TracedMaxPool(plan, plan.X.to_canonical(X), ties)
