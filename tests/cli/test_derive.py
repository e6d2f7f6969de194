"""``convgrad derive`` and ``--symbolic``, as a user runs them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_shapes_alone_are_enough(convgrad: Any) -> None:
    done = convgrad(
        "derive", "dW", "--input-shape", "5,5", "--filter-shape", "3,3", "--stride", "2",
        "--steps", "substituted", "--notation", "recitation",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert lines(done.stdout)[8] == (
        "∂L/∂f22 = ∂L/∂y00·x22 + ∂L/∂y01·x24 + ∂L/∂y10·x42 + ∂L/∂y11·x44"
    )


def test_an_example_brings_its_notation(convgrad: Any) -> None:
    done = convgrad("derive", "x22", "--sample", "recitation-2", "--steps", "substituted,numbers")
    assert lines(done.stdout) == [
        "∂L/∂x22 = ∂L/∂y00·f22 + ∂L/∂y01·f20 + ∂L/∂y10·f02 + ∂L/∂y11·f00",
        "∂L/∂x22 = 1·(-3) + 2·5 + 3·3 + 4·1 = 20",
    ]


def test_without_arrays_an_example_stands_in_and_says_so(convgrad: Any) -> None:
    done = convgrad("derive", "--stride", "2", "--steps", "chain")
    assert "∂L/∂x22 = ∂L/∂y00·∂y00/∂x22" in done.stdout
    assert done.stderr.startswith("No arrays were given: this is the built-in example recitation-2")


def test_the_bias_stands_in_the_forward_equations_where_asked(convgrad: Any) -> None:
    shapes = ("--input-shape", "2", "--filter-shape", "2", "--steps", "substituted")
    assert lines(convgrad("derive", "Y", *shapes).stdout) == ["O1 = X1·F1 + X2·F2"]
    assert lines(convgrad("derive", "Y", *shapes, "--with-bias").stdout) == [
        "O1 = X1·F1 + X2·F2 + B"
    ]


def test_results_pipe_on(convgrad: Any) -> None:
    forward = convgrad("forward", "--json", "-q")
    done = convgrad("derive", "-", "O22", "--steps", "numbers", stdin=forward.stdout.encode())
    assert lines(done.stdout) == ["O22 = 3·2 + 8·(-1) + 9·3 + 6·4 + 1 = 50"]


def test_json_is_the_contracts(convgrad: Any) -> None:
    done = convgrad("derive", "F11", "--sample", "slides", "--json")
    found = json.loads(done.stdout)
    assert (found["operation"], found["convgrad"]) == ("derive", 1)
    assert found["shapes"] == {
        "input": [3, 3], "filter": [2, 2], "bias": [1], "upstream": [2, 2],
    }  # fmt: skip
    (equation,) = found["derivation"]["equations"]
    assert equation["value"] == 2
    assert equation["terms"][2] == {
        "upstream": [1, 0], "operand": "X", "index": [1, 0], "coefficient": 1, "value": -21,
    }  # fmt: skip
    assert found["derivation"]["convolution"]["dW"]["agrees"] is True


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("backward --symbolic", "∂L/∂F11 = 1·1 + 2·5 + (-3)·7 + 4·3 = 2"),
        ("forward --symbolic", "O11 = 1·2 + 5·(-1) + 7·3 + 3·4 + 1 = 31"),
        ("maxpool --sample tutorial-pool --symbolic", "z′_5 = a′_1 + a′_2"),
        ("avgpool --sample tutorial-pool --symbolic --notation slides", "∂L/∂X11 = 1/4·∂L/∂O11"),
    ],
)
def test_numeric_commands_add_their_equations(convgrad: Any, command: str, expected: str) -> None:
    done = convgrad(*shlex.split(command))
    assert done.returncode == 0
    assert expected in done.stdout.splitlines()
    found = json.loads(convgrad(*shlex.split(command), "--json").stdout)
    assert found["derivation"]["equations"]
    assert "convolution" not in found["derivation"]


def test_a_result_with_its_equations_is_numbers_first(convgrad: Any) -> None:
    text = convgrad("backward", "--only", "db", "--symbolic", "-q").stdout
    assert text == (
        "# db (1,) int64\n4\n\n# Gradient with respect to the bias: ∂L/∂B\n"
        "∂L/∂B = ∂L/∂O11 + ∂L/∂O12 + ∂L/∂O21 + ∂L/∂O22\n∂L/∂B = 1 + 2 + (-3) + 4 = 4\n"
    )


def test_files_by_suffix(convgrad: Any, tmp_path: Path) -> None:
    for name, start in (
        ("a.tex", "\\documentclass{article}"), ("a.md", "### "), ("a.txt", "# "), ("a.json", "{"),
    ):  # fmt: skip
        done = convgrad("derive", "F11", "-q", "-o", name, "--standalone")
        assert (done.returncode, done.stdout) == (0, "")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_standalone_means_latex(convgrad: Any) -> None:
    done = convgrad("derive", "F11", "--standalone")
    assert done.stdout.startswith("\\documentclass{article}\n")
    assert done.stdout.endswith("\\end{document}\n")


def test_layouts_and_arrays_from_files(convgrad: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    np.save(tmp_path / "X.npy", random.integers(-9, 9, (2, 5, 4, 3)))
    np.save(tmp_path / "W.npy", random.integers(-9, 9, (2, 3, 3, 2)))
    done = convgrad(
        "derive", "dX[1,4,3,2]", "-x", "X.npy", "-w", "W.npy", "--layout", "nhwc",
        "--filter-layout", "hwio", "--notation", "plain", "--steps", "substituted",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == (
        "dL/dX[1,4,3,2] = dL/dY[1,3,1,0]*W[1,2,2,0] + dL/dY[1,3,1,1]*W[1,2,2,1]"
    )
    assert "dY = 1 everywhere" in done.stderr


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "derive dX[3,3]",
            "dX[3,3] does not exist.\n  expected  dX[0,0] to dX[2,2]   dX is (3, 3)\n",
        ),
        (
            "derive --notation latin",
            "Unknown notation 'latin'.\n"
            "  expected  one of slides, recitation, tutorial, diba, lecture12, plain\n",
        ),
        (
            "derive --symbols X=A,W=A",
            "The symbols clash.\n"
            "  expected  a different symbol for each of X, W, b and Y\n"
            "  found     A for both X and W\n"
            "  remedy    give X or W another symbol in --symbols\n",
        ),
        (
            "derive --steps chain,guess",
            "Unknown step 'guess'.\n"
            "  expected  some of forward, chain, local, substituted, numbers, convolution, "
            "padding, stride, vectorized, toeplitz\n",
        ),
        (
            "derive --layer dense",
            "Unknown layer 'dense'.\n  expected  one of conv, maxpool, avgpool, transposed, "
            "activation, upsample, separable\n",
        ),
        (
            "derive --layer maxpool --input-shape 4,4 --window 2",
            "A max pool's derivation needs X: which element is the maximum decides its terms.\n"
            "  remedy    give X, not only its shape\n",
        ),
        (
            "derive --layer avgpool --input-shape 4,4 --filter-shape 2,2 --window 2",
            "The layer avgpool does not take --filter-shape.\n  found     --filter-shape\n"
            "  remedy    --filter-shape is for --layer conv or transposed\n",
        ),
        (
            "derive --input-shape 4,4",
            "W is missing.\n  expected  --filter, --filter-shape alone, or a bundle\n",
        ),
        (
            "derive --input-shape 4,0 --filter-shape 2,2",
            "--input-shape takes sizes of at least 1.\n  found     4,0\n",
        ),
        (
            "derive --filter-shape 2,2 -x '[[1,2],[3,4]]' --input-shape 3,3",
            "X and --input-shape contradict each other.\n"
            "  expected  (3, 3)   from --input-shape\n"
            "  found     (2, 2)   in ",
        ),
        (
            "derive --json --input-shape 8,64,224,224 --filter-shape 64,64,3,3 --padding 1",
            "The derivation has too many terms for JSON, which is whole or refused.\n"
            "  expected  at most 10,000,000 terms\n"
            "  found     29,444,800,512\n"
            "  remedy    ask for single elements, such as 'dX[0,0]', or use a smaller layer\n",
        ),
        (
            "derive --standalone --json",
            "--standalone prints a LaTeX document.\n  remedy    add --format latex\n",
        ),
        ("derive one.json two.npz", "Two bundles are given.\n  found     one.json and two.npz\n"),
    ],
)
def test_bad_input_says_what_is_wrong(convgrad: Any, command: str, message: str) -> None:
    done = convgrad(*shlex.split(command))
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_sympy_and_rich_stay_away_unless_used() -> None:
    """No form but the table needs rich, and none needs SymPy."""
    code = (
        "import sys\n"
        "from convgrad_cli import derive\n"
        "from convgrad_cli.render.derivation import Written, render_derivation\n"
        "d = derive(input_shape=(3, 3), filter_shape=(2, 2))\n"
        "forms = [render_derivation(Written(d), f) for f in ('text', 'latex', 'markdown')]\n"
        "Written(d).as_json(), d._repr_latex_()\n"
        "assert 'rich' not in sys.modules\n"
        "render_derivation(Written(d), 'table')\n"
        "assert 'sympy' not in sys.modules\n"
        "d[0].to_sympy()\n"
        "assert 'sympy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
