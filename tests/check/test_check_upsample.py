"""``check`` of upsampling: mutants by plain loops, right arrays never accused."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.check import check_arrays, check_function, check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.catalogue_upsample import UPSAMPLE_ROWS
from convgrad_cli.check.suggest import bundle_of, suggested
from convgrad_cli.errors import ConvgradError
from tests.reference_layers import upsample as reference_upsample

SCALES = {1: (3,), 2: (3, 2), 3: (2, 3, 2)}
SIZES = {1: (4,), 2: (3, 4), 3: (3, 2, 4)}


def arrays_of(mode: str, dims: int, seed: int = 0) -> tuple[Any, Any, tuple[int, ...]]:
    rng = np.random.default_rng(seed)
    X, scale = rng.normal(size=(2, 2, *SIZES[dims])), SCALES[dims]
    return X, rng.normal(size=reference_upsample(X, scale, mode).shape), scale


def right_dX(X: Any, dY: Any, scale: Any, mode: str) -> Any:
    """Every element of dY back to the element of X it is a copy of."""
    dX = np.zeros_like(X)
    for place in np.ndindex(*dY.shape):
        lead, at = place[:2], place[2:]
        if mode == "nearest" or all(i % s == 0 for i, s in zip(at, scale, strict=True)):
            dX[(*lead, *(i // s for i, s in zip(at, scale, strict=True)))] += dY[place]
    return dX


def blocks(X: Any, dY: Any, scale: Any, reduce: Any) -> Any:
    """``reduce`` of each block of dY, as a list of numbers."""
    dX = np.zeros_like(X)
    for place in np.ndindex(*X.shape):
        corner = [i * s for i, s in zip(place[2:], scale, strict=True)]
        inside = []
        for more in product(*map(range, scale)):
            at = tuple(c + m for c, m in zip(corner, more, strict=True))
            if all(i < n for i, n in zip(at, dY.shape[2:], strict=True)):
                inside.append(dY[(*place[:2], *at)])
            else:
                inside.append(0.0)
        dX[place] = reduce(inside)
    return dX


def tiles(X: Any, dY: Any, scale: Any) -> Any:
    dX = np.zeros_like(X)
    for place in np.ndindex(*dY.shape):
        at = tuple(i % n for i, n in zip(place[2:], X.shape[2:], strict=True))
        dX[(*place[:2], *at)] += dY[place]
    return dX


def inserted(X: Any, scale: Any, sizes: Any, phase: int) -> Any:
    Y = np.zeros((*X.shape[:2], *sizes))
    for place in np.ndindex(*X.shape):
        at = tuple(i * s + min(phase, s - 1) for i, s in zip(place[2:], scale, strict=True))
        if all(i < n for i, n in zip(at, sizes, strict=True)):
            Y[(*place[:2], *at)] = X[place]
    return Y


def whole(X: Any, scale: Any) -> list[int]:
    return [n * s for n, s in zip(X.shape[2:], scale, strict=True)]


# mode, id, dX from X, dY and the scale
GRADIENTS = [
    ("nearest", "U1", lambda X, dY, s: blocks(X, dY, s, np.mean)),
    ("nearest", "U2", lambda X, dY, s: blocks(X, dY, s, lambda b: b[0])),
    ("nearest", "U2", lambda X, dY, s: blocks(X, dY, s, lambda b: b[-1])),
    ("nearest", "U2", lambda X, dY, s: blocks(X, dY, s, max)),
    ("nearest", "U5", tiles),
    ("zeros", "U4", lambda X, dY, s: blocks(X, dY, s, sum)),
    ("zeros", "U1", lambda X, dY, s: right_dX(X, dY, s, "zeros") / np.prod(s)),
    ("zeros", "U3", lambda X, dY, s: blocks(X, dY, s, lambda b: b[-1])),
    ("zeros", "U6", lambda X, dY, s: dY[(..., *map(slice, X.shape[2:]))]),
]

# mode, id, Y from X and the scale
VALUES = [
    ("nearest", "U1", lambda X, s: reference_upsample(X, s, "nearest").astype(float) / np.prod(s)),
    ("nearest", "U4", lambda X, s: inserted(X, s, whole(X, s), 0)),
    ("nearest", "U4", lambda X, s: reference_upsample(X, s, "zeros").astype(float)),
    ("nearest", "U5", lambda X, s: np.tile(X, (1, 1, *s))),
    ("zeros", "U4", lambda X, s: reference_upsample(X, s, "nearest").astype(float)),
    ("zeros", "U3", lambda X, s: inserted(X, s, whole(X, s), 9)),
    ("zeros", "U6", lambda X, s: inserted(X, s, whole(X, s), 0)),
    ("zeros", "U6", lambda X, s: reference_upsample(X, [n + 1 for n in s], "zeros").astype(float)),
]


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


def check(mode: str, X: Any, scale: Any, **more: Any) -> Any:
    return check_arrays(X, layer="upsample", upsample=mode, stride=scale, dims=X.ndim - 2, **more)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("mode", "id", "make"), GRADIENTS, ids=[f"{m}-{i}-{k}" for k, (m, i, _) in enumerate(GRADIENTS)]
)
def test_a_planted_mistake_of_dX_is_named(mode, id, make, dims) -> None:
    X, dY, scale = arrays_of(mode, dims)
    report = check(mode, X, scale, dY=dY, dX=make(X, dY, scale))
    assert report.verdict == "wrong"
    assert (id,) in named(report, "dX"), str(report)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("mode", "id", "make"), VALUES, ids=[f"{m}-{i}-{k}" for k, (m, i, _) in enumerate(VALUES)]
)
def test_a_planted_mistake_of_Y_is_named(mode, id, make, dims) -> None:
    X, _, scale = arrays_of(mode, dims)
    report = check(mode, X, scale, Y=make(X, scale))
    assert report.verdict == "wrong"
    assert (id,) in named(report, "Y"), str(report)


def test_one_axis_only_exchanged_scales_and_pairs() -> None:
    X, dY, scale = arrays_of("nearest", 2)
    assert named(check("nearest", X, scale, Y=np.repeat(X, 3, axis=2)), "Y") == [("U6",)]
    wide = np.repeat(np.repeat(X, 2, axis=2), 3, axis=3)
    assert named(check("nearest", X, scale, Y=wide), "Y") == [("X10",)]
    turned = blocks(X, dY, scale, np.mean).swapaxes(2, 3)
    ids = [set(found) for found in named(check("nearest", X, scale, dY=dY, dX=turned), "dX")]
    assert {"U1", "X10"} in ids


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from(["nearest", "zeros"]),
    st.lists(st.integers(1, 3), min_size=6, max_size=6),
    st.integers(0, 99),
)
def test_the_right_arrays_are_never_accused(dims, mode, sizes, seed) -> None:
    rng = np.random.default_rng(seed)
    X = rng.integers(-9, 10, (2, 1, *sizes[:dims]))
    scale = tuple(sizes[3 : 3 + dims])
    Y = reference_upsample(X, scale, mode).astype(np.int64)
    dY = rng.integers(-9, 10, Y.shape)
    report = check(mode, X, scale, dY=dY, dX=right_dX(X, dY, scale, mode), Y=Y)
    assert report, str(report)
    halves = [(array / 4).astype(np.float32) for array in (X, dY, right_dX(X, dY, scale, mode))]
    assert check(mode, halves[0], scale, dY=halves[1], dX=halves[2])
    problem = problem_for(
        "upsample", {"X": X, "dY": dY}, {}, {"mode": mode, "stride": scale, "dims": dims}
    )
    for target in problem.targets:
        assert np.array_equal(problem.variant(target, []), problem.right(target))


@pytest.mark.parametrize("mode", ["nearest", "zeros"])
def test_power_suggestion_and_bundle(mode) -> None:
    X, dY = np.ones((2, 2)), np.ones((4, 4) if mode == "nearest" else (3, 3))
    problem = problem_for("upsample", {"X": X, "dY": dY}, {}, {"mode": mode})
    rows = {(row.id, row.target): row for row in check_power(problem).rows}
    assert rows["X10", "dX"].verdict == "hidden"
    assert rows["X10", "dX"].reasons == ["dY is 1.0 everywhere"]
    better = suggested(problem)
    dark = [row.id for row in check_power(better).rows if row.verdict != "shown"]
    assert dark == []
    bundle = bundle_of(better)
    assert (bundle["operation"], bundle["mode"]) == ("upsample_backward", mode)
    assert {id for id, _ in rows if id.startswith(("U", "X"))} <= set(UPSAMPLE_ROWS)


def test_the_worst_elements_equation() -> None:
    report = check_arrays(
        [[1.0]], dY=[[1.0, 2.0], [3.0, 5.0]], dX=[[2.75]], layer="upsample", symbolic=True
    )
    assert ("U1",) in named(report, "dX")
    equation = report.gradients["dX"].equations[0]
    assert equation.right == "∂L/∂O11 + ∂L/∂O12 + ∂L/∂O21 + ∂L/∂O22"
    assert equation.mistaken.count("1/4") == 4


def test_functions() -> None:
    def nearest(X, dY, scale):
        return right_dX(X, dY, (scale,) * (X.ndim - 2), "nearest")

    def averaged(X, dY, stride=2):
        return blocks(X, dY, (stride,) * (X.ndim - 2), np.mean)

    for dims in (1, 2, 3):
        assert check_function(nearest, layer="upsample", dims=dims)
    smallest = check_function(averaged, layer="upsample", upsample="nearest").smallest
    assert smallest is not None
    assert ("U1",) in [d.mistakes for d in smallest.gradients["dX"].diagnosis]

    def positional(X, dY, factor):
        return right_dX(X, dY, (factor,) * (X.ndim - 2), "zeros")

    assert check_function(positional, layer="upsample", upsample="zeros")


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"upsample": "bilinear"}, "Unknown upsampling 'bilinear'"),
        ({"stride": 0}, "[Ss]cale must be positive"),
        ({"output_padding": 1}, "Upsampling does not take --output-padding"),
        ({"dY": [[1, 2]]}, "dY has the wrong shape"),
        ({"dW": [[1, 2]]}, "Upsampling has no dW"),
    ],
)
def test_what_cannot_be_checked_is_refused(keywords, words) -> None:
    given_ = {"dY": [[1, 2], [3, 4]]} | keywords
    with pytest.raises(ConvgradError, match=words):
        check_arrays([[1]], dX=[[10]], layer="upsample", **given_)
