"""Pools, forward and backward together, as a ratio to PyTorch's in the same run.

The two take turns, so that a busy machine slows both, and the best of many rounds counts; both use
every core. PyTorch is optional: without it the rows have no ratio.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli import avg_pool, avg_pool_backward, max_pool, max_pool_backward

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS = [
    # (N, C, H, W), window, stride, padding
    ((8, 64, 112, 112), 2, 2, 0),
    ((8, 64, 112, 112), 3, 2, 0),
    ((8, 64, 112, 112), 3, 2, 1),
    ((8, 64, 56, 56), 3, 1, 0),
    ((8, 64, 56, 56), 3, 1, 1),
]
ROUNDS = 15


def run(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """One row per kind, dtype and layer: both times in milliseconds, PyTorch's over ours."""
    return [
        _row(kind, dtype, layer, rounds)
        for kind in ("max", "average")
        for dtype in (np.float32, np.float64)
        for layer in LAYERS
    ]


def _row(kind: str, dtype: type, layer: tuple[Any, ...], rounds: int) -> dict[str, Any]:
    shape, window, stride, padding = layer
    chance = np.random.default_rng(0)
    X = chance.standard_normal(shape).astype(dtype)
    out = [(n + 2 * padding - window) // stride + 1 for n in shape[2:]]
    dY = chance.standard_normal((*shape[:2], *out)).astype(dtype)
    options = (window, stride, padding)
    ours, theirs = _ours(kind, X, dY, options), _theirs(kind, X, dY, options)
    best = _alternately([ours] if theirs is None else [ours, theirs], rounds)
    return {
        "suite": "pools",
        "case": f"{kind} {'x'.join(map(str, shape))} window {window}/{stride} padding {padding}",
        "dtype": np.dtype(dtype).name,
        "convgrad_ms": best[0],
        "torch_ms": best[1] if theirs else None,
        "ratio": best[1] / best[0] if theirs else None,
    }


def _ours(kind: str, X: Any, dY: Any, options: tuple[int, ...]) -> Callable[[], Any]:
    if kind == "average":
        return lambda: (avg_pool(X, *options), avg_pool_backward(X, dY, *options))

    def both() -> Any:
        Y, switches = max_pool(X, *options)
        return Y, max_pool_backward(X, dY, *options, switches=switches)

    return both


def _theirs(kind: str, X: Any, dY: Any, options: tuple[int, ...]) -> Callable[[], Any] | None:
    try:
        import torch
        from torch.nn import functional
    except ImportError:
        return None
    x, upstream = torch.from_numpy(X).requires_grad_(), torch.from_numpy(dY)

    def both() -> Any:
        if kind == "average":
            Y = functional.avg_pool2d(x, *options, count_include_pad=False)
        else:
            Y, _ = functional.max_pool2d(x, *options, return_indices=True)
        return torch.autograd.grad(Y, x, upstream)

    return both


def _alternately(functions: list[Callable[[], Any]], rounds: int) -> list[float]:
    best = [float("inf")] * len(functions)
    for _ in range(rounds + 1):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            best[i] = min(best[i], (time.perf_counter() - start) * 1e3)
    return best


if __name__ == "__main__":
    for row in run():
        ratio = "" if row["ratio"] is None else f"{row['torch_ms']:8.1f} ms   {row['ratio']:5.2f}"
        print(f"{row['case']:<48} {row['dtype']:<8} {row['convgrad_ms']:8.1f} ms {ratio}")
