"""A layer with its data, as the checker sees it: right arrays, how large their sums are, variants.

``right`` comes from the layers, ``variant`` from the plain pipelines with stages changed. Arrays
are canonical; targets are "dX", "dW", "db", "Y".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from convgrad_cli.check.catalogue_bias import bias_mistakes, run_bias
from convgrad_cli.check.catalogue_input import input_mistakes
from convgrad_cli.check.catalogue_output import output_mistakes
from convgrad_cli.check.catalogue_pool import pool_mistakes, pool_output_mistakes
from convgrad_cli.check.catalogue_weight import weight_mistakes
from convgrad_cli.check.pool_recipes import PoolData, PoolRecipe, pool_recipe
from convgrad_cli.check.recipes import LAST_STAGES, ConvData, recipe_for
from convgrad_cli.layers import conv, pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import ConvGeometry, ConvPlan, PoolGeometry, PoolPlan


#: Multiply-adds of a matrix product in the time that one strided number takes to be moved.
MOVING = 10


class Problem(Protocol):
    """What comparison, diagnosis and power need of a layer."""

    @property
    def geometry(self) -> Any: ...

    @property
    def plan(self) -> Any: ...

    @property
    def targets(self) -> tuple[str, ...]: ...

    def right(self, target: str) -> Array: ...

    def magnitude(self, target: str) -> Array: ...

    def terms(self, target: str) -> int: ...

    def cost(self, target: str) -> int: ...

    def mistakes(self, target: str) -> list[Mistake]: ...

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array: ...

    def operands(self) -> dict[str, Array]: ...


@dataclass
class ConvProblem:
    """A convolution: canonical X, W, dY and b (None where the layer has no bias)."""

    plan: ConvPlan
    X: Array
    W: Array
    dY: Array
    b: Array | None = None
    _data: ConvData | None = field(default=None, init=False, repr=False)
    _plain: dict[str, Array] = field(default_factory=dict, init=False, repr=False)

    @property
    def geometry(self) -> ConvGeometry:
        """The layer's geometry."""
        return self.plan.geometry

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be checked."""
        return ("dX", "dW", "db", "Y")

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {"X": self.X, "W": self.W, "dY": self.dY}
        return found if self.b is None else {**found, "b": self.b}

    def right(self, target: str) -> Array:
        """The right array, by the layers: floats in double precision, integers exactly."""
        X, W, dY = (_precise(array) for array in (self.X, self.W, self.dY))
        b = None if self.b is None else _precise(self.b)
        return self._by_layers(target, X, W, dY, b)

    def magnitude(self, target: str) -> Array:
        """The sum of the absolute values of each element's terms: what rounding scales with."""
        X, W, dY = (np.abs(array.astype(np.float64)) for array in (self.X, self.W, self.dY))
        b = None if self.b is None else np.abs(self.b.astype(np.float64))
        return self._by_layers(target, X, W, dY, b)

    def _by_layers(self, target: str, X: Array, W: Array, dY: Array, b: Array | None) -> Array:
        match target:
            case "dX":
                return conv.grad_input(W, dY, self.geometry)
            case "dW":
                return conv.grad_weight(X, dY, self.geometry)
            case "db":
                return conv.grad_bias(dY)
            case _:
                return conv.forward(X, W, b, self.geometry)

    def terms(self, target: str) -> int:
        """The largest number of terms of an element."""
        geometry = self.geometry
        places = geometry.batch * prod(geometry.output_size)
        if target in ("dW", "db"):
            return places
        width = geometry.filters_per_group if target == "dX" else geometry.channels_per_group
        return width * prod(geometry.kernel)

    def cost(self, target: str) -> int:
        """The work of one variant: multiply-adds, and the moving of numbers to them."""
        if target == "db":
            return prod(self.dY.shape)
        geometry = self.geometry
        seen = geometry.batch * (geometry.in_channels + geometry.out_channels)
        moved = seen * prod(geometry.output_size) * prod(geometry.kernel)
        return geometry.multiply_adds + MOVING * moved

    def mistakes(self, target: str) -> list[Mistake]:
        """The catalogue for ``target`` on this geometry."""
        match target:
            case "dX":
                return input_mistakes(self.geometry)
            case "dW":
                return weight_mistakes(self.geometry)
            case "db":
                return bias_mistakes(self.geometry)
            case _:
                return output_mistakes(self.geometry, bias=self.b is not None)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given; none of them gives the right array."""
        changes = _merged(mistakes)
        if target == "db":
            return run_bias(changes, self.data.dY)
        recipe = recipe_for(target, self.geometry).changed(changes)
        result: Array
        if target == "Y" or not changes.keys() <= LAST_STAGES:
            result = recipe.run(self.data)
            return result
        if target not in self._plain:
            self._plain[target] = recipe_for(target, self.geometry).run(self.data)
        result = recipe.finish(self._plain[target])
        return result

    @property
    def data(self) -> ConvData:
        """The arrays in double precision."""
        if self._data is None:
            b = np.zeros(self.W.shape[0]) if self.b is None else self.b
            arrays = (self.X, self.W, self.dY, b)
            self._data = ConvData(*(array.astype(np.float64) for array in arrays))
        return self._data


@dataclass
class PoolProblem:
    """A pool: canonical X and dY, its kind (max or average) and rule."""

    plan: PoolPlan
    X: Array
    dY: Array
    kind: str
    ties: str = "first"
    count_include_pad: bool = False

    @property
    def geometry(self) -> PoolGeometry:
        """The layer's geometry."""
        return self.plan.geometry

    @property
    def targets(self) -> tuple[str, ...]:
        """What can be checked."""
        return ("dX", "Y")

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        return {"X": self.X, "dY": self.dY}

    def right(self, target: str) -> Array:
        """The right array, by the layers: floats in double precision, integers exactly."""
        return self._by_layers(target, _precise(self.X), _precise(self.dY))

    def magnitude(self, target: str) -> Array:
        """The sum of the absolute values of each element's terms: what rounding scales with."""
        X, dY = self.X.astype(np.float64), np.abs(self.dY.astype(np.float64))
        if target == "Y" and self.kind == "average":
            X = np.abs(X)
        return np.abs(self._by_layers(target, X, dY))

    def _by_layers(self, target: str, X: Array, dY: Array) -> Array:
        counting = {"count_include_pad": self.count_include_pad}
        if target == "dX":
            if self.kind == "max":
                return pool.max_backward(X, dY, self.geometry, self.ties)
            return pool.avg_backward(dY, self.geometry, **counting)
        if self.kind == "max":
            return pool.max_forward(X, self.geometry).Y
        return pool.avg_forward(X, self.geometry, **counting)

    def terms(self, target: str) -> int:
        """The largest number of terms of an element."""
        return prod(self.geometry.kernel)

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return MOVING * prod(self.dY.shape) * prod(self.geometry.kernel)

    def mistakes(self, target: str) -> list[Mistake]:
        """The catalogue for ``target`` on this geometry."""
        return pool_mistakes(self._recipe) if target == "dX" else pool_output_mistakes(self._recipe)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given; none of them gives the right array."""
        recipe = self._recipe.changed(_merged(mistakes))
        data = PoolData(self.X.astype(np.float64), self.dY.astype(np.float64))
        return recipe.run(data) if target == "dX" else recipe.run_forward(data)

    @property
    def _recipe(self) -> PoolRecipe:
        counting = self.count_include_pad
        return pool_recipe(self.geometry, self.kind, self.ties, count_include_pad=counting)


def _precise(array: Array) -> Array:
    """Integers as they are, floats in double precision."""
    return array if array.dtype.kind in "iu" else array.astype(np.float64)


def _merged(mistakes: Sequence[Mistake]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for mistake in mistakes:
        merged |= mistake.changes
    return merged
