"""From files to files, the whole process: convgrad's command against the same in PyTorch.

The real layer is (N,C,H,K,k,s,p) = (8,64,56,64,3,1,1) in float32, from ``.npy`` files to a ``.npz``
with dX, dW and db; the small one is the lecture's 5×5 example, printed as JSON.
ratio    PyTorch's best time over ours
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from convgrad_cli.lectures import EXAMPLES
from tests.benchmarks.processes import Failed, Installed, alternately, installed, median_ratio

REAL = """
import numpy as np, torch
from torch.nn.functional import conv2d
X, W, dY = (torch.from_numpy(np.load(f"{name}.npy")) for name in ("X", "W", "dY"))
b = torch.zeros(W.shape[0])
for operand in (X, W, b):
    operand.requires_grad_()
Y = conv2d(X, W, b, padding=1)
dX, dW, db = torch.autograd.grad(Y, (X, W, b), dY)
np.savez("peer.npz", dX=dX.numpy(), dW=dW.numpy(), db=db.numpy())
"""

SMALL = """
import json, torch
from torch.nn.functional import conv2d
X, W, dY = (torch.tensor({X}), torch.tensor({W}), torch.tensor({dY}))
X, W, dY = (array.double()[None, None] for array in (X, W, dY))
b = torch.zeros(1, dtype=torch.float64)
for operand in (X, W, b):
    operand.requires_grad_()
Y = conv2d(X, W, b, stride=2)
dX, dW, db = torch.autograd.grad(Y, (X, W, b), dY)
print(json.dumps({{"dX": dX[0, 0].tolist(), "dW": dW[0, 0].tolist(), "db": db.tolist()}}))
"""


def run(peer_python: str, rounds: int = 7) -> list[dict[str, Any]]:
    """A row per layer; no ratio where the peer has no PyTorch."""
    example = EXAMPLES["recitation-2"].arrays
    with installed() as here:
        write_layer(here.folder)
        layer = ("-x", "X.npy", "-w", "W.npy", "-g", "dY.npy", "--padding", "1")
        commands = {
            "real layer, .npy to .npz": here.convgrad("backward", *layer, "-o", "ours.npz"),
            "5x5 example, JSON": here.convgrad("backward", "--stride", "2", "--json"),
        }
        scripts = {
            "real layer, .npy to .npz": [peer_python, "-c", REAL],
            "5x5 example, JSON": [peer_python, "-c", SMALL.format_map(example)],
        }
        peer = _has_torch(here, peer_python)
        theirs = {f"peer {name}": script for name, script in scripts.items()} if peer else {}
        runs = alternately(here, commands | theirs, rounds)
        if peer:
            _check_equal(here.folder)
    return [
        _row(name, runs[name], runs.get(f"peer {name}"), target)
        for name, target in zip(commands, (4, 8), strict=True)
    ]


def write_layer(folder: Path, batch: int = 8, dtype: type = np.float32) -> None:
    """X, W, dY of the real layer as .npy files; integers are small ones."""
    chance = np.random.default_rng(0)
    shapes = {"X": (batch, 64, 56, 56), "W": (64, 64, 3, 3), "dY": (batch, 64, 56, 56)}
    for name, shape in shapes.items():
        values = 4 * chance.standard_normal(shape, np.float32)
        np.save(folder / f"{name}.npy", values.astype(dtype))


def _row(name: str, ours: Any, theirs: Any, target: int) -> dict[str, Any]:
    return {
        "suite": "process",
        "case": name,
        "ms": min(ours) * 1e3,
        "peer ms": min(theirs) * 1e3 if theirs else None,
        "median": median_ratio(theirs, ours) if theirs else None,
        "ratio": min(theirs) / min(ours) if theirs else None,
        "target": f">= {target}",
    }


def _has_torch(here: Installed, peer_python: str) -> bool:
    try:
        here.seconds([peer_python, "-c", "import torch"])
    except (OSError, Failed):
        return False
    return True


def _check_equal(folder: Path) -> None:
    """Both did the same work."""
    with np.load(folder / "ours.npz") as ours, np.load(folder / "peer.npz") as peer:
        for name in ("dX", "dW", "db"):
            gap = np.abs(ours[name].reshape(peer[name].shape) - peer[name]).max()
            assert gap < 1e-4 * np.abs(peer[name]).max(), f"{name} differs by {gap}"
