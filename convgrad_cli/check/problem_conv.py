"""A convolution, as the checker sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_bias import bias_mistakes, run_bias
from convgrad_cli.check.catalogue_input import input_mistakes
from convgrad_cli.check.catalogue_output import output_mistakes
from convgrad_cli.check.catalogue_weight import weight_mistakes
from convgrad_cli.check.cutout import Block, Cutout, conv_parts
from convgrad_cli.check.problem import MOVING, Problem, merged, precise
from convgrad_cli.check.recipes import LAST_STAGES, ConvData, recipe_for
from convgrad_cli.check.regions import window_regions
from convgrad_cli.check.rows import CONV_ROWS
from convgrad_cli.check.suggest import enlarged_conv
from convgrad_cli.layers import conv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import ConvGeometry, ConvPlan


@dataclass
class ConvProblem(Problem):
    """A convolution: canonical X, W, dY and b (None where the layer has no bias)."""

    plan: ConvPlan
    X: Array
    W: Array
    dY: Array
    b: Array | None = None
    _data: ConvData | None = field(default=None, init=False, repr=False)
    _plain: dict[str, Array] = field(default_factory=dict, init=False, repr=False)

    layer: ClassVar[str] = "conv"
    article: ClassVar[str] = "A convolution"
    targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db")
    catalogue: ClassVar[Mapping[str, Row]] = CONV_ROWS
    objects: ClassVar[Mapping[str, str]] = {
        "dX": "the full convolution",
        "dW": "the correlation",
        "db": "the sum",
        "Y": "the forward pass",
    }

    @property
    def geometry(self) -> ConvGeometry:
        """The layer's geometry."""
        return self.plan.geometry

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {"X": self.X, "W": self.W, "dY": self.dY}
        return found if self.b is None else {**found, "b": self.b}

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        X, W, dY = (precise(array) for array in (self.X, self.W, self.dY))
        b = None if self.b is None else precise(self.b)
        return self._by_layers(target, X, W, dY, b)

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
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
        """What ``mistakes`` together would have given."""
        return self.changed(target, merged(mistakes))

    def changed(self, target: str, changes: dict[str, Any]) -> Array:
        """The same from the changes themselves."""
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

    def free(self, target: str, causes: Sequence[Mistake]) -> bool:
        """Mistakes after the sums of dX and dW rearrange what is there."""
        late = all(cause.changes.keys() <= LAST_STAGES for cause in causes)
        return late and target in ("dX", "dW")

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """The first windows of a sample, or some filters and in-channels."""
        for block, cut in conv_parts(self.geometry, target, mask) if target != "db" else ():
            yield replace(cut, problem=self.block(block))

    def block(self, block: Block) -> ConvProblem:
        """The layer of some samples, channels, filters and windows."""
        plan = replace(self.plan, geometry=block.geometry(self.geometry))
        X, dY = block.of_wide(self.X), block.of_narrow(self.dY)
        b = None if self.b is None else self.b[block.filters]
        return ConvProblem(plan, X, block.of_filter(self.W), dY, b)

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """Where windows overlap, end, or reach into the padding."""
        return window_regions(target, self.geometry.axes, shape)

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """A dX of the wrong size often shows which step was left out."""
        if target != "dX" or axis < 2:
            return None
        spatial = self.geometry.axes[axis - 2]
        return {
            spatial.output + spatial.extent - 1: "a full convolution of a dY that is not dilated",
            spatial.output: "the output's size",
            spatial.size - spatial.leftover: "short by the rows the stride leaves over",
            spatial.padded: "the padded input's size: the padding's gradient is not cropped",
        }.get(size)

    def enlarged(self) -> ConvProblem:
        """The same geometry with N, C and K > 1 and more windows."""
        plan, X, W, dY, b = enlarged_conv(self.plan)
        return ConvProblem(plan, X, W, dY, b)

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = dict(self.geometry.as_dict())
        del options["kernel"]
        return {"operation": "conv_backward", **options, **arrays_of_bundle(self)}

    def traced(self, target: str) -> Any:
        """The convolution's tracer."""
        from convgrad_cli.derivation import TracedConv

        return TracedConv(self.plan, self.b is not None)

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The products of the mistaken element, by impulses."""
        from convgrad_cli.check.symbolic import bilinear_terms

        return bilinear_terms(self, target, causes, index)
