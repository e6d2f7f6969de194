"""What convolutions and transposed convolutions share: sums of products X·W of one bilinear layer.

A subclass says which products make an element; that Y adds b, what each gradient multiplies, and
how many terms there are, is the same for both and stands here once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from convgrad_cli.derivation.model import Frame, Index, Term
from convgrad_cli.geometry import ArrayLayout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convgrad_cli.geometry import Axis, Product


@dataclass(frozen=True)
class TracedProducts:
    """A layer Y = b + Σ X·W as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: Any
    bias: bool = False
    """Whether the forward equations carry the bias."""

    operation: ClassVar[str]
    filter_kinds: ClassVar[str]
    """The meaning of W's first two axes: ``kc`` or ``ck``."""
    upstream: ClassVar[str] = "Y"
    targets: ClassVar[Mapping[str, str]] = {"Y": "Y", "dW": "W", "dX": "X", "db": "b"}

    def products(self, target: str, index: Index) -> Iterator[Product]:
        """The products that make Y, dW or dX [index], row-major over the outputs."""
        raise NotImplementedError

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The spatial axes along which filter and input meet."""
        raise NotImplementedError

    @cached_property
    def frames(self) -> dict[str, Frame]:
        """X, W, b and Y."""
        geometry = self.plan.geometry
        space = "s" * geometry.dims
        return {
            "X": Frame(geometry.input_shape, "nc" + space, self.plan.X),
            "W": Frame(geometry.filter_shape, self.filter_kinds + space, self.plan.W),
            "b": Frame((geometry.out_channels,), "k", ArrayLayout((0,), 1)),
            "Y": Frame(geometry.output_shape, "nk" + space, self.plan.Y),
        }

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        """The terms of one element, in the lectures' order."""
        match target:
            case "Y":
                for tap in self.products("Y", index):
                    yield Term(operand="X", index=tap.input, filter=tap.filter)
                if self.bias:
                    yield Term(operand="b", index=index[1:2])
            case "dW":
                for tap in self.products("dW", index):
                    yield Term(tap.output, "X", tap.input)
            case "dX":
                for tap in self.products("dX", index):
                    yield Term(tap.output, "W", tap.filter)
            case "db":
                batch, _, *size = self.plan.geometry.output_shape
                for n, *place in product(range(batch), *map(range, size)):
                    yield Term((n, *index, *place))

    def needs(self, target: str) -> frozenset[str]:
        """The arrays whose numbers the target's equations use."""
        forward = {"X", "W", "b"} if self.bias else {"X", "W"}
        needed = {"Y": forward, "dW": {"dY", "X"}, "dX": {"dY", "W"}, "db": {"dY"}}
        return frozenset(needed[target])

    def count(self, target: str) -> int:
        """Every tap of the layer stands once in Y, once in dW and once in dX."""
        geometry = self.plan.geometry
        outputs: int = prod(geometry.output_shape)
        if target == "db":
            return outputs
        along = prod(axis.tap_count for axis in self.axes)
        pairs = geometry.in_channels * geometry.out_channels // geometry.groups
        products: int = geometry.batch * pairs * along
        return products + outputs * (target == "Y" and self.bias)
