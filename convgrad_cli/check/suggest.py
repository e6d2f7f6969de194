"""Data that tells: the same geometry with N, C, K > 1, unequal axes, small integers, ties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.problem import ConvProblem, PoolProblem

if TYPE_CHECKING:
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import Axis

SEED = 20
WINDOWS = 3
BATCH, CHANNELS, FILTERS = 2, 2, 3
ATTEMPTS = 8


def suggested(problem: Problem) -> Any:
    """A problem of the same geometry, enlarged where that helps, with telling numbers."""
    geometry = problem.geometry
    axes = tuple(_roomy(axis, place) for place, axis in enumerate(geometry.axes))
    batch = max(geometry.batch, BATCH)
    if isinstance(problem, PoolProblem):
        larger: Any = replace(geometry, batch=batch, axes=axes, channels=max(geometry.channels, 2))
        bare: Any = replace(
            problem,
            plan=_plan(problem, larger),
            X=_zeros(larger.input_shape),
            dY=_zeros(larger.output_shape),
        )
    else:
        per_group = max(geometry.channels_per_group, CHANNELS)
        filters = max(geometry.filters_per_group, CHANNELS)
        filters += filters == per_group
        groups = geometry.groups
        larger = replace(
            geometry,
            batch=batch,
            axes=axes,
            in_channels=per_group * groups,
            out_channels=filters * groups,
        )
        bare = ConvProblem(
            _plan(problem, larger),
            _zeros(larger.input_shape),
            _zeros(larger.filter_shape),
            _zeros(larger.output_shape),
            _zeros((larger.out_channels,)),
        )
    return replace(bare, **telling_arrays(bare))


def _plan(problem: Problem, geometry: Any) -> Any:
    """The same plan for canonical arrays of the new geometry."""
    from convgrad_cli.geometry.ranks import filter_layout, input_layout

    dims = geometry.dims
    layouts: dict[str, Any] = {"X": input_layout(dims + 2, dims), "Y": input_layout(dims + 2, dims)}
    if isinstance(problem, ConvProblem):
        layouts["W"] = filter_layout(dims + 2, dims)
    return replace(problem.plan, geometry=geometry, **layouts)


def _zeros(shape: tuple[int, ...]) -> Array:
    return np.zeros(shape, dtype=np.int64)


def _roomy(axis: Axis, place: int) -> Axis:
    """The axis with a few windows, unlike its neighbours, and the same leftover."""
    more = max(0, WINDOWS - axis.output) + place
    return replace(axis, size=axis.size + axis.stride * more)


def telling_arrays(problem: Problem, seed: int = SEED) -> dict[str, Array]:
    """Small integers in the shapes of ``problem``'s arrays: distinct where there is room; a max
    pool's input with ties and negative windows."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for name, array in problem.operands().items():
        if isinstance(problem, PoolProblem) and name == "X":
            found[name] = np.asarray(rng.integers(-5, 2, array.shape))
        else:
            found[name] = _distinct(rng, array.shape)
    return found


def _distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Integers without 0, each once while they stay small."""
    count = int(np.prod(shape))
    if count <= 100:
        half = count // 2 + 1
        pool = np.array([n for n in range(-half, half + 1) if n])
        return rng.permutation(pool)[:count].reshape(shape)
    numbers = rng.integers(1, 30, shape)
    return np.asarray(numbers * rng.choice([-1, 1], shape))


def bundle_of(problem: Any) -> dict[str, Any]:
    """The problem as a bundle: arrays under the contract's names, and the layer's options."""
    names = {"X": "input", "W": "filter", "dY": "upstream", "b": "bias"}
    arrays = {names[name]: array for name, array in problem.operands().items()}
    options = dict(problem.geometry.as_dict())
    kernel = options.pop("kernel")
    if isinstance(problem, PoolProblem):
        options |= {"window": kernel}
        rule = (
            ("ties", problem.ties)
            if problem.kind == "max"
            else ("count_include_pad", problem.count_include_pad)
        )
        options[rule[0]] = rule[1]
        operation = "maxpool_backward" if problem.kind == "max" else "avgpool_backward"
    else:
        operation = "conv_backward"
    return {"operation": operation, **options, **arrays}
