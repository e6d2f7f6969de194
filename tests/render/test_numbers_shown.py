"""How numbers look: whole, significant digits, one notation an array, points aligned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.render.numbers import aligned, display_tokens, exact_tokens, rounded_tokens


def shown(values: list[float], digits: int | None = None, dtype: str = "float64") -> str:
    return "|".join(aligned(display_tokens(np.array(values, dtype), digits)))


@pytest.mark.parametrize(
    ("values", "digits", "text"),
    [
        ([1, -20, 300], None, "  1|-20|300"),
        ([1.0, -20.0, 3e12], None, "            1|          -20|3000000000000"),
        ([0.1, 12.34567891, -3], None, " 0.1   |12.3457|-3     "),
        ([0.1, 12.34567891, -3], 3, " 0.1|12.3|-3  "),
        ([0.1, 12.34567891, -3], 9, " 0.1      |12.3456789|-3        "),
        ([1 / 3, 1e-4], None, "0.333333|0.0001  "),
        ([1 / 3, 9e-5], None, "3.33333e-01|9.00000e-05"),
        ([1.5e-5, 2.5e100, 0.0], None, "1.5e-005|2.5e+100|0       "),
        ([999999.5, 1.5], None, "1.0e+06|1.5e+00"),
        ([123456.7, 1.5], None, "123457  |     1.5"),
        ([1e16, 1.0], None, "1e+16|1e+00"),
        ([0.0, -0.0], None, "0|0"),
        ([float("nan"), float("inf"), float("-inf"), 0.5], None, " NaN  | Inf  |-Inf  |   0.5"),
        ([float("nan"), 2.0], None, "NaN|  2"),
        ([99.96, 1.5], 3, "100  |  1.5"),
    ],
)
def test_exact_texts(values: list[float], digits: int | None, text: str) -> None:
    assert shown(values, digits) == text


def test_float32_shows_no_digits_that_float32_does_not_have() -> None:
    assert shown([0.1, 0.7], dtype="float32") == "0.1|0.7"


def test_integers_keep_all_digits_at_any_precision() -> None:
    assert shown([2**62 + 1, -5], 3, "int64") == "4611686018427387905|                 -5"


FLOATS = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(FLOATS, st.integers(1, 17))
def test_tokens_are_right_to_their_digits(values: list[float], digits: int) -> None:
    tokens = display_tokens(np.array(values), digits)
    for token, value in zip(tokens, values, strict=True):
        assert float(token) == pytest.approx(value, rel=10.0 ** (1 - digits), abs=0)
    assert len({"e" in token for token, value in zip(tokens, values, strict=True) if value}) <= 1


@settings(max_examples=100, deadline=None)
@given(FLOATS, st.integers(1, 17))
def test_points_stand_under_each_other(values: list[float], digits: int) -> None:
    padded = aligned(display_tokens(np.array(values), digits))
    assert len({len(token) for token in padded}) == 1
    places = {token.index(".") for token in padded if "." in token}
    assert len(places) <= 1


def test_exact_tokens_are_the_shortest_that_read_back() -> None:
    assert exact_tokens(np.array([0.1, -0.0, 1e22, np.nan, -np.inf, 3])) == [
        "0.1",
        "-0.0",
        "1e+22",
        "NaN",
        "-Infinity",
        "3.0",
    ]
    assert exact_tokens(np.array([0.1, 16777216], np.float32)) == ["0.1", "16777216.0"]


def test_rounded_tokens_have_each_its_own_notation() -> None:
    values = np.array([1234.5678, 1e-9, np.nan])
    assert rounded_tokens(values, 3) == ["1.23e+03", "1e-09", "NaN"]
    assert rounded_tokens(np.array([2**60]), 3) == [str(2**60)]
