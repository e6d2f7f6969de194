"""The activations and their derivatives as textbooks write them: what the mistakes are made of.

They share no code with :mod:`convgrad_cli.layers.activation`, so that the two can be held against
each other; accuracy in the far tails is not their business.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.check.planes import Array

Function: TypeAlias = "Callable[[Array], Array]"


class Plain(NamedTuple):
    """σ and σ′ of a number, and in words how σ′ is made."""

    value: Function
    slope: Function


def sigmoid(z: Array) -> Array:
    """1/(1 + e^−z)."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-z)))


def bell(z: Array) -> Array:
    """φ, the normal density."""
    return np.asarray(np.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi))


def normal(z: Array) -> Array:
    """Φ, the normal distribution."""
    return 0.5 * (1.0 + erf(z / math.sqrt(2.0)))


def erf(z: Array) -> Array:
    """The error function; NumPy has none."""
    return np.fromiter(map(math.erf, z.ravel()), np.float64, z.size).reshape(z.shape)


def softplus(z: Array) -> Array:
    """log(1 + e^z)."""
    return np.asarray(np.logaddexp(0.0, z))


def gelu_tanh(z: Array) -> Array:
    """GELU's approximation by tanh."""
    return np.asarray(0.5 * z * (1.0 + np.tanh(_inner(z))))


def gelu_tanh_slope(z: Array) -> Array:
    """Its derivative."""
    t = np.tanh(_inner(z))
    inside = math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * z**2)
    return np.asarray(0.5 * (1.0 + t) + 0.5 * z * (1.0 - t**2) * inside)


def _inner(z: Array) -> Array:
    return np.asarray(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3))


def leaky(slope: float) -> Plain:
    """z above 0, slope·z below; the slope at 0 is the one below."""
    return Plain(
        lambda z: np.where(z > 0, z, slope * z),
        lambda z: np.where(z > 0, 1.0, slope),
    )


PLAIN: Final[dict[str, Plain]] = {
    "relu": leaky(0.0),
    "leaky-relu": leaky(0.01),
    "sigmoid": Plain(sigmoid, lambda z: sigmoid(z) * (1.0 - sigmoid(z))),
    "tanh": Plain(np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    "softplus": Plain(softplus, sigmoid),
    "gelu": Plain(lambda z: z * normal(z), lambda z: normal(z) + z * bell(z)),
    "silu": Plain(
        lambda z: z * sigmoid(z),
        lambda z: sigmoid(z) + z * sigmoid(z) * (1.0 - sigmoid(z)),
    ),
    "identity": Plain(lambda z: z + 0.0, np.ones_like),
}


def plain(name: str, slope: float) -> Plain:
    """The activation called ``name``; ``slope`` is leaky-relu's."""
    return leaky(slope) if name == "leaky-relu" else PLAIN[name]
