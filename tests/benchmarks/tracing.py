"""What tracing costs, beside the plain SymPy way.

against SymPy   every element of dX and dW of a 16×16 input with a 3×3 filter, as text; SymPy
                builds L = Σ dY·Y from symbols, expands it, and differentiates by each element
time per term   dX as text and as JSON, 10³ to 10⁶ terms: the dearest over the cheapest
memory          peak of a process that writes 10⁶ terms, in GB

Processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time
from typing import Any

from tests.benchmarks.processes import installed

SIZE, FILTER = 16, 3
WRITER = (
    f"import sys; sys.path.append({str(Path(__file__).parent.parent.parent)!r});"
    "from tests.benchmarks.tracing import write; write(sys.argv[1], int(sys.argv[2]))"
)
SIZES = (11, 34, 106, 334)  # squares with 10³, 10⁴, 10⁵, 10⁶ terms of a 3×3 filter


def by_tracing(size: int) -> float:
    """Seconds for every equation of dX and dW, written out."""
    from convgrad_cli import derive

    start = process_time()
    text = str(derive("dX", "dW", input_shape=(size, size), filter_shape=(FILTER, FILTER)))
    took = process_time() - start
    assert text.count("\n") == size * size + FILTER * FILTER - 1
    return took


def by_sympy(size: int) -> float:
    """Seconds for the same by differentiation."""
    import sympy

    start = process_time()
    out = size - FILTER + 1
    x = [[sympy.Symbol(f"X_{i}_{j}") for j in range(size)] for i in range(size)]
    w = [[sympy.Symbol(f"W_{p}_{q}") for q in range(FILTER)] for p in range(FILTER)]
    dy = [[sympy.Symbol(f"dY_{i}_{j}") for j in range(out)] for i in range(out)]
    places = [(p, q) for p in range(FILTER) for q in range(FILTER)]
    loss = sympy.Add(
        *(
            dy[i][j] * sympy.Add(*(x[i + p][j + q] * w[p][q] for p, q in places))
            for i in range(out)
            for j in range(out)
        )
    )
    loss = sympy.expand(loss)
    found = [str(sympy.diff(loss, s)) for array in (x, w) for row in array for s in row]
    took = process_time() - start
    assert len(found) == size * size + FILTER * FILTER
    return took


def write(form: str, size: int) -> tuple[int, float]:
    """Terms written, and the seconds it took."""
    import orjson

    from convgrad_cli import derive
    from convgrad_cli.render.derivation import Written, render_derivation

    derivation = derive("dX", input_shape=(size, size), filter_shape=(3, 3), padding=1)
    written = Written(derivation, ("substituted",))
    start = process_time()
    if form == "json":
        orjson.dumps(written.as_json())
    else:
        render_derivation(written, "text")
    return derivation.term_count, process_time() - start


def run(only: str = "") -> list[dict[str, Any]]:
    """A row for each of the three questions and each form."""
    rows = []
    if only in "against SymPy":
        by_tracing(4)  # imports
        ours, theirs = min(by_tracing(SIZE) for _ in range(3)), by_sympy(SIZE)
        case = f"{SIZE}x{SIZE} by {FILTER}x{FILTER}, against SymPy"
        rows.append(_row(case, f"{ours * 1e3:.1f} ms, {theirs:.2f} s", theirs / ours, ">= 200"))
    for form in ("text", "json"):
        if only in f"{form}: time per term":
            rows.append(_time_per_term(form))
        if only in f"{form}: memory":
            with installed() as here:
                peak = here.peak([sys.executable, "-c", WRITER, form, str(SIZES[-1])]) / 1e9
            rows.append(_row(f"{form}: memory of 10^6 terms", "GB", peak, "<= 2"))
    return rows


def _time_per_term(form: str) -> dict[str, Any]:
    write(form, 4)
    costs = []
    for size in SIZES:
        terms, took = write(form, size)
        costs.append(took / terms * 1e6)
    measured = " ".join(f"{cost:.2f}" for cost in costs) + " us"
    return _row(f"{form}: time per term", measured, max(costs) / min(costs), "<= 3")


def _row(case: str, measured: str, ratio: float, target: str) -> dict[str, Any]:
    return {
        "suite": "tracing",
        "case": case,
        "measured": measured,
        "ratio": ratio,
        "target": target,
    }
