"""``check`` of one filter under transforms: mutants by plain loops, right arrays pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgrad_cli.check import check_arrays, check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.catalogue_transforms import TRANSFORM_ROWS
from convgrad_cli.errors import ConvgradError
from tests.reference_layers import same_convolution, transform, transformed

TURNS = ("identity", "rot90", "fliplr")
SCALED = ("rot270", "scale2", "transpose")
BACK = {"rot90": "rot270", "rot270": "rot90"}


def arrays_of(names: Any, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {"X": (2, 2, 5, 6), "W": (3, 2, 3, 3), "b": (3,), "dY": (2, len(names), 3, 5, 6)}
    return {name: rng.integers(-4, 5, shape) for name, shape in shapes.items()}


def pulled(name: str, dT: Any) -> Any:
    """Back through the transform: the inverse turn, or the sum over the blocks."""
    if name == "scale2":
        k = dT.shape[-1] // 2
        return dT.reshape(*dT.shape[:2], k, 2, k, 2).sum(axis=(3, 5))
    back = BACK.get(name, name)
    return np.array([[transform(back, plane) for plane in one] for one in dT], dtype=object)


def maps(names: Any, a: Any, filters: Any = None) -> list[tuple[Any, Any, Any]]:
    """(Y, dX, gradient of the transformed filter) of every map."""
    found = []
    for s, name in enumerate(names):
        TW = transformed(name, a["W"]) if filters is None else filters(name, a["W"])
        Y = same_convolution(a["X"], TW)
        dX, dT = same_convolution(a["X"], TW, a["dY"][:, s])
        found.append((Y, dX, dT))
    return found


def stack(found: Any, b: Any) -> Any:
    return np.stack([Y for Y, _, _ in found], axis=1) + b.reshape(1, 1, -1, 1, 1)


def check(names: Any, a: Any, **answers: Any) -> Any:
    numbers = {name: np.array(array).astype(float) for name, array in answers.items()}
    exact = {
        name: array.astype(np.int64) if np.all(array == np.round(array)) else array
        for name, array in numbers.items()
    }
    return check_arrays(**a, **exact, transforms=",".join(names), padding="same")


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


@pytest.mark.parametrize("names", [TURNS, SCALED, ("identity",), ("rot180", "flipud", "rot90")])
def test_the_right_arrays_pass(names) -> None:
    a = arrays_of(names)
    found = maps(names, a)
    report = check(
        names,
        a,
        Y=stack(found, a["b"]),
        dX=sum(dX for _, dX, _ in found),
        dW=sum(pulled(name, dT) for name, (_, _, dT) in zip(names, found, strict=True)),
        db=a["dY"].sum(axis=(0, 1, 3, 4)),
    )
    assert report, str(report)
    problem = problem_for("conv", a, {}, {"transforms": names, "padding": "same"})
    for target in problem.targets:
        assert np.array_equal(problem.variant(target, []), problem.right(target))


def dw(names: Any, a: Any, pull: Any) -> Any:
    found = maps(names, a)
    return sum(pull(name, dT) for name, (_, _, dT) in zip(names, found, strict=True))


def unpulled(name: str, dT: Any) -> Any:
    return dT


def turned_again(name: str, dT: Any) -> Any:
    return pulled(BACK.get(name, name), dT)


def clockwise(name: str, W: Any) -> Any:
    return transformed(BACK.get(name, name), W)


def block_means(name: str, dT: Any) -> Any:
    return pulled(name, dT) / 4 if name == "scale2" else pulled(name, dT)


def block_corners(name: str, dT: Any) -> Any:
    return dT[..., ::2, ::2] if name == "scale2" else pulled(name, dT)


CASES = [
    ("R1", "dW", TURNS, lambda n, a: dw(n, a, unpulled)),
    ("R4", "dW", TURNS, lambda n, a: dw(n, a, turned_again)),
    ("R2", "dW", TURNS, lambda n, a: maps(n, a)[0][2]),
    ("R2", "dW", SCALED, lambda n, a: pulled("transpose", maps(n, a)[2][2])),
    ("R3", "dW", TURNS, lambda n, a: dw(n, a, pulled) / 3),
    ("R6", "dW", SCALED, lambda n, a: dw(n, a, block_means)),
    ("R6", "dW", SCALED, lambda n, a: dw(n, a, block_corners)),
    ("R2", "dX", TURNS, lambda n, a: maps(n, a)[0][1]),
    ("R3", "dX", SCALED, lambda n, a: sum(m[1] for m in maps(n, a)) / 3),
    ("R4", "dX", TURNS, lambda n, a: sum(m[1] for m in maps(n, a, clockwise))),
    ("R5", "dX", TURNS, lambda n, a: sum(m[1] for m in maps(n, a, lambda _, W: W))),
    ("X1", "dX", TURNS, lambda n, a: sum(m[1] for m in maps(n, _rotated(a)))),
    ("R4", "Y", TURNS, lambda n, a: stack(maps(n, a, clockwise), a["b"])),
    ("R5", "Y", TURNS, lambda n, a: stack(maps(n, a, lambda _, W: W), a["b"])),
    ("R2", "db", TURNS, lambda n, a: a["dY"][:, 0].sum(axis=(0, 2, 3))),
    ("R3", "db", TURNS, lambda n, a: a["dY"].sum(axis=(0, 1, 3, 4)) / 3),
]


def _rotated(a: Any) -> Any:
    """Every map's filter rotated: the turns commute with a rotation by 180°."""
    return {**a, "W": a["W"][..., ::-1, ::-1]}


@pytest.mark.parametrize(
    ("id", "target", "names", "make"),
    CASES,
    ids=[f"{c[0]}-{c[1]}-{k}" for k, c in enumerate(CASES)],
)
def test_a_planted_mistake_is_named(id, target, names, make) -> None:
    a = arrays_of(names)
    report = check(names, a, **{target: make(names, a)})
    assert report.verdict == "wrong"
    assert (id,) in named(report, target), str(report)


def test_a_transforms_mistake_pairs_with_a_convolutions() -> None:
    a = arrays_of(TURNS)
    wrong = np.flip(maps(TURNS, a)[0][2], (2, 3))
    assert {"R2", "W1"} in [set(ids) for ids in named(check(TURNS, a, dW=wrong), "dW")]


def test_power_and_settings() -> None:
    a = arrays_of(TURNS)
    a["W"] = np.ones_like(a["W"])
    problem = problem_for("conv", a, {}, {"transforms": TURNS, "padding": "same"})
    rows = {(row.id, row.target): row for row in check_power(problem, problem.targets).rows}
    assert rows["R5", "Y"].verdict == "hidden"
    assert rows["R5", "Y"].reasons == ["W is 1 everywhere"]
    assert rows["R1", "dW"].verdict == "shown"
    report = check(TURNS, a, db=a["dY"].sum(axis=(0, 1, 3, 4)))
    assert report.as_dict()["transforms"] == list(TURNS)
    planted = {case[0] for case in CASES}
    assert set(TRANSFORM_ROWS) <= planted


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"transforms": "rot45"}, "Unknown transform"),
        ({"transforms": "rot90", "layer": "transposed"}, "does not take --transforms"),
        ({"transforms": "rot90", "activation": "relu"}, "one at a time"),
    ],
)
def test_what_cannot_be_checked_is_refused(keywords, words) -> None:
    with pytest.raises(ConvgradError, match=words):
        check_arrays([[1, 2], [3, 4]], [[1]], Y=[[1, 2], [3, 4]], **keywords)
