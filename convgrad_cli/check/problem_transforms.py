"""One filter under several transforms, as the checker sees it: a convolution for each map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_transforms import (
    TRANSFORM_ROWS,
    applied,
    pulled,
    transform_mistakes,
)
from convgrad_cli.check.problem import LINES, SPATIAL, Problem, merged, precise
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.rows import CONV_ROWS
from convgrad_cli.geometry import ConvPlan
from convgrad_cli.layers import transforms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.geometry.transforms import TransformedPlan


@dataclass
class TransformsProblem(Problem):
    """Maps of one filter: canonical X, W, dY (N, S, K, oH, oW) and b (or None)."""

    plan: TransformedPlan
    X: Array
    W: Array
    dY: Array
    b: Array | None = None

    layer: ClassVar[str] = "conv"
    article: ClassVar[str] = "A convolution under transforms"
    targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db")
    catalogue: ClassVar[Mapping[str, Row]] = CONV_ROWS | TRANSFORM_ROWS
    objects: ClassVar[Mapping[str, str]] = {
        "dX": "the sum of the maps' full convolutions",
        "dW": "the sum of the maps' gradients, pulled back,",
        "db": "the sum over all maps",
        "Y": "the stack of maps",
    }

    @property
    def geometry(self) -> ConvGeometry:
        """That of the first map."""
        first: ConvGeometry = self.plan.geometry.maps[0]
        return first

    @property
    def names(self) -> tuple[str, ...]:
        """The transforms."""
        return self.plan.geometry.names

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {"X": self.X, "W": self.W, "dY": self.dY}
        return found if self.b is None else {**found, "b": self.b}

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        return self._by_layers(target, *(precise(array) for array in self.operands().values()))

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
        sizes = (np.abs(array.astype(np.float64)) for array in self.operands().values())
        return self._by_layers(target, *sizes)

    def _by_layers(self, target: str, X: Array, W: Array, dY: Array, *b: Array) -> Array:
        geometry = self.plan.geometry
        match target:
            case "dX":
                return transforms.grad_input(W, dY, geometry)
            case "dW":
                return transforms.grad_weight(X, dY, geometry)
            case "db":
                return transforms.grad_bias(dY)
            case _:
                return transforms.forward(X, W, b[0] if b else None, geometry)

    def _map(self, s: int, TW: Array) -> ConvProblem:
        plan = ConvPlan(self.plan.geometry.maps[s], self.plan.X, self.plan.X, self.plan.W)
        return ConvProblem(plan, self.X, TW, self.dY[:, s], self.b)

    def _first(self) -> ConvProblem:
        return self._map(0, applied(self.names[0], self.W))

    def terms(self, target: str) -> int:
        """Those of every map, four times over where scale2 adds up blocks."""
        return 4 * len(self.names) * self._first().terms(target)

    def cost(self, target: str) -> int:
        """The work of one variant."""
        maps = (self._map(s, self.W) for s in range(len(self.names)))
        return sum(each.cost(target) for each in maps)

    def mistakes(self, target: str) -> list[Mistake]:
        """The transforms' own, and the convolution's made in every map."""
        kernel = self.plan.geometry.filter_size
        own = transform_mistakes(target, self.names, kernel)
        alike = "scale2" not in self.names and target != "db"
        return [*own, *self._first().mistakes(target)] if alike else own

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes = merged(mistakes)
        kernel = self.plan.geometry.filter_size
        turns = changes.pop("turns", applied)
        pull = changes.pop("pull", lambda name, dT: pulled(name, dT, kernel))
        kept = changes.pop("kept", range(len(self.names)))
        mean = changes.pop("mean", 1)
        W, found = self.W.astype(np.float64), []
        for s in kept:
            part = self._map(s, turns(self.names[s], W)).changed(target, changes)
            found.append(pull(self.names[s], part) if target == "dW" else part)
        return np.stack(found, axis=1) if target == "Y" else sum(found) / mean

    def rows(self, target: str) -> list[Row]:
        """The rows that have readings here."""
        known = {mistake.id for mistake in self.mistakes(target)}
        return [row for row in super().rows(target) if row.id in known]

    def axis_names(self, target: str) -> list[str]:
        """Y has the maps after the samples."""
        if target == "Y":
            return ["batch", "map", "channel", *SPATIAL[2]]
        return super().axis_names(target)

    def entry_names(self, target: str) -> list[str]:
        """Y has the maps after the samples."""
        if target == "Y":
            return ["sample", "map", "channel", *LINES[2]]
        return super().entry_names(target)

    def settings(self) -> dict[str, Any]:
        """The transforms."""
        return {"transforms": list(self.names)}

    def geometry_dict(self) -> dict[str, Any]:
        """Of the first map, with the one filter's size."""
        return dict(self.plan.geometry.as_dict())

    def enlarged(self) -> TransformsProblem:
        """The same data: what the geometry is for every map decides more than its size."""
        return self

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = self.geometry_dict() | self.settings()
        del options["kernel"]
        return {"operation": "conv_backward", **options, **arrays_of_bundle(self)}

    def traced(self, target: str) -> Any:
        """The tracer of the maps."""
        from convgrad_cli.derivation.transforms import TracedTransforms

        return TracedTransforms(self.plan, bias=self.b is not None)

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """The equations of several maps are left to ``derive``."""
        return False

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """Left to ``derive``."""
        return []
