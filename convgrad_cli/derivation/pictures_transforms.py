"""One filter under several transforms, seen as convolutions (lecture 12; L14).

Y_t = conv(X, T_t F)
dX  = sum over t of conv(rot180(T_t F), pad(dY_t))
dF  = sum over t of T_t*(conv(X, dY_t))      T*: pulled back, each entry to where it came from
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.blocks import Formula, sentence
from convgrad_cli.derivation.canvas import Canvas
from convgrad_cli.derivation.numbers import total
from convgrad_cli.derivation.pictures import fits
from convgrad_cli.geometry.transforms import copies, scale, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.transforms import TracedTransforms

MOST_PRODUCTS = 20_000
"""Products that are summed for the matrices of the transforms' shares."""

_ADJOINTS = {
    "rot90": "rot270",
    "rot270": "rot90",
    "scale2": "sums of 2×2 blocks",
}


def transforms_blocks(report: Report, traced: TracedTransforms, target: str) -> Iterator[Block]:
    """The formula and, for dX and dW, every transform's own matrices."""
    view = _View(report, traced)
    match target:
        case "Y":
            yield from view.forward()
        case "dX":
            yield from view.input_side()
        case "dW":
            yield from view.weight_side()
        case "db":
            names = report.writer.names
            right = view.call("sum", report.writer.atom(names.whole_gradient("Y")))
            yield Formula(report.writer.atom(names.whole_gradient("b")), (right,))


class _View(Canvas):
    """The matrices of one filter under its transforms, in one script."""

    def __init__(self, report: Report, traced: TracedTransforms) -> None:
        self.geometry = traced.plan.geometry
        self.bias = traced.bias
        planes = {"X": (0, 0), "W": (0, 0), "Y": (0, 0, 0)}
        super().__init__(report, planes, 2)

    def forward(self) -> Iterator[Block]:
        """Every map is an ordinary convolution, with the transformed filter."""
        image = self.writer.atom(self.names.plane("X", self.letters("n", "c")))
        right = self._summed("c", self.call("conv", self._padded(image), self._filter))
        if self.bias:
            right += f" + {self.writer.atom(self.names.plane('b', self.letters('k')[:1]))}"
        yield Formula(self.writer.atom(self.names.plane("Y", self._output)), (right,))
        yield from self._filters()

    def input_side(self) -> Iterator[Block]:
        """dX: every map's own input gradient, summed."""
        rotated = self.call("rot180", self._filter)
        right = self.call("conv", rotated, self.call("pad", self._dilated(self._upstream)))
        left = self.names.plane_gradient("X", self.letters("n", "c"))
        yield Formula(self.writer.atom(left), (self._summed("t", self._summed("k", right)),))
        yield from self._filters()

    def weight_side(self) -> Iterator[Block]:
        """dW: every transformed filter's gradient, pulled back through its transform, summed."""
        image = self._padded(self.writer.atom(self.names.plane("X", self.letters("n", "c"))))
        star = "T_t^{*}" if self.latex else "T*_t"
        share = self._summed("n", self.call("conv", image, self._dilated(self._upstream)))
        brackets = (r"\left(", r"\right)") if self.latex else ("(", ")")
        right = self._summed("t", f"{star}{brackets[0]}{share}{brackets[1]}")
        left = self.names.plane_gradient("W", self.letters("k", "c"))
        yield Formula(self.writer.atom(left), (right,))
        yield sentence(
            "The gradient of a transformed filter is pulled back through its transform: every "
            "entry goes to the place of the filter that it was copied from."
        )
        for name in self.geometry.names:
            back = _ADJOINTS.get(name)
            if back:
                yield sentence(f"{name} is pulled back by {back}.")
        if self.report.derivation.values.known("dW"):
            yield from self._shares()
        else:
            yield from self._filters()

    def _filters(self) -> Iterator[Block]:
        """T F in symbols and numbers, transform by transform."""
        filters, channels = self.geometry.filter_shape[:2]
        symbol, k = self.symbol_of("W"), self.geometry.filter_size
        for name in self.geometry.names:
            size = k * scale(name)

            def at(place: Index, name: str = name) -> Index:
                return source(name, (place[0], place[1]), k)

            yield self.picture(self.call(name, symbol), "W", (size, size), at)
        if max(filters, channels) > 1:
            yield sentence("The matrices show one plane of the filter; the others go alike.")

    def _shares(self) -> Iterator[Block]:
        """Each transform's gradient before and after it is pulled back, and their sum."""
        geometry, k = self.geometry, self.geometry.filter_size
        largest = k * max(map(scale, geometry.names))
        if not self._readable(largest):
            yield sentence("The transforms' own gradients are too large to be shown here.")
            return
        pulled: list[dict[Index, int | float]] = []
        for s, name in enumerate(geometry.names):
            size = k * scale(name)
            share: dict[Index, int | float] = {
                (p, q): self._share(s, (p, q)) for p in range(size) for q in range(size)
            }
            yield self._matrix(self._gradient_of(self.call(name, self.symbol_of("W"))), share)
            back: dict[Index, int | float] = {
                (p, q): total(share[at] for at in copies(name, (p, q), k))
                for p in range(k)
                for q in range(k)
            }
            if name != "identity":
                yield self._matrix(
                    rf"\text{{{name}, back}}" if self.latex else f"{name}, back", back
                )
            pulled.append(back)
        yield sentence("Their sum, pulled back:")
        gradient = self.writer.atom(self.names.plane_gradient("W", self.first("W")))
        yield self._matrix(gradient, {at: total(back[at] for back in pulled) for at in pulled[0]})

    def _readable(self, largest: int) -> bool:
        places = sum(each.batch * prod(each.output_size) for each in self.geometry.maps)
        fitting = fits((largest, largest), self.report.limits.cells)
        return fitting and places * largest * largest <= MOST_PRODUCTS

    def _matrix(self, label: str, cells: Mapping[Index, int | float]) -> Block:
        """The numbers of a square matrix."""
        size = max(cells)[0] + 1
        return self.numbers(label, (size, size), lambda at: cells[at])

    def _gradient_of(self, symbol: str) -> str:
        """The gradient with respect to a transformed filter, in the script."""
        loss = self.names.notation.loss
        if self.latex:
            return rf"\frac{{\partial {loss}}}{{\partial {symbol}}}"
        d = "d" if self.report.script == "ascii" else "∂"
        return f"{d}{loss}/{d}{symbol}"

    def _share(self, s: int, place: tuple[int, int]) -> int | float:
        values = self.report.derivation.values
        pairs = routes.weight_route(self.geometry.maps[s], (0, 0, *place))
        return total(
            values.entry("dY", (n, s, *rest)) * values.entry("X", x) for (n, *rest), x in pairs
        )

    @property
    def _filter(self) -> str:
        symbol = self.writer.atom(self.names.plane("W", self.letters("k", "c")))
        return rf"T_t {symbol}" if self.latex else f"T_t({symbol})"

    @property
    def _output(self) -> tuple[str, ...]:
        return self.letters("n", "t", "k")

    @property
    def _upstream(self) -> str:
        return self.writer.atom(self.names.plane_gradient("Y", self._output))

    def _dilated(self, symbol: str) -> str:
        strided = any(axis.stride > 1 for axis in self.geometry.axes)
        return self.call("dilate" if strided else "", symbol)

    def _padded(self, symbol: str) -> str:
        sides = (side for each in self.geometry.maps for pair in each.padding for side in pair)
        return self.call("pad" if any(sides) else "", symbol)

    def _summed(self, kind: str, right: str) -> str:
        """The sum over samples, channels, filters or transforms in front, where there are any."""
        first = self.geometry.maps[0]
        sizes = {
            "n": first.batch,
            "c": first.channels_per_group,
            "k": first.out_channels,
            "t": len(self.geometry.names),
        }
        if kind in self.names.hidden or sizes[kind] == 1:
            return right
        base = self.names.notation.base
        letter = self.letters(kind)[0]
        return f"{self.writer.script.total(letter, str(base), str(sizes[kind] - 1 + base))} {right}"
