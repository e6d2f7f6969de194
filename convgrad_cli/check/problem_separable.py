"""A depthwise separable convolution, as the checker sees it: two convolutions, and what passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_separable import (
    SEPARABLE_ROWS,
    separable_mistakes,
)
from convgrad_cli.check.kept import Kept
from convgrad_cli.check.mistake import unmet
from convgrad_cli.check.problem import LINES, SPATIAL, Problem, merged, precise
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.separated import mixed, separable_parts
from convgrad_cli.check.suggest import roomy, zeros
from convgrad_cli.geometry import ArrayLayout
from convgrad_cli.geometry.separable import plan_separable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.cutout import Block, Cutout
    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import ConvGeometry
    from convgrad_cli.geometry.separable import SeparablePlan

_FILTERS = {"dDepthwise": "depthwise", "dPointwise": "pointwise"}
#: The step a target is taken from, and what its convolution calls it.
STEP = {
    "dX": ("first", "dX"),
    "dDepthwise": ("first", "dW"),
    "dPointwise": ("second", "dW"),
    "db": ("second", "db"),
    "Y": ("second", "Y"),
}


@dataclass
class SeparableProblem(Problem):
    """Canonical X, depthwise (M, 1, …), pointwise (O, M, 1, …), dY and b (or None).

    ``ranks``: how many axes the user's two filters have. ``part_of``: the layer that this one is
    a block of.
    """

    plan: SeparablePlan
    X: Array
    depthwise: Array
    pointwise: Array
    dY: Array
    b: Array | None
    ranks: tuple[int, int]
    part_of: tuple[SeparableProblem, Block] | None = field(default=None, repr=False)
    _kept: Kept = field(default_factory=Kept, init=False, repr=False)

    layer: ClassVar[str] = "separable"
    article: ClassVar[str] = "A separable convolution"
    targets: ClassVar[tuple[str, ...]] = ("dX", "dDepthwise", "dPointwise", "db", "Y")
    default_targets: ClassVar[tuple[str, ...]] = ("dX", "dDepthwise", "dPointwise", "db")
    catalogue: ClassVar[Mapping[str, Row]] = SEPARABLE_ROWS
    loose: ClassVar[frozenset[str]] = frozenset(_FILTERS)
    objects: ClassVar[Mapping[str, str]] = {
        "dX": "the full convolution of dV",
        "dDepthwise": "the correlation of X with dV",
        "dPointwise": "the correlation of V with dY",
        "db": "the sum",
        "Y": "the forward pass",
    }

    @property
    def geometry(self) -> ConvGeometry:
        """The first step's, in which windows slide."""
        return self.plan.depthwise.geometry

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {name: getattr(self, name) for name in ("X", *_FILTERS.values(), "dY")}
        return found if self.b is None else {**found, "b": self.b}

    # ---- the numbers

    def _steps(self, *arrays: Array) -> dict[str, ConvProblem]:
        """Both convolutions, from X, D, P, dY (and b), by the layers."""
        X, D, P, dY, *b = arrays
        plan, bias = self.plan, b[0] if b else None
        V = ConvProblem(plan.depthwise, X, D, np.zeros((), X.dtype)).right("Y")
        second = ConvProblem(plan.pointwise, V, P, dY, bias)
        return {
            "first": ConvProblem(plan.depthwise, X, D, second.right("dX")),
            "second": second,
        }

    @cached_property
    def below(self) -> dict[str, ConvProblem]:
        """The two convolutions, with the right V and dV."""
        return self._steps(*(precise(array) for array in self.operands().values()))

    @cached_property
    def _sizes(self) -> dict[str, ConvProblem]:
        """The same with every number's absolute value."""
        return self._steps(*(np.abs(a.astype(np.float64)) for a in self.operands().values()))

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        step, name = STEP[target]
        return self.below[step].right(name)

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
        step, name = STEP[target]
        return self._sizes[step].right(name)

    def terms(self, target: str) -> int:
        """The products of both steps, multiplied out."""
        first, second = self.below["first"], self.below["second"]
        step, name = STEP[target]
        if target == "db":
            return second.terms("db")
        other = second.terms("dX") if step == "first" else first.terms("Y")
        return self.below[step].terms(name) * other

    def cost(self, target: str) -> int:
        """The work of one variant: both steps."""
        step, name = STEP[target]
        work = self.below[step].cost(name)
        return work if target == "db" else work + self.below["first"].cost("Y")

    # ---- the mistakes

    def mistakes(self, target: str) -> list[Mistake]:
        """Those of both steps, and those between them."""
        return separable_mistakes(target, self.plan, bias=self.b is not None)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes, (step, name) = merged(mistakes), STEP[target]
        if target == "db":
            return self.below["second"].changed("db", changes)
        if step == "second":
            return mixed(self, target, name, changes)
        passed, first = changes.pop("dV", None), self.below["first"]
        if passed is not None:
            first = replace(first, dY=self._passed(passed))
        return first.changed(name, changes)

    def _passed(self, mistake: Any) -> Array:
        """The dV that a mistake between the steps gives, of every channel."""
        if self.part_of is not None:
            whole, block = self.part_of
            return block.of_narrow(whole._passed(mistake))
        P, dY = self.pointwise.astype(np.float64), self.dY.astype(np.float64)
        return self._kept.of(mistake, lambda: np.asarray(mistake(P, dY)))

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """Those of the step that the target is taken from, with all maps of their in-channels."""
        return iter(()) if target == "db" else separable_parts(self, target, *STEP[target], mask)

    # ---- words

    rows = Problem.rows_read

    def groups(self, target: str) -> tuple[int, int]:
        """The first step's; the second mixes all channels."""
        axis = 1 if target == "dX" else 0
        return self.geometry.groups if STEP[target][0] == "first" else 1, axis

    def unmet(self, row: Row) -> list[str]:
        """The bias is the second step's; the windows are the first's."""
        if row.id.startswith("B"):
            return unmet(row, self.plan.pointwise.geometry)
        return unmet(row, self.geometry)

    def axis_names(self, target: str) -> list[str]:
        """The gradients of both filters are called as a filter's."""
        if target in _FILTERS:
            return ["filter", "in-channel", *SPATIAL[self.geometry.dims]]
        return super().axis_names(target)

    def entry_names(self, target: str) -> list[str]:
        """The gradients of both filters are called as a filter's."""
        if target in _FILTERS:
            return ["filter", "in-channel", *LINES[self.geometry.dims]]
        return super().entry_names(target)

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """The first step's."""
        if target in ("dX", "dDepthwise", "Y"):
            name = "Y" if target == "Y" else STEP[target][1]
            yield from self.below["first"].regions(name, shape)

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """As of a convolution's dX."""
        return self.below["first"].size_meaning(target, axis, size) if target == "dX" else None

    def layout(self, name: str) -> ArrayLayout | None:
        """X and Y as the steps have them; the filters with the axes they were given with."""
        full = self.geometry.dims + 2
        every, (deep, point) = tuple(range(full)), self.ranks
        if name.lower() in ("depthwise", "ddepthwise"):
            return ArrayLayout(every if deep == full else (0, *every[2:]), full)
        if name.lower() in ("pointwise", "dpointwise"):
            return ArrayLayout(every[:point], full)
        wide, narrow = self.plan.depthwise.X, self.plan.pointwise.Y
        return {"X": wide, "dX": wide, "Y": narrow, "dY": narrow}.get(name)

    def geometry_dict(self) -> dict[str, Any]:
        """The separable layer's."""
        return dict(self.plan.as_dict())

    # ---- other data

    def enlarged(self) -> SeparableProblem:
        """The same geometry with N, I and O > 1 and more windows."""
        old, outs = self.geometry, self.plan.pointwise_shape[0]
        channels = max(old.in_channels, 2)
        maps = channels * old.filters_per_group
        outs = max(outs, 2) + (max(outs, 2) == maps)
        axes = tuple(roomy(axis, place) for place, axis in enumerate(old.axes))
        X = zeros((max(old.batch, 2), channels, *(axis.size for axis in axes)))
        D, P = zeros((maps, 1, *old.kernel)), zeros((outs, maps, *(1,) * old.dims))
        padding = [(axis.before, axis.after) for axis in axes]
        options: dict[str, Any] = {"stride": old.stride, "dilation": old.dilation}
        plan = plan_separable(X.shape, D.shape, P.shape, padding=padding, dims=old.dims, **options)
        dY, full = zeros(plan.output_shape), old.dims + 2
        return SeparableProblem(plan, X, D, P, dY, zeros((outs,)), (full, full))

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        from convgrad_cli.check.suggest import arrays_of_bundle

        options = dict(self.geometry.as_dict())
        del options["kernel"], options["groups"]
        return {"operation": "separable_backward", **options, **arrays_of_bundle(self)}

    # ---- equations: left to derive

    def traced(self, target: str) -> Any:
        """The tracer of the step that the target is taken from."""
        from convgrad_cli.derivation.separable import trace_separable

        steps = trace_separable(self.plan, *self.ranks, bias=self.b is not None)
        return steps[STEP[target][0] == "second"]

    def traced_name(self, target: str) -> str:
        """What the step calls it."""
        return STEP[target][1]

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """The equations of two steps are left to ``derive``."""
        return False

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """Left to ``derive``."""
        return []
