"""The equations of a pointwise activation: A = σ(Y), and dY = dA · σ′(Y) (Diba, eq. 9, 10; L8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.model import Factor, Frame, Index, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIGMA = "σ"
SIGMA_PRIME = "σ′"


@dataclass(frozen=True)
class TracedActivation:
    """An activation as :class:`~convgrad_cli.derivation.model.Traced`.

    The lectures write σ whatever it is; ``functions`` gives σ and σ′ their numbers, and the
    equations stand without them.
    """

    name: str
    frame: Frame
    functions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    """How σ and σ′ of z are written, in plain mathematics."""

    operation = "activation"
    upstream = "A"
    targets = {"A": "A", "dY": "Y"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """Y, the pre-activation, and A, of one shape."""
        return {"Y": self.frame, "A": self.frame}

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """One product each: an activation is pointwise."""
        if target == "A":
            yield Term(factors=(Factor("Y", index, SIGMA),))
        else:
            yield Term(index, factors=(Factor("Y", index, SIGMA_PRIME),))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        return frozenset({"Y"} if target == "A" else {"dA", "Y"})

    def count(self, target: str) -> int:
        """One term an element."""
        return prod(self.frame.shape)


def trace_activation(
    name: str,
    frame: Frame,
    value: Callable[[Any], Any] | None = None,
    slope: Callable[[Any], Any] | None = None,
    *,
    formulas: tuple[str, str] | None = None,
) -> TracedActivation:
    """The tracer of an activation; ``value`` and ``slope`` give σ and σ′ of a number, ``formulas``
    how they are written."""
    functions = {}
    written = {} if formulas is None else dict(zip((SIGMA, SIGMA_PRIME), formulas, strict=True))
    if value is not None and slope is not None:
        functions = {SIGMA: value, SIGMA_PRIME: slope}
    return TracedActivation(name, frame, functions, written)
