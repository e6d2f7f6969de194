"""Which axes make a plane, what it is called, what is left out, and the summary of the whole."""

import math

import numpy as np
import pytest

from convgrad_cli.render.planes import (
    in_part,
    planes,
    planes_left_out,
    sections,
    shown_values,
    summary,
)
from convgrad_cli.render.result import Result
from tests.render.results import GEOMETRY, single


def labels(result: Result) -> list[str]:
    (section,) = sections(result)
    shown = planes(result, section, limit=1000)
    return [plane.label(section.title) for plane in shown if plane is not None]


@pytest.mark.parametrize(
    ("name", "shape", "geometry", "first", "last", "count"),
    [
        ("dX", (2, 3, 4, 5), {}, "dX[n=0, c=0]", "dX[n=1, c=2]", 6),
        ("dX", (2, 4, 5, 3), {"layout": "nhwc"}, "dX[n=0, c=0]", "dX[n=1, c=2]", 6),
        ("dX", (3, 4, 5), {}, "dX[c=0]", "dX[c=2]", 3),
        ("dX", (4, 5), {}, "dX", "dX", 1),
        ("dX", (2, 3, 5), {"dims": 1}, "dX[n=0]", "dX[n=1]", 2),
        ("dX", (7,), {"dims": 1}, "dX", "dX", 1),
        ("dX", (2, 3, 2, 4, 5), {"dims": 3}, "dX[n=0, c=0, d=0]", "dX[n=1, c=2, d=1]", 12),
        ("dW", (2, 3, 4, 5), {}, "dW[o=0, c=0]", "dW[o=1, c=2]", 6),
        ("dW", (3, 2, 4, 5), {"filter_layout": "iohw"}, "dW[c=0, o=0]", "dW[c=2, o=1]", 6),
        ("dW", (4, 5, 3, 2), {"filter_layout": "hwio"}, "dW[c=0, o=0]", "dW[c=2, o=1]", 6),
        ("Y", (2, 3, 4, 5), {}, "Y[n=0, o=0]", "Y[n=1, o=2]", 6),
        ("db", (3,), {}, "db", "db", 1),
        ("loss", (), {}, "loss", "loss", 1),
        ("other", (2, 3, 4, 5, 6), {"dims": 1}, "other[0, 0, 0]", "other[1, 2, 3]", 24),
    ],
)
def test_labels(
    name: str, shape: tuple[int, ...], geometry: dict, first: str, last: str, count: int
) -> None:
    found = labels(single(np.zeros(shape), name, **geometry))
    assert (found[0], found[-1], len(found)) == (first, last, count)


def test_a_pool_has_channels_where_a_convolution_has_filters() -> None:
    pool = Result("maxpool_forward", GEOMETRY, {"Y": np.zeros((2, 3, 4, 5))})
    assert labels(pool)[0] == "Y[n=0, c=0]"


@pytest.mark.parametrize("geometry", [{}, {"layout": "nhwc"}, {"dims": 1}, {"dims": 3}])
def test_a_plane_holds_the_numbers_of_its_index(geometry: dict) -> None:
    shape = {1: (2, 3, 5), 3: (2, 3, 2, 4, 5)}.get(geometry.get("dims", 2), (2, 3, 4, 5))
    array = np.arange(math.prod(shape)).reshape(shape)
    result = single(array, **geometry)
    (section,) = sections(result)
    shown = planes(result, section, limit=1000)
    for plane in shown:
        assert plane is not None
        assert np.array_equal(eval(plane.code("dX"), {"dX": array}), plane.values)
    assert sorted(shown_values(shown).tolist()) == list(range(array.size))


def test_over_the_limit_only_edges_are_left() -> None:
    array = np.arange(5 * 2 * 9 * 8).reshape(5, 2, 9, 8)
    result = single(array)
    (section,) = sections(result)
    assert not in_part(planes(result, section, limit=720))
    shown = planes(result, section, limit=719)
    assert in_part(shown)
    assert planes_left_out(shown, array) == 6
    first = shown[0]
    assert first is not None
    assert shown[2] is None
    assert first.rows == (0, 1, 2, None, 6, 7, 8)
    assert first.columns == (0, 1, 2, None, 5, 6, 7)
    corners = array[0, 0][np.ix_([0, 1, 2, 6, 7, 8], [0, 1, 2, 5, 6, 7])]
    assert np.array_equal(first.shown(), corners)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_summary(dtype: str, order: str) -> None:
    array = np.array([[3, -4, 0], [12, 84, 2]], dtype, order=order)
    found = summary(array)
    assert (found.minimum, found.maximum) == (-4, 84)
    assert found.norm == pytest.approx(math.sqrt(9 + 16 + 144 + 7056 + 4), rel=1e-12)


def test_summary_of_extremes() -> None:
    assert summary(np.array([3e200, 4e200])).norm == pytest.approx(5e200)
    assert summary(np.array([2**62 + 1, -5])).maximum == 2**62 + 1
    assert summary(np.zeros(3)) == (0, 0, 0)
    assert summary(np.array([1.0, -math.inf])).norm == math.inf
    assert math.isnan(summary(np.array([1.0, math.nan])).norm)


def test_summary_goes_over_many_blocks() -> None:
    array = np.ones(3_000_000, np.float32)
    array[-1] = 2.0
    assert summary(array).norm == pytest.approx(math.sqrt(3_000_003), rel=1e-12)
