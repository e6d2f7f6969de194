"""The growing series of small layers a function is run on: each adds one thing that can go wrong.

Numbers are small integers (as doubles), so that a right function is right to the last digit;
axes are unequal, and the early layers of a max pool have no ties, the last ones many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.problem import ConvProblem, PoolProblem
from convgrad_cli.geometry import plan_conv, plan_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem


@dataclass(frozen=True)
class Case:
    """One layer of the series."""

    name: str
    problem: Problem
    options: dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A layer's sizes; the first ``dims`` entries of ``size`` and ``kernel`` count."""

    name: str
    batch: int = 1
    channels: int = 1
    filters: int = 1
    size: tuple[int, ...] = (4, 5, 6)
    kernel: tuple[int, ...] = (2, 3, 2)
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    tied: bool = False


CONV = (
    Shape("one channel, one filter"),
    Shape("2 channels, 3 filters", 1, 2, 3),
    Shape("a batch of 2", 2, 2, 3),
    Shape("stride 2", 2, 2, 3, (6, 7, 4), stride=2),
    Shape("stride 2, rows left over", 2, 2, 3, (7, 8, 5), stride=2),
    Shape("stride 3, wider than the filter", 1, 2, 3, (8, 9, 8), (2, 2, 2), stride=3),
    Shape("padding 1", 2, 2, 3, padding=1),
    Shape("padding 2", 2, 3, 2, (5, 4, 3), (3, 2, 2), padding=2),
    Shape("padding 1, stride 2, rows left over", 2, 2, 3, (6, 7, 5), (3, 2, 2), 2, 1),
    Shape("dilation 2", 2, 2, 3, (6, 7, 5), dilation=2),
    Shape("dilation 2, stride 3, padding 1", 2, 2, 3, (9, 8, 7), (3, 2, 2), 3, 1, 2),
    Shape("2 groups", 2, 4, 6, groups=2),
    Shape("2 groups, stride 2, padding 1", 3, 4, 2, (6, 7, 5), (2, 3, 2), 2, 1, 1, 2),
    Shape("as many groups as channels", 2, 3, 6, (5, 6, 4), (2, 3, 2), 1, 0, 1, 3),
    Shape("groups, dilation, stride and padding", 2, 4, 6, (9, 8, 7), (3, 2, 2), 2, 1, 2, 2),
)

POOL = (
    Shape("one channel", size=(4, 6, 4), stride=2),
    Shape("2 samples, 3 channels", 2, 3, size=(4, 6, 4), stride=2),
    Shape("overlapping windows", 2, 3),
    Shape("overlapping windows, stride 2", 2, 2, 1, (6, 7, 5), (3, 3, 3), 2),
    Shape("rows left over", 2, 3, 1, (7, 8, 5), stride=2),
    Shape("stride 3, wider than the window", 1, 2, 1, (8, 9, 8), (2, 2, 2), 3),
    Shape("padding 1", 2, 2, 1, (5, 6, 4), (2, 3, 2), 2, 1),
    Shape("dilation 2", 1, 2, 1, (6, 7, 6), (2, 3, 2), 1, 0, 2),
    Shape("ties", 2, 2, 1, (4, 6, 4), (2, 3, 2), 2, tied=True),
    Shape("ties in overlapping windows", 2, 2, tied=True),
)


def series(
    layer: str,
    dims: int,
    accepts: frozenset[str],
    *,
    square: bool,
    ties: str,
    layouts: dict[str, str],
) -> list[Case]:
    """The layers whose options ``accepts`` holds, smallest first."""
    shapes = CONV if layer == "conv" else POOL
    strided = "stride" in accepts
    settled = accepts if strided or layer == "conv" else accepts | {"stride"}
    return [
        _case(
            layer,
            dims,
            shape,
            square=square,
            ties=ties,
            layouts=layouts,
            strided=strided,
            seed=seed,
        )
        for seed, shape in enumerate(shapes)
        if _needed(shape) <= settled and (layer != "avgpool" or not shape.tied)
    ]


def _needed(shape: Shape) -> frozenset[str]:
    used = {
        "stride": shape.stride != 1,
        "padding": shape.padding != 0,
        "dilation": shape.dilation != 1,
        "groups": shape.groups != 1,
    }
    return frozenset(name for name, yes in used.items() if yes)


def _case(
    layer: str,
    dims: int,
    shape: Shape,
    seed: int,
    *,
    square: bool,
    ties: str,
    layouts: dict[str, str],
    strided: bool,
) -> Case:
    kernel = (shape.kernel[0],) * dims if square else shape.kernel[:dims]
    size = shape.size[:dims]
    options: dict[str, Any] = {"stride": shape.stride, "padding": shape.padding}
    options["dilation"] = shape.dilation
    rng = np.random.default_rng(100 + seed)
    layout = layouts.get("layout", "nchw")
    if layer == "conv":
        options["groups"] = shape.groups
        x_shape = (shape.batch, shape.channels, *size)
        w_shape = (shape.filters, shape.channels // shape.groups, *kernel)
        plan = plan_conv(
            _ordered(x_shape, layout),
            _ordered_filter(w_shape, layouts),
            dims=dims,
            layout=layout,
            filter_order=layouts.get("filter_layout", "oihw"),
            **options,
        )
        X, W, dY = (_numbers(rng, s) for s in (x_shape, w_shape, plan.geometry.output_shape))
        b = _numbers(rng, (shape.filters,))
        return Case(shape.name, ConvProblem(plan, X, W, dY, b), options)
    options["window"] = kernel
    if not strided:
        options["stride"] = kernel
    x_shape = (shape.batch, shape.channels, *size)
    plan_p = plan_pool(_ordered(x_shape, layout), dims=dims, layout=layout, **options)
    X = rng.integers(-2, 2, x_shape).astype(float) if shape.tied else _untied(rng, x_shape)
    dY = _numbers(rng, plan_p.geometry.output_shape)
    kind = "max" if layer == "maxpool" else "average"
    return Case(shape.name, PoolProblem(plan_p, X, dY, kind, ties), options)


def _ordered(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    return shape if layout == "nchw" else (shape[0], *shape[2:], shape[1])


def _ordered_filter(shape: tuple[int, ...], layouts: dict[str, str]) -> tuple[int, ...]:
    if layouts.get("filter_layout") == "hwio":
        return (*shape[2:], shape[1], shape[0])
    return shape


def _numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Integers without 0, small enough to be summed exactly."""
    signed = rng.integers(1, 20, shape) * rng.choice([-1, 1], shape)
    return np.asarray(signed, dtype=float)


def _untied(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Distinct integers, negative ones too, so that padding with 0 shows."""
    count = int(np.prod(shape))
    return (rng.permutation(count) - 4 * count // 5).reshape(shape).astype(float)


def geometry_words(options: dict[str, Any]) -> Iterator[str]:
    """The options that are not the usual ones, in words."""
    for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)):
        if options.get(name, usual) != usual:
            yield f"{name} {options[name]}"
