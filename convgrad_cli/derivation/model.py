"""Term, Frame and the Traced protocol: what a derivation is made of.

    target[index] = sum of  coefficient * dL/dY[upstream] * operand[index] * W[filter] * factors

A gradient's terms have an upstream, a forward equation's have none. All indices here are canonical
(:mod:`convgrad_cli.geometry.layer`: X (N, C, *), W (K, C/groups, *), Y (N, K, *), b (K,)); a
:class:`Frame` maps them to the user's rank. Terms are made one by one, when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    from convgrad_cli.geometry import ArrayLayout

Index: TypeAlias = tuple[int, ...]


class Factor(NamedTuple):
    """A further factor of a term: an array's entry, or a function of it (``relu'`` of Y[0,1])."""

    operand: str
    index: Index  # type: ignore[assignment]
    function: str | None = None


class Term(NamedTuple):
    """One product. ``operand`` names the array of ``index``; ``filter`` is an index into W."""

    upstream: Index | None = None
    operand: str | None = None
    index: Index | None = None  # type: ignore[assignment]
    coefficient: int | Fraction = 1
    filter: Index | None = None
    factors: tuple[Factor, ...] = ()

    def entries(self) -> Iterator[Factor]:
        """Everything that is multiplied beside the upstream gradient and the coefficient."""
        if self.operand is not None and self.index is not None:
            yield Factor(self.operand, self.index)
        if self.filter is not None:
            yield Factor("W", self.filter)
        yield from self.factors


@dataclass(frozen=True)
class Frame:
    """An array as a derivation speaks of it: its shape, the meaning of its axes, its layout.

    ``kinds`` has one letter per canonical axis: n sample, c input channel, k filter (output
    channel), t transform, s spatial.
    """

    shape: Index
    kinds: str
    layout: ArrayLayout

    @property
    def given_shape(self) -> Index:
        """The shape in the user's rank and layout."""
        return self.layout.given_shape(self.shape)

    @cached_property
    def spatial(self) -> Index:
        """The canonical axes that are spatial."""
        return tuple(axis for axis, kind in enumerate(self.kinds) if kind == "s")

    @cached_property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)


class Traced(Protocol):
    """A layer that can be derived: any layer whose results are sums of products plugs in here.

    ``frames`` holds every array by name (X, W, b, Y …); ``targets`` maps what can be asked for to
    the array it has the shape of, forward results to themselves (``{"Y": "Y", "dW": "W", …}``);
    ``upstream`` names the array whose gradient comes from the layer above.
    """

    @property
    def operation(self) -> str:
        """``conv``, ``maxpool``, ``avgpool`` …"""

    @property
    def frames(self) -> Mapping[str, Frame]:
        """Every array the equations speak of."""

    @property
    def targets(self) -> Mapping[str, str]:
        """What can be derived, and the array it has the shape of."""

    @property
    def upstream(self) -> str:
        """The array whose gradient arrives from above."""

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, in the lectures' order; touches nothing else."""

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use; the upstream gradient is ``dY``."""

    def count(self, target: str) -> int:
        """Number of terms of the whole target, without listing them."""
