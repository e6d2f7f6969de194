"""A transposed convolution, as the checker sees it: the convolution underneath, run backwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_bias import run_bias
from convgrad_cli.check.catalogue_transposed import TRANSPOSED_ROWS, transposed_mistakes
from convgrad_cli.check.cutout import Block, Cutout, conv_parts
from convgrad_cli.check.duality import DUAL, exchanged
from convgrad_cli.check.mistake import unmet
from convgrad_cli.check.problem import Problem, merged, precise
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.suggest import canonical_plan, enlarged_geometry, zeros
from convgrad_cli.geometry import ConvPlan
from convgrad_cli.layers import transposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry.transposed import TransposedGeometry, TransposedPlan

_REGIONS = {
    "leftover": "the output padding's rows and columns",
    "border": "the border, as wide as a filter reaches",
}


@dataclass
class TransposedProblem(Problem):
    """A transposed convolution: canonical X, W (C, K/groups, …), dY and b (or None)."""

    plan: TransposedPlan
    X: Array
    W: Array
    dY: Array
    b: Array | None = None

    layer: ClassVar[str] = "transposed"
    article: ClassVar[str] = "A transposed convolution"
    targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("Y", "dX", "dW", "db")
    widest: ClassVar[frozenset[str]] = frozenset({"Y"})
    catalogue: ClassVar[Mapping[str, Row]] = TRANSPOSED_ROWS
    objects: ClassVar[Mapping[str, str]] = {
        "dX": "the convolution of dY with the filter",
        "dW": "the correlation",
        "db": "the sum",
        "Y": "the transposed convolution",
    }

    @property
    def geometry(self) -> TransposedGeometry:
        """The layer's geometry."""
        return self.plan.geometry

    @cached_property
    def below(self) -> ConvProblem:
        """The convolution from Y back to X: its X is our dY, its dY our X."""
        plan = self.plan
        made = ConvPlan(plan.geometry.convolution, plan.Y, plan.X, plan.W)
        inside: Any = (..., *(slice(size) for size in made.geometry.input_size))
        return ConvProblem(made, self.dY[inside], self.W, self.X)

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {"X": self.X, "W": self.W, "dY": self.dY}
        return found if self.b is None else {**found, "b": self.b}

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        return self._by_layers(target, *(precise(array) for array in self._arrays()))

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
        sizes = (np.abs(array.astype(np.float64)) for array in self._arrays())
        return self._by_layers(target, *sizes)

    def _arrays(self) -> list[Array]:
        return [self.X, self.W, self.dY, *([] if self.b is None else [self.b])]

    def _by_layers(self, target: str, X: Array, W: Array, dY: Array, *b: Array) -> Array:
        match target:
            case "dX":
                return transposed.grad_input(W, dY, self.geometry)
            case "dW":
                return transposed.grad_weight(X, dY, self.geometry)
            case "db":
                return transposed.grad_bias(dY)
            case _:
                return transposed.forward(X, W, b[0] if b else None, self.geometry)

    def terms(self, target: str) -> int:
        """The largest number of terms of an element."""
        if target == "db":
            return self.geometry.batch * prod(self.geometry.output_size)
        return self.below.terms(DUAL[target])

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return prod(self.dY.shape) if target == "db" else self.below.cost(DUAL[target])

    def mistakes(self, target: str) -> list[Mistake]:
        """The convolution's catalogue, told the other way round, and the layer's own."""
        return transposed_mistakes(target, self.geometry, bias=self.b is not None)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes = merged(mistakes)
        if target == "db":
            return run_bias(changes, self.dY.astype(np.float64))
        add = changes.pop("bias", None)
        found = self.below.changed(DUAL[target], changes)
        if target != "Y":
            return found
        Y = self._with_surplus(found)
        if self.b is None:
            return Y
        b = self.b.astype(np.float64)
        return np.asarray(Y + b.reshape(-1, *[1] * (Y.ndim - 2)) if add is None else add(Y, b))

    def _with_surplus(self, Y: Array) -> Array:
        """The rows that no window reaches, where the rest has its size."""
        surplus = self.geometry.surplus
        if not any(surplus) or Y.shape[2:] != self.geometry.convolution.input_size:
            return Y
        return np.pad(Y, [(0, 0), (0, 0), *((0, extra) for extra in surplus)])

    def free(self, target: str, causes: Sequence[Mistake]) -> bool:
        """As the convolution's dX and dW; a bias costs nothing either, but the sums are needed."""
        return target in ("Y", "dW") and self.below.free(DUAL[target], causes)

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """Those of the convolution underneath; where rows lie beyond its input, Y has none."""
        if target == "db" or (target == "Y" and any(self.geometry.surplus)):
            return
        for block, cut in conv_parts(self.below.geometry, DUAL[target], mask):
            yield replace(cut, problem=self.block(block))

    def block(self, block: Block) -> TransposedProblem:
        """The layer over a part of the convolution underneath, whose in-channels are Y's."""
        geometry = self.geometry
        small = replace(
            geometry,
            convolution=block.geometry(geometry.convolution),
            surplus=(0,) * len(block.axes),
        )
        plan = replace(self.plan, geometry=small)
        dY, X = block.of_wide(self.dY), block.of_narrow(self.X)
        b = None if self.b is None else self.b[block.channels]
        return TransposedProblem(plan, X, block.of_filter(self.W), dY, b)

    def unmet(self, row: Row) -> list[str]:
        """The conditions are the convolution's, with X and Y exchanged."""
        if row.id.startswith("B"):
            return super().unmet(row)
        return [exchanged(words) for words in unmet(row, self.geometry.convolution)]

    def axis_names(self, target: str) -> list[str]:
        """The filter's first axis is the in-channels'."""
        names = super().axis_names(target)
        return ["in-channel", "out-channel", *names[2:]] if target == "dW" else names

    def entry_names(self, target: str) -> list[str]:
        """The filter's first axis is the in-channels'."""
        names = super().entry_names(target)
        return ["in-channel", "out-channel", *names[2:]] if target == "dW" else names

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """The convolution's, of the other array."""
        if target == "db" or any(self.geometry.surplus):
            return
        for name, words, mask in self.below.regions(DUAL[target], shape):
            yield name, _REGIONS.get(name, words) if target == "Y" else exchanged(words), mask

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """A Y of the wrong size often shows which option was forgotten."""
        if target != "Y" or axis < 2:
            return None
        spatial = self.geometry.axes[axis - 2]
        whole = spatial.padded - spatial.leftover
        return {
            spatial.output + spatial.extent - 1: "X not dilated by the stride",
            spatial.output: "X's size",
            spatial.size - spatial.leftover: "the output padding is missing",
            whole: "neither the padding cropped nor the output padding added",
            spatial.padded: "the padding is not cropped",
            spatial.padded + spatial.before + spatial.after: "the padding added, not cropped",
        }.get(size)

    def enlarged(self) -> TransposedProblem:
        """The same geometry with N, C and K > 1 and a larger X."""
        below = enlarged_geometry(self.geometry.convolution)
        larger = replace(self.geometry, convolution=below)
        X, W, dY = map(zeros, (larger.input_shape, larger.filter_shape, larger.output_shape))
        plan = canonical_plan(self.plan, larger)
        return TransposedProblem(plan, X, W, dY, zeros((larger.out_channels,)))

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = dict(self.geometry.as_dict())
        del options["kernel"]
        return {"operation": "transposed_backward", **options, **arrays_of_bundle(self)}

    def traced(self, target: str) -> Any:
        """The transposed convolution's tracer."""
        from convgrad_cli.derivation.transposed import TracedTransposed

        return TracedTransposed(self.plan, bias=self.b is not None)

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The products of the mistaken element, by impulses."""
        from convgrad_cli.check.symbolic import bilinear_terms

        return bilinear_terms(self, target, causes, index)
