"""One filter under several transforms, as the checker sees it: a convolution for each map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_transforms import (
    TRANSFORM_ROWS,
    applied,
    pulled,
    transform_mistakes,
)
from convgrad_cli.check.cutout import EVERY, Block, Cutout, conv_parts
from convgrad_cli.check.problem import LINES, SPATIAL, Problem, merged, precise
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.recipes import LAST_STAGES
from convgrad_cli.check.rows import CONV_ROWS
from convgrad_cli.geometry import ConvPlan
from convgrad_cli.layers import transforms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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

    @cached_property
    def _maps(self) -> list[ConvProblem]:
        """The maps with the right filters."""
        return [self._map(s, applied(name, self.W)) for s, name in enumerate(self.names)]

    def _first(self) -> ConvProblem:
        return self._maps[0]

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
            right = turns is applied
            here = self._maps[s] if right else self._map(s, turns(self.names[s], W))
            part = here.changed(target, changes)
            found.append(pull(self.names[s], part) if target == "dW" else part)
        return np.stack(found, axis=1) if target == "Y" else sum(found) / mean

    def free(self, target: str, causes: Sequence[Mistake]) -> bool:
        """As the convolution's, where the sums are those of every map."""
        own = {"pull", "kept", "mean"}
        late = all(cause.changes.keys() <= LAST_STAGES | own for cause in causes)
        return late and target in ("dX", "dW")

    def order_last(self, target: str) -> bool:
        """The maps' gradients are pulled back, and their outputs stacked, afterwards."""
        return target == "dX"

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """Those of the maps; scale2's filter sees more, so that its windows are not cut."""
        if target == "db":
            return
        maps, Y = self.plan.geometry.maps, target == "Y"
        if Y and mask is not None:
            mask = np.asarray(mask.any(axis=1))
        alike = "scale2" not in self.names
        for block, cut in conv_parts(maps[0], target, mask, windows=alike):
            place = (cut.place[0], EVERY, *cut.place[1:]) if Y else cut.place
            yield replace(cut, place=place, problem=self.block(block))

    def block(self, block: Block) -> TransformsProblem:
        """The maps of some samples, channels, filters and windows."""
        whole = self.plan.geometry
        few = tuple(self._cut(block, each).geometry(each) for each in whole.maps)
        plan = replace(self.plan, geometry=replace(whole, maps=few))
        along = (EVERY, EVERY, block.filters, *(slice(axis.output) for axis in block.axes))
        dY = self.dY[block.samples][along]
        b = None if self.b is None else self.b[block.filters]
        return TransformsProblem(plan, block.of_wide(self.X), block.of_filter(self.W), dY, b)

    def _cut(self, block: Block, map: ConvGeometry) -> Block:
        """The block as a map has it: its own filter's axes where these are not all alike."""
        return block if "scale2" not in self.names else block._replace(axes=map.axes)

    rows = Problem.rows_read

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
