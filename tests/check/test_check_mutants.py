"""Every row of the catalogue, planted as a mutant written on its own, is named.

The mutants are in ``mutants.py``. Each runs in 1-D and 2-D (where it exists there), in float32 and
float64, on a layer that can tell it apart, with noise at the level of the dtype on top.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgrad_cli.check import check_arrays
from tests.check import mutants
from tests.check.mutants import Layer


def layer(dims, N=2, C=2, K=3, size=(6, 7), kernel=(2, 3), s=1, p=0, d=1, groups=1, ceil=False):
    """The first ``dims`` entries of everything; a number stands for all axes."""
    pads = p if isinstance(p, tuple) else ((p, p), (p, p))

    def each(value):
        return value if isinstance(value, tuple) else (value, value)

    values = (size, kernel, each(s), pads, each(d))
    return Layer(N, C, K, *(value[:dims] for value in values), groups, ceil)


PLAIN = {}
STRIDED = {"size": (7, 8), "s": 2}  # one row and one column left over in 2-D
PADDED = {"p": 1, "size": (5, 6), "kernel": (3, 2)}
UNEVEN = {"p": ((2, 1), (0, 1)), "kernel": (3, 2)}
DILATED = {"d": 2, "size": (7, 8)}
GROUPED = {"C": 4, "K": 6, "groups": 2}

# mutant, the id it must be given, the array, the layer, the dimensions it exists in
CONV = [
    ("x1", "X1", "dX", PLAIN, (1, 2)),
    ("x1", "X1", "dX", {**STRIDED, "p": 1}, (1, 2)),
    ("x2_first", "X2", "dX", PLAIN, (2,)),
    ("x2_last", "X2", "dX", PLAIN, (2,)),
    ("x3", "X3", "dX", PLAIN, (1, 2)),
    ("x3_in", "X3", "dX", PLAIN, (1, 2)),
    ("x4_swapped", "X4", "dX", {"C": 3, "K": 3}, (1, 2)),
    ("x4_reshaped", "X4", "dX", PLAIN, (1, 2)),
    ("x4_contracted", "X4", "dX", PLAIN, (1, 2)),
    ("x5_short", "X5", "dX", STRIDED, (1, 2)),
    ("x5_scatter", "X5", "dX", STRIDED, (1, 2)),
    ("x5_repeated", "X5", "dX", STRIDED, (1, 2)),
    ("x6_short", "X6", "dX", STRIDED, (1, 2)),
    ("x6_shifted", "X6", "dX", STRIDED, (1, 2)),
    ("x7_dilation", "X7", "dX", DILATED, (1, 2)),
    ("x7_padding", "X7", "dX", PADDED, (1, 2)),
    ("x7_forward", "X7", "dX", {"p": 2, "kernel": (3, 2)}, (1, 2)),
    ("x8_uncropped", "X8", "dX", PADDED, (1, 2)),
    ("x8_first", "X8", "dX", PADDED, (1, 2)),
    ("x9_window", "X9", "dX", PLAIN, (1, 2)),
    ("x9_window", "X9", "dX", {"kernel": (3, 3), "s": 2, "p": 1}, (1, 2)),
    ("x9_filter", "X9", "dX", PLAIN, (1, 2)),
    ("x10_filter", "X10", "dX", {"kernel": (3, 3)}, (2,)),
    ("x10_result", "X10", "dX", {"size": (6, 6)}, (2,)),
    ("x10_result", "X10", "dX", PLAIN, (2,)),
    ("x10_strides", "X10", "dX", {"s": (2, 1)}, (2,)),
    ("x11", "X11", "dX", {"s": 2, "size": (8, 9)}, (1, 2)),
    ("x11", "X11", "dX", {"d": 2, "size": (8, 9)}, (1, 2)),
    ("x12", "X12", "dX", UNEVEN, (1, 2)),
    ("x13_ignored", "X13", "dX", GROUPED, (1, 2)),
    ("x13_blocks", "X13", "dX", GROUPED, (1, 2)),
    ("w1", "W1", "dW", PLAIN, (1, 2)),
    ("w2_batch", "W2", "dW", PLAIN, (1, 2)),
    ("w2_both", "W2", "dW", PLAIN, (1, 2)),
    ("w3_first", "W3", "dW", PLAIN, (1, 2)),
    ("w3_last", "W3", "dW", PLAIN, (1, 2)),
    ("w4_end", "W4", "dW", PADDED, (1, 2)),
    ("w4_short", "W4", "dW", PADDED, (1,)),
    ("w5", "W5", "dW", STRIDED, (1, 2)),
    ("w5_large", "W5", "dW", STRIDED, (1, 2)),
    ("w6", "W6", "dW", STRIDED, (1, 2)),
    ("w7_reshaped", "W7", "dW", GROUPED, (1, 2)),
    ("w7_ignored", "W7", "dW", GROUPED, (1, 2)),
    ("w8_swapped", "W8", "dW", {"C": 3, "K": 3}, (1, 2)),
    ("w8_swapped", "W8", "dW", PLAIN, (1, 2)),
    ("w8_columns", "W8", "dW", PLAIN, (1, 2)),
    ("w9_broadcast", "W9", "dW", PLAIN, (1, 2)),
    ("w9_kept", "W9", "dW", PLAIN, (1, 2)),
    ("b1_batch", "B1", "db", PLAIN, (1, 2)),
    ("b1_all", "B1", "db", PLAIN, (1, 2)),
    ("b2_no_batch", "B2", "db", PLAIN, (1, 2)),
    ("b2_samples", "B2", "db", {"N": 3, "K": 3}, (1, 2)),
    ("b3", "B3", "db", PLAIN, (1, 2)),
    ("b4", "B4", "db", PLAIN, (1, 2)),
    ("y_b4", "B4", "Y", PLAIN, (1, 2)),
    ("y_no_bias", "B5", "Y", PLAIN, (1, 2)),
    ("f1", "F1", "Y", PLAIN, (1, 2)),
    ("f2_iohw", "F2", "Y", PLAIN, (1, 2)),
    ("f2_hwio", "F2", "Y", PLAIN, (1, 2)),
    ("y_x11", "X11", "Y", {"s": 2, "size": (8, 9)}, (1, 2)),
    ("y_x12", "X12", "Y", UNEVEN, (1, 2)),
]

POOLED = {"size": (6, 8), "kernel": (2, 2), "s": 2}
OVERLAPPING = {"size": (5, 6), "kernel": (3, 3), "s": 1}
TIED = {"size": (6, 8), "kernel": (2, 4), "s": 2}

# mutant, id, kind, layer, dimensions, whether X has ties
POOLS = [
    ("p1", "P1", "maxpool", OVERLAPPING, (1, 2), False),
    ("p1_average", "P1", "avgpool", OVERLAPPING, (1, 2), False),
    ("p2", "P2", "maxpool", TIED, (1, 2), True),
    ("p3_split", "P3", "maxpool", TIED, (1, 2), True),
    ("p3_last", "P3", "maxpool", TIED, (1, 2), True),
    ("p3_column", "P3", "maxpool", TIED, (2,), True),
    ("p4", "P4", "maxpool", {"size": (6, 8), "kernel": (2, 2), "s": 2, "p": 1}, (1, 2), False),
    ("p5_short", "P5", "maxpool", {"size": (7, 9), "kernel": (2, 2), "s": 2}, (1, 2), False),
    (
        "p5_floor",
        "P5",
        "maxpool",
        {"size": (7, 9), "kernel": (2, 2), "s": 2, "ceil": True},
        (1, 2),
        False,
    ),
    ("p6_first", "P6", "maxpool", POOLED, (1, 2), False),
    ("p6_origin", "P6", "maxpool", POOLED, (1, 2), False),
    (
        "p7_padded",
        "P7",
        "avgpool",
        {"size": (6, 8), "kernel": (2, 2), "s": 2, "p": 1},
        (1, 2),
        False,
    ),
]

GENERAL = [
    ("G1", "a factor", lambda right: right * 0.5),
    ("G1", "an odd factor", lambda right: right * 1.37),
    ("G2", "the sign", lambda right: -right),
    ("G3", "an axis flipped", lambda right: right[:, :, ::-1]),
    ("G3", "samples flipped", lambda right: right[::-1]),
    ("G4", "shifted", lambda right: np.roll(right, 1, -1)),
    ("G4", "shifted, zeros in", lambda right: np.roll(right, 1, -1) * _not_first(right)),
    ("G5", "one sample only", lambda right: right * _first(right, 0)),
    ("G5", "one channel only", lambda right: right * _first(right, 1)),
    ("G5", "one sample wrong", lambda right: right + 3 * _first(right, 0) * _ramp(right)),
]


def _not_first(array):
    mask = np.ones_like(array)
    mask[..., 0] = 0
    return mask


def _first(array, axis):
    mask = np.zeros_like(array)
    mask[(slice(None),) * axis + (0,)] = 1
    return mask


def _ramp(array):
    return np.sqrt(np.arange(1, array.size + 1)).reshape(array.shape).astype(array.dtype)


def numbers(shape: Any, dtype: Any, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def noisy(array: Any, dtype: Any) -> Any:
    """One rounding error more on every element."""
    rng = np.random.default_rng(9)
    eps = float(np.finfo(dtype).eps)
    return (array * (1 + eps * rng.uniform(-1, 1, array.shape))).astype(dtype)


def conv_arrays(spec: Any, dtype: Any) -> dict[str, Any]:
    w = (spec.K, spec.C // spec.groups, *spec.kernel)
    return {
        "X": numbers((spec.N, spec.C, *spec.size), dtype, 1),
        "W": numbers(w, dtype, 2),
        "b": numbers((spec.K,), dtype, 3),
        "dY": numbers((spec.N, spec.K, *spec.out), dtype, 4),
    }


def options(spec: Any) -> dict[str, Any]:
    return {
        "stride": spec.stride,
        "padding": spec.pads,
        "dilation": spec.dilation,
        "dims": spec.dims,
    }


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


def conv_cases() -> list[Any]:
    found = []
    for name, id, target, spec, dims in CONV:
        for d in dims:
            for dtype in (np.float32, np.float64):
                extra = "".join(f"-{key}" for key in spec)
                label = f"{name}-{d}d-{np.dtype(dtype)}{extra}"
                found.append(pytest.param(name, id, target, layer(d, **spec), dtype, id=label))
    return found


@pytest.mark.parametrize(("name", "id", "target", "spec", "dtype"), conv_cases())
def test_a_planted_mistake_is_named(name, id, target, spec, dtype) -> None:
    arrays = conv_arrays(spec, dtype)
    wrong = noisy(getattr(mutants, name)(spec, **arrays), dtype)
    report = check_arrays(**arrays, **{target: wrong}, groups=spec.groups, **options(spec))
    assert report.verdict == "wrong"
    assert (id,) in named(report, target), str(report)


def pool_cases() -> list[Any]:
    return [
        pytest.param(
            name, id, kind, layer(d, **spec), tied, dtype, id=f"{name}-{d}d-{np.dtype(dtype)}"
        )
        for name, id, kind, spec, dims, tied in POOLS
        for d in dims
        for dtype in (np.float32, np.float64)
    ]


@pytest.mark.parametrize(("name", "id", "kind", "spec", "tied", "dtype"), pool_cases())
def test_a_planted_mistake_of_a_pool_is_named(name, id, kind, spec, tied, dtype) -> None:
    shape = (spec.N, spec.C, *spec.size)
    X = numbers(shape, dtype, 5) - dtype(0.7)
    if tied:
        X = np.random.default_rng(5).integers(-2, 1, shape).astype(dtype)
    dY = numbers((spec.N, spec.C, *spec.out), dtype, 6)
    wrong = noisy(getattr(mutants, name)(spec, X, dY), dtype)
    report = check_arrays(
        X, dY=dY, dX=wrong, layer=kind, window=spec.kernel, ceil_mode=spec.ceil, **options(spec)
    )
    assert report.verdict == "wrong"
    assert (id,) in named(report, "dX"), str(report)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize(("id", "title", "spoil"), GENERAL, ids=[g[1] for g in GENERAL])
def test_a_general_mistake_is_named_where_no_specific_one_fits(
    id, title, spoil, dims, dtype
) -> None:
    spec = layer(dims, N=3, C=3, K=2)
    arrays = conv_arrays(spec, dtype)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    report = check_arrays(**arrays, dX=noisy(spoil(right), dtype), **options(spec))
    assert report.verdict == "wrong"
    assert named(report, "dX")
    assert all(ids[0].startswith("G") for ids in named(report, "dX")), str(report)
    assert (id,) in named(report, "dX"), str(report)


@pytest.mark.parametrize("spec", [PLAIN, STRIDED, PADDED, UNEVEN, DILATED, GROUPED])
def test_the_mutants_own_right_gradients_are_right(spec) -> None:
    """The scaffold of the mutants is sound: without a mistake it passes."""
    for dims in (1, 2):
        made = layer(dims, **spec)
        arrays = conv_arrays(made, np.float64)
        report = check_arrays(
            **arrays,
            dX=mutants.right_dx(made, arrays["W"], arrays["dY"]),
            dW=mutants.right_dw(made, arrays["X"], arrays["dY"]),
            db=arrays["dY"].sum(axis=(0, *mutants.spatial(made))),
            Y=mutants.right_y(made, arrays["X"], arrays["W"], arrays["b"]),
            groups=made.groups,
            **options(made),
        )
        assert report, str(report)
        recipe = mutants.dx_recipe(made, arrays["W"], arrays["dY"])
        assert check_arrays(**arrays, dX=recipe, groups=made.groups, **options(made))
