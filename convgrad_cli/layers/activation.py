"""Pointwise activations A = σ(Y) and the way back, dY = dA ∘ σ′(Y) (Diba, eq. 9 to 11, mended).

Each activation stands beside its derivative. Both are computed in float64 and rounded once to the
result's dtype; ReLU and the identity keep integers. No formula overflows, and none loses the small
values of a tail to cancellation: exp is only taken of −|z|, and GELU goes through erfc.

float64 accuracy measured against 40-digit values on |z| ≤ 700 (normal range): relu, leaky-relu and
identity exact; sigmoid, tanh, softplus and silu within 4 ulp, and so are the derivatives of the
first three; gelu's relative error is at most (z² + 8)·3e-16, for exp(−z²/2) magnifies the rounding
of z; silu′ and gelu′ cross zero, so their bound is an absolute 5e-16 for |z| ≤ 1e6.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[Any]

LEAKY_SLOPE: Final = 0.01


@dataclass(frozen=True)
class Activation:
    """σ and σ′, how they are written, and where σ′ does not exist.

    ``kink`` is the value taken for σ′(0) where the derivative jumps there, else None.
    ``exact`` activations keep integers as integers.
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    formula: str
    derivative: str
    kink: float | None = None
    exact: bool = False


def forward(activation: Activation, Z: Array) -> Array:
    """A = σ(Z), element by element, in Z's dtype (float64 for integers, unless σ keeps them)."""
    return _applied(activation.value, activation, Z)


def derivative(activation: Activation, Z: Array) -> Array:
    """σ′(Z), element by element; at a kink the subgradient ``activation.kink``."""
    return _applied(activation.slope, activation, Z)


def grad_input(activation: Activation, Z: Array, dA: Array) -> Array:
    """dZ = dA ∘ σ′(Z) (Diba, eq. 10).

    Z, dA: the same shape. The dtype is that of σ′(Z) and dA together; integers stay exact for relu
    and identity. Raises ShapeError where the shapes differ.
    """
    if Z.shape != dA.shape:
        raise ShapeError(
            "dA has the wrong shape.",
            expected=f"{Z.shape}   the shape of the activation's input",
            found=str(dA.shape),
            array="dA",
        )
    local = derivative(activation, Z)
    return np.asarray(local * dA, dtype=np.result_type(local, dA))


def kinks(activation: Activation, Z: Array) -> list[tuple[int, ...]]:
    """The positions where Z is 0 and σ has no derivative there, row-major."""
    if activation.kink is None:
        return []
    return [tuple(int(i) for i in index) for index in np.argwhere(Z == 0)]


def kink_note(activation: Activation, Z: Array) -> str | None:
    """One sentence about the positions of :func:`kinks`, or None where there are none."""
    found = kinks(activation, Z)
    if not found:
        return None
    times = "1 position" if len(found) == 1 else f"{len(found)} positions"
    first = f"{list(found[0])}" if len(found) == 1 else f"the first is {list(found[0])}"
    return (
        f"{activation.name} has no derivative at 0, where z is at {times} ({first}); "
        f"{activation.kink:g} is taken there."
    )


def activation(name: str, *, slope: float | None = None) -> Activation:
    """The activation called ``name``; ``slope`` is leaky-relu's for z < 0, 0.01 unless given.

    Raises UsageError naming the nearest known word, or for the slope of another activation.
    """
    if name == "leaky-relu":
        return _leaky_relu(LEAKY_SLOPE if slope is None else slope)
    if slope is not None and name in _FIXED:
        raise UsageError("--slope is leaky-relu's.", found=f"--slope {slope} with {name}")
    if name not in _FIXED:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), ACTIVATIONS, n=1)
        raise UsageError(
            f"Unknown activation {name!r}.",
            expected=f"one of {', '.join(ACTIVATIONS)}",
            remedy=f"did you mean {near[0]!r}?" if near else None,
        )
    return _FIXED[name]


def _applied(function: Callable[[Array], Array], activation: Activation, Z: Array) -> Array:
    if activation.exact and Z.dtype.kind in "iu":
        return function(Z)
    result = Z.dtype if Z.dtype.kind == "f" else np.dtype(np.float64)
    with np.errstate(under="ignore", over="ignore"):
        return function(Z.astype(np.float64, copy=False)).astype(result, copy=False)


def _identity(z: Array) -> Array:
    return z.copy()


def _one(z: Array) -> Array:
    return np.ones_like(z)


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)


def _step(z: Array) -> Array:
    """1 above 0, else 0: ReLU's derivative, with 0 taken at 0 (NaN stays NaN)."""
    return np.where(np.isnan(z), z, z > 0).astype(z.dtype)


def _leaky_relu(slope: float) -> Activation:
    return Activation(
        "leaky-relu",
        value=lambda z: np.where(z > 0, z, slope * z),
        slope=lambda z: np.where(np.isnan(z), z, np.where(z > 0, 1.0, slope)),
        formula=f"max(z, 0) + {slope:g}·min(z, 0)",
        derivative=f"1 if z > 0, else {slope:g}",
        kink=None if slope == 1 else slope,
    )


def _sigmoid(z: Array) -> Array:
    """1/(1 + e^−z), written with e^−|z| so that nothing overflows."""
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def _sigmoid_slope(z: Array) -> Array:
    """σ(z)·σ(−z) = e^−|z| / (1 + e^−|z|)², with no 1 − σ to cancel."""
    small = np.exp(-np.abs(z))
    return small / np.square(1.0 + small)


def _tanh_slope(z: Array) -> Array:
    """1 − tanh² = 4 e^−2|z| / (1 + e^−2|z|)²."""
    small = np.exp(-2.0 * np.abs(z))
    return 4.0 * small / np.square(1.0 + small)


def _softplus(z: Array) -> Array:
    """log(1 + e^z) = max(z, 0) + log1p(e^−|z|)."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _silu(z: Array) -> Array:
    return _bounded(z) * _sigmoid(z)


def _silu_slope(z: Array) -> Array:
    """σ(z)·(1 + z·σ(−z)), from the product rule."""
    return _sigmoid(z) * (1.0 + _bounded(z, both=True) * _sigmoid(-z))


def _gelu(z: Array) -> Array:
    return _bounded(z) * _normal_cdf(z)


def _gelu_slope(z: Array) -> Array:
    """Φ(z) + z·φ(z), with φ(z) = exp(−z²/2)/√(2π)."""
    bounded = _bounded(z, both=True)
    density = np.exp(-0.5 * np.square(bounded)) / math.sqrt(2.0 * math.pi)
    return _normal_cdf(z) + bounded * density


def _normal_cdf(z: Array) -> Array:
    """Φ(z) = erfc(−z/√2)/2, with the C library's erfc (2.8 ulp at worst, as measured).

    NumPy has no erfc. Cody's rational approximations, vectorised, took 1.5 times as long as this
    call per element, and were less accurate.
    """
    scaled = (-z / math.sqrt(2.0)).ravel()
    values = np.fromiter(map(math.erfc, scaled), np.float64, scaled.size)
    return 0.5 * values.reshape(z.shape)


def _bounded(z: Array, *, both: bool = False) -> Array:
    """z cut off far in the tail where its factor is 0 anyway, so that ∞·0 is 0 and not NaN."""
    return np.clip(z, -1e9, 1e9) if both else np.maximum(z, -1e9)


_FIXED: Final = {
    activation.name: activation
    for activation in (
        Activation("relu", _relu, _step, "max(z, 0)", "1 if z > 0, else 0", kink=0.0, exact=True),
        Activation("sigmoid", _sigmoid, _sigmoid_slope, "1/(1 + e^−z)", "σ(z)·σ(−z)"),
        Activation("tanh", np.tanh, _tanh_slope, "tanh z", "1 − tanh² z"),
        Activation("softplus", _softplus, _sigmoid, "log(1 + e^z)", "1/(1 + e^−z)"),
        Activation("gelu", _gelu, _gelu_slope, "z·Φ(z)", "Φ(z) + z·φ(z)"),
        Activation("silu", _silu, _silu_slope, "z/(1 + e^−z)", "s + z·s·(1 − s), s = 1/(1 + e^−z)"),
        Activation("identity", _identity, _one, "z", "1", exact=True),
    )
}

ACTIVATIONS: Final = (
    "relu", "leaky-relu", "sigmoid", "tanh", "softplus", "gelu", "silu", "identity",
)  # fmt: skip
