"""A transposed convolution seen as convolutions (lecture 12; L13).

Y  = conv(rot180(W), pad(dilate(X)))     the recipe of a convolution's dX, for X instead of dY
dX = conv(W, pad(dY))                    the forward pass of that convolution
dW = conv(pad(dY), dilate(X))            its dW, the two exchanged
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.blocks import Formula, sentence
from convgrad_cli.derivation.canvas import Canvas
from convgrad_cli.derivation.recipe_words import dilation_words, full_padding_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.targets import Selected
    from convgrad_cli.derivation.transposed import TracedTransposed


def transposed_blocks(
    report: Report, traced: TracedTransposed, target: str, chosen: Sequence[Selected]
) -> Iterator[Block]:
    """The formula, the words and the matrices of one target."""
    single = chosen[0].index if len(chosen) == 1 else None
    view = _View(report, traced, target, single)
    match target:
        case "Y":
            yield from view.forward()
        case "dX":
            yield from view.input_side()
        case "dW":
            yield from view.weight_side()
        case "db":
            upstream = report.writer.atom(report.writer.names.whole_gradient("Y"))
            left = report.writer.atom(report.writer.names.whole_gradient("b"))
            yield Formula(left, (view.call("sum", upstream),))


class _View(Canvas):
    """The matrices of one transposed convolution in one script."""

    def __init__(
        self, report: Report, traced: TracedTransposed, target: str, single: Index | None
    ) -> None:
        self.geometry = traced.plan.geometry
        self.below = self.geometry.convolution
        self.bias = traced.bias
        self.axes = traced.axes
        super().__init__(report, self._planes(target, single), len(self.axes))

    def forward(self) -> Iterator[Block]:
        """Y: zeros between X's entries, padding, the rotated filter."""
        weight = self.call("rot180", self._plane("W", "c", "k"))
        image = self._dilated(self._plane("X", "n", "c"))
        right = self._over("c", self.call("conv", weight, self.call("pad", image)))
        if self.bias:
            right += f" + {self.writer.atom(self.names.plane('b', self.letters('k')[:1]))}"
        yield Formula(self._plane("Y", "n", "k"), (right,))
        yield sentence(
            "This is the input gradient of the convolution that leads from the output back to the "
            "input with the same filter, taken for the input instead of an upstream gradient."
        )
        if self._strided:
            yield sentence(dilation_words(self.axes, "the input"))
        yield sentence(full_padding_words(self.axes, "output padding"))
        if any(self.geometry.surplus):
            yield sentence(
                "The output's last rows or columns lie beyond: only a bias reaches them."
            )
        steps = [(routes.padded_upstream(self.axes), "pad")]
        if self._strided:
            steps.insert(0, (routes.dilated_upstream(self.axes), "dilate"))
        yield from self.maps("X", steps)
        yield self._flipped()
        yield from self._which_planes()

    def input_side(self) -> Iterator[Block]:
        """dX: the forward pass of the convolution underneath."""
        upstream = self._padded(self._gradient("Y", "n", "k"))
        right = self._over("k", self.call("conv", self._plane("W", "c", "k"), upstream))
        yield Formula(self._gradient("X", "n", "c"), (right,))
        words = "The forward pass of that convolution: slide the filter over the upstream gradient"
        strides = ",".join(str(axis.stride) for axis in self.axes)
        yield (
            sentence(f"{words} with stride {strides}, or as many steps per dimension.")
            if (len({axis.stride for axis in self.axes}) > 1)
            else sentence(f"{words} with stride {self.axes[0].stride}.")
        )
        yield from self.maps("dY", [(routes.padded_input(self.axes), self._pad_name)])
        yield from self._which_planes()

    def weight_side(self) -> Iterator[Block]:
        """dW: the upstream gradient correlated with the dilated input."""
        image = self._dilated(self._plane("X", "n", "c"))
        upstream = self._padded(self._gradient("Y", "n", "k"))
        right = self._over("n", self.call("conv", upstream, image))
        yield Formula(self._gradient("W", "c", "k"), (right,))
        if self._strided:
            yield sentence(dilation_words(self.axes, "the input"))
        yield sentence(
            "Slide it over the upstream gradient; input and output exchange their roles."
        )
        yield from self.maps("dY", [(routes.padded_input(self.axes), self._pad_name)])
        name = "dilate" if self._strided else ""
        yield from self.maps("X", [(routes.dilated_upstream(self.axes), name)])
        yield from self._which_planes()

    def _flipped(self) -> Block:
        symbol = self.call("rot180", self.symbol_of("W"))
        kernel = tuple(axis.kernel for axis in self.axes)
        return self.picture(symbol, "W", kernel, lambda place: routes.flipped(self.axes, place))

    def _plane(self, role: str, *kinds: str) -> str:
        return self.writer.atom(self.names.plane(role, self.letters(*kinds)))

    def _gradient(self, role: str, *kinds: str) -> str:
        return self.writer.atom(self.names.plane_gradient(role, self.letters(*kinds)))

    def _dilated(self, symbol: str) -> str:
        return self.call("dilate" if self._strided else "", symbol)

    def _padded(self, symbol: str) -> str:
        return self.call(self._pad_name, symbol)

    def _over(self, kind: str, right: str) -> str:
        """The sum over samples or channels in front, where there are several."""
        geometry = self.geometry
        size = {"n": geometry.batch, "c": geometry.in_channels, "k": geometry.out_channels}[kind]
        if kind in self.names.hidden or size == 1:
            return right
        base = self.names.notation.base
        letter = self.letters(kind)[0]
        sign = self.writer.script.total(letter, str(base), str(size - 1 + base))
        return f"{sign} {right}"

    def _which_planes(self) -> Iterator[Block]:
        geometry = self.geometry
        if max(geometry.batch, geometry.in_channels, geometry.out_channels) > 1:
            yield sentence("The matrices show one plane of each array; the others go alike.")

    def _planes(self, target: str, single: Index | None) -> dict[str, tuple[int, ...]]:
        """The plane of X, W and Y that is shown: the first, or one that a single element meets."""
        n, first, second = (
            (0, 0, 0) if single is None or target == "db" else _places(target, single)
        )
        per_group, outputs = self.below.filters_per_group, self.below.channels_per_group
        if target == "Y":
            group, k = divmod(second, outputs)
            c = group * per_group
        elif target == "dX":
            c, k, group = first, 0, first // per_group
        else:
            c, k, group = first, second, first // per_group
        return {"X": (n, c), "W": (c, k), "Y": (n, group * outputs + k)}

    @property
    def _strided(self) -> bool:
        return any(axis.stride > 1 for axis in self.axes)

    @property
    def _pad_name(self) -> str:
        return "pad" if any(axis.before or axis.after for axis in self.axes) else ""


def _places(target: str, single: Index) -> tuple[int, int, int]:
    """Sample, input channel and output channel that the element tells."""
    match target:
        case "Y":
            return single[0], 0, single[1]
        case "dX":
            return single[0], single[1], 0
    return 0, single[0], single[1]
