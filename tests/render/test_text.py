"""Plain text: exact, whole, and readable by other tools."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from convgrad_cli.arrays.table_text import from_bytes
from convgrad_cli.errors import UsageError
from convgrad_cli.render import text as text_module
from convgrad_cli.render.result import render
from tests.render.results import batch, single, small, text_of


def test_blocks_of_rows_under_comment_lines() -> None:
    result = small()
    result.updated = {"W": np.array([[0.5, 1, 2]])}
    result.verify = {"passed": True, "largest_deviation": 0.0, "directions": 3}
    assert text_of(result, "text") == (
        "# dX (2, 4) int64\n"
        "  1 -20   3   0\n"
        "  4   5 600  -7\n"
        "\n"
        "# dW (2, 3) int64\n"
        " 1  2  3\n"
        "-4  5  6\n"
        "\n"
        "# db (1,) int64\n"
        "10\n"
        "\n"
        "# W updated (1, 3) float64\n"
        "0.5 1.0 2.0\n"
        "\n"
        "# verified: largest deviation 0 over 3 random directions\n"
    )


def test_planes_are_named_as_python_takes_them() -> None:
    assert text_of(batch("float32"), "text") == (
        "# dX[0, 0] (2, 1, 1, 3) float32\n"
        " 0.5     -1.25     3.0\n"
        "\n"
        "# dX[1, 0] (2, 1, 1, 3) float32\n"
        "10.125    0.0     -0.00625\n"
    )


def test_precision_rounds_to_significant_digits() -> None:
    assert text_of(batch(), "text", precision=2) == (
        "# dX[0, 0] (2, 1, 1, 3) float64\n"
        " 0.5    -1.2     3\n"
        "\n"
        "# dX[1, 0] (2, 1, 1, 3) float64\n"
        "10       0      -0.0063\n"
    )


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 5), (40, 30, 3, 4)])
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_every_label_indexes_its_rows(shape: tuple[int, ...], layout: str) -> None:
    array = np.random.default_rng(3).normal(size=shape)
    text = text_of(single(array, layout=layout), "text")
    blocks = text.split("\n\n")
    total = 0
    for block in blocks:
        label = block.splitlines()[0].removeprefix("# ").partition(" (")[0]
        plane = eval(label, {"dX": array})
        rows = np.loadtxt(io.StringIO(block), ndmin=2)
        assert np.array_equal(rows, plane)
        total += plane.size
    assert total == array.size


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["float32", "float64", "int64"]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=2, max_dims=2, max_side=5))
    )
)
def test_a_matrix_reads_back_bit_for_bit(array: np.ndarray) -> None:
    rendered = render(single(array), "text")
    assert isinstance(rendered, str)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        back = np.loadtxt(io.StringIO(rendered), ndmin=2)
    else:
        back = from_bytes(rendered.encode(), "X")
        assert back.dtype.kind == array.dtype.kind
    with np.errstate(over="ignore"):
        back = back.astype(array.dtype)
    assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")
    assert np.array_equal(np.signbit(back)[back == 0], np.signbit(array)[array == 0])


@pytest.mark.parametrize("precision", [None, 4])
def test_large_arrays_are_whole(precision: int | None) -> None:
    array = np.random.default_rng(3).normal(size=(150, 120))
    array[7, 9] = np.nan
    text = text_of(single(array), "text", precision=precision)
    back = np.loadtxt(io.StringIO(text))
    assert np.allclose(back, array, rtol=0 if precision is None else 1e-3, equal_nan=True)
    assert precision or np.array_equal(back, array, equal_nan=True)


def test_large_integers_keep_all_digits_at_any_precision() -> None:
    array = np.arange(12_000).reshape(100, 120) + 2**60
    back = from_bytes(text_of(single(array), "text", precision=3).encode(), "X")
    assert np.array_equal(back, array)


def test_too_much_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "MOST_NUMBERS", 8)
    with pytest.raises(UsageError) as caught:
        render(small(), "text")
    assert str(caught.value) == (
        "The result is too large to print as text.\n"
        "  expected  at most 8 numbers\n"
        "  found     15\n"
        "  remedy    write it to a file with -o FILE.npz, or take --format json"
    )
    assert text_of(single(np.arange(8)), "text") == "# dX (8,) int64\n0 1 2 3 4 5 6 7\n"


class Derived:
    """A derivation that its own renderer writes."""

    def as_json(self) -> object:
        return {"notation": "slides", "equations": []}


@pytest.mark.parametrize("format", ["text", "table", "latex", "markdown"])
def test_a_derivation_stands_below_the_arrays(format: str) -> None:
    result = single([[1, 2]])
    alone = text_of(result, format)
    result.derivation = Derived()
    both = render(result, format, derivation=lambda derived, form: f"{form} of {derived!r:.0}\n\n")
    assert both == f"{alone}\n{format} of \n"


@pytest.mark.parametrize(
    ("format", "options", "summary"),
    [
        ("yaml", {}, "Unknown format 'yaml'."),
        ("text", {"precision": 0}, "--precision is a number of significant digits."),
    ],
)
def test_wrong_requests(format: str, options: dict[str, int], summary: str) -> None:
    with pytest.raises(UsageError) as caught:
        text_of(small(), format, **options)
    assert caught.value.summary == summary
