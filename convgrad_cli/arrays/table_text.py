"""Numbers in lines: .csv, .tsv and .txt, read tolerantly and written exactly.

A line is a row. ``#`` starts a comment, blank lines are skipped, a byte-order mark is fine.
Numbers stand apart by commas, tabs, semicolons or spaces: one kind for the whole file, found in
it. The array has two axes, save for a bias, which one row or one column makes (K,). All integers:
int64; any other number among them: float64.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from convgrad_cli.arrays.names import VECTORS, shown
from convgrad_cli.arrays.numeric import Array, too_big
from convgrad_cli.errors import DataError, FileError, UsageError

_SEPARATORS: Final = (";", ",", "\t")  # else any run of blanks
_INT64_END: Final = 2**63

Rows = list[tuple[int, list[str]]]  # line number, cells


def from_bytes(data: bytes, name: str) -> Array:
    """The array of a text file. Raises FileError or DataError with the line at fault."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{name} cannot be read: the file is not UTF-8 text.",
            found=f"byte {data[error.start]:#04x} at offset {error.start}",
            remedy="save it as UTF-8, or give it the suffix of its format",
            array=name,
        ) from None
    rows = _rows(text, name)
    cells = [cell for _, row in rows for cell in row]
    array = _numbers(cells, rows, name).reshape(len(rows), -1)
    return array.reshape(-1) if name in VECTORS and 1 in array.shape else array


def to_text(array: Array, separator: str) -> str:
    """The lines of an array with at most two axes; every float reads back as the same float."""
    if array.ndim > 2:
        raise UsageError(
            "A text file holds an array of at most two axes.",
            expected="one row, or rows and columns",
            found=f"shape {array.shape}",
            remedy="write .npy, .npz or .json",
        )
    rows = np.atleast_2d(array).tolist()
    return "".join(separator.join(map(repr, row)) + "\n" for row in rows)


def _rows(text: str, name: str) -> Rows:
    lines = [
        (number, line)
        for number, raw in enumerate(text.splitlines(), 1)
        if (line := raw.partition("#")[0].strip(" \r\n\v\f")).strip()
    ]
    if not lines:
        raise DataError(f"{name} is empty: the file holds no numbers.", array=name)
    if lines[0][1].startswith(("[", "{")):
        raise FileError(
            f"{name} cannot be read: the file looks like JSON, not like rows of numbers.",
            remedy="give it the suffix .json",
            array=name,
        )
    separator = _separator([line for _, line in lines])
    rows = [(number, line.split(separator)) for number, line in lines]
    width = len(rows[0][1])
    for number, row in rows:
        if len(row) != width:
            raise DataError(
                f"{name} is ragged: its rows differ in length.",
                expected=f"{width} numbers, as in line {rows[0][0]}",
                found=f"{len(row)} in line {number}",
                array=name,
            )
    return rows


def _separator(lines: list[str]) -> str | None:
    """What stands between the numbers; None is any run of blanks (tabs among spaces too)."""
    found = next((mark for mark in _SEPARATORS if any(mark in line for line in lines)), None)
    if found == "\t" and any(" " in cell.strip() for line in lines for cell in line.split("\t")):
        return None
    return found


def _numbers(cells: list[str], rows: Rows, name: str) -> Array:
    """int64 if every cell is an integer literal, else float64."""
    plain = not any("_" in cell for cell in cells)  # Python reads 1_000, no other tool does
    try:
        values = list(map(int, cells)) if plain else []
    except ValueError:
        values = []
    if values:
        if max(values) >= _INT64_END or min(values) < -_INT64_END:
            _check_cells(rows, name)
        return np.array(values, np.int64)
    try:
        numbers = np.array(list(map(float, cells)) if plain else [math.nan])
    except ValueError:
        numbers = np.array([math.nan])
    if not np.abs(numbers).max() < _INT64_END:  # large, or NaN: look at each cell
        _check_cells(rows, name)
    return numbers


def _check_cells(rows: Rows, name: str) -> None:
    """DataError for the first cell that is no number, or an integer beyond 64 bits."""
    for number, row in rows:
        for column, cell in enumerate(row, 1):
            place = f" in line {number}, column {column}"
            literal = cell.strip()
            if literal.lstrip("+-").isdecimal() and (
                len(literal) > 20 or not -_INT64_END <= int(literal) < _INT64_END
            ):
                raise too_big(name, literal, place)
            if not _is_number(literal):
                raise _not_a_number(name, literal, place, header=number == rows[0][0])


def _is_number(literal: str) -> bool:
    try:
        float(literal)
    except ValueError:
        return False
    return "_" not in literal


def _not_a_number(name: str, literal: str, place: str, *, header: bool) -> DataError:
    remedy = None
    if not literal:
        remedy = "fill the empty cell, or take the separator out"
    elif header and literal[0].isalpha():
        remedy = "take the header line out, or start it with #"
    elif "," in literal:
        remedy = "write numbers with a decimal point"
    return DataError(
        f"{name} holds something that is not a number.",
        expected="a number",
        found=f"{shown(literal) if literal else 'nothing'}{place}",
        remedy=remedy,
        array=name,
    )
