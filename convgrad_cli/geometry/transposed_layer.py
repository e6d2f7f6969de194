"""The transposed convolution's geometry: a convolution's, with X and Y exchanged.

    convolution   X --W--> Y        Y[n,o,i] = sum over c, p of X_padded[n,c,i*s + p*d] W[o,c,p]
    transposed    X --W--> Y        Y[n,k,i*s + p*d - before] += X[n,c,i] W[c,k,p]

Read the second line from right to left and it is the first with the letters X and Y exchanged. So a
transposed convolution holds the convolution that leads from its Y back to its X, and every
statement about it is one about that convolution: its forward is that one's dX, its dX that one's
forward, its dW that one's dW (lecture 12, "Transposed convolution"). The filter (C, K/groups,
*kernel), PyTorch's, is just that convolution's filter.

Size:  out = (in-1)s + d(k-1) + 1 - before - after + output padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convgrad_cli.geometry.taps import Index, Product, input_taps, output_taps, weight_taps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.geometry.axis import Axis
    from convgrad_cli.geometry.layer import ConvGeometry
    from convgrad_cli.geometry.padding import Sides


@dataclass(frozen=True)
class TransposedGeometry:
    """A transposed convolution, as the convolution from its Y back to its X.

    ``padding`` and ``output_padding`` are those asked for. ``surplus`` rows lie after the
    convolution's input, per dimension: only the bias reaches them.
    """

    convolution: ConvGeometry
    padding: tuple[Sides, ...]
    output_padding: tuple[int, ...]
    surplus: tuple[int, ...]

    @property
    def dims(self) -> int:
        """Number of spatial dimensions."""
        return self.convolution.dims

    @property
    def batch(self) -> int:
        """N."""
        return self.convolution.batch

    @property
    def in_channels(self) -> int:
        """C: the channels of X, the convolution's filters."""
        return self.convolution.out_channels

    @property
    def out_channels(self) -> int:
        """K: the channels of Y, the convolution's input channels."""
        return self.convolution.in_channels

    @property
    def groups(self) -> int:
        """Groups of channels that do not meet."""
        return self.convolution.groups

    @property
    def kernel(self) -> tuple[int, ...]:
        """Spatial size of the filter."""
        return self.convolution.kernel

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The convolution's: along them X and Y meet."""
        return self.convolution.axes

    @property
    def channels_per_group(self) -> int:
        """Input channels that one output channel is made of."""
        return self.in_channels // self.groups

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial size of Y."""
        return self.output_shape[2:]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *in)."""
        return self.convolution.output_shape

    @property
    def filter_shape(self) -> tuple[int, ...]:
        """(C, K // groups, *kernel)."""
        return self.convolution.filter_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, K, *out)."""
        sizes = zip(self.convolution.input_size, self.surplus, strict=True)
        return (self.batch, self.out_channels, *(size + extra for size, extra in sizes))

    def as_dict(self) -> dict[str, object]:
        """The contract's ``geometry`` object, with the output padding."""
        return {
            **self.convolution.as_dict(),
            "padding": [list(sides) for sides in self.padding],
            "output_padding": list(self.output_padding),
        }


def output_taps_of_transposed(geometry: TransposedGeometry, index: Index) -> Iterator[Product]:
    """The products that make Y[index]: the convolution's taps of an input, X and Y exchanged."""
    inside = zip(index[2:], geometry.convolution.input_size, strict=True)
    if all(place < size for place, size in inside):
        yield from map(_exchanged, input_taps(geometry.convolution, index))


def input_taps_of_transposed(geometry: TransposedGeometry, index: Index) -> Iterator[Product]:
    """The products that make dX[index]: the convolution's taps of an output, exchanged."""
    return map(_exchanged, output_taps(geometry.convolution, index))


def weight_taps_of_transposed(geometry: TransposedGeometry, index: Index) -> Iterator[Product]:
    """The products that make dW[index], row-major over dY: the convolution's, exchanged."""
    exchanged = map(_exchanged, weight_taps(geometry.convolution, index))
    return iter(sorted(exchanged, key=lambda tap: tap.output))


def _exchanged(tap: Product) -> Product:
    return Product(output=tap.input, input=tap.output, filter=tap.filter)
