"""The recitation: stride 1 in the slides' letters, stride 2 as x, f, y from 0; all of 5×5.

Typed in from the published text (f00, f01, f11, f22, x00, x22 and the forward rows, with the
errata's f21 for f20); the other elements worked out by hand from the same rows.
"""

import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation
from convgrad_cli.derivation.blocks import Picture
from convgrad_cli.derivation.steps import Report

FORWARD = """
y00 = x00·f00 + x01·f01 + x02·f02 + x10·f10 + x11·f11 + x12·f12 + x20·f20 + x21·f21 + x22·f22
y01 = x02·f00 + x03·f01 + x04·f02 + x12·f10 + x13·f11 + x14·f12 + x22·f20 + x23·f21 + x24·f22
y10 = x20·f00 + x21·f01 + x22·f02 + x30·f10 + x31·f11 + x32·f12 + x40·f20 + x41·f21 + x42·f22
y11 = x22·f00 + x23·f01 + x24·f02 + x32·f10 + x33·f11 + x34·f12 + x42·f20 + x43·f21 + x44·f22
"""
FILTER = """
∂L/∂f00 = ∂L/∂y00·x00 + ∂L/∂y01·x02 + ∂L/∂y10·x20 + ∂L/∂y11·x22
∂L/∂f01 = ∂L/∂y00·x01 + ∂L/∂y01·x03 + ∂L/∂y10·x21 + ∂L/∂y11·x23
∂L/∂f02 = ∂L/∂y00·x02 + ∂L/∂y01·x04 + ∂L/∂y10·x22 + ∂L/∂y11·x24
∂L/∂f10 = ∂L/∂y00·x10 + ∂L/∂y01·x12 + ∂L/∂y10·x30 + ∂L/∂y11·x32
∂L/∂f11 = ∂L/∂y00·x11 + ∂L/∂y01·x13 + ∂L/∂y10·x31 + ∂L/∂y11·x33
∂L/∂f12 = ∂L/∂y00·x12 + ∂L/∂y01·x14 + ∂L/∂y10·x32 + ∂L/∂y11·x34
∂L/∂f20 = ∂L/∂y00·x20 + ∂L/∂y01·x22 + ∂L/∂y10·x40 + ∂L/∂y11·x42
∂L/∂f21 = ∂L/∂y00·x21 + ∂L/∂y01·x23 + ∂L/∂y10·x41 + ∂L/∂y11·x43
∂L/∂f22 = ∂L/∂y00·x22 + ∂L/∂y01·x24 + ∂L/∂y10·x42 + ∂L/∂y11·x44
"""
INPUT = """
∂L/∂x00 = ∂L/∂y00·f00
∂L/∂x01 = ∂L/∂y00·f01
∂L/∂x02 = ∂L/∂y00·f02 + ∂L/∂y01·f00
∂L/∂x03 = ∂L/∂y01·f01
∂L/∂x04 = ∂L/∂y01·f02
∂L/∂x10 = ∂L/∂y00·f10
∂L/∂x11 = ∂L/∂y00·f11
∂L/∂x12 = ∂L/∂y00·f12 + ∂L/∂y01·f10
∂L/∂x13 = ∂L/∂y01·f11
∂L/∂x14 = ∂L/∂y01·f12
∂L/∂x20 = ∂L/∂y00·f20 + ∂L/∂y10·f00
∂L/∂x21 = ∂L/∂y00·f21 + ∂L/∂y10·f01
∂L/∂x22 = ∂L/∂y00·f22 + ∂L/∂y01·f20 + ∂L/∂y10·f02 + ∂L/∂y11·f00
∂L/∂x23 = ∂L/∂y01·f21 + ∂L/∂y11·f01
∂L/∂x24 = ∂L/∂y01·f22 + ∂L/∂y11·f02
∂L/∂x30 = ∂L/∂y10·f10
∂L/∂x31 = ∂L/∂y10·f11
∂L/∂x32 = ∂L/∂y10·f12 + ∂L/∂y11·f10
∂L/∂x33 = ∂L/∂y11·f11
∂L/∂x34 = ∂L/∂y11·f12
∂L/∂x40 = ∂L/∂y10·f20
∂L/∂x41 = ∂L/∂y10·f21
∂L/∂x42 = ∂L/∂y10·f22 + ∂L/∂y11·f20
∂L/∂x43 = ∂L/∂y11·f21
∂L/∂x44 = ∂L/∂y11·f22
"""
STRIDE_1_INPUT = """
∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11
∂L/∂X22 = ∂L/∂O11·F22 + ∂L/∂O12·F21 + ∂L/∂O21·F12 + ∂L/∂O22·F11
∂L/∂X23 = ∂L/∂O12·F22 + ∂L/∂O22·F12
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def stride_2(*targets: str) -> Derivation:
    return derive(
        *targets, input_shape=(5, 5), filter_shape=(3, 3), stride=2, notation="recitation"
    )


def matrices(derivation: Derivation) -> dict[str, list[list[str]]]:
    pictures = (b for b in Report(derivation, steps=("convolution",)).blocks())
    return {
        str(p.parts[0]).removesuffix(" = "): [list(row) for row in p.parts[1].cells]  # type: ignore[union-attr]
        for p in pictures
        if isinstance(p, Picture)
    }


@pytest.mark.parametrize(
    ("target", "published"),
    [("Y", FORWARD), ("dW", FILTER), ("dX", INPUT)],
    ids=["forward", "filter", "input"],
)
def test_stride_2_is_the_recitation(target: str, published: str) -> None:
    assert [str(equation) for equation in stride_2(target)] == lines(published)


def test_stride_1_is_the_recitation() -> None:
    derivation = derive("X21", "X22", "X23", input_shape=(3, 3), filter_shape=(2, 2))
    assert [str(equation) for equation in derivation] == lines(STRIDE_1_INPUT)


def test_the_filters_view_dilates_with_stride_minus_one_zeros() -> None:
    assert matrices(stride_2("dW"))["dilate(∂L/∂y)"] == [
        ["∂L/∂y00", "0", "∂L/∂y01"],
        ["0", "0", "0"],
        ["∂L/∂y10", "0", "∂L/∂y11"],
    ]


def test_the_inputs_view_pads_by_k_minus_1_and_flips() -> None:
    found = matrices(stride_2("dX"))
    zero = ["0"] * 7
    assert found["pad(dilate(∂L/∂y))"] == [
        zero,
        zero,
        ["0", "0", "∂L/∂y00", "0", "∂L/∂y01", "0", "0"],
        zero,
        ["0", "0", "∂L/∂y10", "0", "∂L/∂y11", "0", "0"],
        zero,
        zero,
    ]
    assert found["rot180(f)"] == [
        ["f22", "f21", "f20"],
        ["f12", "f11", "f10"],
        ["f02", "f01", "f00"],
    ]


def test_the_chain_rule_is_the_recitations_sum() -> None:
    blocks = Report(stride_2("dW"), steps=("chain",)).blocks()
    (formula,) = (block for block in blocks if hasattr(block, "sides"))
    assert formula.left == "∂L/∂f_mn"
    assert formula.sides == (
        "Σ_{i=0..1} Σ_{j=0..1} ∂L/∂y_ij·∂y_ij/∂f_mn",
        "Σ_{i=0..1} Σ_{j=0..1} ∂L/∂y_ij·x_{2i+m,2j+n}",
    )
