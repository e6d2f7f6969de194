"""Peak memory of whole processes, against the inputs and outputs they have to hold anyway.

``budget`` is the size of inputs and outputs plus 256 MB; ``peak`` is resident memory, pages of
mapped files included. ``--huge`` adds a batch larger than memory ought to be: X of 6 GB in a sparse
file, dX into a mapped one, and there ``peak`` is the anonymous memory alone (RssAnon), sampled
while the command runs. It needs some 7 GB of disk where TMPDIR says.
"""

from __future__ import annotations

import subprocess
import time
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.process import write_layer
from tests.benchmarks.processes import Installed, environment, installed

MB = 10**6
ALLOWANCE = 256 * 2**20
ANONYMOUS = 600 * MB
BATCHES = (2, 8, 32, 128)
HUGE = ((7474, 64, 56, 56), (8, 64, 3, 3))  # X of 6 GB, few filters: dY is 0.75 GB
SAMPLED_EVERY = 0.02  # seconds
BACKWARD = ("backward", "-x", "X.npy", "-w", "W.npy", "-g", "dY.npy", "--padding", "1")
FORWARD = ("forward", "-x", "X.npy", "-w", "W.npy", "--padding", "1")
MAXPOOL = ("maxpool", "-x", "X.npy", "--window", "2")
FURTHER = {
    "backward float16, batch 64": (np.float16, 64, BACKWARD),
    "backward float64, batch 32": (np.float64, 32, BACKWARD),
    "backward int8, batch 32": (np.int8, 32, BACKWARD),
    "backward int64, batch 32": (np.int64, 32, BACKWARD),
    "forward float32, batch 64": (np.float32, 64, FORWARD),
    "maxpool float32, batch 64": (np.float32, 64, MAXPOOL),
}


def run(huge: bool = False, only: str = "") -> list[dict[str, Any]]:
    """A row per batch and kind of output, one per further dtype and layer."""
    rows = []
    with installed() as here:
        for batch in BATCHES:
            for output in ("out.npz", "out/"):
                case = f"backward, batch {batch}, to {output}"
                if only in case:
                    rows.append(_row(here, case, np.float32, batch, (*BACKWARD, "-o", output)))
        for name, (dtype, batch, arguments) in FURTHER.items():
            if only in name:
                rows.append(_row(here, name, dtype, batch, (*arguments, "-o", "out.npz")))
    if huge:
        with installed() as here:
            rows.append(_huge_row(here))
    return rows


def _row(
    here: Installed, case: str, dtype: type, batch: int, arguments: tuple[str, ...]
) -> dict[str, Any]:
    write_layer(here.folder, batch, dtype)
    peak = here.peak(here.convgrad(*arguments))
    output = here.folder / arguments[-1]
    files = [here.folder / name for name in arguments if name.endswith(".npy")]
    files += output.iterdir() if output.is_dir() else [output]
    held = sum(file.stat().st_size for file in files)
    return {
        "suite": "memory",
        "case": case,
        "in and out MB": held / MB,
        "peak MB": peak / MB,
        "beyond MB": (peak - held) / MB,
        "ratio": peak / (held + ALLOWANCE),
        "target": "<= 1",
    }


def _huge_row(here: Installed) -> dict[str, Any]:
    x_shape, w_shape = HUGE
    _sparse(here.folder / "X.npy", x_shape)
    _sparse(here.folder / "dY.npy", (x_shape[0], w_shape[0], *x_shape[2:]))
    np.save(here.folder / "W.npy", np.ones(w_shape, np.float32))
    command = here.convgrad(
        *("backward", "-x", "X.npy", "-w", "W.npy", "-g", "dY.npy", "--padding", "1"),
        *("-o", "out/"),
    )
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=here.folder, env=environment(here.folder))
    peak = 0
    while process.poll() is None:
        peak = max(peak, anonymous_memory(process.pid))
        time.sleep(SAMPLED_EVERY)
    assert process.returncode == 0
    assert np.load(here.folder / "out" / "dX.npy", mmap_mode="r").shape == x_shape
    size = prod(x_shape) * 4
    return {
        "suite": "memory",
        "case": f"streamed, X of {size / 1e9:.1f} GB, {time.perf_counter() - start:.0f} s",
        "in and out MB": size * (2 + w_shape[0] / x_shape[1]) / MB,
        "peak MB": peak / MB,
        "beyond MB": peak / MB,
        "ratio": peak / ANONYMOUS,
        "target": "<= 1",
    }


def anonymous_memory(pid: int | str) -> int:
    """Bytes of a process's memory that no file stands behind; 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            found = next((line for line in lines if line.startswith("RssAnon:")), "0 0")
    except OSError:
        return 0
    return int(found.split()[1]) * 1024


def _sparse(path: Path, shape: tuple[int, ...]) -> None:
    """A .npy file of zeros that takes no space on the disk."""
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + prod(shape) * 4)
