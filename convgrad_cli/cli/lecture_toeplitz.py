"""The convolution as one sparse (Toeplitz) matrix T (L16): Y = T·x, dX = Tᵀ·dY."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same
from convgrad_cli.cli.lecture_seen import Road, compared, itself

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]


class ToeplitzRoad(Road):
    """One matrix T of the weights alone, in symbols and numbers."""

    key = "toeplitz"
    title = "The convolution as one sparse matrix"

    def numbers(self) -> dict[str, Any]:
        """T and what it gives, as far as the arrays go; whether that is the convolution's own."""
        from convgrad_cli.layers import conv, vectorize
        from convgrad_cli.layers.sums import total

        seen, geometry = self.seen, self.geometry
        vectorize.refuse_large(geometry, toeplitz=True)
        X, W, b, dY = seen.X, seen.W, seen.b, seen.dY
        if W is None:
            return {}
        T = vectorize.toeplitz(W, geometry)
        data: dict[str, Any] = {"T": T}
        if not seen.forward:
            return data
        Y = vectorize.times(T, X).reshape(geometry.output_shape)
        data["Y"] = Y if b is None else total(Y, b.reshape(-1, *(1,) * geometry.dims))
        agrees = [same(data["Y"], conv.forward(X, W, b, geometry))]
        if seen.backward:
            data["dX"] = vectorize.times(T.T, dY).reshape(geometry.input_shape)
            agrees.append(same(data["dX"], conv.grad_input(W, dY, geometry)))
        return data | {"agrees": all(agrees)}

    def symbols(self, script: str) -> dict[str, Symbols]:
        """T, Y, and back: Tᵀ and dX."""
        seen, geometry, (rows, columns) = self.seen, self.geometry, self._shape
        found = {
            "T": seen.symbols(script, "W", (rows, columns), self._entry),
            "Y": seen.symbols(script, "Y", geometry.output_shape, itself),
        }
        if seen.back:
            found |= {
                "T_transposed": seen.symbols(
                    script, "W", (columns, rows), lambda at: self._entry((at[1], at[0]))
                ),
                "dX": seen.symbols(script, "X", geometry.input_shape, itself, gradient=True),
            }
        return found

    def write(self, pen: Any) -> Iterator[Any]:
        """Forward, back, and the verdict."""
        from convgrad_cli.derivation.vectorize import toeplitz_agrees

        drawn, data = self.drawer(pen), self.data
        yield pen.sentence(
            "The layer is linear in X, so it is one matrix: a row per entry of Y, a column per "
            "entry of X (flattened row-major), the weights where they meet:"
        )
        yield from drawn("T", "T")
        yield pen.equation("Y", "T·x" + (" + b" if self.seen.b is not None else ""))
        yield from drawn("Y", "Y")
        if self.seen.back:
            yield pen.equation("dX", "Tᵀ·dY")
            written = self.symbols(pen.script)["T_transposed"]
            yield from pen.both("Tᵀ", written, data["T"].T if "T" in data else None)
            yield from drawn("dX", "dX")
        rows, columns = self._shape
        terms, own = lambda: toeplitz_agrees(self.geometry), "the convolution itself"
        yield compared(pen, data, terms, own, rows * columns)

    @cached_property
    def _shape(self) -> tuple[int, int]:
        from convgrad_cli.layers import vectorize

        return vectorize.toeplitz_shape(self.geometry)

    @cached_property
    def _entries(self) -> Any:
        from convgrad_cli.derivation.vectorize import toeplitz_matrix

        return toeplitz_matrix(self.geometry).entries

    def _entry(self, at: Index) -> Any:
        return self._entries[at[0]][at[1]]
