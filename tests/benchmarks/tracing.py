"""What tracing costs, beside the plain SymPy way; run as ``python tests/benchmarks/tracing.py``.

    against SymPy   every element of dX and dW of a 16×16 input with a 3×3 filter, as text; SymPy
                    builds L = Σ dY·Y from symbols, expands it, and differentiates by each element
    time per term   dX as text and as JSON, 10³ to 10⁶ terms
    memory          peak of a process that writes 10⁶ terms

Processor time, so that other work on the machine does not count. Exits with 1 where a target of the
project is missed: 200 times SymPy, a time per term within a factor of 3, 2 GB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from time import process_time

SIZE, FILTER = 16, 3
SIZES = (11, 34, 106, 334)  # squares with 10³, 10⁴, 10⁵, 10⁶ terms of a 3×3 filter


def by_tracing(size: int) -> float:
    """Seconds for every equation of dX and dW, written out."""
    from convgrad_cli.derivation import derive

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

    from convgrad_cli.derivation import derive
    from convgrad_cli.render.derivation import Written, render_derivation

    derivation = derive("dX", input_shape=(size, size), filter_shape=(3, 3), padding=1)
    written = Written(derivation, ("substituted",))
    start = process_time()
    if form == "json":
        orjson.dumps(written.as_json())
    else:
        render_derivation(written, "text")
    return derivation.term_count, process_time() - start


def peak_of(form: str) -> float:
    """Gigabytes that a process of its own needs for 10⁶ terms."""
    done = subprocess.run(
        [sys.executable, __file__, form], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    by_tracing(4)  # imports
    ours, theirs = min(by_tracing(SIZE) for _ in range(3)), by_sympy(SIZE)
    ratio = theirs / ours
    print(
        f"{SIZE}×{SIZE} by {FILTER}×{FILTER}: {ours:.4f} s; SymPy {theirs:.2f} s, {ratio:.0f} times"
    )
    missed = ratio < 200
    for form in ("text", "json"):
        write(form, 4)
        costs = []
        for size in SIZES:
            terms, took = write(form, size)
            costs.append(took / terms * 1e6)
            print(f"{form}: {terms:>9,} terms, {took:7.3f} s, {costs[-1]:5.2f} µs a term")
        memory = peak_of(form)
        print(f"{form}: 10⁶ terms in {memory:.2f} GB")
        missed |= max(costs) > 3 * min(costs) or memory > 2
    return int(missed)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(sys.argv[1], SIZES[-1])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    else:
        sys.exit(main())
