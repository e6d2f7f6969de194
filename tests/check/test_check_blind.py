"""Discriminating power: data that hides a mistake is said to, and better data is suggested."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgrad_cli.check import check_arrays, check_power
from convgrad_cli.check.arrays import conv_problem, pool_problem
from convgrad_cli.check.rows import ANY_ROWS, CONV_ROWS, POOL_ROWS
from convgrad_cli.check.suggest import bundle_of, suggested
from convgrad_cli.geometry import plan_conv, plan_pool
from tests.check import mutants
from tests.check.test_check_mutants import PLAIN, conv_arrays, layer, options


def power_of(spec: Any, arrays: Any, targets: Any = None) -> dict[tuple[str, str], Any]:
    plan = plan_conv(arrays["X"].shape, arrays["W"].shape, groups=spec.groups, **options(spec))
    report = check_power(conv_problem(plan, arrays, {}), targets)
    return {(row.id, row.target): row for row in report.rows}


def pool_power(X: Any, dY: Any, kind: str = "maxpool", **geometry: Any) -> dict[str, Any]:
    plan = plan_pool(X.shape, **geometry)
    report = check_power(pool_problem(plan, {"X": X, "dY": dY}, {}, kind))
    return {row.id: row for row in report.rows}


def test_telling_data_shows_everything_its_geometry_can() -> None:
    spec = layer(
        2,
        N=6,  # as many as K, so that a bias along the wrong axis can be added at all
        C=4,
        K=6,
        size=(9, 9),
        kernel=(3, 2),
        s=(2, 3),
        p=((1, 0), (0, 2)),
        d=(2, 1),
        groups=2,
    )
    rows = power_of(spec, conv_arrays(spec, np.float64), ("dX", "dW", "db", "Y"))
    assert [key for key, row in rows.items() if row.verdict != "shown"] == []
    assert {id for id, _ in rows} == {*CONV_ROWS, *ANY_ROWS}


def test_a_symmetric_filter_hides_the_rotation() -> None:
    spec = layer(2)
    arrays = conv_arrays(spec, np.float64)
    arrays["W"] = arrays["W"] + np.flip(arrays["W"], (2, 3))
    row = power_of(spec, arrays)["X1", "dX"]
    assert row.verdict == "hidden"
    assert row.reasons == ["W is symmetric (unchanged by a rotation of 180°)"]
    assert row.suggestion
    # What the report claims is so: the mutant itself passes.
    assert check_arrays(**arrays, dX=mutants.x1(spec, **arrays), **options(spec))


def test_a_right_answer_on_blind_data_says_what_it_does_not_prove() -> None:
    spec = layer(2)
    arrays = conv_arrays(spec, np.float64)
    arrays["W"] = np.ones_like(arrays["W"])
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    report = check_arrays(**arrays, dX=right, **options(spec)).gradients["dX"]
    assert {"X1", "X2", "X3"} <= set(report.blind)
    telling = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, telling["W"], telling["dY"])
    assert check_arrays(**telling, dX=right, **options(spec)).gradients["dX"].blind == []


def test_one_sample_and_one_channel_hide_what_mixes_them() -> None:
    spec = layer(2, N=1, C=1, K=1)
    rows = power_of(spec, conv_arrays(spec, np.float64))
    for key in (("W3", "dW"), ("X3", "dX"), ("X4", "dX"), ("W9", "dW")):
        assert rows[key].verdict == "impossible"
        assert rows[key].reasons
        assert rows[key].suggestion
    assert "N = 1" in rows["W3", "dW"].reasons[0]
    # What the geometry itself cannot show is not promised.
    assert not rows["X5", "dX"].suggestion
    assert rows["X5", "dX"].reasons == ["the stride is 1"]


def test_all_ones_upstream_is_blamed() -> None:
    spec = layer(1, N=2, C=1, K=1, kernel=(1, 1), size=(6, 6), s=2)
    arrays = conv_arrays(spec, np.float64)
    arrays["dY"] = np.ones_like(arrays["dY"])
    row = power_of(spec, arrays)["G5", "db"]
    assert row.verdict in ("hidden", "partly")
    X = np.random.default_rng(0).normal(size=(1, 1, 4, 4))
    rows = pool_power(X, np.ones((1, 1, 2, 2)), "avgpool", window=2)
    assert rows["X10"].verdict == "hidden"
    assert rows["X10"].reasons == ["dY is 1.0 everywhere"]


def test_a_2x2_pool_of_stride_2_is_blind_to_overlaps_and_without_ties_to_tie_rules() -> None:
    X = np.random.default_rng(0).normal(size=(2, 2, 6, 6))
    dY = np.random.default_rng(1).normal(size=(2, 2, 3, 3))
    rows = pool_power(X, dY, window=2)
    assert rows["P1"].reasons == ["the windows do not overlap"]
    assert not rows["P1"].suggestion
    assert rows["P2"].reasons == rows["P3"].reasons == ["no window of X has ties"]
    assert rows["P2"].suggestion
    assert "P7" not in rows


GEOMETRIES = [
    PLAIN,
    {"N": 1, "C": 1, "K": 1, "size": (3, 3), "kernel": (2, 2)},
    {"N": 1, "C": 1, "K": 1, "size": (5, 5), "kernel": (3, 3), "s": 2},
    {"N": 1, "C": 2, "K": 2, "groups": 2, "p": 1},
    {"size": (2, 3), "kernel": (2, 3)},
]


@pytest.mark.parametrize("spec", GEOMETRIES)
def test_the_suggested_data_shows_all_that_data_can(spec) -> None:
    """Whatever the suggestion leaves in the dark, other data of the geometry does not show."""
    made = layer(2, **spec)
    arrays = {name: np.ones_like(a) for name, a in conv_arrays(made, np.float64).items()}
    plan = plan_conv(arrays["X"].shape, arrays["W"].shape, groups=made.groups, **options(made))
    better = suggested(conv_problem(plan, arrays, {}))
    geometry = better.geometry
    assert geometry.kernel == made.kernel
    assert geometry.stride == made.stride
    assert geometry.padding == made.pads
    assert geometry.batch > 1
    assert [axis.leftover for axis in geometry.axes] == list(made.left)
    report = check_power(better)
    assert [row.id for row in report.blind if row.verdict in ("hidden", "partly")] == []
    assert report.verdict == "right"


def test_the_suggestion_is_a_bundle_of_the_contract() -> None:
    X = np.zeros((4, 4), np.int64)
    plan = plan_pool((4, 4), 2, stride=1)
    problem = pool_problem(plan, {"X": X, "dY": np.ones((3, 3))}, {}, "maxpool", "last")
    bundle = bundle_of(suggested(problem))
    assert bundle["operation"] == "maxpool_backward"
    assert (bundle["window"], bundle["stride"], bundle["ties"]) == ([2, 2], [1, 1], "last")
    rows = pool_power(bundle["input"], bundle["upstream"], window=2, stride=1)
    assert {id for id, row in rows.items() if row.verdict == "shown"} >= {"P1", "P2", "P3", "P6"}
    assert {*rows} == {id for id in (*POOL_ROWS, *ANY_ROWS) if id != "P7"}
