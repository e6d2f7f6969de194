"""The equations of one filter under several transforms (lecture 12; L14).

Y[n,s,k,i,j]   = sum of X W (+ b[k])      W at the place that T_s copies from
dW[k,c,p,q]    = sum of dY X              over the transforms, and over T_s's copies of W[p,q]
dX[n,c,x,y]    = sum of dY W              over the transforms
db[k]          = sum of dY                over samples, transforms and places
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.geometry import ArrayLayout, input_taps, output_taps, weight_taps
from convgrad_cli.geometry.transforms import TransformedPlan, copies, source

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TracedTransforms:
    """A filter under transforms as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: TransformedPlan
    bias: bool = False

    operation = "conv_transforms"
    upstream = "Y"
    targets = {"Y": "Y", "dW": "W", "dX": "X", "db": "b"}  # noqa: RUF012

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W, b and Y, which has the transforms' axis."""
        geometry = self.plan.geometry
        return {
            "X": Frame(geometry.input_shape, "ncss", self.plan.X),
            "W": Frame(geometry.filter_shape, "kcss", self.plan.W),
            "b": Frame(geometry.filter_shape[:1], "k", ArrayLayout((0,), 1)),
            "Y": Frame(geometry.output_shape, "ntkss", self.plan.Y),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, row-major over the outputs."""
        match target:
            case "Y":
                yield from self._forward(index)
            case "dW":
                yield from self._weight(index)
            case "dX":
                yield from self._input(index)
            case "db":
                batch, transforms, _, *size = self.frames["Y"].shape
                places = (range(batch), range(transforms), *map(range, size))
                for n, s, *place in product(*places):
                    yield Term((n, s, *index, *place))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        forward = {"X", "W", "b"} if self.bias else {"X", "W"}
        used = {"Y": forward, "dW": {"dY", "X"}, "dX": {"dY", "W"}}
        return frozenset(used.get(target, {"dY"}))

    def count(self, target: str) -> int:
        """The taps of every map; each stands once in Y, in dW and in dX."""
        outputs = prod(self.frames["Y"].shape)
        if target == "db":
            return outputs
        products = 0
        for each in self.plan.geometry.maps:
            along = prod(axis.tap_count for axis in each.axes)
            products += each.batch * each.out_channels * each.channels_per_group * along
        return products + outputs * (target == "Y" and self.bias)

    def _forward(self, index: Index) -> Iterator[Term]:
        n, s, *rest = index
        geometry = self.plan.geometry
        for tap in output_taps(geometry.maps[s], (n, *rest)):
            yield Term(operand="X", index=tap.input, filter=self._shared(s, tap.filter))
        if self.bias:
            yield Term(operand="b", index=index[2:3])

    def _weight(self, index: Index) -> Iterator[Term]:
        geometry = self.plan.geometry
        k, c, *place = index
        found = []
        for s, (name, each) in enumerate(zip(geometry.names, geometry.maps, strict=True)):
            for copy in copies(name, (place[0], place[1]), geometry.filter_size):
                for tap in weight_taps(each, (k, c, *copy)):
                    n, *rest = tap.output
                    found.append(Term((n, s, *rest), "X", tap.input))
        yield from sorted(found, key=lambda term: (term.upstream, term.index))

    def _input(self, index: Index) -> Iterator[Term]:
        for s, each in enumerate(self.plan.geometry.maps):
            for tap in input_taps(each, index):
                n, *rest = tap.output
                yield Term((n, s, *rest), "W", self._shared(s, tap.filter))

    def _shared(self, s: int, place: Index) -> Index:
        """The entry of the one filter that stands at ``place`` of T_s W."""
        geometry = self.plan.geometry
        k, c, p, q = place
        return (k, c, *source(geometry.names[s], (p, q), geometry.filter_size))
