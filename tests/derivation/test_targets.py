"""Targets: whole, single, by label; what does not exist is refused with what does."""

import tracemalloc

import numpy as np
import pytest

from convgrad_cli import derive
from convgrad_cli.errors import ConvgradError, UsageError

SMALL = {"input_shape": (3, 3), "filter_shape": (2, 2)}


def test_no_target_is_every_gradient() -> None:
    assert [e.name for e in derive(**SMALL)] == [
        *(f"dW[{i},{j}]" for i in range(2) for j in range(2)),
        *(f"dX[{i},{j}]" for i in range(3) for j in range(3)),
        "db[0]",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dX[2,1]", "dX[2,1]"),
        ("dX[ 2 , 1 ]", "dX[2,1]"),
        ("X32", "dX[2,1]"),
        ("X_{3,2}", "dX[2,1]"),
        ("X_32", "dX[2,1]"),
        ("∂L/∂X32", "dX[2,1]"),
        ("dL/dX32", "dX[2,1]"),
        ("dL_dX32", "dX[2,1]"),
        ("F11", "dW[0,0]"),
        ("B", "db[0]"),
        ("O12", "Y[0,1]"),
    ],
)
def test_elements_by_index_and_by_label(text: str, name: str) -> None:
    assert [e.name for e in derive(text, **SMALL)] == [name]


def test_a_whole_target_swallows_its_elements() -> None:
    assert len(derive("F11", "dW", "dW", "F22", **SMALL)) == 4


def test_indices_follow_the_users_layout() -> None:
    last = derive(
        "dX[1,2,3,1]",
        "dW[0,0,1,2]",
        input_shape=(2, 4, 5, 2),
        filter_shape=(3, 3, 2, 3),
        layout="nhwc",
        filter_layout="hwio",
        notation="plain",
    )
    assert [e.index for e in last] == [(1, 1, 2, 3), (2, 1, 0, 0)]
    assert last[0].label == "dL/dX[1,2,3,1]"


@pytest.mark.parametrize(
    ("targets", "layer", "message"),
    [
        (
            "dX[3,0]",
            SMALL,
            "dX[3,0] does not exist.\n  expected  dX[0,0] to dX[2,2]   dX is (3, 3)",
        ),
        (
            "dX[-1,0]",
            SMALL,
            "dX[-1,0] does not exist.\n  expected  dX[0,0] to dX[2,2]   dX is (3, 3)",
        ),
        (
            "F33",
            SMALL,
            "F33 does not exist.\n  expected  F11 to F22, or dW[0,0] to dW[1,1]   dW is (2, 2)",
        ),
        (
            "X00",
            SMALL,
            "X00 does not exist.\n  expected  X11 to X33, or dX[0,0] to dX[2,2]   dX is (3, 3)",
        ),
        (
            "dX[1]",
            SMALL,
            "dX[1] has the wrong number of indices.\n"
            "  expected  2, as in dX[2,2]   dX is (3, 3)\n"
            "  found     1",
        ),
        ("dX[a,b]", SMALL, "dX[a,b] is no element.\n  expected  dX[2,2]: whole numbers"),
        (
            "dx",
            SMALL,
            "There is nothing called 'dx' to derive.\n"
            "  expected  Y, dW, dX, db, an element such as dX[2,2], or a label of the notation "
            "such as F11\n"
            "  remedy    did you mean dX?",
        ),
        (
            "dW",
            {"layer": "avgpool", "input_shape": (4, 4), "window": 2},
            "There is nothing called 'dW' to derive.\n"
            "  expected  Y, dX, an element such as dX[3,3], or a label of the notation such as X11",
        ),
        (
            "dX",
            {"layer": "maxpool", "input_shape": (4, 4), "window": 2},
            "A max pool's derivation needs X: which element is the maximum decides its terms.\n"
            "  remedy    give X, not only its shape",
        ),
        (
            "dX",
            {"layer": "maxpool", "X": np.ones((4, 4)), "window": 2, "ties": "middle"},
            "Unknown tie rule 'middle'.\n  expected  one of first, last, split",
        ),
        (
            "dX",
            {"layer": "dense", "X": np.ones((4, 4)), "window": 2},
            "Unknown layer 'dense'.\n  expected  one of conv, maxpool, avgpool, transposed, "
            "activation, upsample, separable",
        ),
        (
            "dX",
            {"input_shape": (3, 3)},
            "W is missing.\n  expected  W, or filter_shape alone",
        ),
        (
            "dX",
            {"X": np.ones((3, 3)), "input_shape": (4, 4), "filter_shape": (2, 2)},
            "X and input_shape contradict each other.\n"
            "  expected  (4, 4)   from input_shape\n"
            "  found     (3, 3)",
        ),
        (
            "dX",
            {"layer": "avgpool", "input_shape": (4, 4), "filter_shape": (2, 2), "window": 2},
            "The layer avgpool has no filter_shape.\n  expected  X\n  found     filter_shape",
        ),
        (
            "dX",
            {"layer": "avgpool", "input_shape": (4, 4)},
            "The pool has no window.\n"
            "  expected  --window, e.g. --window 2 or 2,3 (window= in Python)",
        ),
        (
            "dX",
            {**SMALL, "W": np.array([[1j, 0], [0, 0]]), "filter_shape": None},
            "W does not hold real numbers.\n  expected  integers or floating-point numbers\n"
            "  found     dtype complex128",
        ),
    ],
)
def test_what_cannot_be_derived_says_why(
    targets: str, layer: dict[str, object], message: str
) -> None:
    with pytest.raises(ConvgradError) as caught:
        derive(targets, **layer)
    assert str(caught.value) == message


def test_numbers_that_are_missing_are_named() -> None:
    with pytest.raises(UsageError, match=r"^dW needs numbers for X, dY\.$"):
        derive("dW", **SMALL).evaluate()


def test_one_element_of_a_huge_layer_builds_nothing_else() -> None:
    tracemalloc.start()
    derivation = derive(
        "dX[0,3,100,100]", input_shape=(8, 64, 224, 224), filter_shape=(64, 64, 3, 3), padding=1
    )
    (equation,) = derivation
    text = str(equation)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert derivation.term_count == 64 * 9
    assert text.startswith(
        "∂L/∂X_{1,4,101,101} = ∂L/∂O_{1,1,100,100}·F_{1,4,3,3} + ∂L/∂O_{1,1,100,101}·F_{1,4,3,2}"
    )
    assert peak < 4_000_000  # X alone would be 25 million numbers


def test_a_derivation_is_a_sequence_and_a_mapping() -> None:
    derivation = derive("dW", "F11", "db", **SMALL)
    assert [str(derivation[i]) for i in range(len(derivation))] == [str(e) for e in derivation]
    assert str(derivation[-1]).startswith("∂L/∂B = ")
    assert str(derivation["dW", (1, 0)]) == str(derivation["F21"])
    assert [e.label for e in derivation["dW"]] == ["∂L/∂F11", "∂L/∂F12", "∂L/∂F21", "∂L/∂F22"]
    with pytest.raises(IndexError, match="5 equations"):
        derivation[5]


def test_it_shows_itself_in_a_notebook_within_bounds() -> None:
    small = derive("dW", **SMALL)._repr_latex_()
    assert small.startswith("\\begin{align*}\n\\frac{\\partial L}{\\partial F_{11}} &= ")
    large = derive("dX", input_shape=(200, 200), filter_shape=(3, 3))._repr_latex_()
    assert large.endswith("& \\quad \\ldots\n\\end{align*}")
    assert len(large) < 100_000
