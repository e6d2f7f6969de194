"""The vectorised view of a convolution (Diba, eq. 30 to 35; L16), with symbols and numbers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same
from convgrad_cli.cli.lecture_seen import Road, compared, itself
from convgrad_cli.derivation.equation import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.render.views import Symbols

    Index = tuple[int, ...]


class VectorizedRoad(Road):
    """Windows as rows: Q with its index map, Z = Q·W, and the gradients as products."""

    key = "vectorized"
    title = "The convolution as a matrix product"

    def numbers(self) -> dict[str, Any]:
        """The matrices in numbers, as far as the arrays go, and whether both ways agree."""
        from convgrad_cli.layers import conv, vectorize

        seen, geometry = self.seen, self.geometry
        vectorize.refuse_large(geometry)
        data: dict[str, Any] = {"index_map": vectorize.index_map(geometry)}
        X, W, b, dY = seen.X, seen.W, seen.b, seen.dY
        if not seen.forward:
            return data
        view = vectorize.vectorized(X, W, geometry)
        Z = vectorize.forward(view, b)
        agrees = [same(Z.reshape(geometry.output_shape), conv.forward(X, W, b, geometry))]
        data |= {"Q": view.Q, "W": view.W, "Z": Z}
        if seen.backward:
            dZ = dY.reshape(*dY.shape[:2], -1)
            dW, dQ = vectorize.grad_weight(view, dZ), vectorize.grad_windows(view, dZ)
            dX = vectorize.col2im(view, dQ)
            agrees.append(same(dW.reshape(W.shape), conv.grad_weight(X, dY, geometry)))
            agrees.append(same(dX, conv.grad_input(W, dY, geometry)))
            data |= {"dZ": dZ, "dW": dW, "dQ": dQ, "dX": dX}
        return data | {"agrees": all(agrees)}

    def symbols(self, script: str) -> dict[str, Symbols]:
        """Every matrix of the view by its name in the data; ``col2im`` is dX as sums of dQ."""
        seen, geometry = self.seen, self.geometry
        offsets, positions = self._sizes
        Q = (geometry.batch, geometry.in_channels, positions, offsets)
        W = (*geometry.filter_shape[:2], offsets)
        Z = (*geometry.output_shape[:2], positions)
        found = {
            "Q": seen.symbols(script, "X", Q, self._window),
            "W": seen.symbols(script, "W", W, self._weight),
            "Z": seen.symbols(script, "Y", Z, self._output),
        }
        if seen.back:
            found |= {
                "dZ": seen.symbols(script, "Y", Z, self._output, gradient=True),
                "dW": seen.symbols(script, "W", W, self._weight, gradient=True),
                "dQ": self._written(Q, lambda at: self._product(script, at)),
                "col2im": self._written(geometry.input_shape, lambda at: self._sum(script, at)),
                "dX": seen.symbols(script, "X", geometry.input_shape, itself, gradient=True),
            }
        return found

    def write(self, pen: Any) -> Iterator[Any]:
        """Forward, back, and the verdict."""
        from convgrad_cli.derivation.vectorize import agrees

        drawn, places = self.drawer(pen), self.data["index_map"]
        yield pen.sentence(
            "Each window of the padded X becomes a row of Q, the filter a column (axes of Q: "
            "sample, channel, window, place in the window):"
        )
        yield from drawn("Q", "Q")
        yield pen.sentence("Which flat place of X's plane stands where (−1 is padding):")
        yield from pen.matrices("index map", places)
        yield from drawn("W", "W")
        yield pen.equation("Z", "Q·W" + (" + b" if self.seen.b is not None else ""))
        yield from drawn("Z", "Z")
        if self.seen.back:
            yield from self._back(pen, drawn)
        terms, own = lambda: agrees(self.geometry), "the convolution itself"
        yield compared(pen, self.data, terms, own, places.size)

    def _back(self, pen: Any, drawn: Callable[..., Any]) -> Iterator[Any]:
        yield pen.equation("dW", "Qᵀ·dZ")
        yield from drawn("dZ", "dZ")
        yield from drawn("dW", "dW")
        yield pen.equation("dQ", "dZ·Wᵀ")
        yield from drawn("dQ", "dQ")
        yield pen.sentence("col2im adds every entry of dQ to the place it was copied from:")
        yield from drawn("col2im(dQ)", "col2im")
        yield from drawn("dX", "dX")

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        from math import prod

        geometry = self.geometry
        return prod(geometry.kernel), prod(geometry.output_size)

    @cached_property
    def _rows(self) -> dict[tuple[int, int], Any]:
        """Q by sample and group."""
        from convgrad_cli.derivation.vectorize import window_matrix

        geometry = self.geometry
        return {
            (n, g): window_matrix(geometry, n, g).entries
            for n in range(geometry.batch)
            for g in range(geometry.groups)
        }

    @cached_property
    def _products(self) -> dict[tuple[int, int], Any]:
        """dQ by sample and group: the pairs that each entry adds."""
        from convgrad_cli.derivation.vectorize import window_gradients

        geometry = self.geometry
        return {key: window_gradients(geometry, *key) for key in self._rows}

    @cached_property
    def _gathered(self) -> dict[Index, list[Index]]:
        """col2im: for every entry of X, the places (n, c, window, offset) of dQ added there."""
        from convgrad_cli.derivation.vectorize import gathered_places

        geometry, found = self.geometry, {}
        for n, g in self._rows:
            for index, places in gathered_places(geometry, n, g).items():
                found[index] = [(*index[:2], k, at % self._sizes[0]) for k, at in places]
        return found

    def _place(self, at: Index) -> tuple[tuple[int, int], int, int]:
        """(sample, group), row and column of an entry of Q."""
        n, channel, k, offset = at
        group, c = divmod(channel, self.geometry.channels_per_group)
        return (n, group), k, c * self._sizes[0] + offset

    def _window(self, at: Index) -> Index | None:
        key, row, column = self._place(at)
        found: Index | None = self._rows[key][row][column]
        return found

    def _weight(self, at: Index) -> Index:
        o, c, offset = at
        return (o, c, *_unravel(offset, self.geometry.kernel))

    def _output(self, at: Index) -> Index:
        n, o, k = at
        return (n, o, *_unravel(k, self.geometry.output_size))

    def _product(self, script: str, at: Index) -> str:
        """``∂L/∂O11·F12 + …``, over the filters."""
        key, row, column = self._place(at)
        writer = self.seen.writer(script)
        pairs = self._products[key][row][column]
        return joined(
            [
                writer.script.times.join([writer.gradient("Y", y), writer.entry("W", w)])
                for y, w in pairs
            ]
        )

    def _sum(self, script: str, at: Index) -> str:
        """``dQ_{1,4} + dQ_{2,3}``, counted as the notation counts; 0 where no window reaches."""
        base, geometry = self.seen.notation.base, self.geometry
        shown = [geometry.batch > 1, geometry.in_channels > 1, True, True]
        names = []
        for place in self._gathered[at]:
            parts = [str(part + base) for part, show in zip(place, shown, strict=True) if show]
            names.append(
                f"dQ_{'_'.join(parts)}" if script == "expression" else f"dQ_{{{','.join(parts)}}}"
            )
        return joined(names) or "0"

    def _written(self, shape: Index, cell: Any) -> Symbols:
        """Texts in the shape of the numbers, without leading ones."""
        from convgrad_cli.render.views import Symbols

        full = shape
        while len(full) > 2 and full[0] == 1:
            full = full[1:]
        lead = (0,) * (len(shape) - len(full))
        return Symbols(full, lambda place: cell((*lead, *place)))


def _unravel(flat: int, shape: Index) -> Index:
    index = []
    for size in reversed(shape):
        flat, part = divmod(flat, size)
        index.append(part)
    return tuple(reversed(index))
