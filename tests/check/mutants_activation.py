"""Activations by Python's math, number by number, and the ways in which users get them wrong.

Nothing here comes from the package. A mutant of dZ is a function of one z and one dA, a mutant of A
of one z; :func:`each` carries it over arrays.
"""

from __future__ import annotations

import math

import numpy as np


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def phi(z):
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def cdf(z):
    return math.erfc(-z / math.sqrt(2)) / 2


def relu(z):
    return z if z > 0 else 0.0


def leaky(slope):
    return lambda z: z if z > 0 else slope * z


def softplus(z):
    return math.log1p(math.exp(z)) if z < 30 else z


def gelu(z):
    return z * cdf(z)


def silu(z):
    return z * sigmoid(z)


def sigmoid_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def tanh_slope(z):
    return 1 - math.tanh(z) ** 2


def gelu_slope(z):
    return cdf(z) + z * phi(z)


def silu_slope(z):
    return sigmoid(z) * (1 + z * (1 - sigmoid(z)))


SIGMA = {
    "relu": (relu, lambda z: float(z > 0)),
    "leaky-relu": (leaky(0.01), lambda z: 1.0 if z > 0 else 0.01),
    "sigmoid": (sigmoid, sigmoid_slope),
    "tanh": (math.tanh, tanh_slope),
    "softplus": (softplus, sigmoid),
    "gelu": (gelu, gelu_slope),
    "silu": (silu, silu_slope),
    "identity": (float, lambda z: 1.0),
}


def each(function, *arrays):
    """``function`` of every number (of pairs of numbers)."""
    flat = [function(*map(float, numbers)) for numbers in zip(*map(np.ravel, arrays), strict=True)]
    return np.array(flat).reshape(arrays[0].shape)


def gelu_tanh(z):
    return 0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


def gelu_tanh_slope(z):
    c, a = math.sqrt(2 / math.pi), 0.044715
    t = math.tanh(c * (z + a * z**3))
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * c * (1 + 3 * a * z * z)


# activation, id, dZ from z and dA
LOCAL = [
    ("relu", "A1", lambda z, d: d),
    ("sigmoid", "A1", lambda z, d: d),
    ("gelu", "A1", lambda z, d: d),
    ("sigmoid", "A2", lambda z, d: d * sigmoid(z)),
    ("tanh", "A2", lambda z, d: d * math.tanh(z)),
    ("relu", "A2", lambda z, d: d * relu(z)),
    ("sigmoid", "A3", lambda z, d: d * sigmoid_slope(sigmoid(z))),
    ("tanh", "A3", lambda z, d: d * tanh_slope(math.tanh(z))),
    ("silu", "A3", lambda z, d: d * silu_slope(silu(z))),
    ("sigmoid", "A3", lambda z, d: d * z * (1 - z)),
    ("tanh", "A3", lambda z, d: d * (1 - z * z)),
    ("relu", "A4", lambda z, d: d if z <= 0 else 0.0),
    ("relu", "A4", lambda z, d: d if d > 0 else 0.0),
    ("leaky-relu", "A4", lambda z, d: d if z > 0 else 0.0),
    ("leaky-relu", "A4", lambda z, d: d if z > 0 else 0.2 * d),
    ("leaky-relu", "A4", lambda z, d: d if z > 0 else 100.0 * d),
    ("leaky-relu", "A4", lambda z, d: 0.01 * d if z > 0 else d),
    ("relu", "A5", lambda z, d: d if z >= 0 else 0.0),
    ("relu", "A5", lambda z, d: d / 2 if z == 0 else d * (z > 0)),
    ("leaky-relu", "A5", lambda z, d: d if z >= 0 else 0.01 * d),
    ("gelu", "A6", lambda z, d: d * gelu_tanh_slope(z)),
    ("silu", "A7", lambda z, d: silu_slope(z)),
    ("sigmoid", "A7", lambda z, d: z * sigmoid_slope(z)),
    ("tanh", "A7", lambda z, d: math.tanh(z) * tanh_slope(z)),
    ("relu", "A7", lambda z, d: float(z > 0)),
    ("relu", "A7", lambda z, d: d * z),
    ("identity", "A7", lambda z, d: z),
    ("softplus", "A8", lambda z, d: d * sigmoid_slope(z)),
    ("sigmoid", "A8", lambda z, d: d * tanh_slope(z)),
    ("gelu", "A8", lambda z, d: d * silu_slope(z)),
    ("softplus", "A8", lambda z, d: d * (z > 0)),
    ("identity", "A8", lambda z, d: d * (z > 0)),
    ("tanh", "A9", lambda z, d: d * (1 - math.tanh(z))),
    ("sigmoid", "A9", lambda z, d: d * (1 - sigmoid(z))),
    ("silu", "A9", lambda z, d: d * (sigmoid(z) + z * (1 - sigmoid(z)))),
    ("gelu", "A9", lambda z, d: d * cdf(z)),
    ("gelu", "A9", lambda z, d: d * (cdf(z) + z * math.exp(-z * z / 2))),
    ("softplus", "A9", lambda z, d: d * math.exp(z)),
]

# activation, id, A from z
VALUE = [
    ("relu", "A1", lambda z: z),
    ("sigmoid", "A1", lambda z: z),
    ("tanh", "A2", tanh_slope),
    ("softplus", "A2", sigmoid),
    ("sigmoid", "A3", lambda z: sigmoid(sigmoid(z))),
    ("relu", "A4", lambda z: min(z, 0.0)),
    ("leaky-relu", "A4", relu),
    ("leaky-relu", "A4", leaky(0.1)),
    ("gelu", "A6", gelu_tanh),
    ("gelu", "A6", lambda z: z * sigmoid(1.702 * z)),
    ("sigmoid", "A8", softplus),
    ("silu", "A8", gelu),
    ("gelu", "A9", cdf),
    ("gelu", "A9", lambda z: z * (1 + math.erf(z)) / 2),
    ("tanh", "A9", lambda z: 2 * sigmoid(z) - 1),
]
