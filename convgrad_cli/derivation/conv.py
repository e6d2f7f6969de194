"""The equations of a convolution, from its taps.

Y[n,o,i]  = sum of X W (+ b[o])      recitation, slides, Diba eq. 6
dW[o,c,p] = sum of dY X              slides, recitation (stride > 1), Diba eq. 14
dX[n,c,x] = sum of dY W              slides, recitation (stride > 1), Diba eq. 23, lecture 12
db[o]     = sum of dY                slides, Diba eq. 16
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.geometry import ArrayLayout, ConvPlan, input_taps, output_taps, weight_taps

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TracedConv:
    """A convolution as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: ConvPlan
    bias: bool = False
    """Whether the forward equations carry the bias."""

    operation = "conv"
    upstream = "Y"
    targets = {"Y": "Y", "dW": "W", "dX": "X", "db": "b"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W, b and Y."""
        geometry = self.plan.geometry
        space = "s" * geometry.dims
        return {
            "X": Frame(geometry.input_shape, "nc" + space, self.plan.X),
            "W": Frame(geometry.filter_shape, "kc" + space, self.plan.W),
            "b": Frame((geometry.out_channels,), "k", ArrayLayout((0,), 1)),
            "Y": Frame(geometry.output_shape, "nk" + space, self.plan.Y),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, in the lectures' order."""
        geometry = self.plan.geometry
        match target:
            case "Y":
                for tap in output_taps(geometry, index):
                    yield Term(operand="X", index=tap.input, filter=tap.filter)
                if self.bias:
                    yield Term(operand="b", index=index[1:2])
            case "dW":
                for tap in weight_taps(geometry, index):
                    yield Term(tap.output, "X", tap.input)
            case "dX":
                for tap in input_taps(geometry, index):
                    yield Term(tap.output, "W", tap.filter)
            case "db":
                places = [range(size) for size in geometry.output_size]
                for n, *place in product(range(geometry.batch), *places):
                    yield Term((n, *index, *place))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        forward = {"X", "W", "b"} if self.bias else {"X", "W"}
        needed = {"Y": forward, "dW": {"dY", "X"}, "dX": {"dY", "W"}, "db": {"dY"}}
        return frozenset(needed[target])

    def count(self, target: str) -> int:
        """Every tap of the layer stands once in Y, once in dW and once in dX."""
        geometry = self.plan.geometry
        outputs = prod(geometry.output_shape)
        if target == "db":
            return outputs
        along = prod(sum(1 for _ in axis.taps()) for axis in geometry.axes)
        products = geometry.batch * geometry.out_channels * geometry.channels_per_group * along
        return products + outputs * (target == "Y" and self.bias)
