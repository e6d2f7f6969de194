"""The course slides, line for line: 3×3 input, 2×2 filter, stride 1, bias.

Typed in from the published text; ∂L/∂X21 with the erratum's correction (the slides print
∂L/∂O12·F21 + ∂L/∂O21·F11).
"""

import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation
from convgrad_cli.derivation.steps import Report
from convgrad_cli.lectures import EXAMPLES

FORWARD = """
O11 = X11·F11 + X12·F12 + X21·F21 + X22·F22 + B
O12 = X12·F11 + X13·F12 + X22·F21 + X23·F22 + B
O21 = X21·F11 + X22·F12 + X31·F21 + X32·F22 + B
O22 = X22·F11 + X23·F12 + X32·F21 + X33·F22 + B
"""
FILTER = """
∂L/∂F11 = ∂L/∂O11·X11 + ∂L/∂O12·X12 + ∂L/∂O21·X21 + ∂L/∂O22·X22
∂L/∂F12 = ∂L/∂O11·X12 + ∂L/∂O12·X13 + ∂L/∂O21·X22 + ∂L/∂O22·X23
∂L/∂F21 = ∂L/∂O11·X21 + ∂L/∂O12·X22 + ∂L/∂O21·X31 + ∂L/∂O22·X32
∂L/∂F22 = ∂L/∂O11·X22 + ∂L/∂O12·X23 + ∂L/∂O21·X32 + ∂L/∂O22·X33
"""
INPUT = """
∂L/∂X11 = ∂L/∂O11·F11
∂L/∂X12 = ∂L/∂O11·F12 + ∂L/∂O12·F11
∂L/∂X13 = ∂L/∂O12·F12
∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11
∂L/∂X22 = ∂L/∂O11·F22 + ∂L/∂O12·F21 + ∂L/∂O21·F12 + ∂L/∂O22·F11
∂L/∂X23 = ∂L/∂O12·F22 + ∂L/∂O22·F12
∂L/∂X31 = ∂L/∂O21·F21
∂L/∂X32 = ∂L/∂O21·F22 + ∂L/∂O22·F21
∂L/∂X33 = ∂L/∂O22·F22
"""
BIAS = "∂L/∂B = ∂L/∂O11 + ∂L/∂O12 + ∂L/∂O21 + ∂L/∂O22"
CHAIN = """
∂L/∂F11 = ∂L/∂O11·∂O11/∂F11 + ∂L/∂O12·∂O12/∂F11 + ∂L/∂O21·∂O21/∂F11 + ∂L/∂O22·∂O22/∂F11
∂L/∂F12 = ∂L/∂O11·∂O11/∂F12 + ∂L/∂O12·∂O12/∂F12 + ∂L/∂O21·∂O21/∂F12 + ∂L/∂O22·∂O22/∂F12
∂L/∂F21 = ∂L/∂O11·∂O11/∂F21 + ∂L/∂O12·∂O12/∂F21 + ∂L/∂O21·∂O21/∂F21 + ∂L/∂O22·∂O22/∂F21
∂L/∂F22 = ∂L/∂O11·∂O11/∂F22 + ∂L/∂O12·∂O12/∂F22 + ∂L/∂O21·∂O21/∂F22 + ∂L/∂O22·∂O22/∂F22
"""
LOCAL = {
    "F11": ["∂O11/∂F11 = X11", "∂O12/∂F11 = X12", "∂O21/∂F11 = X21", "∂O22/∂F11 = X22"],
    "F12": ["∂O11/∂F12 = X12", "∂O12/∂F12 = X13", "∂O21/∂F12 = X22", "∂O22/∂F12 = X23"],
    "F21": ["∂O11/∂F21 = X21", "∂O12/∂F21 = X22", "∂O21/∂F21 = X31", "∂O22/∂F21 = X32"],
    "F22": ["∂O11/∂F22 = X22", "∂O12/∂F22 = X23", "∂O21/∂F22 = X32", "∂O22/∂F22 = X33"],
    "B": ["∂O11/∂B = 1", "∂O12/∂B = 1", "∂O21/∂B = 1", "∂O22/∂B = 1"],
}


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def slides(*targets: str) -> Derivation:
    return derive(*targets, input_shape=(3, 3), filter_shape=(2, 2), with_bias=True)


def sides(derivation: Derivation, step: str) -> list[list[str]]:
    (rows,) = (b for b in Report(derivation, steps=(step,)).blocks() if hasattr(b, "rows"))
    return [list(row.sides[step].terms) for row in rows.rows]


@pytest.mark.parametrize(
    ("target", "published"),
    [("Y", FORWARD), ("dW", FILTER), ("dX", INPUT), ("db", BIAS)],
    ids=["forward", "filter", "input", "bias"],
)
def test_the_equations_are_the_slides(target: str, published: str) -> None:
    assert [str(equation) for equation in slides(target)] == lines(published)


def test_the_chain_rule_is_expanded_as_on_the_slides() -> None:
    found = sides(slides("dW"), "chain")
    assert [" + ".join(terms) for terms in found] == [
        line.partition(" = ")[2] for line in lines(CHAIN)
    ]


@pytest.mark.parametrize("label", LOCAL)
def test_the_local_gradients_are_the_slides(label: str) -> None:
    assert sides(slides(label), "local") == [LOCAL[label]]


def test_the_latex_is_the_slides() -> None:
    assert slides()["X21"].latex == (
        r"\frac{\partial L}{\partial X_{21}} = \frac{\partial L}{\partial O_{11}} \cdot F_{21}"
        r" + \frac{\partial L}{\partial O_{21}} \cdot F_{11}"
    )


def test_numbers_worked_out_by_hand() -> None:
    # X = [1 5 2; 7 3 8; 4 9 6], F = [2 -1; 3 4], B = 1, ∂L/∂O = [1 2; -3 4]
    arrays = EXAMPLES["slides"].arrays
    derivation = derive("F11", "X22", "B", "O11", **arrays)
    assert [equation.value for equation in derivation] == [
        1 * 1 + 2 * 5 - 3 * 7 + 4 * 3,
        1 * 4 + 2 * 3 - 3 * -1 + 4 * 2,
        1 + 2 - 3 + 4,
        1 * 2 + 5 * -1 + 7 * 3 + 3 * 4 + 1,
    ]
    assert sides(derive("F11", **arrays), "numbers") == [["1·1", "2·5", "(-3)·7", "4·3"]]


def test_without_a_bias_the_forward_equations_have_none() -> None:
    bare = derive("Y", input_shape=(3, 3), filter_shape=(2, 2))
    assert [str(equation) for equation in bare] == [
        line.removesuffix(" + B") for line in lines(FORWARD)
    ]


def test_the_convolution_statement_is_the_slides() -> None:
    blocks = list(Report(slides("dX", "dW"), steps=("convolution",)).blocks())
    formulas = {block.left: block.sides for block in blocks if hasattr(block, "sides")}
    assert formulas == {
        "∂L/∂X": ("full-conv(rot180(F), ∂L/∂O)", "conv(rot180(F), pad(∂L/∂O))"),
        "∂L/∂F": ("conv(X, ∂L/∂O)",),
    }
