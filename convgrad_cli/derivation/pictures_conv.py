"""Step *convolution*: dX and dW seen as convolutions, in words, as a formula and as matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.blocks import Formula, sentence
from convgrad_cli.derivation.canvas import NOTHING, Canvas, crossed
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.numbers import total
from convgrad_cli.derivation.pictures import fits
from convgrad_cli.derivation.recipe_words import dilation_words, full_padding_words, keep_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.conv import TracedConv
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.targets import Selected


def conv_blocks(
    report: Report, traced: TracedConv, target: str, chosen: Sequence[Selected]
) -> Iterator[Block]:
    """The recipe, the formula and the matrices of a convolution's gradient."""
    single = chosen[0].index if len(chosen) == 1 else None
    view = _View(report, traced, target, single)
    match target:
        case "dX":
            yield from view.input_side()
        case "dW":
            yield from view.weight_side()
        case "db":
            left = report.writer.atom(report.writer.names.whole_gradient("b"))
            yield Formula(left, (view.call("sum", view.upstream_symbol(whole=True)),))
    if target in ("dX", "dW"):
        yield from view.which_planes()


class _View(Canvas):
    """The matrices of one convolution in one script."""

    def __init__(
        self, report: Report, traced: TracedConv, target: str, single: Index | None
    ) -> None:
        self.traced = traced
        self.axes = traced.plan.geometry.axes
        self.single = single
        super().__init__(report, _planes(traced, target, single), len(self.axes))

    def input_side(self) -> Iterator[Block]:
        """dX: dilate, pad or crop, rotate, correlate."""
        yield from self._formula("dX")
        if self._strided:
            yield sentence(dilation_words(self.axes))
        yield sentence(full_padding_words(self.axes))
        dilated, padded = routes.dilated_upstream(self.axes), routes.padded_upstream(self.axes)
        marks = self._window()
        steps = [(dilated, "dilate"), (padded, "pad")]
        if not self._strided:
            steps = steps[1:]
        yield from self.maps("dY", steps, marks)
        yield self._flipped()
        if self._numeric("dX") and not marks:
            yield from self._result("dX")

    def weight_side(self) -> Iterator[Block]:
        """dW: pad X, dilate dY, correlate."""
        yield from self._formula("dW")
        if self._strided:
            yield sentence(dilation_words(self.axes))
        yield sentence(keep_words(self.axes))
        padded, dilated = routes.padded_input(self.axes), routes.dilated_upstream(self.axes)
        marks = self._weight_window()
        name = "pad" if padded.shape != tuple(axis.size for axis in self.axes) else ""
        yield from self.maps("X", [(padded, name)], marks)
        yield from self.maps("dY", [(dilated, "dilate" if self._strided else "")], NOTHING)
        if self._numeric("dW") and not marks:
            yield from self._result("dW")

    def which_planes(self) -> Iterator[Block]:
        """Said where there are several samples or channels."""
        geometry = self.traced.plan.geometry
        if max(geometry.batch, geometry.in_channels, geometry.out_channels) > 1:
            yield sentence("The matrices show one plane of each array; the others go alike.")

    def upstream_symbol(self, *, whole: bool = False) -> str:
        """∂L/∂O, with the letters of its plane."""
        if whole:
            return self.writer.atom(self.names.whole_gradient("Y"))
        return self.writer.atom(self.names.plane_gradient("Y", self.letters("n", "k")))

    def _formula(self, target: str) -> Iterator[Block]:
        """``∂L/∂X = Σ_k conv(rot180(F_k), pad(dilate(∂L/∂O_k)))``."""
        names, writer = self.names, self.writer
        role = names.traced.targets[target]
        upstream = self.upstream_symbol()
        if self._strided:
            upstream = self.call("dilate", upstream)
        if target == "dX":
            kinds, over, size = ("n", "c"), "k", self.traced.plan.geometry.out_channels
            weight = writer.atom(names.plane("W", self.letters("k", "c")))
            pair = [self.call("rot180", weight), self.call("pad", upstream)]
        else:
            kinds, over, size = ("k", "c"), "n", self.traced.plan.geometry.batch
            image = writer.atom(names.plane("X", self.letters("n", "c")))
            padded = any(side for pair in self._padding for side in pair)
            pair = [self.call("pad", image) if padded else image, upstream]
        left = writer.atom(names.plane_gradient(role, self.letters(*kinds)))
        right = self.call("conv", *pair)
        if over not in names.hidden and size > 1:
            letter = self.letters(over)[0]
            base = names.notation.base
            right = f"{writer.script.total(letter, str(base), str(size - 1 + base))} {right}"
        sides = [right]
        lecture = all((a.stride, a.before, a.after, a.dilation) == (1, 0, 0, 1) for a in self.axes)
        if target == "dX" and lecture and over in names.hidden:
            sides.insert(0, self.call("full-conv", pair[0], upstream))
        yield Formula(left, tuple(sides))

    def _flipped(self) -> Block:
        symbol = self.call("rot180", self.writer.atom(self.names.plane("W", self.first("W"))))
        kernel = tuple(axis.kernel for axis in self.axes)
        return self.picture(symbol, "W", kernel, lambda place: routes.flipped(self.axes, place))

    def _result(self, target: str) -> Iterator[Block]:
        """The gradient's own plane in numbers; for dX with the padding's part, which is deleted."""
        role = self.names.traced.targets[target]
        frame = self.names.frames[role]
        shape = tuple(frame.shape[axis] for axis in frame.spatial)
        if not fits(shape, self.report.limits.cells):
            return
        derivation = self.report.derivation
        leading = self.first(role)[: -len(shape)]

        def cell(place: Index) -> int | float:
            return derivation.values.equation(Equation(derivation, target, (*leading, *place)))

        left = self.writer.atom(self.names.plane_gradient(role, self.first(role)))
        if target == "dX" and any(side for pair in self._padding for side in pair):
            yield self._uncropped(left, leading)
            yield sentence("The marked part is kept; the rest is the padding's and is deleted.")
        yield self.numbers(left, shape, cell)

    def _uncropped(self, left: str, leading: Index) -> Block:
        """The gradient of the padded input, the input's own part marked."""
        values = self.report.derivation.values
        shape = tuple(axis.padded for axis in self.axes)
        before = [axis.before for axis in self.axes]
        kept = crossed([list(range(axis.before, axis.before + axis.size)) for axis in self.axes])

        def cell(place: Index) -> int | float:
            at = tuple(x - b for x, b in zip(place, before, strict=True))
            pairs = routes.input_route(self.traced.plan.geometry, (*leading, *at))
            return total(values.upstream(y) * values.entry("W", w) for y, w in pairs)

        return self.numbers(self.call("pad", left), shape, cell, kept)

    @property
    def _strided(self) -> bool:
        return any(axis.stride > 1 for axis in self.axes)

    @property
    def _padding(self) -> tuple[tuple[int, int], ...]:
        return self.traced.plan.geometry.padding

    def _numeric(self, target: str) -> bool:
        return self.report.derivation.values.known(target)

    def _window(self) -> frozenset[Index]:
        """The cells that the rotated filter covers for a single element of dX."""
        if self.single is None:
            return NOTHING
        places = zip(self.single[2:], self.axes, strict=True)
        return crossed([[x + p * a.dilation for p in range(a.kernel)] for x, a in places])

    def _weight_window(self) -> frozenset[Index]:
        """The cells that the dilated dY covers for a single element of dW."""
        if self.single is None:
            return NOTHING
        places = zip(self.single[2:], self.axes, strict=True)
        return crossed(
            [[p * a.dilation + i * a.stride for i in range(a.output)] for p, a in places]
        )


def _planes(traced: TracedConv, target: str, single: Index | None) -> dict[str, tuple[int, int]]:
    """Which plane of X, W and Y is shown: the first, or the first that a single element meets."""
    geometry = traced.plan.geometry
    if single is None or target not in ("dX", "dW"):
        return {"X": (0, 0), "W": (0, 0), "Y": (0, 0)}
    if target == "dX":
        n, channel = single[:2]
        group, c = divmod(channel, geometry.channels_per_group)
        o = group * geometry.filters_per_group
    else:
        n, (o, c) = 0, single[:2]
        channel = o // geometry.filters_per_group * geometry.channels_per_group + c
    return {"X": (n, channel), "W": (o, c), "Y": (n, o)}
