"""The catalogue for activations, rows A1 to A10, and their readings for dZ.

Right: A = σ(z) and dZ = dA ∘ σ′(z). A mistake puts another function of z and dA in the place of
``local`` (dZ) or of z in the place of ``value`` (A); both belong to one stage, so that after a
convolution they pair with its mistakes, not with one another.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from convgrad_cli.check import pointwise as pw
from convgrad_cli.check.mistake import Mistake, Row, row_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.check.planes import Array

_BOTH: Final = ("dZ", "A")
ACTIVATION_ROWS: Final = row_table(
    [
        Row("A1", "σ′ (or σ) left out", _BOTH),
        Row("A2", "σ in place of σ′, or the other way round", _BOTH),
        Row("A3", "σ′ (or σ) evaluated at A instead of z", _BOTH),
        Row("A4", "slope below 0 left out or another, or the sign test wrong", _BOTH),
        Row("A5", "σ′ at z = 0 taken from the other side", ("dZ",)),
        Row("A6", "GELU by an approximation", _BOTH),
        Row("A7", "multiplied by z or A, or by nothing, instead of dA", ("dZ",)),
        Row("A8", "another activation", _BOTH),
        Row("A9", "a part of the formula left out", _BOTH),
        Row("A10", "applied before the bias", _BOTH),
    ]
)

#: Slopes of leaky ReLU that are somebody's default.
SLOPES: Final = (0.01, 0.1, 0.2, 0.3)


class Setting(NamedTuple):
    """The activation and the numbers it is given: z, dA, and what the bias adds to z (or None)."""

    name: str
    slope: float
    derivative: str
    Z: Array
    dA: Array
    bias: Array | None = None

    @property
    def plain(self) -> pw.Plain:
        """σ and σ′."""
        return pw.plain(self.name, self.slope)

    @property
    def below(self) -> float:
        """σ′ below 0, of the two that are straight there."""
        return self.slope if self.name == "leaky-relu" else 0.0

    @property
    def kinked(self) -> bool:
        """Whether σ′ jumps at 0."""
        return self.name in ("relu", "leaky-relu") and self.below != 1


class Local(NamedTuple):
    """dZ by a mistake, and how its equation is written: dA or not, then functions of an entry."""

    function: Callable[[Array, Array], Array]
    upstream: bool = True
    factors: tuple[str | None, ...] | None = None


def local_mistakes(s: Setting) -> list[Mistake]:
    """Every reading of every row for dZ = dA ∘ σ′(z)."""
    makers = (_left_out, _at_A, _sides, _approximated, _not_dA, _others, _parts, _before_bias)
    return list(chain.from_iterable(maker(s) for maker in makers))


def pointwise_mistake(id: str, phrase: str, fix: str, **changes: Any) -> Mistake:
    """A mistake in σ or σ′: all are one stage."""
    return Mistake(id, phrase, fix, changes, frozenset({"activation"}))


def _slope(id: str, phrase: str, fix: str, function: pw.Function, word: str | None) -> Mistake:
    """A mistake that has another function of z in the place of σ′."""
    factors = None if word is None else (word,)
    return pointwise_mistake(
        id, phrase, fix, local=Local(lambda z, dA: dA * function(z), True, factors)
    )


def _fix(s: Setting) -> str:
    return f"dZ = dA ∘ σ′(z) with σ′(z) = {s.derivative}"


def _left_out(s: Setting) -> Iterator[Mistake]:
    if s.name == "identity":
        return
    sigma, fix = s.plain, _fix(s)
    phrase = "σ′ left out: dA passed on as it is"
    yield pointwise_mistake("A1", phrase, fix, local=Local(lambda z, dA: dA + 0.0, True, ()))
    phrase = "σ(z) in place of σ′(z)"
    phrase += " (softplus's derivative)" if s.name == "sigmoid" else ""
    yield _slope("A2", phrase, fix, sigma.value, "σ")


#: σ′ written with A, and what that formula gives with z put in.
_IN_A: Final[dict[str, tuple[str, pw.Function]]] = {
    "sigmoid": ("A(1 − A)", lambda z: z * (1.0 - z)),
    "tanh": ("1 − A²", lambda z: 1.0 - z**2),
    "softplus": ("1 − e^−A", lambda z: 1.0 - np.exp(-z)),
}


def _at_A(s: Setting) -> Iterator[Mistake]:
    sigma = s.plain
    if s.name in ("relu", "leaky-relu", "identity"):
        return
    fix = f"σ′ is a function of z: {s.derivative}"
    phrase = "σ′ evaluated at A = σ(z) instead of z"
    yield _slope("A3", phrase, fix, lambda z: sigma.slope(sigma.value(z)), "σ′∘σ")
    if s.name in _IN_A:
        formula, function = _IN_A[s.name]
        phrase = f"z put into {formula}, the formula for A = σ(z)"
        yield _slope("A3", phrase, f"put A into {formula}, not z", function, None)


def _sides(s: Setting) -> Iterator[Mistake]:
    if not s.kinked:
        return
    below, fix = s.below, _fix(s)
    phrase = "the sign test the wrong way round"
    yield _slope("A4", phrase, fix, lambda z: np.where(z > 0, below, 1.0), None)
    phrase = "the sign test made on dA instead of z"
    local = Local(lambda z, dA: dA * np.where(dA > 0, 1.0, below))
    yield pointwise_mistake("A4", phrase, f"{fix}: the test is on z", local=local)
    for words, slope in other_slopes(s):
        yield _slope("A4", words, fix, pw.leaky(slope).slope, None)
    fix = f"convgrad takes σ′(0) = {below:g}, the slope below 0"
    phrase = "σ′(0) taken as 1 (z ≥ 0 instead of z > 0)"
    yield _slope("A5", phrase, fix, lambda z: np.where(z >= 0, 1.0, below), None)
    middle = (1.0 + below) / 2.0
    phrase = f"σ′(0) taken as {middle:g}"
    values = lambda z: np.where(z == 0, middle, np.where(z > 0, 1.0, below))  # noqa: E731
    yield _slope("A5", phrase, fix, values, None)


def other_slopes(s: Setting) -> Iterator[tuple[str, float]]:
    """Slopes below 0 that are not the layer's, in words."""
    if s.name == "leaky-relu":
        if s.slope != 0:
            yield "the slope below 0 left out (ReLU)", 0.0
            yield f"the slope below 0 inverted (1/{s.slope:g})", 1.0 / s.slope
            yield f"the slope below 0 with the wrong sign (−{s.slope:g})", -s.slope
        for other in SLOPES:
            if abs(other - s.slope) > 1e-12:
                yield f"the slope {other:g} below 0 instead of {s.slope:g}", other
    else:
        yield "a slope below 0 (leaky ReLU's 0.01)", 0.01


def _approximated(s: Setting) -> Iterator[Mistake]:
    if s.name != "gelu":
        return
    for words, function, word in (
        ("the tanh approximation's derivative", pw.gelu_tanh_slope, "gelu_tanh′"),
        ("the sigmoid approximation's derivative", _gelu_sigmoid_slope, "gelu_sigmoid′"),
    ):
        gap = largest_gap(s.dA * function(s.Z), s.dA * s.plain.slope(s.Z))
        phrase = f"{words} instead of the erf form's (off by at most {gap} here)"
        yield _slope("A6", phrase, "use the erf form: σ′(z) = Φ(z) + z·φ(z)", function, word)


def _gelu_sigmoid_slope(z: Array) -> Array:
    s = pw.sigmoid(1.702 * z)
    return s + 1.702 * z * s * (1.0 - s)


def largest_gap(one: Array, other: Array) -> str:
    """The largest difference, as a report says it."""
    return f"{float(np.abs(one - other).max(initial=0.0)):.1e}"


def _not_dA(s: Setting) -> Iterator[Mistake]:
    sigma, fix = s.plain, _fix(s)
    for words, function, factors in (
        ("dA left out: σ′(z) alone", lambda z, dA: sigma.slope(z), ("σ′",)),
        ("σ′(z) multiplied by z instead of dA", lambda z, dA: z * sigma.slope(z), (None, "σ′")),
        (
            "σ′(z) multiplied by A instead of dA",
            lambda z, dA: sigma.value(z) * sigma.slope(z),
            ("σ", "σ′"),
        ),
    ):
        if not (s.name == "identity" and "by A" in words):
            yield pointwise_mistake("A7", words, fix, local=Local(function, False, factors))
    if s.name != "identity":
        phrase = "dA multiplied by z instead of σ′(z)"
        yield _slope("A7", phrase, fix, lambda z: z, None)


def strangers(s: Setting) -> Iterator[tuple[str, pw.Plain]]:
    """The other activations; ReLU and leaky ReLU are each other's slope (A4), and the identity's
    derivative is none at all (A1)."""
    piecewise = ("relu", "leaky-relu")
    for name, sigma in pw.PLAIN.items():
        alike = name in piecewise and s.name in piecewise
        if name not in (s.name, "identity") and not alike:
            yield name, sigma


def _others(s: Setting) -> Iterator[Mistake]:
    for name, sigma in strangers(s):
        if not (s.name == "sigmoid" and name == "softplus"):  # that is A2
            phrase = f"{name}'s derivative instead of {s.name}'s"
            yield _slope("A8", phrase, _fix(s), sigma.slope, f"{name}′")


#: Derivatives with a part left out: what is left, and how.
_PARTS: Final[dict[str, tuple[tuple[str, pw.Function], ...]]] = {
    "sigmoid": (
        ("1 − σ(z): the factor σ(z) left out", lambda z: 1.0 - pw.sigmoid(z)),
        ("σ(z)² instead of σ(z)(1 − σ(z))", lambda z: pw.sigmoid(z) ** 2),
    ),
    "tanh": (
        ("1 − tanh z: the square left out", lambda z: 1.0 - np.tanh(z)),
        ("tanh² z: the 1 − left out", lambda z: np.tanh(z) ** 2),
        ("1 + tanh² z: the sign of the square wrong", lambda z: 1.0 + np.tanh(z) ** 2),
    ),
    "softplus": (("e^z: the division by 1 + e^z left out", np.exp),),
    "silu": (
        ("s = 1/(1 + e^−z) alone: the term z·s′ left out", pw.sigmoid),
        (
            "z·s·(1 − s) alone: the term s left out",
            lambda z: z * pw.sigmoid(z) * (1.0 - pw.sigmoid(z)),
        ),
        (
            "s + s·(1 − s): the factor z left out",
            lambda z: pw.sigmoid(z) + pw.sigmoid(z) * (1.0 - pw.sigmoid(z)),
        ),
        (
            "s + z·(1 − s): the factor s left out",
            lambda z: pw.sigmoid(z) + z * (1.0 - pw.sigmoid(z)),
        ),
    ),
    "gelu": (
        ("Φ(z) alone: the term z·φ(z) left out", pw.normal),
        ("z·φ(z) alone: the term Φ(z) left out", lambda z: z * pw.bell(z)),
        ("Φ(z) + φ(z): the factor z left out", lambda z: pw.normal(z) + pw.bell(z)),
        (
            "e^(−z²/2) for φ(z): its 1/√(2π) left out",
            lambda z: pw.normal(z) + z * np.exp(-(z**2) / 2.0),
        ),
        (
            "erf(z) for erf(z/√2) in Φ",
            lambda z: 0.5 * (1.0 + pw.erf(z)) + z * pw.bell(z),
        ),
    ),
}


def _parts(s: Setting) -> Iterator[Mistake]:
    for words, function in _PARTS.get(s.name, ()):
        yield _slope("A9", f"σ′(z) taken as {words}", _fix(s), function, None)


def _before_bias(s: Setting) -> Iterator[Mistake]:
    bias = s.bias
    if bias is None or s.name == "identity":
        return
    fix = "z is the convolution with its bias: σ′(Y), Y = conv(X, W) + b"
    phrase = "σ′ evaluated before the bias is added"
    yield _slope("A10", phrase, fix, lambda z: s.plain.slope(z - bias), None)
