"""The catalogue for activations: the readings of rows A1 to A10 for A = σ(z)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from convgrad_cli.check import pointwise as pw
from convgrad_cli.check.catalogue_activation import (
    Setting,
    largest_gap,
    other_slopes,
    pointwise_mistake,
    strangers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.mistake import Mistake


def value_mistakes(s: Setting) -> list[Mistake]:
    """Every reading of every row for A = σ(z)."""
    makers = (_value, _value_sides, _value_others, _value_parts, _value_before_bias)
    return list(chain.from_iterable(maker(s) for maker in makers))


def _value(s: Setting) -> Iterator[Mistake]:
    if s.name == "identity":
        return
    sigma, fix = s.plain, _value_fix(s)
    yield pointwise_mistake("A1", "σ left out: A = z", fix, value=lambda z: z + 0.0)
    yield pointwise_mistake("A2", "σ′(z) in place of σ(z)", fix, value=sigma.slope)
    if s.name != "relu":
        phrase = "σ applied twice: σ(σ(z))"
        yield pointwise_mistake("A3", phrase, fix, value=lambda z: sigma.value(sigma.value(z)))


def _value_fix(s: Setting) -> str:
    return f"A = σ(z), {s.name}, element by element"


def _value_sides(s: Setting) -> Iterator[Mistake]:
    if not s.kinked:
        return
    below, fix = s.below, _value_fix(s)
    phrase = "the sign test the wrong way round"
    yield pointwise_mistake("A4", phrase, fix, value=lambda z: np.where(z > 0, below * z, z))
    for words, slope in other_slopes(s):
        yield pointwise_mistake("A4", words, fix, value=pw.leaky(slope).value)


def _value_others(s: Setting) -> Iterator[Mistake]:
    for name, sigma in strangers(s):
        phrase = f"{name} instead of {s.name}"
        yield pointwise_mistake("A8", phrase, _value_fix(s), value=sigma.value)
    if s.name == "gelu":
        for words, function in (
            ("tanh", pw.gelu_tanh),
            ("sigmoid", lambda z: z * pw.sigmoid(1.702 * z)),
        ):
            gap = largest_gap(function(s.Z), s.plain.value(s.Z))
            phrase = f"GELU's {words} approximation instead of the erf form (off by at most "
            phrase += f"{gap} here)"
            yield pointwise_mistake("A6", phrase, "use the erf form: A = z·Φ(z)", value=function)


_VALUE_PARTS: Final[dict[str, tuple[tuple[str, pw.Function], ...]]] = {
    "tanh": (("2/(1 + e^−z) − 1: the 2 of e^−2z left out", lambda z: 2.0 * pw.sigmoid(z) - 1.0),),
    "gelu": (
        ("Φ(z) alone: the factor z left out", pw.normal),
        ("erf(z) for erf(z/√2) in Φ", lambda z: z * 0.5 * (1.0 + pw.erf(z))),
        ("z·(1 + erf(z/√2)): the ½ left out", lambda z: 2.0 * z * pw.normal(z)),
    ),
}


def _value_parts(s: Setting) -> Iterator[Mistake]:
    for words, function in _VALUE_PARTS.get(s.name, ()):
        yield pointwise_mistake("A9", f"σ(z) taken as {words}", _value_fix(s), value=function)


def _value_before_bias(s: Setting) -> Iterator[Mistake]:
    bias = s.bias
    if bias is None or s.name == "identity":
        return
    fix = "add the bias first: A = σ(conv(X, W) + b)"
    phrase = "the activation applied before the bias: σ(conv(X, W)) + b"
    yield pointwise_mistake("A10", phrase, fix, value=lambda z: s.plain.value(z - bias) + bias)
