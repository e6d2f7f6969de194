"""A check's report as Markdown and as LaTeX: what an instructor hands back."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from convgrad_cli import check_arrays, check_function
from convgrad_cli.check import check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.cli.main import app
from convgrad_cli.render.check import check_output
from convgrad_cli.render.sheet import latex_escaped, markdown_escaped

X, W, dY = np.arange(9).reshape(3, 3), np.array([[1, 2], [4, 3]]), np.array([[1, 2], [3, 5]])
ROTATED = np.array([[75, 64], [42, 31]])


def test_the_whole_markdown() -> None:
    report = check_arrays(X, W, dY, dW=ROTATED, db=[11], symbolic=True)
    assert str(check_output(report, "markdown")).splitlines() == [
        "## Check: wrong",
        "",
        "Layer conv: X (3, 3), W (2, 2), dY (2, 2), kernel 2,2, stride 1,1, padding 0:0,0:0, "
        "dilation 1,1, groups 1.",
        "",
        "| array | verdict | mistake | elements that differ | largest difference |",
        "| ----- | ------- | ------- | -------------------- | ------------------ |",
        "| dW    | wrong   | W1      | 4 of 4               | 44                 |",
        "| db    | right   |         | 0 of 1               | 0                  |",
        "",
        "### dW: wrong",
        "",
        "4 of 4 elements differ, most at \\[0, 0\\]: expected 31, found 75.",
        "",
        "- **W1** your dW equals the correlation with the result rotated by 180° (the arguments of "
        "the correlation exchanged).",
        "  - *fix:* slide dY over the padded X, not X over dY; do not rotate",
        "",
        "The worst element, ∂L/∂F11:",
        "",
        "- *right:* = ∂L/∂O11·X11 + ∂L/∂O12·X12 + ∂L/∂O21·X21 + ∂L/∂O22·X22",
        "- *W1:* = ∂L/∂O11·X22 + ∂L/∂O12·X23 + ∂L/∂O21·X32 + ∂L/∂O22·X33",
    ]


def test_latex_has_headings_a_table_and_a_list() -> None:
    text = str(check_output(check_arrays(X, W, dY, dW=ROTATED, symbolic=True), "latex"))
    assert text.startswith("\\subsection*{Check: wrong}\n")
    assert "dW & wrong & W1 & 4 of 4 & 44 \\\\\n\\end{tabular}" in text
    assert "\\item \\textbf{W1} your dW equals the correlation with the result rotated by" in text
    assert "\\textit{right:} = $\\partial$L/$\\partial$O11$\\cdot$X11 + " in text
    assert "180$^\\circ$" in text


def test_a_function_and_a_powers_sheet() -> None:
    report = check_function(lambda X, W, dY: (X * 0, dY * 0, dY.sum((0, 2, 3))))
    text = str(check_output(report, "markdown"))
    assert "## Check of \\<lambda\\>: wrong" in text
    assert "| one channel, one filter | wrong   | dX G1, dW     |" in text
    assert "### The smallest layer that fails: one channel, one filter\n" in text
    assert "#### dX: wrong\n" in text
    power = check_power(problem_for("conv", {"X": X, "W": W, "dY": dY}, {}, {}), ["dX"])
    text = str(check_output(power, "markdown", long=True))
    assert "- **X5 dX** stride \\> 1 but dY not dilated: the stride is 1" in text
    assert "Shown: X1 (dX)" in text


def test_a_file_takes_its_form_from_its_name(tmp_path) -> None:
    call = ["check", "arrays", "--sample", "slides", "--dW", "[[1,2],[3,4]]", "-o"]
    for name, start in (("report.md", "## Check: wrong"), ("report.tex", "\\subsection*{Check")):
        done = CliRunner().invoke(app, [*call, str(tmp_path / name)])
        assert (done.exit_code, done.stdout) == (1, "")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.parametrize(
    ("text", "markdown", "latex"),
    [
        ("a_1 * b", "a\\_1 \\* b", "a\\_1 * b"),
        ("x|y [0] <p>", "x\\|y \\[0\\] \\<p\\>", "x$|$y {[}0{]} $<$p$>$"),
        ("50% #1 \\n {}", "50% \\#1 \\\\n {}", "50\\% \\#1 \\textbackslash{}n \\{\\}"),
        ("σ′ ≤ π é 形", "σ′ ≤ π é 形", "$\\sigma$$'$ $\\leq$ $\\pi$ é ?"),
    ],
)
def test_words_stay_words(text: str, markdown: str, latex: str) -> None:
    assert markdown_escaped(text) == markdown
    assert latex_escaped(text) == latex
