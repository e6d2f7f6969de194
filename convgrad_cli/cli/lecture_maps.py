"""The roads by maps: padding put on and deleted (L10), stride as downsampling (L11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_roads import same
from convgrad_cli.cli.lecture_seen import Road, compared, itself

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.render.views import Symbols


class PaddingRoad(Road):
    """The padding put on, its gradient computed, and deleted."""

    key = "padding"
    title = "Zero padding, and its gradient deleted"

    def numbers(self) -> dict[str, Any]:
        """The padded map and its gradient, with dX inside."""
        from convgrad_cli.layers import strided

        seen, geometry = self.seen, self.geometry
        data: dict[str, Any] = {"padding": geometry.padding}
        if seen.forward:
            data["padded"] = strided.forward(seen.X, seen.W, seen.b, geometry).padded
        if seen.backward:
            back = strided.backward(seen.X, seen.W, seen.dY, geometry)
            data |= {"padded_gradient": back.padded_gradient, "dX": back.dX}
        return data

    def symbols(self, script: str) -> dict[str, Symbols]:
        """The same maps in symbols."""
        from convgrad_cli.derivation import roads

        seen, geometry = self.seen, self.geometry
        shape = (*geometry.input_shape[:2], *(axis.padded for axis in geometry.axes))
        found = {"padded": seen.symbols(script, "X", shape, lambda at: roads.padded(geometry, at))}
        if seen.back:
            found["padded_gradient"] = seen.symbols(
                script, "X", shape, lambda at: roads.padded_gradient(geometry, at), gradient=True
            )
            found["dX"] = seen.symbols(script, "X", geometry.input_shape, itself, gradient=True)
        return found

    def write(self, pen: Any) -> Iterator[Any]:
        """Forward, then back."""
        drawn, padding, outside = self.drawer(pen), self.geometry.padding, _outside(self.geometry)
        if any(side for pair in padding for side in pair):
            sides = ", ".join(f"{before} before and {after} after" for before, after in padding)
            yield pen.sentence(f"Zeros around X ({sides}, per dimension), marked here:")
        else:
            yield pen.sentence("This layer has no padding: nothing is added and nothing deleted.")
        yield from drawn("X padded", "padded", outside)
        if self.seen.back:
            yield pen.sentence(
                "On the way back the padded map has a gradient too; the part that belongs to the "
                "padding (marked) is deleted, for nothing lies under it:"
            )
            yield from drawn("d(X padded)", "padded_gradient", outside)
            yield from drawn("dX", "dX")


class StrideRoad(Road):
    """Stride-1 convolution then downsample; upsample then stride-1 backward."""

    key = "stride"
    title = "Stride as downsampling"

    def numbers(self) -> dict[str, Any]:
        """The maps of the road, and whether they are the strided convolution's own."""
        from convgrad_cli.layers import conv, strided

        geometry, seen = self.geometry, self.seen
        X, W, b, dY = seen.X, seen.W, seen.b, seen.dY
        if not seen.forward:
            return {}
        road = strided.forward(X, W, b, geometry)
        agrees = [same(road.Y, conv.forward(X, W, b, geometry))]
        data = {"stride_one": road.stride_one, "Y": road.Y}
        if seen.backward:
            back = strided.backward(X, W, dY, geometry)
            agrees.append(same(back.dX, conv.grad_input(W, dY, geometry)))
            agrees.append(same(back.dW, conv.grad_weight(X, dY, geometry)))
            data |= {"upsampled": back.upsampled, "dX": back.dX, "dW": back.dW}
        return data | {"agrees": all(agrees)}

    def symbols(self, script: str) -> dict[str, Symbols]:
        """The same maps in symbols; what is thrown away is marked as such."""
        from convgrad_cli.derivation import roads

        seen, geometry, longer = self.seen, self.geometry, self._longer()
        found = {
            "stride_one": seen.symbols(
                script, "Y", longer, lambda i: roads.stride_one(geometry, i)
            ),
            "Y": seen.symbols(script, "Y", geometry.output_shape, itself),
        }
        if seen.back:
            found |= {
                "upsampled": seen.symbols(
                    script, "Y", longer, lambda i: roads.upsampled(geometry, i), gradient=True
                ),
                "dX": seen.symbols(script, "X", geometry.input_shape, itself, gradient=True),
                "dW": seen.symbols(script, "W", geometry.filter_shape, itself, gradient=True),
            }
        return found

    def write(self, pen: Any) -> Iterator[Any]:
        """Forward, back, and the verdict."""
        from convgrad_cli.derivation import roads

        drawn, kept = self.drawer(pen), _every(self.geometry.stride, self._longer())
        yield pen.sentence(
            "Forward: convolve with stride 1, then downsample, that is keep every s-th entry "
            "(marked; the others are thrown away):"
        )
        yield from drawn("Y, stride 1", "stride_one", kept)
        yield from drawn("Y", "Y")
        if self.seen.back:
            yield pen.sentence(
                "Backward: upsample the derivative map (zeros between and after its entries), "
                "then go back with stride 1:"
            )
            yield from drawn("dY upsampled", "upsampled", kept)
            yield from drawn("dX", "dX")
            yield from drawn("dW", "dW")
        terms, own = lambda: roads.agrees(self.geometry), "the strided convolution"
        yield compared(pen, self.data, terms, own)

    def _longer(self) -> tuple[int, ...]:
        """The shape of Y at stride 1."""
        from convgrad_cli.geometry.strided import stride_one_geometry

        return stride_one_geometry(self.geometry).output_shape


def _outside(geometry: Any) -> Callable[[int, int], bool]:
    """Which cells of a padded plane are padding."""
    sides = [(axis.before, axis.before + axis.size) for axis in geometry.axes[-2:]]
    if len(sides) == 1:
        sides = [(-1, 10**9), *sides]

    def marked(row: int, column: int) -> bool:
        return not all(
            low <= at < high for at, (low, high) in zip((row, column), sides, strict=True)
        )

    return marked


def _every(stride: Sequence[int], shape: Sequence[int]) -> Callable[[int, int], bool]:
    """Which cells of a stride-1 plane the stride keeps."""
    steps = tuple(stride)[-2:] if len(stride) > 1 else (1, stride[0])

    def marked(row: int, column: int) -> bool:
        return row % steps[0] == 0 and column % steps[1] == 0

    return marked
