"""The equations of a transposed convolution: a convolution's, X and Y exchanged (lecture 12; L13).

Y[n,k,y]  = sum of X W (+ b[k])     the convolution's dX
dX[n,c,i] = sum of dY W             the convolution's forward
dW[c,k,p] = sum of dY X             the convolution's dW
db[k]     = sum of dY
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from convgrad_cli.derivation.products import TracedProducts
from convgrad_cli.geometry.transposed import (
    TransposedPlan,
    input_taps_of_transposed,
    output_taps_of_transposed,
    weight_taps_of_transposed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.geometry import Axis, Product

_TAPS = {
    "Y": output_taps_of_transposed,
    "dW": weight_taps_of_transposed,
    "dX": input_taps_of_transposed,
}


@dataclass(frozen=True)
class TracedTransposed(TracedProducts):
    """A transposed convolution as :class:`~convgrad_cli.derivation.model.Traced`."""

    plan: TransposedPlan

    operation: ClassVar[str] = "transposed"
    filter_kinds: ClassVar[str] = "ck"

    def products(self, target: str, index: Index) -> Iterator[Product]:
        """The taps of the convolution underneath, X and Y exchanged."""
        return _TAPS[target](self.plan.geometry, index)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Those of the convolution underneath."""
        return self.plan.geometry.convolution.axes
