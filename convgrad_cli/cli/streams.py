"""Layers larger than memory: inputs mapped, results written into mapped files as they come.

Taken when the output is a directory or one .npy file and nothing else needs the whole result. The
process then holds a block of images at a time, whatever the batch.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.output import chosen_format, tell
from convgrad_cli.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.options import OutputOptions
    from convgrad_cli.geometry import ConvPlan

LARGE = 128 * 2**20
"""Results from this size on, in bytes, are streamed; smaller ones are quicker at once."""


def is_streamed(given: Given, output: OutputOptions, size: int) -> bool:
    """Whether a result of ``size`` elements goes to its files while it is computed.

    The dtype of an integer result is known only at its end, so integers are not streamed.
    """
    if output.output is None or chosen_format(output) is not None:
        return False
    path = output.output
    files = path.endswith((".npy", "/", os.sep)) or os.path.isdir(path)
    dtype = result_dtype(given)
    return files and dtype.kind == "f" and size * dtype.itemsize >= LARGE


def stream_backward(
    plan: ConvPlan,
    given: Given,
    dY: Any,
    wanted: Sequence[str],
    output: OutputOptions,
    notes: Sequence[str],
) -> None:
    """The gradients into their files."""
    from convgrad_cli.layers.stream import backward_into

    X, W = given["X"], given["W"]
    tell(notes, output)
    with _under_way(given, output, "gradients") as (files, progress):
        dX = files.array("dX", X.shape, _dtype(W, dY)) if "dX" in wanted else None
        found = backward_into(plan, X, W, dY, dX=dX, only=wanted, progress=progress)
        for name in ("dW", "db"):
            if name in wanted:
                gradient = getattr(found, name)
                files.array(name, gradient.shape, gradient.dtype)[...] = gradient


def stream_forward(plan: ConvPlan, given: Given, output: OutputOptions) -> None:
    """Y into its file."""
    from convgrad_cli.layers.stream import forward_into

    tell(given.notes, output)
    with _under_way(given, output, "forward pass") as (files, progress):
        Y = files.array("Y", plan.output_shape, result_dtype(given))
        forward_into(plan, given["X"], given["W"], given.get("b"), Y=Y, progress=progress)


def result_dtype(given: Given) -> Any:
    """np.result_type of the arrays that enter the layer."""
    return _dtype(*(loaded.array for loaded in given.arrays.values()))


def _dtype(*arrays: Any) -> Any:
    import numpy as np

    return np.result_type(*(array.dtype for array in arrays))


@contextmanager
def _under_way(given: Given, output: OutputOptions, label: str) -> Iterator[tuple[Any, Any]]:
    from convgrad_cli.arrays.folder import output_arrays

    assert output.output is not None
    # The files are given their names while the bar is still there: that may take the disk a while.
    with (
        progress_bar(label) as progress,
        output_arrays(output.output, given.sources) as files,
    ):
        yield files, progress
