"""A depthwise separable convolution, as the checker sees it: two convolutions, and what passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_separable import (
    SEPARABLE_ROWS,
    separable_mistakes,
)
from convgrad_cli.check.cutout import Cutout, first_windows, one_sample
from convgrad_cli.check.mistake import unmet
from convgrad_cli.check.problem import LINES, SPATIAL, Problem, merged, precise
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.recipes import Impossible
from convgrad_cli.check.suggest import roomy, zeros
from convgrad_cli.geometry import ArrayLayout
from convgrad_cli.geometry.separable import plan_separable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import Axis, ConvGeometry
    from convgrad_cli.geometry.separable import SeparablePlan

_FILTERS = {"dDepthwise": "depthwise", "dPointwise": "pointwise"}
#: The step a target is taken from, and what its convolution calls it.
_STEP = {
    "dX": ("first", "dX"),
    "dDepthwise": ("first", "dW"),
    "dPointwise": ("second", "dW"),
    "db": ("second", "db"),
    "Y": ("second", "Y"),
}


@dataclass
class SeparableProblem(Problem):
    """Canonical X, depthwise (M, 1, …), pointwise (O, M, 1, …), dY and b (or None).

    ``ranks``: how many axes the user's two filters have.
    """

    plan: SeparablePlan
    X: Array
    depthwise: Array
    pointwise: Array
    dY: Array
    b: Array | None
    ranks: tuple[int, int]

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
        step, name = _STEP[target]
        return self.below[step].right(name)

    def magnitude(self, target: str) -> Array:
        """The same with every number's absolute value."""
        step, name = _STEP[target]
        return self._sizes[step].right(name)

    def terms(self, target: str) -> int:
        """The products of both steps, multiplied out."""
        first, second = self.below["first"], self.below["second"]
        step, name = _STEP[target]
        if target == "db":
            return second.terms("db")
        other = second.terms("dX") if step == "first" else first.terms("Y")
        return self.below[step].terms(name) * other

    def cost(self, target: str) -> int:
        """The work of one variant: both steps."""
        step, name = _STEP[target]
        work = self.below[step].cost(name)
        return work if target == "db" else work + self.below["first"].cost("Y")

    # ---- the mistakes

    def mistakes(self, target: str) -> list[Mistake]:
        """Those of both steps, and those between them."""
        return separable_mistakes(target, self.plan, bias=self.b is not None)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes, (_, name) = merged(mistakes), _STEP[target]
        if target == "db":
            return self.below["second"].changed("db", changes)
        if target in ("dX", "dDepthwise"):
            passed = changes.pop("dV", None)
            if passed is None:
                return self.below["first"].changed(name, changes)
            P, dY = self.pointwise.astype(np.float64), self.dY.astype(np.float64)
            return replace(self.below["first"], dY=passed(P, dY)).changed(name, changes)
        return self._mixed(target, changes)

    def _mixed(self, target: str, changes: dict[str, Any]) -> Array:
        """Y or dP, by way of the V that the changes give."""
        first, second, name = self.below["first"], self.below["second"], _STEP[target][1]
        prefix = "V." if target == "dPointwise" else "mix."
        marked = {key.removeprefix(prefix): changes.pop(key) for key in _marked(changes, prefix)}
        taken, mixture = changes.pop("V", None), changes.pop("mixture", None)
        before, after = (marked, changes) if target == "dPointwise" else (changes, marked)
        V = first.changed("Y", before)
        if taken is not None:
            V = taken(self.X.astype(np.float64), V)
        size = V.shape[2:]
        if V.shape[1] != self.pointwise.shape[1]:
            raise Impossible
        plan, P = self.plan.pointwise, second.W
        if size != second.geometry.input_size:
            if target == "dPointwise":
                raise Impossible
            axes = tuple(replace(a, size=n) for a, n in zip(plan.geometry.axes, size, strict=True))
            plan = replace(plan, geometry=replace(plan.geometry, axes=axes))
        if mixture is not None:
            P = mixture(P.astype(np.float64))
        return replace(second, plan=plan, X=V, W=P).changed(name, after)

    # ---- parts

    def part(self, target: str, found: Array, mask: Array | None) -> Cutout | None:
        """Of dX and Y one sample."""
        windows = target in ("dX", "Y")
        return one_sample(self, found, mask, windows=True) if windows else None

    def sample(self, n: int) -> SeparableProblem:
        """The layer for one sample."""
        here = slice(n, n + 1)
        return self._smaller(self.X[here], self.dY[here], batch=1)

    def corner(self, axes: tuple[Axis, ...]) -> SeparableProblem:
        """The layer of the first windows."""
        X, dY = first_windows(axes, self.X, self.dY)
        return self._smaller(X, dY, axes=axes)

    def _smaller(self, X: Array, dY: Array, **sizes: Any) -> SeparableProblem:
        plan = self.plan
        geometry = replace(plan.depthwise.geometry, **sizes)
        old = plan.pointwise.geometry
        ends = zip(old.axes, geometry.output_size, strict=True)
        axes = tuple(replace(axis, size=size) for axis, size in ends)
        mixed = replace(old, batch=geometry.batch, axes=axes)
        small = replace(
            plan,
            depthwise=replace(plan.depthwise, geometry=geometry),
            pointwise=replace(plan.pointwise, geometry=mixed),
        )
        return replace(self, plan=small, X=X, dY=dY)

    # ---- words

    def rows(self, target: str) -> list[Row]:
        """The rows that have readings here."""
        known = {mistake.id for mistake in self.mistakes(target)}
        return [row for row in super().rows(target) if row.id in known]

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
            name = "Y" if target == "Y" else _STEP[target][1]
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
        return steps[_STEP[target][0] == "second"]

    def traced_name(self, target: str) -> str:
        """What the step calls it."""
        return _STEP[target][1]

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """The equations of two steps are left to ``derive``."""
        return False

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """Left to ``derive``."""
        return []


def _marked(changes: dict[str, Any], prefix: str) -> list[str]:
    return [key for key in changes if key.startswith(prefix)]
