"""The vectorised views of a convolution (Diba, eq. 30 to 35; L16), with symbols and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same, verdict, without_ones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.derivation.vectorize import SymbolMatrix


def vectorized_view(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """Windows as rows: Q with its index map, Z = Q·W, and the gradients as products."""
    from convgrad_cli.derivation.vectorize import filter_matrix, window_matrix
    from convgrad_cli.layers import conv, vectorize
    from convgrad_cli.render.views import View

    geometry = plan.geometry
    view = vectorize.vectorized(X, W, geometry)
    Z = vectorize.forward(view, b)
    agrees = [same(Z.reshape(geometry.output_shape), conv.forward(X, W, b, geometry))]
    data: dict[str, Any] = {"Q": view.Q, "index_map": view.index_map, "W": view.W, "Z": Z}
    if dY is not None:
        dZ = dY.reshape(*dY.shape[:2], -1)
        dW, dQ = vectorize.grad_weight(view, dZ), vectorize.grad_windows(view, dZ)
        dX = vectorize.col2im(view, dQ)
        agrees.append(same(dW.reshape(W.shape), conv.grad_weight(X, dY, geometry)))
        agrees.append(same(dX, conv.grad_input(W, dY, geometry)))
        data |= {"dZ": dZ, "dW": dW, "dQ": dQ, "dX": dX}
    data["agrees"] = all(agrees)

    def write(pen: Any) -> Any:
        names = _names(plan, pen)
        yield pen.sentence(
            "Each window of the padded X becomes a row of Q, the filter a column (of the first "
            "sample and group; axes Q: sample, channel, window, place in the window):"
        )
        yield _symbols(pen, "Q", window_matrix(geometry), names)
        yield _symbols(pen, "W", filter_matrix(geometry), names)
        yield pen.sentence("Which flat place of X's plane stands where (−1 is padding):")
        yield from pen.matrices("index map", view.index_map)
        yield from pen.matrices("Q", without_ones(view.Q))
        yield from pen.matrices("W", without_ones(view.W))
        yield pen.equation("Z", "Q·W" + (" + b" if b is not None else ""))
        yield from pen.matrices("Z", without_ones(Z))
        if dY is not None:
            yield pen.equation("dW", "Qᵀ·dZ")
            yield from pen.matrices("dZ", without_ones(data["dZ"]))
            yield from pen.matrices("dW", without_ones(data["dW"]))
            yield pen.equation("dQ", "dZ·Wᵀ")
            yield from pen.matrices("dQ", without_ones(data["dQ"]))
            yield pen.sentence("col2im adds every entry of dQ to the place it was copied from:")
            yield from pen.matrices("dX", without_ones(data["dX"]))
        yield verdict(pen, data["agrees"], "the convolution itself")

    return View("vectorized", "The convolution as a matrix product", write, data)


def toeplitz_view(plan: Any, X: Any, W: Any, b: Any, dY: Any) -> Any:
    """One matrix T of the weights alone: Y = T·x, dX = Tᵀ·dY."""
    from convgrad_cli.derivation.vectorize import toeplitz_matrix
    from convgrad_cli.layers import conv, vectorize
    from convgrad_cli.layers.sums import total
    from convgrad_cli.render.views import View

    geometry = plan.geometry
    T = vectorize.toeplitz(W, geometry)
    Y = vectorize.times(T, X).reshape(geometry.output_shape)
    if b is not None:
        Y = total(Y, b.reshape(-1, *(1,) * geometry.dims))
    agrees = [same(Y, conv.forward(X, W, b, geometry))]
    data: dict[str, Any] = {"T": T, "Y": Y}
    if dY is not None:
        dX = vectorize.times(T.T, dY).reshape(geometry.input_shape)
        agrees.append(same(dX, conv.grad_input(W, dY, geometry)))
        data["dX"] = dX
    data["agrees"] = all(agrees)

    def write(pen: Any) -> Any:
        yield pen.sentence(
            "The layer is linear in X, so it is one matrix: a row per entry of Y, a column per "
            "entry of X (flattened row-major), the weights where they meet:"
        )
        yield _symbols(pen, "T", toeplitz_matrix(geometry), _names(plan, pen))
        yield from pen.matrices("T", T)
        yield pen.equation("Y", "T·x" + (" + b" if b is not None else ""))
        yield from pen.matrices("Y", without_ones(Y))
        if dY is not None:
            yield pen.equation("dX", "Tᵀ·dY")
            yield from pen.matrices("dX", without_ones(data["dX"]))
        yield verdict(pen, data["agrees"], "the convolution itself")

    return View("toeplitz", "The convolution as one sparse matrix", write, data)


def _names(plan: Any, pen: Any) -> Any:
    """The slides' names of X's and W's entries, in the pen's script."""
    from convgrad_cli.derivation import NOTATIONS, Names, TracedConv, Writer

    return Writer(Names(NOTATIONS["slides"], TracedConv(plan)), pen.script)


def _symbols(pen: Any, label: str, matrix: SymbolMatrix, names: Any) -> Any:
    def cell(index: Sequence[int] | None) -> str:
        return "0" if index is None else str(names.entry(matrix.operand, index))

    return pen.symbols(label, [[cell(index) for index in row] for row in matrix.entries])
