"""Whether the time of ``conv_backward`` is linear in the batch and in the multiply-adds.

Each series grows one thing and fits time = a · work^exponent by least squares on the logarithms.
1 is linear; below it the small end of the series pays for something fixed. float32.
ratio    the exponent
spread   the dearest multiply-add of the series over the cheapest
"""

from __future__ import annotations

import time
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convgrad_cli import conv_backward
from convgrad_cli.geometry import plan_conv

SHORTEST = 0.02  # seconds that a measurement lasts at least, calls repeated


class Layer(NamedTuple):
    """Shapes of X and W; padding keeps the size."""

    x: tuple[int, ...]
    w: tuple[int, ...]


def _square(batch: int, channels: int, filters: int, size: int, kernel: int = 3) -> Layer:
    return Layer((batch, channels, size, size), (filters, channels, kernel, kernel))


SERIES = {
    "batch 1-64, 32@28": [_square(n, 32, 32, 28) for n in (1, 2, 4, 8, 16, 32, 64)],
    "batch 1-64, 3@16": [_square(n, 3, 8, 16) for n in (1, 2, 4, 8, 16, 32, 64)],
    "filters 16-256, 64@28": [_square(8, 64, k, 28) for k in (16, 32, 64, 128, 256)],
    "channels 16-256, 64@28": [_square(8, c, 64, 28) for c in (16, 32, 64, 128, 256)],
    "size 14-112, 32 channels": [_square(8, 32, 32, n) for n in (14, 28, 56, 112)],
    "filter 1-9, 32@56": [_square(4, 32, 32, 56, k) for k in (1, 3, 5, 7, 9)],
    "small 3x3-32x32": [_square(1, 1, 1, n) for n in (3, 4, 8, 16, 32)],
}
"""Layers in order of size."""

MOST = 1.15
"""The largest exponent that is still linear, for all that caches and their ends do."""


def run(rounds: int = 5, only: str = "") -> list[dict[str, Any]]:
    """A row per series."""
    return [_row(name, layers, rounds) for name, layers in SERIES.items() if only in name]


def exponent(work: list[int], seconds: list[float]) -> float:
    """The slope of log time over log work, by least squares."""
    return float(np.polyfit(np.log(work), np.log(seconds), 1)[0])


def _row(name: str, layers: list[Layer], rounds: int) -> dict[str, Any]:
    work = [_multiply_adds(layer) for layer in layers]
    calls = [_call(layer) for layer in layers]
    best = [float("inf")] * len(layers)
    for _ in range(rounds):
        for i, call in enumerate(calls):
            best[i] = min(best[i], call())
    units = [seconds / amount for seconds, amount in zip(best, work, strict=True)]
    return {
        "suite": "scaling",
        "case": name,
        "work": f"x{work[-1] / work[0]:.0f}",
        "first us": best[0] * 1e6,
        "last us": best[-1] * 1e6,
        "spread": max(units) / min(units),
        "ratio": exponent(work, best),
        "target": f"<= {MOST}",
    }


def _multiply_adds(layer: Layer) -> int:
    """Of one pass: a product for every output element, channel and filter position."""
    plan = plan_conv(layer.x, layer.w, padding=layer.w[2] // 2)
    return prod(plan.output_shape) * prod(layer.w[1:])


def _call(layer: Layer) -> Any:
    """A function that gives the seconds of one backward pass."""
    chance = np.random.default_rng(0)
    padding = layer.w[2] // 2
    shape = plan_conv(layer.x, layer.w, padding=padding).output_shape
    X, W, dY = (chance.standard_normal(s, np.float32) for s in (layer.x, layer.w, shape))

    def seconds() -> float:
        start, count = time.perf_counter(), 0
        while (took := time.perf_counter() - start) < SHORTEST or not count:
            conv_backward(X, W, dY, padding=padding)
            count += 1
        return took / count

    seconds()
    return seconds
