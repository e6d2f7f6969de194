"""The convolution as one sparse (Toeplitz) matrix T (L16): Y = T·x, dX = Tᵀ·dY."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same, without_ones
from convgrad_cli.cli.lecture_seen import Seen, compared, itself, with_symbols

if TYPE_CHECKING:
    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]


def toeplitz_view(seen: Seen) -> Any:
    """One matrix T of the weights alone, in symbols and numbers."""
    from convgrad_cli.derivation.vectorize import toeplitz_agrees, toeplitz_matrix
    from convgrad_cli.layers import vectorize
    from convgrad_cli.render.views import View

    geometry = seen.plan.geometry
    vectorize.refuse_large(geometry, toeplitz=True)
    data = _numbers(seen)
    entries: list[Any] = []

    def entry(at: Index) -> Any:
        if not entries:
            entries.append(toeplitz_matrix(geometry).entries)
        return entries[0][at[0]][at[1]]

    rows, columns = vectorize.toeplitz_shape(geometry)

    def symbols(script: str) -> dict[str, Symbols]:
        found = {
            "T": seen.symbols(script, "W", (rows, columns), entry),
            "Y": seen.symbols(script, "Y", geometry.output_shape, itself),
        }
        if seen.back:
            found |= {
                "T_transposed": seen.symbols(
                    script, "W", (columns, rows), lambda at: entry((at[1], at[0]))
                ),
                "dX": seen.symbols(script, "X", geometry.input_shape, itself, gradient=True),
            }
        return found

    def write(pen: Any) -> Any:
        written = symbols(pen.script)

        def drawn(label: str, name: str, numbers: Any = None) -> Any:
            found = without_ones(data[name]) if name in data else numbers
            return pen.both(label, written[name], found)

        yield pen.sentence(
            "The layer is linear in X, so it is one matrix: a row per entry of Y, a column per "
            "entry of X (flattened row-major), the weights where they meet:"
        )
        yield from drawn("T", "T")
        yield pen.equation("Y", "T·x" + (" + b" if seen.b is not None else ""))
        yield from drawn("Y", "Y")
        if seen.back:
            yield pen.equation("dX", "Tᵀ·dY")
            yield from drawn("Tᵀ", "T_transposed", data["T"].T if "T" in data else None)
            yield from drawn("dX", "dX")
        own = "the convolution itself"
        yield compared(pen, data, lambda: toeplitz_agrees(geometry), own, rows * columns)

    title = "The convolution as one sparse matrix"
    return View("toeplitz", title, write, with_symbols(data, symbols))


def _numbers(seen: Seen) -> dict[str, Any]:
    """T and what it gives, as far as the arrays go, and whether that is the convolution's own."""
    from convgrad_cli.layers import conv, vectorize
    from convgrad_cli.layers.sums import total

    geometry, X, W, b, dY = seen.plan.geometry, seen.X, seen.W, seen.b, seen.dY
    if W is None:
        return {}
    T = vectorize.toeplitz(W, geometry)
    data: dict[str, Any] = {"T": T}
    if not seen.forward:
        return data
    Y = vectorize.times(T, X).reshape(geometry.output_shape)
    if b is not None:
        Y = total(Y, b.reshape(-1, *(1,) * geometry.dims))
    data["Y"] = Y
    agrees = [same(Y, conv.forward(X, W, b, geometry))]
    if seen.backward:
        dX = vectorize.times(T.T, dY).reshape(geometry.input_shape)
        agrees.append(same(dX, conv.grad_input(W, dY, geometry)))
        data["dX"] = dX
    return data | {"agrees": all(agrees)}
