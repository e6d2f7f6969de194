"""From the shapes of the given arrays and the options to a plan: convolutions and pools.

Made from shapes alone, so that the tracer needs no arrays; this is where shapes and options that
describe no layer are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.errors import GeometryError, ShapeError, UsageError
from convgrad_cli.geometry.axis import Axis
from convgrad_cli.geometry.layer import ConvGeometry, PoolGeometry, per_dimension
from convgrad_cli.geometry.padding import (
    Padding,
    padding_for_output,
    resolve_padding,
    whole_number,
)
from convgrad_cli.geometry.plan import ConvPlan, PoolPlan
from convgrad_cli.geometry.ranks import (
    conv_dims,
    filter_layout,
    input_layout,
    output_layout,
    pool_dims,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    Shape = Sequence[int]


def plan_conv(
    x_shape: Shape,
    w_shape: Shape,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    filter_order: str = "oihw",
    output_size: int | Sequence[int] | None = None,
) -> ConvPlan:
    """The plan of a convolution of X with W.

    Raises ShapeError, GeometryError or UsageError for arrays and options that describe no layer.
    """
    _no_empty_axis(x_shape, "X")
    _no_empty_axis(w_shape, "W")
    dims = conv_dims(len(x_shape), len(w_shape), dims)
    X = input_layout(len(x_shape), dims, layout)
    W = filter_layout(len(w_shape), dims, filter_order)
    batch, channels, *size = X.canonical_shape(x_shape)
    filters, per_group, *kernel = W.canonical_shape(w_shape)
    _check_channels(channels, filters, per_group, groups, x_shape, w_shape)
    axes = _axes(size, kernel, stride, padding, dilation, output_size)
    _check_reaches(axes, "W")
    geometry = ConvGeometry(batch, axes, channels, filters, int(groups))
    return ConvPlan(geometry, X, output_layout(len(x_shape), len(w_shape), dims, layout), W)


def plan_pool(
    x_shape: Shape,
    window: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    dims: int | None = None,
    layout: str = "nchw",
) -> PoolPlan:
    """The plan of a pool over X; the stride is the window unless given.

    Raises ShapeError, GeometryError or UsageError for arrays and options that describe no layer.
    """
    _no_empty_axis(x_shape, "X")
    dims = pool_dims(len(x_shape), window, dims)
    X = input_layout(len(x_shape), dims, layout)
    batch, channels, *size = X.canonical_shape(x_shape)
    kernel = per_dimension(window, dims, "window")
    step = kernel if stride is None else stride
    axes = _axes(size, kernel, step, padding, dilation, None, ceil_mode=ceil_mode)
    _check_reaches(axes, "the window")
    _check_pool_padding(axes)
    return PoolPlan(PoolGeometry(batch, axes, channels), X, X)


def _axes(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    output_size: int | Sequence[int] | None,
    *,
    ceil_mode: bool = False,
) -> tuple[Axis, ...]:
    dims = len(size)
    strides = per_dimension(stride, dims, "stride")
    dilations = per_dimension(dilation, dims, "dilation")
    bare = [Axis(*axis) for axis in zip(size, kernel, strides, strict=True)]
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]
    if output_size is None:
        sides = resolve_padding(padding, size, extents, strides)
    else:
        wanted = per_dimension(output_size, dims, "output size")
        sides = tuple(
            padding_for_output(*axis) for axis in zip(size, extents, strides, wanted, strict=True)
        )
    axes = tuple(
        Axis(axis.size, axis.kernel, axis.stride, before, after, d, ceil_mode)
        for axis, (before, after), d in zip(bare, sides, dilations, strict=True)
    )
    if output_size is not None:
        _check_output_size(axes, wanted)
    return axes


def _check_output_size(axes: Sequence[Axis], wanted: Sequence[int]) -> None:
    output = tuple(axis.output for axis in axes)
    if output != tuple(wanted):
        raise GeometryError(
            "No padding gives the output size asked for.",
            expected=str(tuple(wanted)),
            found=f"{output} without padding, which only makes it larger",
            remedy="ask for an output at least that large, or raise the stride",
            array="output size",
        )


def _check_channels(
    channels: int, filters: int, per_group: int, groups: int, x_shape: Shape, w_shape: Shape
) -> None:
    if (whole_number(groups) or 0) < 1:
        raise GeometryError(
            "Groups must be a positive whole number.", found=str(groups), array="groups"
        )
    if channels % groups or filters % groups:
        raise GeometryError(
            "Groups must divide the channels of X and the filters of W.",
            expected=f"a divisor of {channels} channels and of {filters} filters",
            found=f"groups {groups}",
            array="groups",
        )
    if per_group * groups != channels:
        raise ShapeError(
            "The channels of X and W do not match.",
            expected=f"W with {channels // groups} channels per filter   from X "
            f"{tuple(x_shape)} with {channels} channels, groups {groups}",
            found=f"{per_group}   in W {tuple(w_shape)}",
            array="W",
            remedy="check --groups, --layout and --filter-layout",
        )


def _check_reaches(axes: Sequence[Axis], what: str) -> None:
    if all(axis.output > 0 for axis in axes):
        return
    extents = tuple(axis.extent for axis in axes)
    dilated = any(axis.dilation > 1 for axis in axes)
    smaller = "filter" if what == "W" else "window"
    raise GeometryError(
        f"{what[0].upper()}{what[1:]} is larger than the padded input: the output is empty.",
        expected=f"at most {tuple(axis.padded for axis in axes)}   the input "
        f"{tuple(axis.size for axis in axes)} with its padding",
        found=f"{extents}" + (" after dilation" if dilated else ""),
        remedy=f"add padding (--padding), or use a smaller {smaller} or --dilation",
    )


def _check_pool_padding(axes: Sequence[Axis]) -> None:
    for axis in axes:
        if max(axis.before, axis.after) > axis.extent // 2:
            raise GeometryError(
                "A pool's padding is at most half of its window.",
                expected=f"at most {axis.extent // 2} on each side for a window of {axis.kernel}"
                + (f" with dilation {axis.dilation}" if axis.dilation > 1 else ""),
                found=f"{axis.before} before, {axis.after} after",
                array="padding",
            )
        # Padding is that small that every window starts before the input's end, and the place
        # it starts on is real unless that lies in the padding before.
        for out in range(min(axis.outputs_of_kernel(0).start, axis.output)):
            if not axis.taps_of_output(out):
                raise GeometryError(
                    "A window lies wholly in the padding, so it has nothing to pool.",
                    found=f"window {out} of a dimension of size {axis.size}, window {axis.kernel},"
                    f" stride {axis.stride}, padding {axis.before}:{axis.after}",
                    remedy="use less padding, or a smaller --dilation",
                    array="padding",
                )


def _no_empty_axis(shape: Shape, name: str) -> None:
    if 0 in shape:
        raise ShapeError(
            f"{name} has an axis of size 0, so it holds no numbers.",
            found=str(tuple(shape)),
            array=name,
        )
    if not shape:
        raise UsageError(f"{name} is a single number, not an array.", array=name)
