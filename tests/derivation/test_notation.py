"""Subscripts, own letters, names that SymPy cannot misread, and labels read back."""

import itertools
import keyword
import re
from fractions import Fraction

import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import (
    NOTATIONS,
    Writer,
    latex,
    mathml,
    notation_named,
    parse_symbols,
    read_label,
)
from convgrad_cli.derivation.equation import joined
from convgrad_cli.derivation.model import Term, Traced
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.templates import speller
from convgrad_cli.derivation.writer import SCRIPTS
from convgrad_cli.errors import UsageError

LAYERS = {
    "small": {"input_shape": (3, 3), "filter_shape": (2, 2), "with_bias": True},
    "wide": {"input_shape": (4, 12), "filter_shape": (2, 3), "with_bias": True},
    "channels": {"input_shape": (2, 2, 4, 11), "filter_shape": (3, 2, 2, 2), "with_bias": True},
    "many channels": {"input_shape": (11, 3, 3), "filter_shape": (12, 11, 2, 2), "dims": 2},
    "line": {"input_shape": (14,), "filter_shape": (3,), "with_bias": True},
    "volume": {"input_shape": (3, 3, 4), "filter_shape": (2, 2, 2), "dims": 3},
    "pool": {"layer": "avgpool", "input_shape": (2, 5, 6), "window": 2},
}


def label(notation: str, element: str, script: str = "unicode", **layer: object) -> str:
    equation = derive(notation=notation, **layer)[element]
    return equation.derivation.writer(script).left_side(equation)


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("slides", "∂L/∂X_{1,12}"),
        ("recitation", "∂L/∂x_{0,11}"),
        ("tutorial", "a′_12"),
        ("diba", "dq(0,11)"),
        ("lecture12", "∂Div/∂Y(l−1,0,0,11)"),
        ("plain", "dL/dX[0,11]"),
    ],
)
def test_two_digit_subscripts_are_told_apart(notation: str, expected: str) -> None:
    assert label(notation, "dX[0,11]", **LAYERS["wide"]) == expected


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("slides", "∂L/∂X_{2,1,3,4}"),
        ("recitation", "∂L/∂x_{1,0,2,3}"),
        ("tutorial", "a′_{2,1,26}"),
        ("diba", "dq_10(2,3)"),
        ("lecture12", "∂Div/∂Y(l−1,1,0,2,3)"),
        ("plain", "dL/dX[1,0,2,3]"),
    ],
)
def test_samples_and_channels_are_named(notation: str, expected: str) -> None:
    assert label(notation, "dX[1,0,2,3]", **LAYERS["channels"]) == expected


def test_several_channels_are_never_run_together() -> None:
    layer = {"input_shape": (2, 3, 3), "filter_shape": (3, 2, 2, 2), "dims": 2}
    assert label("slides", "dX[1,0,2]", **layer) == "∂L/∂X_{2,1,3}"
    assert label("slides", "dW[2,1,0,1]", **layer) == "∂L/∂F_{3,2,1,2}"
    assert label("slides", "db[1]", **layer) == "∂L/∂B2"


def test_a_small_filter_stays_run_together_beside_a_wide_input() -> None:
    derivation = derive("dX", **LAYERS["wide"])
    assert str(derivation["dX[0,11]"]) == "∂L/∂X_{1,12} = ∂L/∂O_{1,10}·F13"


def test_base_0_runs_together_up_to_ten() -> None:
    ten = {"input_shape": (10, 10), "filter_shape": (1, 1)}
    assert label("recitation", "dX[9,9]", **ten) == "∂L/∂x99"
    assert label("slides", "dX[8,8]", **ten) == "∂L/∂X_{9,9}"


@pytest.mark.parametrize("name", NOTATIONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_label_is_unique_and_reads_back(name: str, layer: str) -> None:
    derivation = derive(notation=name, **LAYERS[layer])
    names = derivation.names
    for script in ("unicode", "ascii", "expression"):
        writer = derivation.writer(script)
        seen = set()
        for role, frame in names.frames.items():
            for index in itertools.product(*map(range, frame.shape)):
                for gradient in (False, True):
                    text = (writer.gradient if gradient else writer.entry)(role, index)
                    assert text not in seen
                    seen.add(text)
                    found = read_label(names, text)
                    assert found is not None, text
                    assert (found.role, found.index, found.gradient) == (role, index, gradient)


@pytest.mark.parametrize("name", NOTATIONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_templates_spell_as_the_symbols_do(name: str, layer: str) -> None:
    names = derive(notation=name, **LAYERS[layer]).names
    for script in SCRIPTS:
        writer = Writer(names, script)
        for role, frame in names.frames.items():
            spell = speller(names, writer.script, role)
            spell_gradient = speller(names, writer.script, role, gradient=True)
            for index in itertools.product(*map(range, frame.shape)):
                assert spell(index) == writer.entry(role, index)
                assert spell_gradient(index) == writer.gradient(role, index)


@pytest.mark.parametrize("name", NOTATIONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_ascii_is_ascii_and_partial_is_partial(name: str, layer: str) -> None:
    equation = derive(notation=name, **LAYERS[layer])[0]
    assert derive(notation=name, **LAYERS[layer])[0].expression.isascii()
    writer = equation.derivation.writer("ascii")
    assert writer.right_side(equation).isascii()
    if NOTATIONS[name].gradient == "quotient":
        assert r"\partial" in equation.latex
        assert ("∂" in str(equation)) == (name != "plain")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "letters",
    ["E S N O", "S E Q I", "beta gamma zeta lambda", "hn Ci erf pi", "C N I E", "π ζ β γ"],
)
def test_names_are_symbols_to_sympy(layer: str, letters: str) -> None:
    import sympy

    owned: dict[str, object] = {}
    exec("from sympy import *", owned)
    symbols = dict(zip("XWYb", letters.split(), strict=True))
    for base, style in itertools.product((0, 1), ("slides", "tutorial", "diba")):
        derivation = derive(notation=style, symbols=symbols, base=base, **LAYERS[layer])
        for target in derivation.traced.targets:
            equation = next(iter(derivation[target]))
            names = set(re.findall(r"[A-Za-z_]\w*", equation.expression))
            assert not names & (owned.keys() | set(keyword.kwlist))
            assert sympy.sympify(equation.expression) == equation.to_sympy()


def test_signs_and_coefficients_of_other_layers_terms() -> None:
    writer = derive(**LAYERS["small"]).writer()
    index = (0, 0, 1, 0)
    terms = [Term(index, "X", index), Term(index, coefficient=-1), Term(None, "X", index, -2)]
    terms.append(Term(coefficient=Fraction(-1, 3)))
    written = [writer.term(term) for term in terms]
    assert written == ["∂L/∂O21·X21", "-∂L/∂O21", "-2·X21", "-1/3"]
    assert joined(written) == "∂L/∂O21·X21 - ∂L/∂O21 - 2·X21 - 1/3"


def test_own_letters() -> None:
    own = {"X": "A", "W": "K", "Y": "Z", "b": "c"}
    derivation = derive(
        "Y", "dX", symbols=own, base=0, input_shape=(3, 3), filter_shape=(2, 2), with_bias=True
    )
    assert str(derivation["Z11"]) == "Z11 = A11·K00 + A12·K01 + A21·K10 + A22·K11 + c"
    assert str(derivation["A00"]) == "∂L/∂A00 = ∂L/∂Z00·K00"


def test_a_greek_letter_is_written_in_every_script() -> None:
    equation = derive("dX", symbols={"W": "ω"}, input_shape=(3,), filter_shape=(2,))[0]
    assert str(equation) == "∂L/∂X1 = ∂L/∂O1·ω1"
    assert equation.expression == "dL_dO1*omega_1"
    assert r"\omega_{1}" in equation.latex


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: notation_named("latin"),
            "Unknown notation 'latin'.\n"
            "  expected  one of slides, recitation, tutorial, diba, lecture12, plain",
        ),
        (
            lambda: notation_named("slides", {"X": "A", "W": "A"}),
            "The symbols clash.\n"
            "  expected  a different symbol for each of X, W, b and Y\n"
            "  found     A for both X and W\n"
            "  remedy    give X or W another symbol in --symbols",
        ),
        (
            lambda: notation_named("slides", {"X": "F"}),
            "The symbols clash.\n"
            "  expected  a different symbol for each of X, W, b and Y\n"
            "  found     F for both X and W\n"
            "  remedy    give X or W another symbol in --symbols",
        ),
        (
            lambda: notation_named("slides", {"Y": "L"}),
            "The symbols clash.\n  found     Y=L, which already is the loss",
        ),
        (
            lambda: notation_named("slides", {"X": "x1"}),
            "'x1' cannot be the symbol of X.\n"
            "  expected  letters only, such as A, w or α; indices are added to them",
        ),
        (
            lambda: notation_named("slides", {"Z": "A"}),
            "There is no array 'Z' to give a symbol to.\n  expected  some of X, W, b, Y, A",
        ),
        (
            lambda: notation_named("slides", base=2),
            "Indices count from 0 or from 1.\n  found     base 2",
        ),
        (
            lambda: parse_symbols("X:A"),
            "--symbols cannot be read.\n  expected  for example X=A,W=K,Y=Z,b=c\n  found     X:A",
        ),
        (
            lambda: parse_symbols("X=A,X=B"),
            "--symbols gives X twice.\n  found     X=A,X=B",
        ),
    ],
)
def test_bad_notations_are_refused(call: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        call()  # type: ignore[operator]
    assert str(caught.value) == message


def test_fragments_for_the_page() -> None:
    traced: Traced = derive(**LAYERS["small"]).traced
    slides, tutorial = (Names(NOTATIONS[name], traced) for name in ("slides", "tutorial"))
    index = (0, 0, 1, 0)
    assert mathml(slides, "X", index) == "<msub><mi>X</mi><mn>21</mn></msub>"
    assert mathml(slides, "X", index, gradient=True) == (
        "<mfrac><mrow><mo>∂</mo><mi>L</mi></mrow>"
        "<mrow><mo>∂</mo><msub><mi>X</mi><mn>21</mn></msub></mrow></mfrac>"
    )
    assert mathml(tutorial, "X", index, gradient=True) == (
        "<msubsup><mi>a</mi><mn>4</mn><mo>′</mo></msubsup>"
    )
    assert latex(slides, "W", index) == "F_{21}"


def test_digits_alone_name_no_element_where_there_are_channels() -> None:
    derivation = derive("dX", **LAYERS["channels"])
    with pytest.raises(UsageError):
        _ = derivation["X2134"]
    assert str(derivation["X_{2,1,3,4}"]).startswith("∂L/∂X_{2,1,3,4} = ")
