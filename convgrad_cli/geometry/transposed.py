"""The plan of a transposed convolution: which one X, W and the options describe, if any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convgrad_cli.errors import GeometryError, ShapeError
from convgrad_cli.geometry.axis import Axis
from convgrad_cli.geometry.layer import ConvGeometry, per_dimension
from convgrad_cli.geometry.padding import Padding, Sides, resolve_padding
from convgrad_cli.geometry.plan import Plan, check_bias
from convgrad_cli.geometry.ranks import ArrayLayout, filter_layout, input_layout, output_layout
from convgrad_cli.geometry.transposed_layer import (
    TransposedGeometry,
    input_taps_of_transposed,
    output_taps_of_transposed,
    weight_taps_of_transposed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class TransposedPlan(Plan):
    """A transposed convolution's plan."""

    geometry: TransposedGeometry
    W: ArrayLayout

    def wrong_upstream(self, found: tuple[int, ...]) -> ShapeError:
        """The error for a dY that is not Y's shape."""
        return ShapeError(
            "dY has the wrong shape.",
            expected=f"{self.output_shape}   from X "
            f"{self.X.given_shape(self.geometry.input_shape)}, "
            f"W {self.W.given_shape(self.geometry.filter_shape)}",
            found=str(found),
            remedy="pass the stride, padding and output padding of the forward pass",
            array="dY",
        )

    def check_bias(self, shape: Sequence[int]) -> None:
        """Raise ShapeError unless b holds one number per output channel."""
        check_bias(shape, self.geometry.out_channels, "output channel")


def plan_transposed(
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    output_size: int | Sequence[int] | None = None,
) -> TransposedPlan:
    """The plan of a transposed convolution of X (C, *in) with W (C, K // groups, *kernel).

    W is (*kernel) for one channel in and out, or has both channel axes. ``padding`` takes away from
    the output; ``output_size`` chooses the output padding instead of being told it. Raises
    ShapeError or GeometryError for arrays and options that describe no layer.
    """
    _no_empty_axis(x_shape, w_shape)
    dims = _dims(len(x_shape), len(w_shape), dims)
    X = input_layout(len(x_shape), dims, layout)
    W = filter_layout(len(w_shape), dims)
    batch, channels, *size = X.canonical_shape(x_shape)
    c_in, per_group, *kernel = W.canonical_shape(w_shape)
    _check_channels(channels, c_in, groups, x_shape, w_shape)
    strides = per_dimension(stride, dims, "stride")
    dilations = per_dimension(dilation, dims, "dilation")
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    sides = _sides(padding, size, extents, strides)
    bare = [
        (i - 1) * s + e - sum(p) for i, s, e, p in zip(size, strides, extents, sides, strict=True)
    ]
    if output_size is None:
        added = per_dimension(output_padding, dims, "output padding", minimum=0)
        _check_output_padding(added, strides, dilations)
    else:
        added = _padding_for(per_dimension(output_size, dims, "output size"), bare, strides)
    axes, surplus = _axes(bare, kernel, strides, sides, dilations, added)
    geometry = TransposedGeometry(
        ConvGeometry(batch, axes, per_group * groups, c_in, groups), sides, added, surplus
    )
    Y = output_layout(len(x_shape), len(w_shape), dims, layout)
    return TransposedPlan(geometry, X, Y, W)


def _axes(
    bare: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    sides: Sequence[Sides],
    dilations: Sequence[int],
    added: Sequence[int],
) -> tuple[tuple[Axis, ...], tuple[int, ...]]:
    """The convolution's axes, and the rows beyond its input.

    Output padding below the stride is the convolution's leftover: the sizes that all lead to the
    same number of windows. What goes beyond would make another window; it undoes padding after,
    which crops the output, and where there is none left it adds rows that no window reaches.
    """
    beyond = [max(extra - (s - 1), 0) for extra, s in zip(added, strides, strict=True)]
    undone = [min(extra, p.after) for extra, p in zip(beyond, sides, strict=True)]
    surplus = tuple(b - u for b, u in zip(beyond, undone, strict=True))
    axes = tuple(
        Axis(size + extra - rest, k, s, p.before, p.after - less, d)
        for size, extra, rest, k, s, p, less, d in zip(
            bare, added, surplus, kernel, strides, sides, undone, dilations, strict=True
        )
    )
    if min(axis.size for axis in axes) < 1:
        raise GeometryError(
            "The padding takes away the whole output.",
            expected="at least 1 in every dimension",
            found=f"an output of {tuple(axis.size for axis in axes)}",
            remedy="a transposed convolution's padding crops its output: use less",
            array="padding",
        )
    return axes, surplus


def _sides(
    padding: Padding, size: Sequence[int], extents: Sequence[int], strides: Sequence[int]
) -> tuple[Sides, ...]:
    """The padding of the convolution from Y to X; ``same`` makes Y ``in * s`` long, as in ONNX."""
    if isinstance(padding, str) and padding.startswith("same"):
        outputs = [i * s for i, s in zip(size, strides, strict=True)]
        if any(e < s for e, s in zip(extents, strides, strict=True)):
            raise GeometryError(
                "A filter shorter than the stride cannot give 'same' padding.",
                expected=f"a filter that spans at least the stride {tuple(strides)}",
                found=f"{tuple(extents)}",
                remedy="use --output-padding or --output-size",
                array="W",
            )
        return resolve_padding(padding, outputs, extents, strides)
    return resolve_padding(padding, size, extents, strides)


def _padding_for(
    wanted: Sequence[int], bare: Sequence[int], strides: Sequence[int]
) -> tuple[int, ...]:
    added = tuple(w - b for w, b in zip(wanted, bare, strict=True))
    if any(not 0 <= a < s for a, s in zip(added, strides, strict=True)):
        largest = tuple(b + s - 1 for b, s in zip(bare, strides, strict=True))
        raise GeometryError(
            "No output padding gives the output size asked for.",
            expected=f"from {tuple(bare)} to {largest} with this stride and padding",
            found=str(tuple(wanted)),
            remedy="change the padding, or ask for a size in that range",
            array="output size",
        )
    return added


def _check_output_padding(
    added: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> None:
    limits = tuple(max(pair) for pair in zip(strides, dilations, strict=True))
    if any(a >= limit for a, limit in zip(added, limits, strict=True)):
        raise GeometryError(
            "Output padding must be smaller than the stride or the dilation.",
            expected=f"less than {limits}",
            found=str(tuple(added)),
            remedy="output padding only chooses among the sizes that a stride maps to one",
            array="output padding",
        )


def _check_channels(
    channels: int, c_in: int, groups: int, x_shape: Sequence[int], w_shape: Sequence[int]
) -> None:
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise GeometryError(
            "Groups must be a positive whole number.", found=str(groups), array="groups"
        )
    if c_in != channels:
        raise ShapeError(
            "The channels of X and W do not match.",
            expected=f"W with {channels} input channels on its first axis   from X "
            f"{tuple(x_shape)}",
            found=f"{c_in}   in W {tuple(w_shape)}",
            array="W",
            remedy="a transposed convolution's filter is (C_in, K/groups, ...), as PyTorch's",
        )
    if channels % groups:
        raise GeometryError(
            "Groups must divide the channels of X.",
            expected=f"a divisor of {channels}",
            found=f"groups {groups}",
            array="groups",
        )


def _dims(x_rank: int, w_rank: int, dims: int | None) -> int:
    """Spatial dimensions: W is (*kernel) or (C, K // groups, *kernel)."""
    found = {1: 1, 2: 2, 3: 1, 4: 2, 5: 3}.get(w_rank) if dims is None else dims
    if (
        found not in (1, 2, 3)
        or w_rank not in (found, found + 2)
        or not (found <= x_rank <= found + 2)
    ):
        raise ShapeError(
            "The ranks of X and W do not fit together.",
            expected="X of rank D, D+1 or D+2 and W of rank D or D+2 (C_in, K/groups, ...), for "
            f"D = {dims if dims is not None else '1, 2 or 3'}",
            found=f"X of rank {x_rank}, W of rank {w_rank}",
            remedy="add the missing axes, or say the number of spatial dimensions with --dims",
        )
    return found


def _no_empty_axis(x_shape: Sequence[int], w_shape: Sequence[int]) -> None:
    for name, shape in (("X", x_shape), ("W", w_shape)):
        if 0 in shape or not shape:
            raise ShapeError(f"{name} holds no numbers.", found=str(tuple(shape)), array=name)


__all__ = [
    "TransposedGeometry",
    "TransposedPlan",
    "input_taps_of_transposed",
    "output_taps_of_transposed",
    "plan_transposed",
    "weight_taps_of_transposed",
]
