"""Upsampling, as the checker sees it: nearest neighbour, or zeros between the elements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_upsample import (
    UPSAMPLE_ROWS,
    inserted,
    repeated,
    summed,
    taken,
    upsample_mistakes,
)
from convgrad_cli.check.cutout import Cutout, one_sample
from convgrad_cli.check.problem import MOVING, Problem, merged, precise
from convgrad_cli.check.suggest import BATCH, CHANNELS, canonical_plan, zeros
from convgrad_cli.layers import upsample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry.upsample import UpsampleGeometry, UpsamplePlan


@dataclass
class UpsampleProblem(Problem):
    """Upsampling: canonical X and dY."""

    plan: UpsamplePlan
    X: Array
    dY: Array

    layer: ClassVar[str] = "upsample"
    article: ClassVar[str] = "Upsampling"
    targets: ClassVar[tuple[str, ...]] = ("dX", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("dX", "Y")
    catalogue: ClassVar[Mapping[str, Row]] = UPSAMPLE_ROWS
    objects: ClassVar[Mapping[str, str]] = {
        "dX": "the upsampling's gradient",
        "Y": "the upsampled X",
    }

    @property
    def geometry(self) -> UpsampleGeometry:
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
        X, dY = (np.abs(array.astype(np.float64)) for array in (self.X, self.dY))
        return self._by_layers(target, X, dY)

    def _by_layers(self, target: str, X: Array, dY: Array) -> Array:
        g = self.geometry
        if target == "Y":
            near = g.mode == "nearest"
            return upsample.nearest(X, g.scale) if near else upsample.zeros(X, g.scale)
        if g.mode == "nearest":
            return upsample.grad_nearest(dY, g.scale)
        return upsample.grad_zeros(dY, g.scale, g.input_size)

    def terms(self, target: str) -> int:
        """The elements of a block."""
        return prod(self.geometry.scale)

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return MOVING * prod(self.geometry.output_shape)

    def mistakes(self, target: str) -> list[Mistake]:
        """The catalogue for ``target``."""
        return upsample_mistakes(target, self.geometry)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes = merged(mistakes)
        if target == "Y":
            found = changes.get("make", self._make)(self.X.astype(np.float64))
        else:
            found = changes.get("gather", self._gather)(self.dY.astype(np.float64))
        return np.asarray(changes["order"](found) if "order" in changes else found)

    def _make(self, X: Array) -> Array:
        g = self.geometry
        first = (0,) * g.dims
        near = g.mode == "nearest"
        return repeated(X, g.scale) if near else inserted(X, g.scale, g.output_size, first)

    def _gather(self, dY: Array) -> Array:
        g = self.geometry
        first = (0,) * g.dims
        near = g.mode == "nearest"
        return (
            summed(dY, g.scale, g.input_size) if near else taken(dY, g.scale, g.input_size, first)
        )

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """One sample."""
        return one_sample(self, mask)

    def sample(self, n: int) -> UpsampleProblem:
        """The layer for one sample."""
        plan = replace(self.plan, geometry=replace(self.geometry, batch=1))
        return UpsampleProblem(plan, self.X[n : n + 1], self.dY[n : n + 1])

    rows = Problem.rows_read

    def settings(self) -> dict[str, Any]:
        """The kind of upsampling."""
        return {"mode": self.geometry.mode}

    def geometry_dict(self) -> dict[str, Any]:
        """As the upsampling's own results have it."""
        return {"dims": self.geometry.dims, "stride": list(self.geometry.scale)}

    def enlarged(self) -> UpsampleProblem:
        """The same scale for N and C > 1 and unequal sizes of 3 and more."""
        from convgrad_cli.geometry.upsample import plan_upsample

        g = self.geometry
        size = tuple(max(n, 3 + place) for place, n in enumerate(g.input_size))
        shape = (max(g.batch, BATCH), max(g.channels, CHANNELS), *size)
        larger = plan_upsample(shape, g.scale, g.mode, dims=g.dims).geometry
        plan = canonical_plan(self.plan, larger)
        return UpsampleProblem(plan, zeros(larger.input_shape), zeros(larger.output_shape))

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = self.geometry_dict() | self.settings()
        return {"operation": "upsample_backward", **options, **arrays_of_bundle(self)}

    def traced(self, target: str) -> Any:
        """The tracer of the layer, from its taps."""
        from convgrad_cli.derivation.dense import TracedUpsample

        g = self.geometry
        return TracedUpsample(g.input_shape, g.scale, g.mode == "nearest", self.plan.X)

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The sum as the mistake has it: dX is linear in dY, Y in X."""
        from convgrad_cli.check.symbolic import linear_terms

        return linear_terms(self, target, causes, index)
