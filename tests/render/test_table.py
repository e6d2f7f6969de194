"""The table as whole texts, at several widths, with and without colour."""

import re
import subprocess
import sys

import numpy as np
import pytest

from convgrad_cli.render.result import Result
from tests.render.results import GEOMETRY, batch, single, small, text_of

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
MANY_COLOURS = {"TERM": "xterm-256color", "COLORTERM": ""}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in MANY_COLOURS.items():
        monkeypatch.setenv(name, value)


def test_small_arrays_stand_side_by_side() -> None:
    result = small()
    result.updated = {"W": np.array([[0.5, 1, 2]])}
    result.verify = {"passed": True, "largest_deviation": 0.0, "directions": 3}
    assert text_of(result, "table") == (
        "2-D convolution, backward\n"
        "filter 2×3 · stride 2 · padding 0 · X (2, 4) · W (2, 3) · dY (1, 1)\n"
        "\n"
        "dX  (2, 4) int64           dW  (2, 3) int64    db  (1,) int64\n"
        "       0    1    2    3          0   1   2          0\n"
        "  ┌────────────────────      ┌────────────      ┌────\n"
        "0 │    1  -20    3    0    0 │   1   2   3      │  10\n"
        "1 │    4    5  600   -7    1 │  -4   5   6\n"
        "\n"
        "W updated  (1, 3) float64\n"
        "       0    1    2\n"
        "  ┌───────────────\n"
        "0 │  0.5  1    2\n"
        "\n"
        "verified: largest deviation 0 over 3 random directions\n"
    )


def test_narrow_terminals_get_one_array_below_the_other_in_ascii() -> None:
    assert text_of(small(), "table", width=40, ascii_only=True) == (
        "2-D convolution, backward\n"
        "filter 2x3, stride 2, padding 0\n"
        "X (2, 4), W (2, 3), dY (1, 1)\n"
        "\n"
        "dX  (2, 4) int64\n"
        "       0    1    2    3\n"
        "  +--------------------\n"
        "0 |    1  -20    3    0\n"
        "1 |    4    5  600   -7\n"
        "\n"
        "dW  (2, 3) int64    db  (1,) int64\n"
        "      0   1   2          0\n"
        "  +------------      +----\n"
        "0 |   1   2   3      |  10\n"
        "1 |  -4   5   6\n"
    )


def test_planes_are_labelled_and_share_their_decimal_point() -> None:
    assert text_of(batch(), "table") == (
        "2-D convolution, backward\n"
        "filter 2×3 · stride 2 · padding 0 · X (2, 1, 1, 3)\n"
        "\n"
        "dX  (2, 1, 1, 3) float64\n"
        "dX[n=0, c=0]                         dX[n=1, c=0]\n"
        "            0         1         2                0         1         2\n"
        "  ┌──────────────────────────────      ┌──────────────────────────────\n"
        "0 │   0.5      -1.25      3          0 │  10.125     0        -0.00625\n"
    )


def test_large_arrays_show_edges_range_norm_and_the_way_out() -> None:
    array = np.arange(1200).reshape(20, 60) * 2 - 1200
    assert text_of(single(array), "table") == (
        "2-D convolution, backward\n"
        "filter 2×3 · stride 2 · padding 0\n"
        "\n"
        "dX  (20, 60) int64\n"
        "min -1200, max 1198, L2 norm 24000; shown in part, -o FILE writes all of it\n"
        "          0      1      2  …     57     58     59\n"
        "   ┌─────────────────────────────────────────────\n"
        " 0 │  -1200  -1198  -1196  …  -1086  -1084  -1082\n"
        " 1 │  -1080  -1078  -1076  …   -966   -964   -962\n"
        " 2 │   -960   -958   -956  …   -846   -844   -842\n"
        " ⋮ │\n"
        "17 │    840    842    844  …    954    956    958\n"
        "18 │    960    962    964  …   1074   1076   1078\n"
        "19 │   1080   1082   1084  …   1194   1196   1198\n"
    )


def test_many_planes_show_the_first_and_the_last() -> None:
    array = np.arange(2 * 300 * 2 * 1).reshape(2, 300, 2, 1)
    text = text_of(single(array), "table")
    labels = re.findall(r"dX\[.*?\]", text)
    assert labels == ["dX[n=0, c=0]", "dX[n=0, c=1]", "dX[n=1, c=298]", "dX[n=1, c=299]"]
    assert "\n… 596 more …\n" in text


def test_top_limits_the_planes() -> None:
    array = np.arange(24).reshape(2, 3, 2, 2)
    text = text_of(single(array), "table", top=2)
    assert re.findall(r"dX\[.*?\]", text) == ["dX[n=0, c=0]", "dX[n=1, c=2]"]
    assert "… 4 more …" in text


def test_a_long_vector_is_broken_into_rows() -> None:
    text = text_of(single(np.arange(13) * 1000 - 1, "db"), "table", width=60)
    assert text.splitlines()[3:] == [
        "db  (13,) int64",
        "         +0     +1     +2     +3     +4",
        "   ┌───────────────────────────────────",
        " 0 │     -1    999   1999   2999   3999",
        " 5 │   4999   5999   6999   7999   8999",
        "10 │   9999  10999  11999",
    ]


def test_a_plane_too_wide_goes_on_below() -> None:
    array = np.arange(14).reshape(2, 7) + 1000
    assert text_of(single(array), "table", width=32).splitlines()[5:] == [
        "        0     1     2     3",
        "  ┌────────────────────────",
        "0 │  1000  1001  1002  1003",
        "1 │  1007  1008  1009  1010",
        "",
        "        4     5     6",
        "  ┌──────────────────",
        "0 │  1004  1005  1006",
        "1 │  1011  1012  1013",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("shape", [(3,), (200,), (7, 5), (40, 60), (2, 3, 4, 5), (8, 16, 20, 30)])
def test_no_line_is_wider_than_the_terminal(shape: tuple[int, ...], width: int) -> None:
    array = np.random.default_rng(5).normal(size=shape)
    text = text_of(single(array, "db" if len(shape) == 1 else "dX"), "table", width=width)
    words = [line for line in text.splitlines() if "shown in part" not in line]
    assert max(map(len, words)) <= width


def test_ascii_means_ascii() -> None:
    array = np.random.default_rng(5).normal(size=(8, 16, 20, 30))
    assert text_of(single(array), "table", ascii_only=True).isascii()


def test_colour_changes_nothing_but_colour() -> None:
    for result in (small(), batch()):
        plain = text_of(result, "table")
        coloured = text_of(result, "table", color=True)
        assert "\x1b" not in plain
        assert ESCAPES.sub("", coloured) == plain


def test_colour_marks_sign_and_size() -> None:
    array = [[1, -1], [90, -90], [50, -50], [0, 0], [29, 31], [59, 61]]
    coloured = text_of(single(array), "table", color=True)
    cells = re.findall(r"\x1b\[([0-9;]*)m *(-?\d+)\x1b\[0m", coloured)
    by_number = {number: code for code, number in cells}
    assert by_number["1"] == "38;5;68"
    assert by_number["50"] == "38;5;33"
    assert by_number["90"] == "1;38;5;33"
    assert by_number["29"] == by_number["1"]
    assert by_number["31"] == by_number["59"] == by_number["50"]
    assert by_number["61"] == by_number["90"]
    assert by_number["-1"] == "38;5;136"
    assert by_number["-50"] == "38;5;166"
    assert by_number["-90"] == "1;38;5;166"
    assert by_number["0"] == "2"


def test_sixteen_colours_keep_blue_and_yellow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    coloured = text_of(single([[1, -1, 3]]), "table", color=True)
    assert "\x1b[94m 1\x1b[0m" in coloured
    assert "\x1b[33m-1\x1b[0m" in coloured


def test_a_failed_verification_is_said() -> None:
    result = small()
    result.verify = {"passed": False, "largest_deviation": 2.5, "directions": 3}
    last = text_of(result, "table").splitlines()[-1]
    assert last == "NOT VERIFIED: largest deviation 2.5 over 3 random directions"


def test_channels_last_reads_by_channel() -> None:
    array = np.arange(12).reshape(1, 2, 3, 2)
    lines = text_of(single(array, layout="nhwc"), "table").splitlines()
    assert "dX[n=0, c=0]" in lines[4]
    assert "dX[n=0, c=1]" in lines[4]
    assert lines[7:] == ["0 │   0   2   4    0 │   1   3   5", "1 │   6   8  10    1 │   7   9  11"]


def test_every_option_of_the_geometry_is_said() -> None:
    options = {"stride": [2, 1], "padding": [[1, 1], [0, 2]], "dilation": [1, 3], "groups": 2}
    assert text_of(single([1], "db", **options), "table").splitlines()[1] == (
        "filter 2×3 · stride 2,1 · padding 1,0:2 · dilation 1,3 · groups 2"
    )


def test_pools_say_window() -> None:
    pool = Result("maxpool_backward", GEOMETRY | {"padding": [[1, 0], [0, 0]]}, {"Y": np.eye(2)})
    assert text_of(pool, "table").splitlines()[:2] == [
        "2-D max pool, backward",
        "window 2×3 · stride 2 · padding 1:0,0",
    ]


@pytest.mark.parametrize("format", ["text", "json", "latex", "markdown"])
def test_rich_is_loaded_for_the_table_only(format: str) -> None:
    def loaded(format: str) -> bool:
        program = (
            "import sys\n"
            "from tests.render.results import small, text_of\n"
            f"text_of(small(), {format!r})\n"
            "print('rich' in sys.modules)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        return done.stdout == "True\n"

    assert not loaded(format)
    assert loaded("table")


def test_switches_are_places_and_have_no_colour_of_size() -> None:
    result = single(np.array([[4, 80]]))
    amounts = text_of(result, "table", color=True)
    result.arrays = {"switches": result.arrays.popitem()[1]}
    places = text_of(result, "table", color=True)
    assert "38;5;" in amounts
    assert "38;5;" not in places
    assert re.search(r"\b80\b", places)
