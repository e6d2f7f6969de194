"""The derivation notes (Diba) and lecture 12: their general formulas and elements in their forms.

Formulas are typed in from the texts with the errata's corrections (dW on the left of eq. 12 and 14,
no sum over the free ν; dq_μ = Σ_ν in eq. 28) and this layer's numbers for s, f, h and p.
"""

import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation
from convgrad_cli.derivation.blocks import Formula
from convgrad_cli.derivation.steps import Report

# two input channels, three output channels, 6×6 input, 3×3 filters, stride 2, no padding
ONE_SAMPLE = {"input_shape": (2, 6, 6), "filter_shape": (3, 2, 3, 3), "stride": 2, "dims": 2}

DIBA = {
    # eq. 6
    "Y": "z_ν(i,j) = Σ_{μ=0..1} Σ_{i′=0..2} Σ_{j′=0..2} q_μ(2i+i′,2j+j′)·W_μν(i′,j′) + b_ν",
    # eq. 12 and 14
    "dW": "dW_μν(i,j) = Σ_{i′=0..1} Σ_{j′=0..1} dz_ν(i′,j′)·∂z_ν(i′,j′)/∂W_μν(i,j)"
    " = Σ_{i′=0..1} Σ_{j′=0..1} dz_ν(i′,j′)·q_μ(2i′+i,2j′+j)",
    # eq. 16
    "db": "db_ν = Σ_{i=0..1} Σ_{j=0..1} dz_ν(i,j)·∂z_ν(i,j)/∂b_ν = Σ_{i=0..1} Σ_{j=0..1} dz_ν(i,j)",
}
LECTURE12 = {
    "dX": "∂Div/∂Y(l−1,m,x,y) = Σ_{n=0..2} Σ_{x′=0..4} Σ_{y′=0..4} "
    "∂Div/∂z(l,n,x′,y′)·∂z(l,n,x′,y′)/∂Y(l−1,m,x,y)"
    " = Σ_{n=0..2} Σ_{x′=0..4} Σ_{y′=0..4} ∂Div/∂z(l,n,x′,y′)·w_l(m,n,x−x′,y−y′)",
    "dW": "∂Div/∂w_l(m,n,i,j) = Σ_{x=0..4} Σ_{y=0..4} "
    "∂Div/∂z(l,n,x,y)·∂z(l,n,x,y)/∂w_l(m,n,i,j)"
    " = Σ_{x=0..4} Σ_{y=0..4} ∂Div/∂z(l,n,x,y)·Y(l−1,m,x+i,y+j)",
}


def formulas(derivation: Derivation, *steps: str) -> list[str]:
    blocks = Report(derivation, steps=steps).blocks()
    return [" = ".join((b.left, *b.sides)) for b in blocks if isinstance(b, Formula)]


@pytest.mark.parametrize("target", DIBA)
def test_dibas_general_formulas(target: str) -> None:
    derivation = derive(target, with_bias=True, notation="diba", **ONE_SAMPLE)
    assert formulas(derivation, "forward" if target == "Y" else "chain")[-1] == DIBA[target]


def test_dibas_convolution_form_of_the_input_error() -> None:
    # eq. 29: dq_μ = Σ_ν dz̄_ν ⋆ rot(W_μν, 180°), dz̄ dilated and padded
    assert formulas(derive("dX", notation="diba", **ONE_SAMPLE), "convolution") == [
        "dq_μ = Σ_{ν=0..2} conv(rot180(W_μν), pad(dilate(dz_ν)))"
    ]


def test_dibas_convolution_form_of_the_filter_error() -> None:
    # eq. 15 as corrected: dW_μν = q̄_μ ⋆ dẑ_ν, without a sum over ν; summed over a mini-batch
    batch = ONE_SAMPLE | {"input_shape": (4, 2, 6, 6)}
    assert formulas(derive("dW", notation="diba", **ONE_SAMPLE), "convolution") == [
        "dW_μν = conv(q_μ, dilate(dz_ν))"
    ]
    assert formulas(derive("dW", notation="diba", **batch), "convolution") == [
        "dW_μν = Σ_{s=0..3} conv(q_sμ, dilate(dz_sν))"
    ]


def test_dibas_input_error_at_stride_1_with_uneven_padding() -> None:
    # eq. 7: p = 1·(4 − 1) + 2 − 4 = 1, the odd pixel top left; eq. 23 with f = 2:
    # dq(i,j) = Σ_a,b dz(i − 1 + 1 + a, j − 1 + 1 + b) · rot180(W)(a,b), outside 0..3 left out
    derivation = derive(
        "dX", input_shape=(4, 4), filter_shape=(2, 2), output_size=4, notation="diba"
    )
    assert str(derivation["dX[0,0]"]) == (
        "dq(0,0) = dz(0,0)·W(1,1) + dz(0,1)·W(1,0) + dz(1,0)·W(0,1) + dz(1,1)·W(0,0)"
    )
    assert str(derivation["dX[2,3]"]) == "dq(2,3) = dz(2,3)·W(1,1) + dz(3,3)·W(0,1)"
    assert str(derivation["dX[3,3]"]) == "dq(3,3) = dz(3,3)·W(1,1)"


def test_dibas_elements_name_their_channels_and_sample() -> None:
    batch = ONE_SAMPLE | {"input_shape": (4, 2, 6, 6)}
    derivation = derive(notation="diba", **batch)
    assert str(derivation["dX[3,1,0,2]"]) == (
        "dq_31(0,2) = dz_30(0,0)·W_10(0,2) + dz_30(0,1)·W_10(0,0)"
        " + dz_31(0,0)·W_11(0,2) + dz_31(0,1)·W_11(0,0)"
        " + dz_32(0,0)·W_12(0,2) + dz_32(0,1)·W_12(0,0)"
    )
    assert derivation["dW[2,1,0,2]"].label == "dW_12(0,2)"  # W_μν: the input channel first
    assert derivation["W_12(0,2)"].given_index == (2, 1, 0, 2)


@pytest.mark.parametrize("target", LECTURE12)
def test_lecture12s_general_formulas(target: str) -> None:
    derivation = derive(
        target, input_shape=(2, 6, 6), filter_shape=(3, 2, 2, 2), dims=2, notation="lecture12"
    )
    assert formulas(derivation, "chain") == [LECTURE12[target]]


def test_lecture12s_elements() -> None:
    derivation = derive(input_shape=(3, 3), filter_shape=(2, 2), notation="lecture12")
    assert str(derivation["dX[1,0]"]) == (
        "∂Div/∂Y(l−1,0,1,0) = ∂Div/∂z(l,0,0,0)·w_l(0,0,1,0) + ∂Div/∂z(l,0,1,0)·w_l(0,0,0,0)"
    )
    assert str(derivation["dW[1,0]"]).startswith(
        "∂Div/∂w_l(0,0,1,0) = ∂Div/∂z(l,0,0,0)·Y(l−1,0,1,0) + "
    )
    assert derivation["dW[1,0]"].latex.startswith(
        r"\frac{\partial \mathrm{Div}}{\partial w_{l}(0,0,1,0)} = "
    )
