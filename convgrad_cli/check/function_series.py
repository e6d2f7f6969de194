"""The growing series of small layers a function is run on: each adds one thing that can go wrong.

Numbers are small integers (as doubles), so that a right function is right to the last digit;
axes are unequal, and the early layers of a max pool have no ties, the last ones many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.problem_pool import PoolProblem
from convgrad_cli.geometry import plan_conv, plan_pool

if TYPE_CHECKING:
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem


@dataclass(frozen=True)
class Case:
    """One layer of the series."""

    name: str
    problem: Problem
    options: dict[str, Any]


@dataclass(frozen=True)
class Series:
    """Which series is wanted: of what layer, in how many dimensions, with which options."""

    layer: str
    dims: int
    accepts: frozenset[str]
    square: bool = False
    layouts: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)

    def kernel(self, shape: Shape) -> tuple[int, ...]:
        """The filter or window of one layer."""
        sizes = (shape.kernel[0],) * self.dims if self.square else shape.kernel
        return sizes[: self.dims]

    def input_shape(self, shape: Shape) -> tuple[int, ...]:
        """(N, C, *size)."""
        return (shape.batch, shape.channels, *shape.size[: self.dims])


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
    output_padding: int = 0
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


def conv_cases(wanted: Series) -> list[Case]:
    """Convolutions, as far as the options go."""
    return [
        _conv_case(wanted, shape, numbers_of(seed))
        for seed, shape in enumerate(CONV)
        if needed_options(shape) <= wanted.accepts
    ]


def pool_cases(wanted: Series) -> list[Case]:
    """Pools; an average has no ties, and a stride that cannot be told is the window."""
    return [
        _pool_case(wanted, shape, numbers_of(seed))
        for seed, shape in enumerate(POOL)
        if needed_options(shape) <= wanted.accepts | {"stride"}
        and not (wanted.layer == "avgpool" and shape.tied)
    ]


def numbers_of(seed: int) -> np.random.Generator:
    """The generator of one layer's numbers."""
    return np.random.default_rng(100 + seed)


def needed_options(shape: Shape) -> frozenset[str]:
    """The options without which a function cannot be told of this layer."""
    used = {
        "stride": shape.stride != 1,
        "padding": shape.padding != 0,
        "dilation": shape.dilation != 1,
        "groups": shape.groups != 1,
        "output_padding": shape.output_padding != 0,
    }
    return frozenset(name for name, yes in used.items() if yes)


def _conv_case(wanted: Series, shape: Shape, rng: np.random.Generator) -> Case:
    options = {name: getattr(shape, name) for name in ("stride", "padding", "dilation", "groups")}
    x_shape = wanted.input_shape(shape)
    w_shape = (shape.filters, shape.channels // shape.groups, *wanted.kernel(shape))
    layout = wanted.layouts.get("layout", "nchw")
    plan = plan_conv(
        _ordered(x_shape, layout),
        _ordered_filter(w_shape, wanted.layouts),
        dims=wanted.dims,
        layout=layout,
        filter_order=wanted.layouts.get("filter_layout", "oihw"),
        **options,
    )
    X, W, dY = (numbers(rng, s) for s in (x_shape, w_shape, plan.geometry.output_shape))
    b = numbers(rng, (shape.filters,))
    return Case(shape.name, ConvProblem(plan, X, W, dY, b), options)


def _pool_case(wanted: Series, shape: Shape, rng: np.random.Generator) -> Case:
    kernel, layout = wanted.kernel(shape), wanted.layouts.get("layout", "nchw")
    stride = shape.stride if "stride" in wanted.accepts else kernel
    options: dict[str, Any] = {"stride": stride, "padding": shape.padding}
    options |= {"dilation": shape.dilation, "window": kernel}
    x_shape = wanted.input_shape(shape)
    plan = plan_pool(_ordered(x_shape, layout), dims=wanted.dims, layout=layout, **options)
    X = rng.integers(-2, 2, x_shape).astype(float) if shape.tied else _untied(rng, x_shape)
    dY = numbers(rng, plan.geometry.output_shape)
    kind = "max" if wanted.layer == "maxpool" else "average"
    problem = PoolProblem(plan, X, dY, kind, wanted.chosen.get("ties") or "first")
    return Case(shape.name, problem, options)


def _ordered(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    return shape if layout == "nchw" else (shape[0], *shape[2:], shape[1])


def _ordered_filter(shape: tuple[int, ...], layouts: dict[str, str]) -> tuple[int, ...]:
    if layouts.get("filter_layout") == "hwio":
        return (*shape[2:], shape[1], shape[0])
    return shape


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Integers without 0, small enough to be summed exactly."""
    signed = rng.integers(1, 20, shape) * rng.choice([-1, 1], shape)
    return np.asarray(signed, dtype=float)


def _untied(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Distinct integers, negative ones too, so that padding with 0 shows."""
    count = int(np.prod(shape))
    return (rng.permutation(count) - 4 * count // 5).reshape(shape).astype(float)
