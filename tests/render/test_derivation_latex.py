"""LaTeX: compiles in an ordinary document, nothing runs into the margin."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from convgrad_cli import derive
from convgrad_cli.render.derivation import Written, render_derivation
from convgrad_cli.render.derivation_latex import visual_length
from tests.render.derivations import NAMES, example, shapes_alone

PDFLATEX = shutil.which("pdflatex")
needs_latex = pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex on this machine")
ORDINARY = (
    "\\documentclass{{article}}\n\\usepackage{{amsmath}}\n"
    "\\begin{{document}}\n{}\n\\end{{document}}\n"
)


def latex(derivation: object, *steps: str, **options: bool) -> str:
    written = Written(derivation, steps, **options) if steps else Written(derivation, **options)  # type: ignore[arg-type]
    return render_derivation(written, "latex")


def compiled(document: str, place: Path) -> str:
    """pdflatex's log; fails with it unless there is a document."""
    (place / "derivation.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        [str(PDFLATEX), "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"],
        cwd=place,
        capture_output=True,
        timeout=120,
        check=False,
    )
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-3000:]
    assert (place / "derivation.pdf").stat().st_size > 1000
    return log


@needs_latex
@pytest.mark.parametrize("name", NAMES)
def test_every_example_compiles_within_the_margins(name: str, tmp_path: Path) -> None:
    log = compiled(ORDINARY.format(latex(example(name))), tmp_path)
    assert re.findall(r"Overfull .hbox .*", log) == []


@needs_latex
@pytest.mark.parametrize("notation", ["slides", "tutorial", "diba", "lecture12", "plain"])
def test_every_notation_compiles_as_a_document(notation: str, tmp_path: Path) -> None:
    derivation = derive(
        "dX[1,1,2,3]", "dW[2,1,0,1]", "db[1]", input_shape=(2, 2, 4, 11), filter_shape=(3, 2, 3, 2),
        padding=[(1, 0), (0, 2)], dilation=(1, 2), stride=2, with_bias=True, notation=notation,
    )  # fmt: skip
    compiled(latex(derivation, standalone=True), tmp_path)


@needs_latex
def test_own_letters_compile(tmp_path: Path) -> None:
    own = {"X": "α", "W": "ω", "Y": "Out", "b": "β"}
    compiled(latex(shapes_alone(with_bias=True, symbols=own), standalone=True), tmp_path)


def test_standalone_is_the_whole_document() -> None:
    document = latex(shapes_alone("F11"), standalone=True)
    assert document.startswith("\\documentclass{article}\n")
    assert document.endswith("\\end{document}\n")
    assert "\\documentclass" not in latex(shapes_alone("F11"))


def test_long_sums_break_before_their_signs() -> None:
    source = latex(derive("dW", input_shape=(5, 5), filter_shape=(1, 1)), "substituted")
    (display,) = re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", source, re.DOTALL)
    lines = [line.strip() for line in display.strip().split("\\\\")]
    assert len(lines) > 3
    assert lines[0].startswith(r"\frac{\partial L}{\partial F_{11}} &= \frac{")
    assert all(line.startswith(r"&\quad + \frac{") for line in lines[1:])
    assert display.count(r"\cdot") == 25
    assert max(map(visual_length, lines)) < 80


def test_a_line_is_symbol_substituted_value() -> None:
    source = latex(example("slides", "F11"), "substituted", "numbers")
    assert source.endswith(
        "{\\allowdisplaybreaks\n"
        "\\begin{align*}\n"
        r"\frac{\partial L}{\partial F_{11}} &= \frac{\partial L}{\partial O_{11}} \cdot X_{11} + "
        r"\frac{\partial L}{\partial O_{12}} \cdot X_{12} + "
        r"\frac{\partial L}{\partial O_{21}} \cdot X_{21} + "
        r"\frac{\partial L}{\partial O_{22}} \cdot X_{22} \\"
        "\n&= 1 \\cdot 1 + 2 \\cdot 5 + (-3) \\cdot 7 + 4 \\cdot 3 = 2\n"
        "\\end{align*}\n}\n\n"
    )


def test_the_cap_is_said() -> None:
    source = latex(derive("dX", input_shape=(9, 9), filter_shape=(2, 2)), "substituted")
    assert r"\dots{} and 21 more elements, \texttt{--all} shows them." in source


def test_partial_is_partial() -> None:
    for name in NAMES:
        source = latex(example(name, notation="slides"))
        assert r"\partial" in source
        assert "∂" not in source
        assert source.isascii()
