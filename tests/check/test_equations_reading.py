"""Equations as students write them, and the place where one cannot be read."""

from __future__ import annotations

import pytest

from convgrad_cli import check_equations
from convgrad_cli.errors import UsageError

SLIDES = {"input_shape": (3, 3), "filter_shape": (2, 2)}

WAYS = {
    "of the issue": "dL/dX21 = dL/dO11*F21 + dL/dO21*F11",
    "partial signs and dots": "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11",
    "times signs": "∂L/∂X21 = ∂L/∂O11 × F21 + ∂L/∂O21 × F11",
    "blanks": "dL/dX21 = dL/dO11 F21 + dL/dO21 F11",
    "nothing between": "dL/dX21=dL/dO11F21+dL/dO21F11",
    "underscores": "dL/dX_21 = dL/dO_11*F_21 + dL/dO_21*F_11",
    "braces and commas": "dL/dX_{2,1} = dL/dO_{1,1} F_{2,1} + dL/dO_{2, 1} F_{1,1}",
    "brackets": "dL/dX[2,1] = dL/dO[1,1]*F[2,1] + dL/dO[2][1]*F[1, 1]",
    "parentheses": "dL/dX(2,1) = dL/dO(1,1)*F(2,1) + dL/dO(2,1)*F(1,1)",
    "lowered digits": "∂L/∂X₂₁ = ∂L/∂O₁₁·F₂₁ + ∂L/∂O₂₁·F₁₁",
    "primes": "X'21 = O'11*F21 + O'21*F11",
    "primes after the index": "X_21′ = O_{11}' F_21 + F_11 O_{21}^{\\prime}",
    "a d before": "dX21 = dO11*F21 + dO21*F11",
    "names of a program": "dL_dX21 = dL_dO11*F21 + dL_dO21*F11",
    "another loss": "∂J/∂X21 = ∂J/∂O11·F21 + ∂J/∂O21·F11",
    "a loss with a name": "dLoss/dX21 = dLoss/dO11*F21 + dLoss/dO21*F11",
    "LaTeX": r"\frac{\partial L}{\partial X_{21}} = \frac{\partial L}{\partial O_{11}} F_{21}"
    r" + \frac{\partial L}{\partial O_{21}} F_{11}",
    "LaTeX, aligned": r"\dfrac{\partial L}{\partial X_{21}} &= \frac{dL}{dO_{11}} \cdot F_{21}"
    r" + \left( \frac{\mathrm{d}L}{\mathrm{d}O_{21}} \times F_{11} \right) \\",
    "LaTeX, slanted": r"$\partial L/\partial X_{21} = \partial L / \partial O_{11} \cdot F_{21}"
    r" + \partial L/\partial O_{21} \cdot F_{11}$.",
    "brackets around sums": "dL/dX21 = (dL/dO11*F21) + F11*(dL/dO21)",
    "signs": "dL/dX21 = -(-dL/dO11*F21 - dL/dO21*F11)",
    "numbers that cancel": "dL/dX21 = 2*(dL/dO11 F21 + dL/dO21 F11)/2 + 0*F22",
    "the sides exchanged": "dL/dO11*F21 + dL/dO21*F11 = dL/dX21",
    "the chain rule": "dL/dX21 = dL/dO11*dO11/dX21 + dL/dO21*∂O21/∂X21",
    "the whole chain rule": "dL/dX21 = dL/dO11*dO11/dX21 + dL/dO12*dO12/dX21"
    " + dL/dO21*dO21/dX21 + dL/dO22*dO22/dX21",
    "several steps": "dL/dX21 = dL/dO11*dO11/dX21 + dL/dO21*dO21/dX21 = dL/dO11*F21 + dL/dO21*F11",
    "several lines": "dL/dX21\n  = dL/dO11*F21\n  + dL/dO21*F11",
    "an operator at the end": "dL/dX21 = dL/dO11*F21 +\n  dL/dO21*F11",
    "comments": "# the input\ndL/dX21 = dL/dO11*F21 + dL/dO21*F11  # ok?\n\n% TeX\n// C",
    "tabs": "dL/dX21\t=\tdL/dO11*F21\t+\tdL/dO21*F11",
    "full width letters": "dL/dＸ21 = dL/dO11*F21 + dL/dO21*F11",
    "an upright name": r"\frac{\partial \mathcal{L}}{\partial \mathbf{X}_{21}} = "
    r"\frac{\partial L}{\partial O_{11}} F_{21} + \frac{\partial L}{\partial O_{21}} F_{11}",
    "an environment": "\\begin{align*}\n\\frac{\\partial L}{\\partial X_{21}}\n&= \\frac{\\partial "
    "L}{\\partial O_{11}} F_{21} \\\\\n&\\quad + \\frac{\\partial L}{\\partial O_{21}} F_{11}"
    "\n\\end{align*}",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_of_writing(way: str) -> None:
    report = check_equations(WAYS[way], **SLIDES)
    assert [e.verdict for e in report.equations] == ["right"], str(report)
    assert report.equations[0].subject == "∂L/∂X21"
    # The same line with one index wrong is read too, and is wrong: reading is not guessing.
    for index in ("21", "2,1", "₂₁", "2, 1", "[2][1]"):
        head, equals, rest = WAYS[way].partition("=")
        if index in rest and way not in ("the sides exchanged", "environment"):
            other = {"21": "12", "2,1": "1,2", "₂₁": "₁₂", "2, 1": "1, 2", "[2][1]": "[1][2]"}
            wrong = check_equations(head + equals + rest.replace(index, other[index], 1), **SLIDES)
            assert wrong.verdict == "wrong", (way, index)
            break
    else:
        assert way in ("the sides exchanged",)


UNREADABLE = {
    "a double sign": ("dL/dX11 = dL/dO11**F11", "*", "a symbol, a number or ("),
    "no closing bracket": ("dL/dX11 = dL/dO11*(F11", "", "a sign or )"),
    "a bracket too many": ("dL/dX11 = dL/dO11*F11)", ")", "a sign or the end of the line"),
    "a strange sign": ("dL/dX11 = dL/dO11 @ F11", "@", "a sign or the end of the line"),
    "a letter of another layer": ("dL/dX11 = dL/dO11*K11", "K", "one of the letters X, F, B, O"),
    "an index short": ("dL/dX11 = dL/dO11*F1", "F1", "F11 to F22"),
    "an index long": ("dL/dX11 = dL/dO11*F111", "F111", "F11 to F22"),
    "no index": ("dL/dX11 = dL/dO11*F", "F", "F11 to F22"),
    "a number behind": ("dL/dX11 = dL/dO11 2", "2", "a sign before the number"),
    "a division by a symbol": ("dL/dX11 = dL/dO11/F11", "F11", "a number to divide by"),
    "a division by nothing": ("dL/dX11 = dL/dO11/0", "0", "a number to divide by that is not 0"),
    "an end": ("dL/dX11 = dL/dO11*", "", "a symbol, a number or ("),
    "an empty side": ("dL/dX11 = ", "", "a side of the equation"),
    "no equal sign": ("dL/dX11 dL/dO11*F11", "", "an equation: = and its right side"),
    "a power": ("dL/dX11 = dL/dO11*F11^2", "2", "a prime; a power is written as a product"),
    "half a derivative": ("dL/dX11 = dL/O11*F11", "O", "∂ and a symbol"),
    "a loss alone": ("dL/dX11 = dL*F11", "*", "/∂ and what L is derived by"),
    "an element that is not there": ("dL/dX44 = dL/dO11*F11", "dL/dX44", "X11 to X33"),
    "a decimal index": ("dL/dX11 = dL/dO11*F.5", ".5", "a whole number as the index"),
    "an equation of nothing": ("F11 + F12 = F12 + F11", "F", "an element that is derived, such "
                               "as ∂L/∂F11, alone on the left"),
    "a maximum in a convolution": ("O11 = max(X11, X12)", "max", "a sum: only a max pool's output "
                                   "is a maximum"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_place_that_cannot_be_read(name: str) -> None:
    text, place, expected = UNREADABLE[name]
    report = check_equations(text, notation="slides", **SLIDES)
    (equation,) = report.equations
    (problem,) = equation.problems
    assert (equation.verdict, problem.kind) == ("unreadable", "unreadable")
    assert report.verdict == "not_checkable"
    marked = text[problem.span.column - 1 : problem.span.end - 1].strip()
    assert (marked, problem.expected) == (place, expected)
    if not place:
        assert problem.span.column == len(text.rstrip()) + 1
        assert problem.found in ("the end of the line", "nothing")


def test_one_unreadable_side_does_not_hide_another() -> None:
    report = check_equations("dL/dX11 = dL/dO11*F12 = dL/dO11*(F11", **SLIDES)
    assert [p.kind for p in report.equations[0].problems] == ["wrong_term", "unreadable"]
    assert report.equations[0].verdict == "wrong"


def test_digits_that_run_together_and_can_be_parted_in_two_ways() -> None:
    wide = {"input_shape": (12, 12), "filter_shape": (1, 1), "notation": "slides"}
    report = check_equations("dL/dX111 = dL/dO_{1,11} F11", **wide)
    (problem,) = report.equations[0].problems
    assert problem.kind == "unreadable"
    assert problem.expected == "X_{1,11} or X_{11,1}: X111 can mean each of them"
    assert check_equations("dL/dX_{1,11} = dL/dO_{1,11} F11", **wide)
    # Only one way leads to an entry: 12×9 has no column 12.
    narrow = wide | {"input_shape": (12, 9)}
    assert check_equations("dL/dX129 = dL/dO_{12,9} F11", **narrow)
    zero = check_equations("dL/dX101 = dL/dO_{10,1} F11", **wide)
    assert zero.verdict == "right"


def test_indices_that_a_notation_leaves_out_may_be_written() -> None:
    assert check_equations("dL/dX_{1,1,2,1} = dL/dO_{1,1,1,1} F21 + dL/dO21*F_{1,1,1,1}", **SLIDES)
    assert check_equations("dL/dB1 = dL/dO11 + dL/dO12 + dL/dO21 + dL/dO22", **SLIDES)
    batch = {"input_shape": (1, 1, 3, 3), "filter_shape": (1, 1, 2, 2), "notation": "plain"}
    assert check_equations("dL/dX[0,0] = dL/dY[0,0]*W[0,0]", **batch)
    assert check_equations("dL/dX[0,0,0,0] = dL/dY[0,0,0,0]*W[0,0,0,0]", **batch)
    assert not check_equations("dL/dX[0,0] = dL/dY[0,0]*W[0,1]", **batch)


def test_the_notation_is_found_out_from_letters_and_indices() -> None:
    texts = {
        ("slides", 1): "dL/dX11 = dL/dO11 F11",
        ("slides", 0): "dL/dX00 = dL/dO00 F00",
        ("recitation", 0): "dL/dx00 = dL/dy00 f00",
        ("recitation", 1): "dL/dx33 = dL/dy22 f22",
        ("tutorial", 1): "a'_1 = z'_1 w_1",
        ("diba", 0): "dq(0,0) = dz(0,0) W(0,0)",
        ("lecture12", 0): "dDiv/dY(l-1,0,0,0) = dDiv/dz(l,0,0,0) w_l(0,0,0,0)",
        ("plain", 0): "dL/dX[0,0] = dL/dY[0,0]*W[0,0]",
        ("plain", 1): "dL/dX33 = dL/dY22 W22",
    }
    for (name, base), text in texts.items():
        report = check_equations(text, **SLIDES)
        assert (report.verdict, report.notation) == ("right", name), (text, str(report))
        assert f"counted from {base}" in report.notes[0]


def test_counting_from_0_needs_a_reason() -> None:
    # Right only if X22 is the last entry: from 1 it is the middle one, and three terms are missing.
    report = check_equations("dL/dX22 = dL/dO11*F11", **SLIDES)
    assert report.verdict == "wrong"
    assert "counted from 1" in report.notes[0]
    assert check_equations("dL/dX22 = dL/dO11*F11", base=0, **SLIDES)


def test_own_letters() -> None:
    text = "dL/dA21 = dL/dZ11*K21 + dL/dZ21*K11\nZ11 = A11K11 + A12K12 + A21K21 + A22K22 + c"
    own = {"X": "A", "W": "K", "Y": "Z", "b": "c"}
    report = check_equations(text, symbols=own, **SLIDES)
    assert report.verdict == "right", str(report)
    assert report.equations[0].subject == "∂L/∂A21"
    assert check_equations(text, **SLIDES).verdict == "not_checkable"
    greek = check_equations(r"\frac{\partial L}{\partial \alpha_{11}} = ω_11 dL/dO11",
                            symbols={"X": "α", "W": "ω"}, **SLIDES)  # fmt: skip
    assert greek.verdict == "right", str(greek)


def test_several_equations_on_a_line() -> None:
    text = "dO11/dF11 = X11, dO12/dF11 = X12; dL/dX11 = dL/dO11 F12"
    report = check_equations(text, **SLIDES)
    assert [(e.line, e.verdict) for e in report.equations] == [
        (1, "right"), (1, "right"), (1, "wrong")
    ]  # fmt: skip
    assert report.equations[2].problems[0].span.column == text.index("F12") + 1


def test_general_formulas_are_passed_over() -> None:
    text = """dL/dX11 = dL/dO11*F11
    dL/dF_mn = Σ_{i=1..2} dL/dO_ij * X_{i+m-1,j+n-1}
    ∂L/∂F = conv(X, ∂L/∂O)
    F = F - α ∂L/∂F
    ∂L/∂B = sum(∂L/∂O)
    ∂L/∂X = \\begin{bmatrix} F_{11} & 0 \\\\
    0 & F_{22}
    \\end{bmatrix}
    """
    report = check_equations(text, **SLIDES)
    verdicts = [e.verdict for e in report.equations]
    assert verdicts == ["right", *["not_checked"] * 5]
    assert report.verdict == "right"
    # An index forgotten beside sides that can be read is a slip.
    report = check_equations("dL/dX = dL/dO11*F11", **SLIDES)
    assert report.equations[0].problems[0].expected == "X11 to X33"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n% another"])
def test_no_equation_at_all(text: str) -> None:
    with pytest.raises(UsageError, match="no equation"):
        check_equations(text, **SLIDES)


HOSTILE = {
    "nesting": "dL/dX11 = " + "(" * 30_000 + "F11" + ")" * 30_000,
    "open brackets": "dL/dX11 = " + "(" * 30_000,
    "powers of a sum": "dL/dX11 = " + "(F11 + F12 + F21 + F22)" * 40,
    "factors": "dL/dX11 = " + "F11*" * 20_000 + "F11",
    "digits": "dL/dX11 = " + "9" * 200_000 + " F11",
    "an index of many digits": "dL/dX11 = F" + "1" * 200_000,
    "numbers": "dL/dX11 = F11" + "*9999999999" * 20_000,
    "an exponent": "dL/dX11 = 1e999*1e999*1e999*F11",
    "signs": "dL/dX11 = " + "-" * 50_000 + "F11",
    "equal signs": "=" * 20_000,
    "fractions": "dL/dX11 = " + r"\frac{1}{" * 20_000,
    "derivatives": r"\frac{\partial " * 20_000,
    "underscores": "dL/dX" + "_1" * 20_000 + " = F11",
    "lines": "x\n" * 10_000,
    "commas": "," * 50_000 + "=",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_its_place(name: str) -> None:
    try:
        report = check_equations(HOSTILE[name], **SLIDES)
    except UsageError:
        return
    assert report.verdict in ("wrong", "not_checkable")
    assert all(len(p.found) < 200_100 for e in report.equations for p in e.problems)


def test_a_text_beyond_all_measure_is_refused() -> None:
    with pytest.raises(UsageError, match="too long"):
        check_equations("dL/dX11 = dL/dO11*F11\n" * 200_000, **SLIDES)
