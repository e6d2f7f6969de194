"""An activation by itself, as the checker sees it: A = σ(z), dZ = dA ∘ σ′(z)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from convgrad_cli.check.catalogue_activation import (
    ACTIVATION_ROWS,
    Local,
    Setting,
    local_mistakes,
)
from convgrad_cli.check.catalogue_activation_value import value_mistakes
from convgrad_cli.check.cutout import Cutout, one_sample
from convgrad_cli.check.problem import MOVING, Problem, merged, precise
from convgrad_cli.check.suggest import canonical_plan
from convgrad_cli.layers import activation as layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.compare import Noise
    from convgrad_cli.check.mistake import Mistake, Row
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Index
    from convgrad_cli.derivation import Term
    from convgrad_cli.geometry.pointwise import PointwisePlan
    from convgrad_cli.layers.activation import Activation

#: Roundings of a σ or σ′ written in the ordinary way, beside those of 1 + |z|.
ROUNDINGS = 4


def setting_of(
    chosen: Activation, slope: float, Z: Array, dA: Array, bias: Array | None = None
) -> Setting:
    """The activation and its numbers, in double precision."""
    Z, dA = Z.astype(np.float64), dA.astype(np.float64)
    return Setting(chosen.name, slope, chosen.derivative, Z, dA, bias)


def sizes_of(chosen: Activation, Z: Array) -> tuple[Array, Array]:
    """How large the numbers are that A and σ′ are made of: 1 + |z| where exponentials enter."""
    if chosen.exact or chosen.kink is not None:
        return np.abs(layers.forward(chosen, Z)), np.abs(layers.derivative(chosen, Z))
    whole = 1.0 + np.abs(Z)
    return whole, whole


@dataclass
class ActivationProblem(Problem):
    """An activation: canonical z and dA."""

    plan: PointwisePlan
    Z: Array
    dA: Array
    activation: Activation
    slope: float = layers.LEAKY_SLOPE

    layer: ClassVar[str] = "activation"
    article: ClassVar[str] = "An activation"
    targets: ClassVar[tuple[str, ...]] = ("dZ", "A")
    default_targets: ClassVar[tuple[str, ...]] = ("dZ",)
    catalogue: ClassVar[Mapping[str, Row]] = ACTIVATION_ROWS
    objects: ClassVar[Mapping[str, str]] = {
        "dZ": "dA ∘ σ′(z)",
        "A": "the activation σ(z)",
    }

    def operands(self) -> dict[str, Array]:
        """The arrays by name."""
        return {"Z": self.Z, "dA": self.dA}

    def right(self, target: str) -> Array:
        """The right array, by the layers."""
        Z = precise(self.Z)
        if target == "A":
            return layers.forward(self.activation, Z)
        return layers.grad_input(self.activation, Z, precise(self.dA))

    def magnitude(self, target: str) -> Array:
        """What its terms' rounding scales with."""
        value, slope = sizes_of(self.activation, self.Z.astype(np.float64))
        return value if target == "A" else np.abs(self.dA.astype(np.float64)) * slope

    def terms(self, target: str) -> int:
        """The roundings of an ordinary formula."""
        return ROUNDINGS

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return MOVING * int(self.Z.size)

    @property
    def setting(self) -> Setting:
        """The activation and its numbers."""
        return setting_of(self.activation, self.slope, self.Z, self.dA)

    def mistakes(self, target: str) -> list[Mistake]:
        """The catalogue for ``target``."""
        return value_mistakes(self.setting) if target == "A" else local_mistakes(self.setting)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes, setting = merged(mistakes), self.setting
        sigma = setting.plain
        with np.errstate(over="ignore", invalid="ignore"):
            if target == "A":
                return np.asarray(changes.get("value", sigma.value)(setting.Z))
            if "local" in changes:
                return np.asarray(changes["local"].function(setting.Z, setting.dA))
            return np.asarray(setting.dA * sigma.slope(setting.Z))

    def parts(self, target: str, mask: Array | None) -> Iterator[Cutout]:
        """One sample."""
        return one_sample(self, mask)

    def sample(self, n: int) -> ActivationProblem:
        """The layer for one sample."""
        plan = replace(self.plan, geometry=replace(self.plan.geometry, batch=1))
        return replace(self, plan=plan, Z=self.Z[n : n + 1], dA=self.dA[n : n + 1])

    def settings(self) -> dict[str, Any]:
        """Which activation."""
        return settings_of(self.activation, self.slope)

    def geometry_dict(self) -> dict[str, Any]:
        """An activation has no geometry."""
        return {}

    def remarks(self, target: str, found: Array, noise: Noise, top: float) -> list[str]:
        """What is taken for σ′ where there is none."""
        if target == "A":
            return []
        note = layers.kink_note(self.activation, self.plan.X.from_canonical(self.Z))
        return [note] if note else []

    rows = Problem.rows_read

    def layout(self, name: str) -> Any:
        """All arrays have z's shape."""
        return self.plan.X

    def described(self, name: str) -> str | None:
        """Only a z on both sides of 0, and at it, tells the sides of a kink."""
        if name != "Z" or self.activation.kink is None:
            return None
        if np.all(self.Z > 0):
            return "z is positive everywhere"
        return None if np.any(self.Z == 0) else "z is 0 nowhere"

    def enlarged(self) -> ActivationProblem:
        """More numbers, so that zeros, both signs and several sizes have room."""
        old = self.plan.geometry
        size = tuple(max(n, 3 + place) for place, n in enumerate(old.size))
        larger = replace(old, batch=max(old.batch, 2), channels=max(old.channels, 2), size=size)
        plan = canonical_plan(self.plan, larger)
        blank = np.zeros(larger.input_shape)
        return replace(self, plan=plan, Z=blank, dA=blank)

    def telling(self, name: str, array: Array, rng: np.random.Generator) -> Array:
        """Of z: quarters from −3 to 3, 0 and both signs among them."""
        if name != "Z":
            return super().telling(name, array, rng)
        first = np.array([0, 6, -8, 2, -3])
        rest = rng.permutation(np.setdiff1d(np.arange(-12, 13), first))
        quarters = np.resize(np.concatenate([first, rest]) / 4.0, array.size)
        return rng.permutation(quarters).reshape(array.shape)

    def bundle(self) -> dict[str, Any]:
        """The layer as a bundle."""
        arrays = {"X": self.Z, "dA": self.dA}
        return {"operation": "activation_backward", **self.settings(), **arrays}

    def traced(self, target: str) -> Any:
        """The activation's tracer."""
        return traced_activation(self.activation, self.plan.geometry.input_shape, self.plan.X)

    def traced_name(self, target: str) -> str:
        """The tracer calls z Y, as after a convolution."""
        return "dY" if target == "dZ" else target

    def sums(self, target: str, causes: Sequence[Mistake]) -> bool:
        """Not every mistake can be written with σ and σ′."""
        return False

    def mistaken_terms(
        self, target: str, causes: Sequence[Mistake], index: Index
    ) -> list[Term] | None:
        """The product as the mistake has it, where it can be written."""
        return local_terms(causes, index) if target == "dZ" else []


def settings_of(chosen: Activation, slope: float) -> dict[str, Any]:
    """Which activation, as a bundle says it."""
    named: dict[str, Any] = {"activation": chosen.name}
    return named | {"slope": slope} if chosen.name == "leaky-relu" else named


def traced_activation(chosen: Activation, shape: tuple[int, ...], layout: Any) -> Any:
    """The tracer of an activation of arrays of this canonical shape."""
    from convgrad_cli.derivation.activation import trace_activation
    from convgrad_cli.derivation.model import Frame

    return trace_activation(chosen.name, Frame(shape, "nk" + "s" * (len(shape) - 2), layout))


def local_terms(causes: Sequence[Mistake], index: Index) -> list[Term]:
    """dA, or not, times functions of z; nothing where the mistake has no such form."""
    from convgrad_cli.derivation.model import Factor, Term

    locals_ = [cause.changes["local"] for cause in causes if "local" in cause.changes]
    if len(locals_) != 1 or locals_[0].factors is None:
        return []
    local: Local = locals_[0]
    factors = tuple(Factor("Y", index, function) for function in local.factors or ())
    return [Term(index if local.upstream else None, factors=factors)]
