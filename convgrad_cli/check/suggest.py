"""Data that tells: the same geometry with N, C, K > 1, unequal axes, small integers, ties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import Axis, ConvGeometry, ConvPlan

SEED = 20
WINDOWS = 3
BATCH, CHANNELS = 2, 2


def suggested(problem: Problem) -> Any:
    """A problem of the same geometry, enlarged where that helps, with telling numbers."""
    bare = problem.enlarged()
    return replace(bare, **telling_arrays(bare))


def telling_arrays(problem: Problem, seed: int = SEED) -> dict[str, Array]:
    """Numbers in the shapes of ``problem``'s arrays in which mistakes show."""
    rng = np.random.default_rng(seed)
    found = problem.operands().items()
    return {name: problem.telling(name, array, rng) for name, array in found}


def bundle_of(problem: Problem) -> dict[str, Any]:
    """The problem as a bundle: arrays under the contract's names, and the layer's options."""
    return problem.bundle()


def arrays_of_bundle(problem: Problem) -> dict[str, Array]:
    """The operands under their long names."""
    names = {"X": "input", "W": "filter", "dY": "upstream", "b": "bias"}
    return {names.get(name, name): array for name, array in problem.operands().items()}


def enlarged_geometry(geometry: ConvGeometry) -> ConvGeometry:
    """A convolution's with N, C and K > 1, C and K unlike, and more windows."""
    per_group = max(geometry.channels_per_group, CHANNELS)
    filters = max(geometry.filters_per_group, CHANNELS)
    filters += filters == per_group
    return replace(
        geometry,
        batch=max(geometry.batch, BATCH),
        axes=tuple(roomy(axis, place) for place, axis in enumerate(geometry.axes)),
        in_channels=per_group * geometry.groups,
        out_channels=filters * geometry.groups,
    )


def enlarged_conv(plan: ConvPlan) -> tuple[Any, Array, Array, Array, Array]:
    """The plan of a larger convolution, and X, W, dY and b of zeros."""
    larger = enlarged_geometry(plan.geometry)
    shapes = (larger.input_shape, larger.filter_shape, larger.output_shape, (larger.out_channels,))
    X, W, dY, b = map(zeros, shapes)
    return canonical_plan(plan, larger), X, W, dY, b


def canonical_plan(plan: Any, geometry: Any) -> Any:
    """The same plan for canonical arrays of the new geometry."""
    from convgrad_cli.geometry.ranks import filter_layout, input_layout

    dims = geometry.dims
    layouts: dict[str, Any] = {"X": input_layout(dims + 2, dims), "Y": input_layout(dims + 2, dims)}
    if hasattr(plan, "W"):
        layouts["W"] = filter_layout(dims + 2, dims)
    return replace(plan, geometry=geometry, **layouts)


def zeros(shape: tuple[int, ...]) -> Array:
    """Integers that only say a shape."""
    return np.zeros(shape, dtype=np.int64)


def roomy(axis: Axis, place: int) -> Axis:
    """The axis with a few windows, unlike its neighbours, and the same leftover."""
    more = max(0, WINDOWS - axis.output) + place
    return replace(axis, size=axis.size + axis.stride * more)


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Integers without 0, each once while they stay small."""
    count = int(np.prod(shape))
    if count <= 100:
        half = count // 2 + 1
        pool = np.array([n for n in range(-half, half + 1) if n])
        return rng.permutation(pool)[:count].reshape(shape)
    numbers = rng.integers(1, 30, shape)
    return np.asarray(numbers * rng.choice([-1, 1], shape))
