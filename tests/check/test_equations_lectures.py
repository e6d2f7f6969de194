"""The lectures' own lines, as printed: right ones are right, their misprints are found."""

import numpy as np
import pytest

from convgrad_cli import check_equations
from convgrad_cli.lectures import EXAMPLES

SLIDES = {"input_shape": (3, 3), "filter_shape": (2, 2)}
RECITATION = {"input_shape": (5, 5), "filter_shape": (3, 3), "stride": 2}

# Course slides, "On expanding the chain rule summation and substituting …": the page as it is.
SLIDES_DX = r"""
$$\frac{\partial L}{\partial X_{11}} = \frac{\partial L}{\partial O_{11}} * F_{11}$$

$$\frac{\partial L}{\partial X_{12}} = \frac{\partial L}{\partial O_{11}} * F_{12} + \frac{\partial L}{\partial O_{12}} * F_{11}$$

$$\frac{\partial L}{\partial X_{13}} = \frac{\partial L}{\partial O_{12}} * F_{12}$$

$$\frac{\partial L}{\partial X_{21}} = \frac{\partial L}{\partial O_{12}} * F_{21} + \frac{\partial L}{\partial O_{21}} * F_{11}$$

$$\frac{\partial L}{\partial X_{22}} = \frac{\partial L}{\partial O_{11}} * F_{22} + \frac{\partial L}{\partial O_{12}} * F_{21} + \frac{\partial L}{\partial O_{21}} * F_{12} + \frac{\partial L}{\partial O_{22}} * F_{11}$$

$$\frac{\partial L}{\partial X_{23}} = \frac{\partial L}{\partial O_{12}} * F_{22} + \frac{\partial L}{\partial O_{22}} * F_{12}$$

$$\frac{\partial L}{\partial X_{31}} = \frac{\partial L}{\partial O_{21}} * F_{21}$$

$$\frac{\partial L}{\partial X_{32}} = \frac{\partial L}{\partial O_{21}} * F_{22} + \frac{\partial L}{\partial O_{22}} * F_{21}$$

$$\frac{\partial L}{\partial X_{33}} = \frac{\partial L}{\partial O_{22}} * F_{22}$$
"""  # noqa: E501

# Course slides, chain rule and local gradients of the filter; the bias.
SLIDES_OTHER = r"""
$$\frac{\partial L}{\partial F_{12}} = \frac{\partial L}{\partial O_{11}} * \frac{\partial O_{11}}{\partial F_{12}} + \frac{\partial L}{\partial O_{12}} * \frac{\partial O_{12}}{\partial F_{12}} + \frac{\partial L}{\partial O_{21}} * \frac{\partial O_{21}}{\partial F_{12}} + \frac{\partial L}{\partial O_{22}} * \frac{\partial O_{22}}{\partial F_{12}}$$
$$O_{11} = X_{11}F_{11} + X_{12}F_{12} + X_{21}F_{21} + X_{22}F_{22}$$
$$O_{11} = X_{11}F_{11} + X_{12}F_{12} + X_{21}F_{21} + X_{22}F_{22} + B$$
 $O_{12} = X_{12}F_{11} + X_{13}F_{12} + X_{22}F_{21} + X_{23}F_{22} + B$
$$\frac{\partial O_{11}}{\partial F_{11}} = X_{11}, \frac{\partial O_{11}}{\partial F_{12}} = X_{12}, \frac{\partial O_{11}}{\partial F_{21}} = X_{21}$$
$$\frac{\partial O_{12}}{\partial B} = 1$$
$$\frac{\partial L}{\partial B} = \frac{\partial L}{\partial O_{11}} + \frac{\partial L}{\partial O_{12}} + \frac{\partial L}{\partial O_{21}} + \frac{\partial L}{\partial O_{22}}$$
$$\frac{\partial L}{\partial X_{11}} = F_{11} * \frac{\partial L}{\partial O_{11}}$$
"""  # noqa: E501

# Recitation, stride 2: the forward page, then the rows that the later pages repeat with misprints.
FORWARD = """
y00 = x00f00 + x01f01 + x02f02 + x10f10 + x11f11 + x12f12 + x20f20 + x21f21 + x22f22
y01 = x02f00 + x03f01 + x04f02 + x12f10 + x13f11 + x14f12 + x22f20 + x23f21 + x24f22
y10 = x20f00 + x21f01 + x22f02 + x30f10 + x31f11 + x32f12 + x40f20 + x41f21 + x42f22
y11 = x22f00 + x23f01 + x24f02 + x32f10 + x33f11 + x34f12 + x42f20 + x43f21 + x44f22
"""
MISPRINTED = """
y00 = x00f00 + x01f01 + x02f02 + x10f10 + x11f11 + x12f12 + x20f20 + x21f20 + x22f22
y01 = x02f00 + x03f01 + x04f02 + x12f10 + x13f11 + x14f12 + x22f20 + x23f21 + x24f22
y10 = x20f00 + x21f01 + x22f02 + x30f10 + x31f11 + x32f12 + x40f20 + x41f20 + x42f22
y11 = x22f00 + x23f01 + x24f02 + x32f10 + x33f11 + x34f12 + x42f20 + x43f20 + x44f22
"""
RECITATION_GRADIENTS = """
∂L/∂f00 = ∂L/∂y00 x00 + ∂L/∂y01 x02 + ∂L/∂y10 x20 + ∂L/∂y11 x22
∂L/∂f01 = ∂L/∂y00 x01 + ∂L/∂y01 x03 + ∂L/∂y10 x21 + ∂L/∂y11 x23
∂L/∂f11 = ∂L/∂y00 x11 + ∂L/∂y01 x13 + ∂L/∂y10 x31 + ∂L/∂y11 x33
∂L/∂f22 = ∂L/∂y00 x22 + ∂L/∂y01 x24 + ∂L/∂y10 x42 + ∂L/∂y11 x44
∂L/∂x22 = ∂L/∂y00 f22 + ∂L/∂y01 f20 + ∂L/∂y10 f02 + ∂L/∂y11 f00
∂L/∂x00 = ∂L/∂y00 f00
"""


def problems(report):
    return [
        (p.span.line, p.kind, p.found, p.expected) for e in report.equations for p in e.problems
    ]


def test_the_misprint_of_the_slides_is_the_only_thing_wrong_on_its_page() -> None:
    report = check_equations(SLIDES_DX, **SLIDES)
    assert report.notation == "slides"
    assert problems(report) == [(8, "wrong_term", "∂L/∂O12·F21", "∂L/∂O11·F21")]
    assert [e.verdict for e in report.equations].count("right") == 8
    assert report.coverage["dX"] == (9, 8, 9)
    line = SLIDES_DX.splitlines()[7]
    place = report.equations[3].problems[0].span
    assert line[place.column - 1 : place.end - 1] == r"\frac{\partial L}{\partial O_{12}}"


def test_the_other_pages_of_the_slides_are_right() -> None:
    report = check_equations(SLIDES_OTHER, **SLIDES)
    assert problems(report) == []
    assert [e.verdict for e in report.equations] == ["right"] * 10
    assert report.verdict == "right"


def test_the_misprints_of_the_recitation_are_found() -> None:
    report = check_equations(MISPRINTED, **RECITATION)
    assert report.notation == "recitation"
    assert problems(report) == [
        (2, "wrong_term", "x21·f20", "x21·f21"),
        (4, "wrong_term", "x41·f20", "x41·f21"),
        (5, "wrong_term", "x43·f20", "x43·f21"),
    ]
    for equation in report.equations:
        for problem in equation.problems:
            line = MISPRINTED.splitlines()[problem.span.line - 1]
            assert line[problem.span.column - 1 :].startswith("f20 + x")
            assert line[: problem.span.column - 1].endswith(problem.found[:3])


@pytest.mark.parametrize("text", [FORWARD, RECITATION_GRADIENTS], ids=["forward", "gradients"])
def test_the_rest_of_the_recitation_is_right(text: str) -> None:
    report = check_equations(text, **RECITATION)
    assert report.verdict == "right", str(report)
    assert (report.notation, len(report.equations)) == ("recitation", len(text.split("\n")) - 2)


def test_the_tutorials_pool_with_its_numbers() -> None:
    arrays = EXAMPLES["tutorial-pool"].arrays
    text = r"""
    z'_5 = a'_1 + a'_2 = -0.2
    \dfrac{\partial L}{\partial z_8} = \dfrac{\partial L}{\partial a_3} = -0.08333333
    z′_9 = a′_4 = -0.07692308
    z'_1 = 0
    a_3 = max(z_4, z_5, z_7, z_8) = z_8 = 12
    z'_5 = a'_1 ∂a_1/∂z_5 + a'_2 ∂a_2/∂z_5 + a'_3 ∂a_3/∂z_5 + a'_4 ∂a_4/∂z_5
    """
    X, dY = (np.array(arrays[name]) for name in ("X", "dY"))
    given = {"layer": "maxpool", "X": X, "dY": dY, "window": 2, "stride": 1}
    report = check_equations(text, **given)
    assert (report.verdict, report.notation) == ("right", "tutorial"), str(report)
    wrong = check_equations("z'_5 = a'_1 + a'_3\na_1 = max(z_1, z_2, z_4, z_6)", **given)
    assert problems(wrong) == [
        (1, "wrong_term", "a′_3", "a′_2"),
        (2, "wrong_term", "z_6", "z_5"),
    ]


def test_the_tutorials_convolution_and_the_notes_channels() -> None:
    text = "a'_5 = z'_1 w_4 + z'_2 w_3 + z'_3 w_2 + z'_4 w_1\nb'_1 = z'_1 + z'_2 + z'_3 + z'_4"
    report = check_equations(text, **SLIDES)
    assert (report.verdict, report.notation) == ("right", "tutorial")
    # W_μν has the input channel first: dq_1 gathers W_10 and W_11.
    channels = {"input_shape": (2, 3, 3), "filter_shape": (2, 2, 2, 2)}
    text = "dq_1(0,0) = dz_0(0,0) W_10(0,0) + dz_1(0,0) W_11(0,0)"
    report = check_equations(text, **channels)
    assert (report.verdict, report.notation) == ("right", "diba")
    report = check_equations(text.replace("W_11", "W_01"), **channels)
    assert problems(report) == [(1, "wrong_term", "dz_1(0,0)·W_01(0,0)", "dz_1(0,0)·W_11(0,0)")]


def test_lecture_12_names_the_layer() -> None:
    text = "dDiv/dY(l-1,0,1,1) = dDiv/dz(l,0,0,0) w_l(0,0,1,1) + dDiv/dz(l,0,0,1) w_l(0,0,1,0)"
    text += " + dDiv/dz(l,0,1,0) w_l(0,0,0,1) + dDiv/dz(l,0,1,1) w_l(0,0,0,0)"
    report = check_equations(text, **SLIDES)
    assert (report.verdict, report.notation) == ("right", "lecture12"), str(report)
