"""Tables: readable at 80 columns, sums broken before their signs, caps said."""

import re
from collections.abc import Iterator

import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import NOTATIONS, Derivation, Index, Term, TracedConv
from convgrad_cli.derivation.blocks import Grid, Picture
from convgrad_cli.geometry import plan_conv
from convgrad_cli.render.derivation import Written, render_derivation
from convgrad_cli.render.views import View
from tests.render.derivations import EVERY_NOTATION, NAMES, example, shapes_alone

SIDE_BY_SIDE = """\
Gradient with respect to the filter: ∂L/∂F

element │ chain rule            │ substituted     │ numbers    │ value
────────┼───────────────────────┼─────────────────┼────────────┼──────
∂L/∂F11 │   ∂L/∂O11·∂O11/∂F11   │   ∂L/∂O11·X11   │   1·1      │     2
        │ + ∂L/∂O12·∂O12/∂F11   │ + ∂L/∂O12·X12   │ + 2·5      │
        │ + ∂L/∂O21·∂O21/∂F11   │ + ∂L/∂O21·X21   │ + (-3)·7   │
        │ + ∂L/∂O22·∂O22/∂F11   │ + ∂L/∂O22·X22   │ + 4·3      │
"""


def table(derivation: object, *steps: str, width: int = 80, **options: object) -> str:
    written = Written(derivation, steps, **options) if steps else Written(derivation, **options)  # type: ignore[arg-type]
    return render_derivation(written, "table", width=width)


def squeezed(text: str) -> list[str]:
    """Lines without runs of blanks, and without rules."""
    return [" ".join(line.split()) for line in text.splitlines() if "─" not in line]


def test_columns_stand_side_by_side() -> None:
    found = table(example("slides", "F11"), "substituted", "numbers", "chain")
    formula = [line for line in squeezed(found) if "Σ" not in line and line]
    expected = [line for line in squeezed(SIDE_BY_SIDE) if line]
    order = ("element │ substituted │ numbers │ chain rule", "element │ chain rule")
    assert [line for line in formula if not line.startswith(order)] == [
        line for line in expected if not line.startswith(order)
    ]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("notation", EVERY_NOTATION)
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_the_terminal(name: str, notation: str, width: int) -> None:
    lines = table(example(name, notation=notation), width=width).splitlines()
    assert lines
    assert [line for line in lines if len(line) > width] == []
    assert not any(line != line.rstrip() for line in lines)


class Negated(TracedConv):
    """A layer whose every term is subtracted, as other layers' may be."""

    def terms(self, target: str, index: Index) -> Iterator[Term]:
        return (term._replace(coefficient=-1) for term in super().terms(target, index))


@pytest.mark.parametrize("form", ["table", "text", "latex", "markdown"])
def test_subtracted_terms_have_their_sign_once(form: str) -> None:
    traced = Negated(plan_conv((3, 3), (2, 2)))
    derivation = Derivation.of(traced, ["X22"], NOTATIONS["slides"])
    written = Written(derivation, ("substituted",))
    shown = render_derivation(written, form, width=44)
    sums = "".join(line for line in shown.splitlines() if "22" in line or "- " in line)
    assert "+ -" not in " ".join(sums.split())
    signs = re.findall(r"(-) ?(?:∂L/∂O|\\frac\{\\partial L\}\{\\partial O)", sums)
    assert len(signs) == 4


def test_brackets_and_indices_survive() -> None:
    found = table(shapes_alone("dX", notation="plain"))
    assert "dL/dX[1,1]" in found
    assert "dL/dY[0,0]*W[1,1]" in found


def test_a_cap_on_terms_is_said_and_lifted() -> None:
    derivation = derive("dW[0,0]", input_shape=(20, 20), filter_shape=(1, 1))
    capped = table(derivation, "substituted")
    assert " ".join(capped.split()).count("∂L/∂O_{") == 32
    assert "368 more" in capped
    assert "--all" in capped
    whole = table(derivation, "substituted", everything=True)
    assert whole.count("∂L/∂O_{") == 400
    assert "more" not in whole


def test_a_cap_on_elements_is_said_and_lifted() -> None:
    derivation = derive("dX", input_shape=(9, 9), filter_shape=(2, 2))
    capped = table(derivation, "substituted")
    assert capped.endswith("… and 21 more elements, --all shows them\n")
    assert len([line for line in capped.splitlines() if line.startswith("∂L/∂X")]) == 60
    whole = table(derivation, "substituted", everything=True)
    assert len([line for line in whole.splitlines() if line.startswith("∂L/∂X")]) == 81


def test_a_matrix_too_large_is_said() -> None:
    derivation = derive("dX", input_shape=(30, 30), filter_shape=(2, 2))
    assert "pad(∂L/∂O) is 31×31: --all shows the matrix." in table(derivation, "convolution")
    assert "∂L/∂O_{29,29}" in table(derivation, "convolution", everything=True, width=1000)


def test_of_a_large_matrix_a_single_element_shows_its_window() -> None:
    derivation = derive("dX[9,20]", input_shape=(30, 30), filter_shape=(2, 2))
    assert table(derivation, "convolution").splitlines()[8:10] == [
        "pad(∂L/∂O)[9:11,20:22] = │  ∂L/∂O_{9,20}   ∂L/∂O_{9,21} │",
        "                         │ ∂L/∂O_{10,20}  ∂L/∂O_{10,21} │",
    ]


def test_forward_equations_of_a_wide_layer_are_left_out_beside_one_element() -> None:
    derivation = derive("dX[0,3,9,9]", input_shape=(1, 64, 20, 20), filter_shape=(64, 64, 3, 3))
    said = "The elements touch 576 outputs of 331,776 terms: --steps forward prints them."
    assert said in " ".join(table(derivation).split())


def test_columns_too_wide_for_one_line_stand_below_each_other() -> None:
    derivation = example("slides", "dX[1,1]", notation="lecture12")
    assert table(derivation, "chain", "substituted", "numbers", width=100).splitlines()[-8:] == [
        "∂Div/∂Y(l−1,0,1,1) = ∂Div/∂z(l,0,0,0)·∂z(l,0,0,0)/∂Y(l−1,0,1,1)",
        "                   + ∂Div/∂z(l,0,0,1)·∂z(l,0,0,1)/∂Y(l−1,0,1,1)",
        "                   + ∂Div/∂z(l,0,1,0)·∂z(l,0,1,0)/∂Y(l−1,0,1,1)",
        "                   + ∂Div/∂z(l,0,1,1)·∂z(l,0,1,1)/∂Y(l−1,0,1,1)",
        "                   = ∂Div/∂z(l,0,0,0)·w_l(0,0,1,1) + ∂Div/∂z(l,0,0,1)·w_l(0,0,1,0)",
        "                   + ∂Div/∂z(l,0,1,0)·w_l(0,0,0,1) + ∂Div/∂z(l,0,1,1)·w_l(0,0,0,0)",
        "                   = 1·4 + 2·3 + (-3)·(-1) + 4·2",
        "                   = 21",
    ]


def test_ascii_where_there_is_no_unicode() -> None:
    for name in NAMES:
        found = render_derivation(Written(example(name)), "table", width=80, ascii_only=True)
        assert found.isascii()
        assert "?" not in found


def test_colour_only_where_asked() -> None:
    written = Written(shapes_alone("F11"))
    assert "\x1b[" not in render_derivation(written, "table")
    assert "\x1b[" in render_derivation(written, "table", color=True)


def test_an_element_no_window_reaches_is_zero() -> None:
    found = table(derive("dX", input_shape=(6,), filter_shape=(2,), stride=3), "substituted")
    assert "∂L/∂X3  │   0" in found


def test_ties_and_overlaps_are_named() -> None:
    X = [[5, 5, 1], [2, 5, 3]]
    found = table(derive("dX", layer="maxpool", X=X, window=2, stride=1, ties="last"))
    words = " ".join(found.split())
    assert (
        "Tie: 3 equal maxima in the window of O11 (X11, X12, X22); the last in row-major order "
        "gets the gradient." in words
    )
    assert (
        "X22 is the maximum of 2 windows that overlap (O11, O12): their gradients add up." in words
    )


def test_a_latex_row_that_starts_with_a_subtraction_has_one_sign() -> None:
    traced = Negated(plan_conv((6, 6), (3, 3)))
    derivation = Derivation.of(traced, ["X33"], NOTATIONS["slides"])
    shown = render_derivation(Written(derivation, ("substituted",)), "latex")
    further = re.findall(r"^&\\quad (.*)", shown, re.MULTILINE)
    assert further, shown
    assert all(row.startswith(("- ", "-\\")) for row in further), further


@pytest.mark.parametrize("width", range(40, 75, 3))
def test_dots_stand_where_columns_were_left_out(width: int) -> None:
    """Columns are numbered: before the dots they count up from 100, after them up to the last."""
    grid = Grid([[str(100 + column) for column in range(15)]])
    view = View("wide", "Wide", lambda pen: iter([Picture(("M = ", grid))]))
    shown = render_derivation(view, "table", width=width)
    row = next(line for line in shown.splitlines() if "100" in line)
    before, _, after = row.partition("…")
    left, right = (list(map(int, re.findall(r"\d+", text))) for text in (before, after))
    assert len(row) <= width
    assert left == list(range(100, 100 + len(left)))
    assert right == list(range(115 - len(right), 115))
    assert len(left) >= 2
    assert len(right) >= 2


def test_the_window_is_coloured_and_bracketed_and_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    written = Written(example("recitation-2", "dX[2,2]"), ["convolution"])
    coloured = render_derivation(written, "table", width=80, color=True)
    blue = re.findall(r"\x1b\[1;38;5;33m([^\x1b]*)\x1b", coloured)
    numbers = [cell for cell in blue if re.fullmatch(r"\[\d\]", cell)]
    assert [cell.strip()[1:-1] for cell in blue[:9] if "∂" in cell] == [
        "∂L/∂y00", "∂L/∂y01", "∂L/∂y10", "∂L/∂y11"
    ]  # fmt: skip
    assert numbers[-9:] == ["[1]", "[0]", "[2]", "[0]", "[0]", "[0]", "[3]", "[0]", "[4]"]
    assert len(blue) == 18


def test_a_line_between_matrices_that_do_not_stand_beside_each_other() -> None:
    lines = table(example("recitation-2", "dX[2,2]"), "convolution").splitlines()
    padded = next(at for at, line in enumerate(lines) if line.startswith("pad(dilate("))
    assert lines[padded + 4] == ""
    assert lines[padded + 5].strip().startswith("│")
