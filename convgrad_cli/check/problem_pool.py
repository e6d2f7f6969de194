"""A max or average pool, as the checker sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_pool import pool_mistakes, pool_output_mistakes
from convgrad_cli.check.cutout import Cutout, one_plane
from convgrad_cli.check.pool_recipes import PoolData, PoolRecipe, pool_recipe
from convgrad_cli.check.problem import MOVING, Problem, merged, precise
from convgrad_cli.check.regions import window_regions
from convgrad_cli.check.rows import AVERAGE_ONLY, MAX_ONLY, POOL_ROWS
from convgrad_cli.check.suggest import BATCH, CHANNELS, canonical_plan, roomy, zeros
from convgrad_cli.check.ties import tie_notes, tied_positions
from convgrad_cli.layers import pool_planes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.compare import Noise
    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import PoolGeometry, PoolPlan


@dataclass
class PoolProblem(Problem):
    """A pool: canonical X and dY, its kind (max or average) and rule."""

    plan: PoolPlan
    X: Array
    dY: Array
    kind: str
    ties: str = "first"
    count_include_pad: bool = False

    article: ClassVar[str] = "A pool"
    targets: ClassVar[tuple[str, ...]] = ("dX", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("dX",)
    catalogue: ClassVar[Mapping[str, Row]] = POOL_ROWS
    objects: ClassVar[Mapping[str, str]] = {"dX": "the pool's gradient", "Y": "the pool's output"}

    @property
    def layer(self) -> str:  # type: ignore[override]
        """``maxpool`` or ``avgpool``."""
        return "maxpool" if self.kind == "max" else "avgpool"

    @property
    def geometry(self) -> PoolGeometry:
        """The layer's geometry."""
        return self.plan.geometry

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        return {"X": self.X, "dY": self.dY}

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        return self._by_layers(target, precise(self.X), precise(self.dY))

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
        X, dY = self.X.astype(np.float64), np.abs(self.dY.astype(np.float64))
        if target == "Y" and self.kind == "average":
            X = np.abs(X)
        return np.abs(self._by_layers(target, X, dY))

    def _by_layers(self, target: str, X: Array, dY: Array) -> Array:
        counting = {"count_include_pad": self.count_include_pad}
        if target == "dX":
            if self.kind == "max":
                return pool_planes.max_backward(X, dY, self.geometry, self.ties)
            return pool_planes.avg_backward(dY, self.geometry, **counting)
        if self.kind == "max":
            return pool_planes.max_forward(X, self.geometry).Y
        return pool_planes.avg_forward(X, self.geometry, **counting)

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
        """What ``mistakes`` together would have given."""
        recipe = self._recipe.changed(merged(mistakes))
        data = PoolData(self.X.astype(np.float64), self.dY.astype(np.float64))
        return recipe.run(data) if target == "dX" else recipe.run_forward(data)

    @property
    def _recipe(self) -> PoolRecipe:
        counting = self.count_include_pad
        return pool_recipe(self.geometry, self.kind, self.ties, count_include_pad=counting)

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """The first windows of one plane."""
        return one_plane(self, target, mask)

    def remarks(self, target: str, found: Array, noise: Noise, top: float) -> list[str]:
        """Which tie rules agree with a max pool's dX."""
        ties = self.kind == "max" and target == "dX"
        return tie_notes(self, found, noise, top) if ties else []

    def rows(self, target: str) -> list[Row]:
        """Only a max pool ties, only an average divides."""
        dropped = AVERAGE_ONLY if self.kind == "max" else MAX_ONLY
        return [row for row in super().rows(target) if row.id not in dropped]

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """Where windows overlap, end, or reach into the padding, and where maxima tie."""
        yield from window_regions(target, self.geometry.axes, shape)
        if self.kind == "max" and target == "dX":
            yield "ties", "positions that tie for a window's maximum", tied_positions(self)

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """A dX of the wrong size often shows which step was left out."""
        if target != "dX" or axis < 2:
            return None
        spatial = self.geometry.axes[axis - 2]
        return {
            spatial.output: "the output's size",
            spatial.size - spatial.leftover: "short by the rows the stride leaves over",
            spatial.padded: "the padded input's size: the padding's gradient is not cropped",
        }.get(size)

    def described(self, name: str) -> str | None:
        """A max pool's X tells tie rules apart by ties, and padding by negative windows."""
        if self.kind == "max" and name == "X":
            if not tied_positions(self).any():
                return "no window of X has ties"
            if self.X.min() >= 0:
                return "X has no negative numbers"
        return None

    def enlarged(self) -> PoolProblem:
        """The same geometry with N and C > 1 and more windows."""
        axes = tuple(roomy(axis, place) for place, axis in enumerate(self.geometry.axes))
        batch, channels = max(self.geometry.batch, BATCH), max(self.geometry.channels, CHANNELS)
        larger = replace(self.geometry, batch=batch, axes=axes, channels=channels)
        plan: Any = canonical_plan(self.plan, larger)
        return replace(self, plan=plan, X=zeros(larger.input_shape), dY=zeros(larger.output_shape))

    def telling(self, name: str, array: Array, rng: np.random.Generator) -> Array:
        """Of a max pool's input, ties and negative windows."""
        if name == "X":
            return np.asarray(rng.integers(-5, 2, array.shape))
        return super().telling(name, array, rng)

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = dict(self.geometry.as_dict())
        options["window"] = options.pop("kernel")
        if self.kind == "max":
            options["ties"] = self.ties
        else:
            options["count_include_pad"] = self.count_include_pad
        return {"operation": f"{self.layer}_backward", **options, **arrays_of_bundle(self)}

    def traced(self, target: str) -> Any:
        """The pool's tracer; a max pool's needs X."""
        from convgrad_cli.derivation import trace_pool

        X, counting = self.plan.X.from_canonical(self.X), self.count_include_pad
        return trace_pool(self.layer, self.plan, X, ties=self.ties, count_include_pad=counting)

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """A pool's gradient is linear in dY, its average in X; its maximum is no sum."""
        from convgrad_cli.check.symbolic import linear_terms

        if target == "Y" and self.kind == "max":
            return None
        return linear_terms(self, target, causes, index)
