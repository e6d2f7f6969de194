"""Markdown as whole texts."""

import math

import numpy as np

from tests.render.results import batch, single, small, text_of


def test_a_heading_and_a_table_for_each_array() -> None:
    result = small()
    result.verify = {"passed": True, "largest_deviation": 0.0, "directions": 3}
    assert text_of(result, "markdown") == (
        "## 2-D convolution, backward\n"
        "\n"
        "filter 2×3, stride 2, padding 0, X (2, 4), W (2, 3), dY (1, 1)\n"
        "\n"
        "### dX (2, 4) int64\n"
        "\n"
        "|       |    0 |    1 |    2 |    3 |\n"
        "|  ---: | ---: | ---: | ---: | ---: |\n"
        "| **0** |    1 |  -20 |    3 |    0 |\n"
        "| **1** |    4 |    5 |  600 |   -7 |\n"
        "\n"
        "### dW (2, 3) int64\n"
        "\n"
        "|       |    0 |    1 |    2 |\n"
        "|  ---: | ---: | ---: | ---: |\n"
        "| **0** |    1 |    2 |    3 |\n"
        "| **1** |   -4 |    5 |    6 |\n"
        "\n"
        "### db (1,) int64\n"
        "\n"
        "|      |    0 |\n"
        "| ---: | ---: |\n"
        "|      |   10 |\n"
        "\n"
        "verified: largest deviation 0 over 3 random directions\n"
    )


def test_planes_have_labels() -> None:
    assert text_of(batch(), "markdown").partition("### ")[2] == (
        "dX (2, 1, 1, 3) float64\n"
        "\n"
        "**dX[n=0, c=0]**\n"
        "\n"
        "|       |    0 |     1 |    2 |\n"
        "|  ---: | ---: |  ---: | ---: |\n"
        "| **0** |  0.5 | -1.25 |    3 |\n"
        "\n"
        "**dX[n=1, c=0]**\n"
        "\n"
        "|       |      0 |    1 |        2 |\n"
        "|  ---: |   ---: | ---: |     ---: |\n"
        "| **0** | 10.125 |    0 | -0.00625 |\n"
    )


def test_large_arrays_show_their_edges() -> None:
    text = text_of(single(np.arange(110 * 100).reshape(110, 100)), "markdown")
    lines = text.splitlines()
    norm = f"{math.sqrt(sum(k * k for k in range(11_000))):.6g}"
    assert f"min 0, max 10999, L2 norm {norm}; shown in part, -o FILE writes all of it" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert len(tables) == 2 + 3 + 1 + 3
    assert tables[0] == "|         |     0 |     1 |     2 |    … |    97 |    98 |    99 |"
    assert tables[2] == "|   **0** |     0 |     1 |     2 |    … |    97 |    98 |    99 |"
    assert tables[5] == "|       ⋮ |     ⋮ |     ⋮ |     ⋮ |    ⋮ |     ⋮ |     ⋮ |     ⋮ |"
    assert tables[8] == "| **109** | 10900 | 10901 | 10902 |    … | 10997 | 10998 | 10999 |"


def test_ascii_means_ascii() -> None:
    array = np.random.default_rng(1).normal(size=(4, 8, 20, 30))
    assert text_of(single(array), "markdown", ascii_only=True).isascii()
