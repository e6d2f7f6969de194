"""LaTeX as whole texts, and through pdflatex where there is one."""

import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli import check_arrays, check_function
from convgrad_cli.check import check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.render.check import check_output
from convgrad_cli.render.result import Result
from tests.render.results import GEOMETRY, batch, single, small, text_of


def test_matrices_of_the_gradients() -> None:
    result = small()
    result.updated = {"W": np.array([[0.5, 1, 2]])}
    result.verify = {"passed": True, "largest_deviation": 0.0, "directions": 3}
    assert text_of(result, "latex") == (
        "% needs \\usepackage{amsmath}\n"
        "\\[\n"
        "\\frac{\\partial L}{\\partial X} = \\begin{bmatrix}\n"
        "1 & -20 & 3 & 0 \\\\\n"
        "4 & 5 & 600 & -7\n"
        "\\end{bmatrix}\n"
        "\\]\n"
        "\\[\n"
        "\\frac{\\partial L}{\\partial W} = \\begin{bmatrix}\n"
        "1 & 2 & 3 \\\\\n"
        "-4 & 5 & 6\n"
        "\\end{bmatrix}\n"
        "\\]\n"
        "\\[\n"
        "\\frac{\\partial L}{\\partial b} = \\begin{bmatrix}\n"
        "10\n"
        "\\end{bmatrix}\n"
        "\\]\n"
        "\\[\n"
        "W_{\\text{new}} = \\begin{bmatrix}\n"
        "0.5 & 1 & 2\n"
        "\\end{bmatrix}\n"
        "\\]\n"
        "% verified: largest deviation 0 over 3 random directions\n"
    )


def test_planes_stand_at_their_indices() -> None:
    text = text_of(batch(), "latex")
    label = "\\left.\\frac{\\partial L}{\\partial X}\\right|_{n=1,\\, c=0} = \\begin{bmatrix}\n"
    assert label + "10.125 & 0 & -0.00625\n\\end{bmatrix}" in text


def test_powers_of_ten_and_what_is_not_finite() -> None:
    text = text_of(single([[1.5e-9, 2, np.nan, np.inf, -np.inf]]), "latex")
    cells = (
        r"1.5 \times 10^{-9} & 2.0 \times 10^{0} & \mathrm{NaN} & \infty & -\infty",
        r"\end{bmatrix}",
    )
    assert "\n".join(cells) in text


@pytest.mark.parametrize(("columns", "line"), [(10, None), (11, 11), (20, 20), (21, None)])
def test_amsmath_is_told_of_more_than_ten_columns(columns: int, line: int | None) -> None:
    text = text_of(single(np.arange(columns)[None]), "latex")
    setting = f"\\setcounter{{MaxMatrixCols}}{{{line}}}\n"
    assert text.splitlines(keepends=True)[1] == setting if line else "MaxMatrixCols" not in text


def test_what_no_page_holds_shows_its_edges() -> None:
    text = text_of(single(np.arange(41 * 21).reshape(41, 21) + 1), "latex")
    assert (
        "1 & 2 & 3 & \\cdots & 19 & 20 & 21 \\\\\n"
        "22 & 23 & 24 & \\cdots & 40 & 41 & 42 \\\\\n"
        "43 & 44 & 45 & \\cdots & 61 & 62 & 63 \\\\\n"
        "\\vdots & \\vdots & \\vdots & \\ddots & \\vdots & \\vdots & \\vdots \\\\\n"
        "799 & 800 & 801 & \\cdots & 817 & 818 & 819 \\\\\n"
    ) in text
    norm = f"{math.sqrt(sum(k * k for k in range(862))):.6g}"
    assert text.endswith(
        f"% min 1, max 861, L2 norm {norm}; shown in part, -o FILE writes all of it\n"
    )


def test_left_out_planes_are_counted_in_a_comment() -> None:
    text = text_of(single(np.zeros((3, 5, 2, 2))), "latex", top=2)
    assert "\n% ... 13 more planes ...\n" in text


def checks() -> str:
    """Reports of checks with long words, every kind of verdict and every sign of the catalogue."""
    X, W = np.arange(98.0).reshape(1, 2, 7, 7), np.arange(1.0, 25.0).reshape(3, 2, 2, 2)
    dY = np.cos(np.arange(147.0)).reshape(1, 3, 7, 7)
    options = {"activation": "gelu", "padding": "same"}
    layer = problem_for("conv", {"X": X, "W": W, "dY": dY}, {}, options)
    arrays = {name: layer.right(name) * 2 for name in ("dX", "dW", "db")}
    report = check_arrays(X, W, dA=dY, **arrays, **options, symbolic=True)
    said = [d for name in layer.targets for d in layer.mistakes(name)]
    report.notes = [f"{mistake.phrase}: {mistake.fix}" for mistake in said]
    power = check_power(layer, ["dX", "dZ"])
    tried = check_function(lambda X, W, dY: (_ for _ in ()).throw(ValueError("50% of $x_1 & ^~\\")))
    return "\\newpage\n".join(
        str(check_output(each, "latex", long=True)) for each in (report, power, tried)
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_it_compiles_within_the_margins(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    results: list[Result] = [
        small(),
        batch(),
        single(random.normal(size=(12, 20)) * 1e-7),
        single(random.normal(size=(9, 8))),
        single(random.integers(-99, 99, (30, 18))),
        single(random.normal(size=64), "db"),
        single(random.normal(size=(2, 3, 50, 60))),
        Result("maxpool_forward", GEOMETRY, {"Y": np.eye(3), "switches": np.eye(3, dtype=int)}),
    ]
    body = "\\newpage\n".join(text_of(result, "latex") for result in results) + checks()
    source = tmp_path / "page.tex"
    source.write_text(
        "\\documentclass{article}\\usepackage{amsmath,graphicx}\n\\begin{document}\n"
        f"{body}\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", source.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
