"""``convgrad check equations`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from convgrad_cli.check import check_equations
from convgrad_cli.render.check_equations import equations_output
from convgrad_cli.render.check_schema import CHECKS
from convgrad_cli.render.schema_parts import DEFINITIONS
from tests.conftest import Convgrad

VALIDATOR = Draft202012Validator({**CHECKS["check_equations"], "$defs": DEFINITIONS})
SHAPES = ("--input-shape", "3,3", "--filter-shape", "2,2")
RIGHT = "dL/dX21 = dL/dO11*F21 + dL/dO21*F11"
WRONG = "dL/dX21 = dL/dO12*F21 + dL/dO21*F11"
TOLD = """\
line 1  wrong  ∂L/∂X21
    dL/dX21 = dL/dO12*F21 + dL/dO21*F11
              ^^^^^^^
    wrong term: ∂L/∂O12·F21 should be ∂L/∂O11·F21
1 equation: 1 wrong
elements covered: dX 1 of 9
note: Notation: slides, indices counted from 1 (found out from the text).
"""


def test_the_text_itself_a_file_and_standard_input(convgrad: Convgrad, tmp_path: Path) -> None:
    file = tmp_path / "derivation.txt"
    file.write_text(f"# page 3\n{WRONG}\n", encoding="utf-8")
    told = TOLD.replace("line 1", "line 2")
    for source, stdin, expected in (
        (WRONG, None, TOLD),
        ("derivation.txt", None, told),
        ("-", file.read_bytes(), told),
    ):
        done = convgrad("check", "equations", source, *SHAPES, stdin=stdin)
        assert (done.returncode, done.stdout, done.stderr) == (1, expected, "")
    assert file.read_text(encoding="utf-8") == f"# page 3\n{WRONG}\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (RIGHT, 0),
        (WRONG, 1),
        (f"{RIGHT}\n{WRONG}", 1),
        (f"{RIGHT}\ndL/dX21 = ?", 1),
        ("dL/dX21 = ?", 2),
        ("dL/dX21 = 4", 2),
        ("", 2),
    ],
)
def test_exit_codes(convgrad: Convgrad, text: str, code: int) -> None:
    done = convgrad("check", "equations", "-", *SHAPES, stdin=text.encode())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_json_is_as_the_schema_says(convgrad: Convgrad) -> None:
    text = f"{WRONG}\n{RIGHT}\ndL/dX11 = dL/dO11*(F11\ndL/dX11 = 3"
    done = convgrad("check", "equations", text, *SHAPES, "--json")
    found = json.loads(done.stdout)
    VALIDATOR.validate(found)
    assert (found["operation"], found["verdict"]) == ("check_equations", "wrong")
    assert [e["verdict"] for e in found["equations"]] == [
        "wrong", "right", "unreadable", "not_checked"
    ]  # fmt: skip
    (problem,) = found["equations"][0]["problems"]
    assert problem == {
        "kind": "wrong_term",
        "line": 1,
        "column": 11,
        "found": "∂L/∂O12·F21",
        "expected": "∂L/∂O11·F21",
        "text": "∂L/∂O12·F21 should be ∂L/∂O11·F21",
    }
    assert found["equations"][0]["right"] == "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11"
    assert found["equations"][2]["problems"][0]["column"] == 23
    assert found["coverage"]["dX"] == {"written": 2, "right": 0, "total": 9}


def test_what_derive_prints_is_right(convgrad: Convgrad) -> None:
    for sample in ("recitation-2", "tutorial-pool"):
        derived = convgrad("derive", "--sample", sample)
        done = convgrad(
            "check", "equations", "-", "--sample", sample, stdin=derived.stdout.encode()
        )
        assert done.returncode == 0, done.stdout
    latex = convgrad("derive", "--sample", "slides", "--format", "latex")
    done = convgrad("check", "equations", "-", "--sample", "slides", stdin=latex.stdout.encode())
    assert done.returncode == 0, done.stdout
    assert "right, " in done.stdout


def test_the_sample_decides_between_notations(convgrad: Convgrad) -> None:
    # z is the output of the tutorial and of the notes; b alone is read in both.
    done = convgrad("check", "equations", "db = 4", "--sample", "tutorial-conv", "--json")
    assert json.loads(done.stdout)["notation"] == "tutorial"
    done = convgrad("check", "equations", "db = 4", "--sample", "uneven", "--json")
    assert json.loads(done.stdout)["notation"] == "diba"


def test_layers_from_arrays_a_bundle_and_a_pool(convgrad: Convgrad, tmp_path: Path) -> None:
    arrays = ("-x", "[[1,5,2],[7,3,8],[4,9,6]]", "-w", "[[2,-1],[3,4]]", "-g", "[[1,2],[-3,4]]")
    text = "dL/dF11 = 1*1 + 2*5 - 3*7 + 4*3 = 2"
    assert convgrad("check", "equations", text, *arrays).returncode == 0
    assert convgrad("check", "equations", text + "\nO11 = 31", *arrays).returncode == 1
    (tmp_path / "layer.json").write_text(
        '{"X": [[1,5,2],[7,3,8],[4,9,6]], "W": [[2,-1],[3,4]], "dY": [[1,2],[-3,4]], "b": [1]}',
        encoding="utf-8",
    )
    done = convgrad("check", "equations", text + "\nO11 = 31", "layer.json")
    assert (done.returncode, done.stderr) == (0, "")
    pool = ("--layer", "maxpool", "-x", "[[1,2,3],[4,10,5],[11,12,13]]", "--window", "2")
    assert convgrad("check", "equations", "z'_5 = a'_1", *pool).returncode == 0
    overlapping = (*pool, "--stride", "1")
    done = convgrad("check", "equations", "z'_5 = a'_1", *overlapping)
    assert done.returncode == 1
    assert "missing term: a′_2 is missing" in done.stdout
    average = ("--layer", "avgpool", "--input-shape", "4,4", "--window", "2")
    assert convgrad("check", "equations", "z'_1 = a'_1/4", *average).returncode == 0


BAD = {
    "no layer": ((RIGHT,), "There is no layer"),
    "no layer, but a geometry": ((RIGHT, "--stride", "2"), "There is no layer"),
    "half a layer": ((RIGHT, "--input-shape", "3,3"), "W is missing"),
    "a max pool of shapes": (
        (RIGHT, "--layer", "maxpool", "--input-shape", "3,3", "--window", "2"), "needs X"
    ),
    "no such file": (("nothing.txt", *SHAPES), "No such file"),
    "a directory": ((".", *SHAPES), "a directory"),
    "no text": (("picture.bin", *SHAPES), "not text"),
    "an empty file": (("empty.txt", *SHAPES), "no equation"),
    "stdin twice": (("-", "--input", "-"), "both read standard input"),
    "an unknown notation": ((RIGHT, *SHAPES, "--notation", "mine"), "Unknown notation"),
    "symbols that clash": ((RIGHT, *SHAPES, "--symbols", "X=F,W=F"), "clash"),
    "symbols that cannot be read": ((RIGHT, *SHAPES, "--symbols", "X"), "cannot be read"),
    "a base": ((RIGHT, *SHAPES, "--base", "2"), "from 0 or from 1"),
    "a form it has not": ((RIGHT, *SHAPES, "--format", "latex"), "cannot be written as latex"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_usage(convgrad: Convgrad, tmp_path: Path, name: str) -> None:
    (tmp_path / "picture.bin").write_bytes(b"\x89PNG\xff\xfe\x00")
    (tmp_path / "empty.txt").write_bytes(b"")
    arguments, message = BAD[name]
    done = convgrad("check", "equations", *arguments, stdin=b"")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_other_encodings(convgrad: Convgrad, tmp_path: Path) -> None:
    text = "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11\r\n"
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "x.txt").write_bytes(text.encode(encoding))
        assert convgrad("check", "equations", "x.txt", *SHAPES).returncode == 0
    plain = convgrad(
        "check", "equations", WRONG.replace("d", "∂"), *SHAPES,
        env={"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
    )  # fmt: skip
    assert plain.returncode == 1
    assert "dL/dO12*F21 should be dL/dO11*F21" in plain.stdout
    assert plain.stdout.isascii()


def test_the_report_goes_to_a_file_and_never_over_the_derivation(
    convgrad: Convgrad, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text(WRONG, encoding="utf-8")
    done = convgrad("check", "equations", "mine.txt", *SHAPES, "-o", "report.json")
    assert (done.returncode, done.stdout) == (1, "")
    VALIDATOR.validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")))
    done = convgrad("check", "equations", "mine.txt", *SHAPES, "-o", "mine.txt")
    assert done.returncode == 2
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == WRONG


def carets(text: str) -> list[tuple[str, str]]:
    """Each source line shown, with the part of it over the carets under it."""
    found, above = [], ""
    for line in text.splitlines():
        if set(line.strip()) == {"^"}:
            start = line.index("^")
            found.append((above, above[start : start + line.count("^")]))
        elif (line.startswith("    ") and "=" in line) or "…" in line:
            above = line
    return found


@pytest.mark.parametrize("width", [40, 80, 120])
def test_carets_stand_under_the_place_at_any_width(width: int) -> None:
    terms = [f"dL/dO{i}{j}*X{2 * i - 1}{2 * j - 1}" for i in (1, 2, 3) for j in (1, 2, 3)]
    terms[7] = "dL/dO32*X54"
    text = "\tdL/dF11 = " + " + ".join(terms) + " + dL/dO11*X77"
    report = check_equations(text, input_shape=(7, 7), filter_shape=(3, 3), stride=2)
    shown = equations_output(report, "table", width=width)
    assert isinstance(shown, str)
    assert [place for _, place in carets(shown)] == ["X54", "dL/dO11*X77"]
    for line, _ in carets(shown):
        assert len(line) <= width
    assert all(len(line) <= width for line in shown.splitlines() if "right:" not in line)


def test_letters_of_two_cells_and_control_codes_do_not_move_the_caret() -> None:
    text = "∂L/∂Ｘ11 = ∂L/∂O11·F12   # \x1b[31mred"
    report = check_equations(text, input_shape=(3, 3), filter_shape=(2, 2))
    shown = equations_output(report, "text")
    assert isinstance(shown, str)
    lines = shown.splitlines()
    assert "\x1b" not in shown
    assert lines[2].index("^") == 4 + text.index("F12") + 1  # one letter is two cells wide


def test_a_long_derivation_shows_what_is_wrong_only(convgrad: Convgrad, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("\n".join([RIGHT] * 40 + [WRONG]), encoding="utf-8")
    done = convgrad("check", "equations", "long.txt", *SHAPES)
    assert done.stdout.startswith("line 41  wrong")
    assert "41 equations: 40 right, 1 wrong" in done.stdout
    done = convgrad("check", "equations", "long.txt", *SHAPES, "--long")
    assert done.stdout.startswith("line 1  right")
