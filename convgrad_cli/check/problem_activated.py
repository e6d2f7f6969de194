"""A convolution followed by an activation: what arrives is dA, and dZ = dA ∘ σ′(Y) goes on.

The convolution's own mistakes change how dZ meets W and X, an activation's what dZ is; they are
different stages, so they pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.activated import Activated
from convgrad_cli.check.catalogue_activation import (
    ACTIVATION_ROWS,
    Setting,
    local_mistakes,
)
from convgrad_cli.check.catalogue_activation_value import value_mistakes
from convgrad_cli.check.cutout import Cutout, conv_parts
from convgrad_cli.check.mistake import row_table
from convgrad_cli.check.problem import Problem, precise
from convgrad_cli.check.problem_activation import (
    local_terms,
    setting_of,
    settings_of,
    sizes_of,
    traced_activation,
)
from convgrad_cli.check.problem_conv import ConvProblem
from convgrad_cli.check.rows import CONV_ROWS
from convgrad_cli.check.suggest import distinct, enlarged_conv
from convgrad_cli.layers import activation as layers
from convgrad_cli.layers import conv

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.compare import Noise
    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index, Region
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry import ConvPlan
    from convgrad_cli.layers.activation import Activation

_ABOVE = ("dX", "dW", "db")


@dataclass
class ActivatedProblem(Problem):
    """A convolution and its activation: canonical X, W, dA and b (None: no bias)."""

    plan: ConvPlan
    X: Array
    W: Array
    dA: Array
    b: Array | None
    activation: Activation
    slope: float = layers.LEAKY_SLOPE

    layer: ClassVar[str] = "conv"
    article: ClassVar[str] = "A convolution with an activation"
    targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db", "dZ", "Y", "A")
    default_targets: ClassVar[tuple[str, ...]] = ("dX", "dW", "db", "dZ")
    catalogue: ClassVar[Mapping[str, Row]] = CONV_ROWS | row_table(
        replace(row, targets=(*_ABOVE, *row.targets)) if "dZ" in row.targets else row
        for row in ACTIVATION_ROWS.values()
    )
    objects: ClassVar[Mapping[str, str]] = {
        **ConvProblem.objects,
        "dZ": "dA ∘ σ′(z)",
        "A": "the activation σ(z)",
    }

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        found = {"X": self.X, "W": self.W, "dA": self.dA}
        return found if self.b is None else {**found, "b": self.b}

    # ---- the numbers

    @cached_property
    def below(self) -> ConvProblem:
        """The convolution, with the right dZ as its dY."""
        return self._conv(layers.grad_input(self.activation, self.Z, precise(self.dA)))

    @cached_property
    def Z(self) -> Array:
        """The pre-activation z = Y."""
        b = None if self.b is None else precise(self.b)
        return conv.forward(precise(self.X), precise(self.W), b, self.plan.geometry)

    def _conv(self, dY: Array) -> ConvProblem:
        return ConvProblem(self.plan, self.X, self.W, dY, self.b)

    @cached_property
    def setting(self) -> Setting:
        """The activation and its numbers."""
        bias = None
        if self.b is not None:
            bias = self.b.astype(np.float64).reshape(-1, *(1,) * self.plan.geometry.dims)
        return setting_of(self.activation, self.slope, self.Z, self.dA, bias)

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        if target == "A":
            return layers.forward(self.activation, self.Z)
        return self.below.dY if target == "dZ" else self.below.right(target)

    def magnitude(self, target: str) -> Array:
        """What rounding scales with: that of z goes through σ and σ′ too."""
        Z = self.below.magnitude("Y")
        if target == "Y":
            return Z
        kinked = self.activation.exact or self.activation.kink is not None
        value, slope = sizes_of(self.activation, self.Z.astype(np.float64))
        if target == "A":
            return Z + (0.0 if kinked else 1.0) * value
        local = np.abs(self.dA.astype(np.float64)) * (slope + (0.0 if kinked else 1.0) * Z)
        return local if target == "dZ" else self._conv(local).magnitude(target)

    def slack(self, target: str, epsilon: float) -> Array | float:
        """Where z is 0 up to rounding, σ′ may be either side's at a kink."""
        jump = self._jump(epsilon)
        if jump is None or target in ("Y", "A"):
            return 0.0
        return jump if target == "dZ" else self._conv(jump).magnitude(target)

    def _jump(self, epsilon: float) -> Array | None:
        """By how much dZ may jump; None where it cannot."""
        if not self.setting.kinked or epsilon == 0 or self._exact(epsilon):
            return None
        reach = epsilon * (4 + 2 * self.below.terms("Y") ** 0.5) * self.below.magnitude("Y")
        near = np.abs(self.setting.Z) <= reach
        return np.where(near, np.abs(self.setting.dA) * abs(1 - self.setting.below), 0.0)

    def _exact(self, epsilon: float) -> bool:
        """Whether z is a sum of whole numbers, exact in the arrays' precision."""
        arrays = [self.X, self.W, *([] if self.b is None else [self.b])]
        whole = all(np.array_equal(array, np.round(array)) for array in arrays)
        return whole and float(self.below.magnitude("Y").max()) * epsilon < 1

    def terms(self, target: str) -> int:
        """The roundings on the way to an element."""
        own = 0 if target in ("A", "dZ") else self.below.terms(target)
        return own + (0 if target == "Y" else self.below.terms("Y") + 4)

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return self.below.cost("Y" if target in ("A", "dZ") else target)

    # ---- the mistakes

    def mistakes(self, target: str) -> list[Mistake]:
        """The activation's, and the convolution's."""
        if target == "A":
            return [*value_mistakes(self.setting), *self.below.mistakes("Y")]
        if target == "Y":
            return self.below.mistakes("Y")
        own = local_mistakes(self.setting)
        return own if target == "dZ" else [*own, *self.below.mistakes(target)]

    @cached_property
    def _whole(self) -> Activated:
        return Activated(self.below, self.setting)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        return self._whole.variant(target, mistakes)

    def free(self, target: str, causes: Sequence[Mistake]) -> bool:
        """As the convolution's, where dZ is right."""
        plain = not any("local" in cause.changes for cause in causes)
        return plain and target in _ABOVE and self.below.free(target, causes)

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """The convolution's, with z and dA of the same filters and windows."""
        if target == "db":
            return
        like = "Y" if target in ("A", "dZ") else target
        for block, cut in conv_parts(self.plan.geometry, like, mask):
            s = self.setting
            bias = None if s.bias is None else s.bias[block.filters]
            here = s._replace(Z=block.of_narrow(s.Z), dA=block.of_narrow(s.dA), bias=bias)
            yield replace(cut, problem=Activated(self.below.block(block), here))

    # ---- words

    def settings(self) -> dict[str, Any]:
        """Which activation."""
        return settings_of(self.activation, self.slope)

    def rows(self, target: str) -> list[Row]:
        """The convolution's rows, and those that this activation has readings of."""
        known = {mistake.id for mistake in self.mistakes(target)}
        of_conv = {row.id for row in self.below.rows("Y" if target == "A" else target)}
        rows = self.catalogue.values()
        return [
            row for row in rows if row.id in of_conv or (target in row.targets and row.id in known)
        ]

    def remarks(self, target: str, found: Array, noise: Noise, top: float) -> list[str]:
        """What is taken for σ′ at a kink, and where rounding decides the side."""
        if target in ("Y", "A"):
            return []
        jump = self._jump(noise.epsilon)
        if jump is not None and (count := int(np.count_nonzero(jump))):
            places = "1 position" if count == 1 else f"{count} positions"
            return [f"z is 0 up to rounding at {places}: σ′ may be that of either side there"]
        note = layers.kink_note(self.activation, self.plan.Y.from_canonical(self.Z))
        return [note] if note else []

    def regions(self, target: str, shape: tuple[int, ...]) -> Iterator[Region]:
        """The convolution's, and where σ′ is 0."""
        yield from self.below.regions("Y" if target in ("A", "dZ") else target, shape)
        if target == "dZ":
            yield "negative", "where z is not positive", self.setting.Z <= 0

    def size_meaning(self, target: str, axis: int, size: int) -> str | None:
        """As of the convolution."""
        return self.below.size_meaning(target, axis, size)

    def layout(self, name: str) -> Any:
        """dZ, dA and A are laid out as Y."""
        return self.plan.Y if name in ("dZ", "dA", "A") else super().layout(name)

    def described(self, name: str) -> str | None:
        """A z on one side of a kink says nothing of the other."""
        if name in ("X", "W") and self.setting.kinked and np.all(self.setting.Z > 0):
            return "z is positive everywhere"
        return None

    # ---- other data

    def enlarged(self) -> ActivatedProblem:
        """The same geometry with N, C and K > 1 and more windows."""
        plan, X, W, dA, b = enlarged_conv(self.plan)
        X, W, dA, b = (array.astype(np.float64) for array in (X, W, dA, b))
        return replace(self, plan=plan, X=X, W=W, dA=dA, b=b)

    def telling(self, name: str, array: Array, rng: np.random.Generator) -> Array:
        """Small fractions, so that σ is not in its tails."""
        numbers = distinct(rng, array.shape)
        return numbers if name == "dA" else np.round(numbers * (16.0 / np.abs(numbers).max())) / 16

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        return {**self._conv(self.dA).bundle(), "upstream": self.dA, **self.settings()}

    # ---- equations

    def traced(self, target: str) -> Any:
        """The convolution's tracer, or the activation's."""
        if target in ("dZ", "A"):
            shape = self.plan.geometry.output_shape
            return traced_activation(self.activation, shape, self.plan.Y)
        return self.below.traced(target)

    def traced_name(self, target: str) -> str:
        """dZ is the tracer's dY."""
        return "dY" if target == "dZ" else target

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """The convolution's mistakes are sums; not every one of σ′ can be written."""
        return target in (*_ABOVE, "Y") and not any("local" in c.changes for c in causes)

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The convolution's products, of the right dZ; or dZ's own."""
        if target == "dZ":
            return local_terms(causes, index)
        if target == "A" or any("local" in cause.changes for cause in causes):
            return []
        return self.below.mistaken_terms(target, causes, index)
