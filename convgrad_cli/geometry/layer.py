"""The frozen plan of a layer: ConvGeometry and PoolGeometry, the product of their axes.

A geometry decides everything about sizes and offsets once; kernels and derivations only follow it.
Indices are canonical: X (N, C, *in), W (K, C // groups, *kernel), Y (N, K, *out); pools (N, C, *).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.errors import GeometryError
from convgrad_cli.geometry.padding import whole_number

if TYPE_CHECKING:
    from convgrad_cli.geometry.axis import Axis


@dataclass(frozen=True)
class Geometry:
    """What convolutions and pools share: batch and spatial axes."""

    batch: int
    axes: tuple[Axis, ...]

    @property
    def dims(self) -> int:
        """Number of spatial dimensions."""
        return len(self.axes)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Spatial size of X."""
        return tuple(axis.size for axis in self.axes)

    @property
    def kernel(self) -> tuple[int, ...]:
        """Spatial size of the filter or window."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """Stride per dimension."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """Dilation per dimension."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        """(before, after) per dimension."""
        return tuple((axis.before, axis.after) for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Spatial size of Y."""
        return tuple(axis.output for axis in self.axes)


@dataclass(frozen=True)
class ConvGeometry(Geometry):
    """A convolution: Y[n,o,i] = b[o] + sum over c, p of X_padded[n,c,i*s + p*d] W[o,c,p]."""

    in_channels: int
    out_channels: int
    groups: int = 1

    @property
    def channels_per_group(self) -> int:
        """Input channels one filter sees."""
        return self.in_channels // self.groups

    @property
    def filters_per_group(self) -> int:
        """Filters that share one group of input channels."""
        return self.out_channels // self.groups

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *in)."""
        return (self.batch, self.in_channels, *self.input_size)

    @property
    def filter_shape(self) -> tuple[int, ...]:
        """(K, C // groups, *kernel)."""
        return (self.out_channels, self.channels_per_group, *self.kernel)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, K, *out)."""
        return (self.batch, self.out_channels, *self.output_size)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the forward pass, padding included."""
        return prod(self.output_shape) * self.channels_per_group * prod(self.kernel)

    def as_dict(self) -> dict[str, object]:
        """The contract's ``geometry`` object."""
        return {
            "dims": self.dims,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": [list(sides) for sides in self.padding],
            "dilation": list(self.dilation),
            "groups": self.groups,
        }


@dataclass(frozen=True)
class PoolGeometry(Geometry):
    """A pool: every window of every channel of every sample on its own."""

    channels: int

    @property
    def ceil_mode(self) -> bool:
        """Whether a last, partly filled window counts."""
        return self.axes[0].ceil_mode

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C, *in)."""
        return (self.batch, self.channels, *self.input_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, C, *out)."""
        return (self.batch, self.channels, *self.output_size)

    def divisor(self, out: tuple[int, ...], *, count_include_pad: bool) -> int:
        """What an average window divides by: its real positions, or those in the padding too."""
        if count_include_pad:
            return prod(axis.counted(i) for axis, i in zip(self.axes, out, strict=True))
        return prod(len(axis.taps_of_output(i)) for axis, i in zip(self.axes, out, strict=True))

    def as_dict(self) -> dict[str, object]:
        """The contract's ``geometry`` object."""
        return {
            "dims": self.dims,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": [list(sides) for sides in self.padding],
            "dilation": list(self.dilation),
            "ceil_mode": self.ceil_mode,
        }


def per_dimension(value: object, dims: int, name: str, *, minimum: int = 1) -> tuple[int, ...]:
    """``value`` (an int or one int per dimension) as ``dims`` ints, each at least ``minimum``.

    Raises GeometryError naming the option.
    """
    one = whole_number(value) is not None or not isinstance(value, Iterable)
    entries = [value] if one else list(value)  # type: ignore[call-overload]
    if len(entries) == 1:
        entries *= dims
    numbers = tuple(n for n in map(whole_number, entries) if n is not None and n >= minimum)
    if len(entries) != dims or len(numbers) != dims:
        raise GeometryError(
            f"{name.capitalize()} must be {'positive' if minimum == 1 else 'non-negative'} "
            "whole numbers.",
            expected=f"one, or {dims} (one per spatial dimension), each at least {minimum}",
            found=str(value),
            array=name,
        )
    return numbers
