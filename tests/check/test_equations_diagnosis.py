"""Each kind of slip is called what it is, where it is, with the right term beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convgrad_cli import check_equations
from tests.check.derivations import Layer, Product, left_side, symbol, told

SLIDES = {"input_shape": (3, 3), "filter_shape": (2, 2)}
X = np.array([[1, 5, 2], [7, 3, 8], [4, 9, 6]])
W = np.array([[2, -1], [3, 4]])
DY = np.array([[1, 2], [-3, 4]])
ARRAYS = {"X": X, "W": W, "b": np.array([1]), "dY": DY}


def only(text: str, **given_layer: object) -> tuple[str, str, str, str]:
    """The one problem: kind, the place it marks, found, expected."""
    report = check_equations(text, **(given_layer or SLIDES))
    (problem,) = [p for e in report.equations for p in e.problems]
    line = text.splitlines()[problem.span.line - 1]
    place = line[problem.span.column - 1 : problem.span.end - 1]
    return problem.kind, place, problem.found, problem.expected


RIGHT = "dL/dF11 = dL/dO11*X11 + dL/dO12*X12 + dL/dO21*X21 + dL/dO22*X22"
ONE = {
    "a wrong index": (
        RIGHT.replace("dL/dO12*X12", "dL/dO12*X13"),
        ("wrong_term", "X13", "∂L/∂O12·X13", "∂L/∂O12·X12"),
    ),
    "both factors wrong": (
        RIGHT.replace("dL/dO12*X12", "dL/dO11*X33"),
        ("wrong_term", "dL/dO11*X33", "∂L/∂O11·X33", "∂L/∂O12·X12"),
    ),
    "a factor forgotten": (
        RIGHT.replace("*X21", ""),
        ("wrong_term", "dL/dO21", "∂L/∂O21", "∂L/∂O21·X21"),
    ),
    "the filter instead of the input": (
        RIGHT.replace("X21", "F21"),
        ("wrong_term", "F21", "∂L/∂O21·F21", "∂L/∂O21·X21"),
    ),
    "missing": (
        RIGHT.replace(" + dL/dO21*X21", ""),
        ("missing_term", "", "", "∂L/∂O21·X21"),
    ),
    "too many": (
        RIGHT + " + dL/dO11*X12",
        ("extra_term", "dL/dO11*X12", "∂L/∂O11·X12", ""),
    ),
    "doubled": (
        RIGHT + " + X21 dL/dO21",
        ("doubled_term", "X21 dL/dO21", "∂L/∂O21·X21", ""),
    ),
    "doubled instead of another": (
        RIGHT.replace("dL/dO21*X21", "dL/dO12*X12"),
        ("doubled_term", "dL/dO12*X12", "∂L/∂O12·X12", "∂L/∂O21·X21"),
    ),
    "a coefficient": (
        RIGHT.replace("dL/dO12*", "2*dL/dO12*"),
        ("wrong_coefficient", "2*dL/dO12*X12", "2·∂L/∂O12·X12", "∂L/∂O12·X12"),
    ),
    "a sign": (
        RIGHT.replace("+ dL/dO12", "- dL/dO12"),
        ("wrong_coefficient", "dL/dO12*X12", "-∂L/∂O12·X12", "∂L/∂O12·X12"),
    ),
    "in the chain rule": (
        "∂L/∂F11 = ∂L/∂O11·∂O11/∂F11 + ∂L/∂O12·∂O21/∂F11 + ∂L/∂O21·X21 + ∂L/∂O22·∂O22/∂F11",
        ("wrong_term", "∂O21/∂F11", "∂L/∂O12·∂O21/∂F11", "∂L/∂O12·∂O12/∂F11"),
    ),
    "a local gradient that vanishes": (
        "∂L/∂X11 = ∂L/∂O11·∂O12/∂X11",
        ("wrong_term", "∂O12/∂X11", "∂L/∂O11·∂O12/∂X11", "∂L/∂O11·∂O11/∂X11"),
    ),
    "within brackets": (
        "dL/dX12 = F11*(dL/dO12 + dL/dO22) + F12 dL/dO11",
        ("extra_term", "dL/dO22", "∂L/∂O22·F11", ""),
    ),
    "the bias twice": (
        "O11 = B + X11F11 + X12F12 + X21F21 + X22F22 + B",
        ("doubled_term", "B", "B", ""),
    ),
    "a local gradient": ("∂O12/∂F12 = X12", ("wrong_term", "X12", "X12", "X13")),
    "a symbol that does not exist": (
        "dL/dX11 = dL/dO11*F13",
        ("wrong_term", "F13", "∂L/∂O11·F13", "∂L/∂O11·F11"),
    ),
    "nothing": ("dL/dX11 = 0", ("missing_term", "0", "0", "∂L/∂O11·F11")),
    "a square of the sum": (
        "dL/dX11 = (dL/dO11)(F11 + F12)",
        ("extra_term", "F12", "∂L/∂O11·F12", ""),
    ),
}


@pytest.mark.parametrize("name", ONE)
def test_one_slip(name: str) -> None:
    text, expected = ONE[name]
    assert only(text) == expected


def test_what_the_issue_prints() -> None:
    report = check_equations("dL/dX21 = dL/dO12*F21 + dL/dO21*F11", **SLIDES)
    assert str(report) == "line 1, column 11: ∂L/∂O12·F21 should be ∂L/∂O11·F21"
    assert not report


def test_every_slip_of_a_line_is_told_in_its_order() -> None:
    text = "dL/dX22 = 3 dL/dO22*F11 + dL/dO11*F22 + dL/dO11*F22 + dL/dO21*F11"
    report = check_equations(text, **SLIDES)
    found = [(p.kind, p.found, p.expected) for p in report.equations[0].problems]
    assert found == [
        ("wrong_coefficient", "3·∂L/∂O22·F11", "∂L/∂O22·F11"),
        ("doubled_term", "∂L/∂O11·F22", "∂L/∂O12·F21"),
        ("wrong_term", "∂L/∂O21·F11", "∂L/∂O21·F12"),
    ]


def test_two_wrong_terms_are_each_told_with_the_one_they_share_a_factor_with() -> None:
    text = "dL/dF11 = dL/dO11*X11 + dL/dO21*X33 + dL/dO12*X23 + dL/dO22*X22"
    (equation,) = check_equations(text, **SLIDES).equations
    assert [p.text for p in equation.problems] == [
        "∂L/∂O21·X33 should be ∂L/∂O21·X21",
        "∂L/∂O12·X23 should be ∂L/∂O12·X12",
    ]


def test_one_idea_behind_several_slips() -> None:
    swapped = check_equations("dL/dX12 = dL/dO11*F21 + dL/dO21*F11", **SLIDES).equations[0]
    assert swapped.notes == ["this is the right side of ∂L/∂X21"]
    unrotated = "dL/dX22 = dL/dO11*F11 + dL/dO12*F12 + dL/dO21*F21 + dL/dO22*F22"
    equation = check_equations(unrotated, **SLIDES).equations[0]
    assert equation.notes == ["F is not rotated by 180°: every F stands at the opposite place"]
    assert [p.kind for p in equation.problems] == ["wrong_term"] * 4


def test_average_pools_and_their_fractions() -> None:
    pool = {"layer": "avgpool", "input_shape": (3, 3), "window": 2, "stride": 1}
    for text in (
        "z'_5 = (a'_1 + a'_2 + a'_3 + a'_4)/4",
        r"z'_5 = 1/4 a'_1 + 0.25 a'_2 + \frac{a'_3}{4} + \frac{1}{4} a'_4",
        "z'_5 = a'_1 ∂a_1/∂z_5 + a'_2 ∂a_2/∂z_5 + a'_3 ∂a_3/∂z_5 + a'_4 ∂a_4/∂z_5",
        "∂a_1/∂z_1 = 1/4",
        "a_1 = 1/2*(z_1 + z_2)/2 + (z_4 + z_5)*0.25",
    ):
        assert check_equations(text, **pool), text
    assert only("z'_1 = a'_1", **pool) == ("wrong_coefficient", "a'_1", "a′_1", "1/4·a′_1")
    nine = {"layer": "avgpool", "input_shape": (3, 3), "window": 3}
    assert check_equations("z'_1 = 0.11 a'_1", **nine)
    assert check_equations("z'_1 = 0.111 a'_1", **nine)
    assert only("z'_1 = 0.12 a'_1", **nine)[0] == "wrong_coefficient"


def test_numbers_are_checked_where_there_are_arrays() -> None:
    right = [
        "∂L/∂F11 = 1·1 + 2·5 + (-3)·7 + 4·3 = 2",
        "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11 = 1·3 - 3·2 = -3",
        "∂L/∂X21 = 1 F21 - 3 F11",
        "O11 = 1*2 + 5*(-1) + 7*3 + 3*4 + 1 = 31",
        "O11 = 30",
        "O11 = 1F11 + 5F12 + 7F21 + 3F22 + 1",
        "∂L/∂B = 1 + 2 - 3 + 4 = 4",
        "∂L/∂O21 = -3",
        "X22 = 3",
    ]
    for text in right:
        report = check_equations(text, **ARRAYS)
        assert report.verdict == "right", (text, str(report))
    assert only("∂L/∂F11 = 1·1 + 2·5 + 3·7 + 4·3", **ARRAYS) == ("wrong_value", "3·7", "21", "-21")
    assert only("∂L/∂F11 = 1·1 + 2·5 + (-3)·7 + 4·3 = 3", **ARRAYS) == (
        "wrong_value", "3", "3", "2"
    )  # fmt: skip
    assert only("X22 = 4", **ARRAYS) == ("wrong_value", "4", "4", "3")


def test_numbers_without_arrays_are_not_judged() -> None:
    alone = check_equations("dL/dX11 = 7", **SLIDES)
    assert (alone.verdict, alone.equations[0].verdict) == ("not_checkable", "not_checked")
    beside = check_equations("dL/dX11 = dL/dO11*F11 = 7", **SLIDES)
    assert beside.verdict == "right"
    assert "not checked" in beside.equations[0].notes[0]


def test_a_factor_that_is_1_may_not_be_left_out() -> None:
    ones = {"X": X, "W": np.ones((2, 2), dtype=int), "dY": DY}
    assert only("dL/dX11 = dL/dO11", **ones)[0] == "wrong_term"
    assert check_equations("dL/dX11 = 1*dL/dO11", **ones)


def test_coverage_counts_elements_not_lines() -> None:
    text = "dL/dX11 = dL/dO11*F11\ndL/dX11 = dL/dO11*F12\ndL/dX33 = dL/dO22 F22\nO22 = X11"
    report = check_equations(text, **SLIDES)
    assert report.coverage["dX"] == (2, 1, 9)
    assert report.coverage["Y"] == (1, 0, 4)
    other_way_round = "\n".join(reversed(text.splitlines()))
    assert check_equations(other_way_round, **SLIDES).coverage["dX"] == (2, 1, 9)
    assert report.coverage["dW"] == (0, 0, 4)


# --- random layers, one planted slip ---------------------------------------------------------

LAYERS = st.builds(
    lambda kernel, room, stride: Layer(
        (kernel[0] + room[0], kernel[1] + room[1]), kernel, stride
    ),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
)  # fmt: skip


@st.composite
def equations(draw: st.DrawFn) -> tuple[Layer, str, list[Product]]:
    layer = draw(LAYERS)
    target = draw(st.sampled_from("XFO"))
    rows, columns = layer.shape(target)
    at = draw(st.integers(1, rows)), draw(st.integers(1, columns))
    products = draw(st.permutations(layer.products(target, at)))
    assume(products)
    return layer, left_side(target, at), list(products)


def written(draw: st.DrawFn | None, product: Product, sign: str = "*") -> str:
    return sign.join(map(symbol, product))


def columns_of(left: str, terms: list[str]) -> tuple[str, list[int]]:
    """The line and the column each term begins at."""
    text, columns = f"{left} = ", []
    for number, term in enumerate(terms):
        text += " + " if number else ""
        columns.append(len(text) + 1)
        text += term
    return text, columns


def judged(layer: Layer, text: str) -> list[tuple[str, int, str, str]]:
    report = check_equations(text, notation="slides", **layer.given)
    return [
        (p.kind, p.span.column, p.found, p.expected) for e in report.equations for p in e.problems
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_any_order_of_terms_and_factors_is_right(given_equation, data) -> None:
    layer, left, products = given_equation
    times = data.draw(st.sampled_from(["*", "·", " × ", " "]))
    turned = [data.draw(st.permutations(product)) for product in products]
    text = f"{left} = " + " + ".join(times.join(map(symbol, product)) for product in turned)
    assert judged(layer, text) == []


@settings(max_examples=60, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_a_dropped_term_is_missing(given_equation, data) -> None:
    layer, left, products = given_equation
    dropped = products.pop(data.draw(st.integers(0, len(products) - 1)))
    text, _ = columns_of(left, [written(None, p) for p in products] or ["0"])
    column = len(text) + 1 if products else len(text)
    found = "" if products else "0"
    assert judged(layer, text) == [("missing_term", column, found, told(dropped))]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_a_term_that_stands_twice_is_doubled(given_equation, data) -> None:
    layer, left, products = given_equation
    twice = data.draw(st.sampled_from(products))
    place = data.draw(st.integers(products.index(twice) + 1, len(products)))
    products.insert(place, twice)
    text, columns = columns_of(left, [written(None, p) for p in products])
    assert judged(layer, text) == [("doubled_term", columns[place], told(twice), "")]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_a_wrong_coefficient_or_sign(given_equation, data) -> None:
    layer, left, products = given_equation
    place = data.draw(st.integers(0, len(products) - 1))
    scale, shown = data.draw(st.sampled_from([("2*", "2·"), ("-", "-"), ("-3 ", "-3·")]))
    terms = [written(None, p) for p in products]
    terms[place] = scale + terms[place]
    text, columns = columns_of(left, terms)
    right = told(products[place])
    column = columns[place] + ("-" in scale)  # the sign itself is no part of the term
    assert judged(layer, text) == [("wrong_coefficient", column, shown + right, right)]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_a_wrong_index_is_a_wrong_term(given_equation, data) -> None:
    layer, left, products = given_equation
    place = data.draw(st.integers(0, len(products) - 1))
    which = data.draw(st.integers(0, 1))
    letter = products[place][which][0]
    rows, columns_there = layer.shape(letter)
    other = data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns_there))
    changed: Product = tuple(  # type: ignore[assignment]
        (letter, *other) if number == which else one for number, one in enumerate(products[place])
    )
    assume(changed not in products)
    terms = [written(None, p) for p in [*products[:place], changed, *products[place + 1 :]]]
    text, columns = columns_of(left, terms)
    column = columns[place] + (len(symbol(changed[0])) + 1 if which else 0)
    assert judged(layer, text) == [
        ("wrong_term", column, told(changed), told(products[place]))
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(equations(), st.data())
def test_a_term_too_many_is_extra(given_equation, data) -> None:
    layer, left, products = given_equation
    letters = [one[0] for one in products[0]]
    extra: Product = tuple(  # type: ignore[assignment]
        (letter, *(data.draw(st.integers(1, size)) for size in layer.shape(letter)))
        for letter in letters
    )
    assume(extra not in products)
    text, columns = columns_of(left, [written(None, p) for p in [*products, extra]])
    assert judged(layer, text) == [("extra_term", columns[-1], told(extra), "")]
