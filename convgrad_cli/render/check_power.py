"""The text of ``check power``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convgrad_cli.check.power_report import PowerReport, RowPower
    from convgrad_cli.render.check_lines import Lines


def write_power(report: PowerReport, lines: Lines, *, long: bool) -> None:
    """What the data cannot show, by array, with the reason; the rest of the rows only counted."""
    shown = [row for row in report.rows if row.verdict == "shown"]
    mendable = [row for row in report.blind if row.suggestion]
    lines.add(0, f"this data shows {len(shown)} of {len(report.rows)} kinds of mistakes", "title")
    if mendable:
        lines.add(
            0,
            f"it hides {len(mendable)} that other data of this geometry would show "
            "(--suggest FILE writes such data):",
            "bad",
        )
        _rows(mendable, lines, long=long)
    rest = [row for row in report.blind if not row.suggestion]
    if rest and long:
        lines.add(0, f"{len(rest)} cannot be shown by any data of this geometry:")
        _rows(rest, lines, long=long)
    elif rest:
        ids = sorted({row.id for row in rest}, key=_in_order)
        lines.add(0, f"no data of this geometry shows {', '.join(ids)} (--long says why)")
    if long:
        lines.add(0, f"shown: {', '.join(_named(row) for row in shown)}")
    for note in report.notes:
        lines.add(0, f"note: {note}", "faint")


def _rows(rows: list[RowPower], lines: Lines, *, long: bool) -> None:
    for row in rows:
        partly = " (in part)" if row.verdict == "partly" else ""
        reasons = "; ".join(row.reasons)
        lines.labelled(4, f"{row.id:<3} {row.target}", f"{row.title}{partly}: {reasons}")
        if long and row.verdict == "partly":
            for reading in row.readings:
                lines.add(12, f"hidden: {reading}", "faint")


def _named(row: RowPower) -> str:
    return f"{row.id} ({row.target})"


def _in_order(id: str) -> tuple[str, int]:
    return id[0], int(id[1:])
