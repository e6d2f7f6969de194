"""PyTorch in a process of its own, asked line by line: the other side of a benchmark.

Run as a script by an interpreter that has PyTorch (this file imports nothing of convgrad); used
through :class:`Peer` by one that need not. A separate process keeps the two libraries' threads,
allocators and matrix products out of each other's way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


class Peer:
    """The process; ``None`` answers where it has no PyTorch."""

    def __init__(self, python: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [python, __file__, self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = self._ask("version")

    def layer(self, arrays: dict[str, np.ndarray], options: dict[str, Any]) -> None:
        """Take over a convolution's arrays X, W, b, dY."""
        self._hand_over(arrays)
        self._ask("layer", options)

    def pool(self, arrays: dict[str, np.ndarray], kind: str, *options: int) -> None:
        """Take over a pool's X and dY: ``max`` or ``average``, window, stride, padding."""
        self._hand_over(arrays)
        self._ask("pool", kind, *options)

    def _hand_over(self, arrays: dict[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            np.save(Path(self._folder.name, f"{name}.npy"), array)

    def seconds(self, what: str) -> float:
        """One timed ``forward``, ``backward`` (its backward pass alone), or ``both``."""
        return float(self._ask(what))

    def results(self) -> dict[str, np.ndarray]:
        """Its Y, dX, dW, db."""
        self._ask("results")
        return {
            name: np.load(Path(self._folder.name, f"{name}.npy"))
            for name in ("Y", "dX", "dW", "db")
        }

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def _ask(self, *question: Any) -> Any:
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            return None


class _Layer:
    """The peer's side of one convolution."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        import torch
        from torch.nn import functional

        self.torch, self.folder, self.options = torch, folder, options
        self.X, self.W, self.b, self.dY = (
            torch.from_numpy(np.load(folder / f"{name}.npy")) for name in ("X", "W", "b", "dY")
        )
        for operand in (self.X, self.W, self.b):
            operand.requires_grad_()
        self.convolve = getattr(functional, f"conv{self.X.ndim - 2}d")

    def _forward(self) -> Any:
        return self.convolve(self.X, self.W, self.b, **self.options)

    def _gradients(self, Y: Any) -> Any:
        return self.torch.autograd.grad(Y, (self.X, self.W, self.b), self.dY)

    def forward(self) -> float:
        with self.torch.no_grad():
            start = time.perf_counter()
            self._forward()
            return time.perf_counter() - start

    def backward(self) -> float:
        Y = self._forward()
        start = time.perf_counter()
        self._gradients(Y)
        return time.perf_counter() - start

    def both(self) -> float:
        start = time.perf_counter()
        self._gradients(self._forward())
        return time.perf_counter() - start

    def results(self) -> None:
        Y = self._forward()
        for name, value in zip(("Y", "dX", "dW", "db"), (Y, *self._gradients(Y)), strict=True):
            np.save(self.folder / f"{name}.npy", value.detach().numpy())


class _Pool:
    """The peer's side of one pool."""

    def __init__(self, folder: Path, kind: str, *options: int) -> None:
        import torch
        from torch.nn import functional

        self.torch, self.functional, self.kind, self.options = torch, functional, kind, options
        self.X, self.dY = (torch.from_numpy(np.load(folder / f"{n}.npy")) for n in ("X", "dY"))
        self.X.requires_grad_()

    def both(self) -> float:
        start = time.perf_counter()
        if self.kind == "average":
            Y = self.functional.avg_pool2d(self.X, *self.options, count_include_pad=False)
        else:
            Y, _ = self.functional.max_pool2d(self.X, *self.options, return_indices=True)
        self.torch.autograd.grad(Y, self.X, self.dY)
        return time.perf_counter() - start


def _serve(folder: Path) -> None:
    import torch

    layer: Any = None
    for line in sys.stdin:
        what, *rest = json.loads(line)
        if what == "version":
            answer: Any = torch.__version__
        elif what == "layer":
            layer, answer = _Layer(folder, *rest), "ready"
        elif what == "pool":
            layer, answer = _Pool(folder, *rest), "ready"
        else:
            answer = getattr(layer, what)()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    try:
        _serve(Path(sys.argv[1]))
    except ImportError:
        sys.exit("no PyTorch in this interpreter: no ratios")
