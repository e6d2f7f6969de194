"""The equations of a transposed convolution: a convolution's, X and Y exchanged (lecture 12; L13).

Y[n,k,y]  = sum of X W (+ b[k])     the convolution's dX
dX[n,c,i] = sum of dY W             the convolution's forward
dW[c,k,p] = sum of dY X             the convolution's dW
db[k]     = sum of dY
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.geometry import ArrayLayout
from convgrad_cli.geometry.transposed import (
    TransposedPlan,
    input_taps_of_transposed,
    output_taps_of_transposed,
    weight_taps_of_transposed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TracedTransposed:
    """A transposed convolution as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: TransposedPlan
    bias: bool = False

    operation = "transposed"
    upstream = "Y"
    targets = {"Y": "Y", "dW": "W", "dX": "X", "db": "b"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W, b and Y."""
        geometry = self.plan.geometry
        space = "s" * geometry.dims
        return {
            "X": Frame(geometry.input_shape, "nc" + space, self.plan.X),
            "W": Frame(geometry.filter_shape, "ck" + space, self.plan.W),
            "b": Frame((geometry.out_channels,), "k", ArrayLayout((0,), 1)),
            "Y": Frame(geometry.output_shape, "nk" + space, self.plan.Y),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, row-major over the outputs."""
        geometry = self.plan.geometry
        match target:
            case "Y":
                for tap in output_taps_of_transposed(geometry, index):
                    yield Term(operand="X", index=tap.input, filter=tap.filter)
                if self.bias:
                    yield Term(operand="b", index=index[1:2])
            case "dW":
                for tap in weight_taps_of_transposed(geometry, index):
                    yield Term(tap.output, "X", tap.input)
            case "dX":
                for tap in input_taps_of_transposed(geometry, index):
                    yield Term(tap.output, "W", tap.filter)
            case "db":
                places = [range(size) for size in geometry.output_shape[2:]]
                for n, *place in product(range(geometry.batch), *places):
                    yield Term((n, *index, *place))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        forward = {"X", "W", "b"} if self.bias else {"X", "W"}
        used = {"Y": forward, "dW": {"dY", "X"}, "dX": {"dY", "W"}}
        return frozenset(used.get(target, {"dY"}))

    def count(self, target: str) -> int:
        """Every tap of the convolution stands once in Y, once in dW and once in dX."""
        geometry = self.plan.geometry
        outputs = prod(geometry.output_shape)
        if target == "db":
            return outputs
        along = prod(sum(1 for _ in axis.taps()) for axis in geometry.convolution.axes)
        channels = geometry.in_channels * geometry.out_channels // geometry.groups
        return geometry.batch * channels * along + outputs * (target == "Y" and self.bias)
