"""Step *convolution*: dX and dW seen as convolutions, in words, as a formula and as matrices."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.blocks import Formula, Math, Picture, sentence
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.numbers import total
from convgrad_cli.derivation.pictures import fits, grids, side_by_side
from convgrad_cli.derivation.recipe_words import dilation_words, full_padding_words, keep_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block, Grid
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.targets import Selected

_NOTHING: frozenset[tuple[int, ...]] = frozenset()
MOST_CHECKED = 200_000
"""Terms up to which both ways are compared element by element."""


def convolution_blocks(report: Report, target: str, chosen: Sequence[Selected]) -> Iterator[Block]:
    """The recipe, the formula, the matrices, and whether both ways multiply the same terms."""
    traced = report.derivation.traced
    if not isinstance(traced, TracedConv):
        return
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
        yield from _verdict(report, traced, target, chosen)


class _View:
    """The matrices of one layer in one script."""

    def __init__(
        self, report: Report, traced: TracedConv, target: str, single: Index | None
    ) -> None:
        self.report = report
        self.traced = traced
        self.writer = report.writer
        self.names = report.writer.names
        self.axes = traced.plan.geometry.axes
        self.latex = report.script == "latex"
        self.single = single
        self.planes = _planes(traced, target, single)

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
        yield from self._maps("Y", steps, marks)
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
        yield from self._maps("X", [(padded, name)], marks)
        yield from self._maps("Y", [(dilated, "dilate" if self._strided else "")], _NOTHING)
        if self._numeric("dW") and not marks:
            yield from self._result("dW")

    def which_planes(self) -> Iterator[Block]:
        """Said where there are several samples or channels."""
        geometry = self.traced.plan.geometry
        if max(geometry.batch, geometry.in_channels, geometry.out_channels) > 1:
            yield sentence("The matrices show one plane of each array; the others go alike.")

    def call(self, name: str, *inside: str) -> str:
        """``pad(…)``, in the script."""
        if not name:
            return inside[0]
        if self.latex:
            word = (
                r"\operatorname{rot}_{180^\circ}"
                if name == "rot180"
                else rf"\operatorname{{{name}}}"
            )
            return rf"{word}\left({', '.join(inside)}\right)"
        return f"{name}({', '.join(inside)})"

    def upstream_symbol(self, *, whole: bool = False) -> str:
        """∂L/∂O, with the letters of its plane."""
        if whole:
            return self.writer.atom(self.names.whole_gradient("Y"))
        return self.writer.atom(self.names.plane_gradient("Y", self._letters("n", "k")))

    def _letters(self, *kinds: str) -> tuple[str, ...]:
        variables = self.names.notation.variables
        letters = {"n": variables.sample, "c": variables.channel, "k": variables.filter}
        return tuple(letters[kind] for kind in kinds) + ("",) * len(self.axes)

    def _formula(self, target: str) -> Iterator[Block]:
        """``∂L/∂X = Σ_k conv(rot180(F_k), pad(dilate(∂L/∂O_k)))``."""
        names, writer = self.names, self.writer
        role = names.traced.targets[target]
        upstream = self.upstream_symbol()
        if self._strided:
            upstream = self.call("dilate", upstream)
        if target == "dX":
            kinds, over, size = ("n", "c"), "k", self.traced.plan.geometry.out_channels
            weight = writer.atom(names.plane("W", self._letters("k", "c")))
            pair = [self.call("rot180", weight), self.call("pad", upstream)]
        else:
            kinds, over, size = ("k", "c"), "n", self.traced.plan.geometry.batch
            image = writer.atom(names.plane("X", self._letters("n", "c")))
            padded = any(side for pair in self._padding for side in pair)
            pair = [self.call("pad", image) if padded else image, upstream]
        left = writer.atom(names.plane_gradient(role, self._letters(*kinds)))
        right = self.call("conv", *pair)
        if over not in names.hidden and size > 1:
            letter = self._letters(over)[0]
            base = names.notation.base
            right = f"{writer.script.total(letter, str(base), str(size - 1 + base))} {right}"
        sides = [right]
        lecture = all((a.stride, a.before, a.after, a.dilation) == (1, 0, 0, 1) for a in self.axes)
        if target == "dX" and lecture and over in names.hidden:
            sides.insert(0, self.call("full-conv", pair[0], upstream))
        yield Formula(left, tuple(sides))

    def _maps(
        self, role: str, maps: list[tuple[routes.Map, str]], marks: frozenset[Index]
    ) -> Iterator[Block]:
        """The array's plane after each of the maps, in symbols and in numbers."""
        symbol = self._symbol_of(role)
        for at, (plane, name) in enumerate(maps):
            symbol = self.call(name, symbol)
            marked = marks if at == len(maps) - 1 else _NOTHING
            yield self._picture(symbol, role, plane.shape, plane.source, marked)

    def _picture(
        self,
        symbol: str,
        role: str,
        shape: Index,
        source: Callable[[Index], Index | None],
        marked: frozenset[Index] = _NOTHING,
    ) -> Block:
        """``X = [symbols] = [numbers]``, or a sentence where that is too large."""
        if not fits(shape, self.report.limits.cells):
            low = [min(places) for places in zip(*marked, strict=True)]
            span = [max(p) - m + 1 for p, m in zip(zip(*marked, strict=True), low, strict=True)]
            if not marked or not fits(tuple(span), self.report.limits.cells):
                size = "×".join(map(str, shape))
                return sentence(Math(symbol), f" is {size}: --all shows the matrix.")
            return self._cut_out(symbol, role, source, low, tuple(span))
        array = "dY" if role == "Y" else role
        cells = [self._symbol(role)]
        if array in self.report.derivation.values:
            cells.append(self._number(array))
        parts: list[str | Grid] = []
        for cell in cells:
            matrix = grids(shape, _cell_of(source, cell), marked)
            parts += [" = " if parts else f"{symbol} = ", *side_by_side(matrix)]
        return Picture(tuple(parts))

    def _cut_out(
        self,
        symbol: str,
        role: str,
        source: Callable[[Index], Index | None],
        low: Sequence[int],
        span: Index,
    ) -> Block:
        """The window alone, where the whole would be too large: rows and columns from 0."""

        def shifted(place: Index) -> Index | None:
            return source(tuple(at + start for at, start in zip(place, low, strict=True)))

        places = ",".join(f"{start}:{start + size}" for start, size in zip(low, span, strict=True))
        return self._picture(f"{symbol}[{places}]", role, span, shifted)

    def _flipped(self) -> Block:
        symbol = self.call("rot180", self.writer.atom(self.names.plane("W", self._first("W"))))
        kernel = tuple(axis.kernel for axis in self.axes)
        return self._picture(symbol, "W", kernel, lambda place: routes.flipped(self.axes, place))

    def _result(self, target: str) -> Iterator[Block]:
        """The gradient's own plane in numbers; for dX with the padding's part, which is deleted."""
        role = self.names.traced.targets[target]
        frame = self.names.frames[role]
        shape = tuple(frame.shape[axis] for axis in frame.spatial)
        if not fits(shape, self.report.limits.cells):
            return
        derivation, figures = self.report.derivation, self.report.figures
        leading = self._first(role)[: -len(shape)]

        def cell(place: Index) -> str:
            equation = Equation(derivation, target, (*leading, *place))
            return figures.number(derivation.values.equation(equation))

        left = self.writer.atom(self.names.plane_gradient(role, self._first(role)))
        if target == "dX" and any(side for pair in self._padding for side in pair):
            yield self._uncropped(left, leading)
            yield sentence("The marked part is kept; the rest is the padding's and is deleted.")
        yield Picture((f"{left} = ", *side_by_side(grids(shape, cell))))

    def _uncropped(self, left: str, leading: Index) -> Block:
        """The gradient of the padded input, the input's own part marked."""
        derivation, figures = self.report.derivation, self.report.figures
        shape = tuple(axis.padded for axis in self.axes)
        before = [axis.before for axis in self.axes]
        kept = _crossed([list(range(axis.before, axis.before + axis.size)) for axis in self.axes])

        def cell(place: Index) -> str:
            at = tuple(x - b for x, b in zip(place, before, strict=True))
            pairs = routes.input_route(self.traced, (*leading, *at))
            values = derivation.values
            return figures.number(
                total(values.upstream(y) * values.entry("W", w) for y, w in pairs)
            )

        return Picture((f"{self.call('pad', left)} = ", *side_by_side(grids(shape, cell, kept))))

    @property
    def _strided(self) -> bool:
        return any(axis.stride > 1 for axis in self.axes)

    @property
    def _padding(self) -> tuple[tuple[int, int], ...]:
        return self.traced.plan.geometry.padding

    def _numeric(self, target: str) -> bool:
        return self.report.derivation.values.known(target)

    def _first(self, role: str) -> Index:
        """The plane of an array that is shown, as an index."""
        return (*self.planes[role], *(0 for _ in self.axes))

    def _symbol_of(self, role: str) -> str:
        if role == "Y":
            return self.writer.atom(self.names.plane_gradient("Y", self._first("Y")))
        return self.writer.atom(self.names.plane(role, self._first(role)))

    def _symbol(self, role: str) -> Callable[[Index], str]:
        write = self.writer.gradient if role == "Y" else self.writer.entry
        return lambda place: write(role, (*self.planes[role], *place))

    def _number(self, array: str) -> Callable[[Index], str]:
        values, figures = self.report.derivation.values, self.report.figures
        plane = self.planes["Y" if array == "dY" else array]
        return lambda place: figures.number(values.entry(array, (*plane, *place)))

    def _window(self) -> frozenset[Index]:
        """The cells that the rotated filter covers for a single element of dX."""
        if self.single is None:
            return _NOTHING
        places = zip(self.single[2:], self.axes, strict=True)
        return _crossed([[x + p * a.dilation for p in range(a.kernel)] for x, a in places])

    def _weight_window(self) -> frozenset[Index]:
        """The cells that the dilated dY covers for a single element of dW."""
        if self.single is None:
            return _NOTHING
        places = zip(self.single[2:], self.axes, strict=True)
        return _crossed(
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


def _verdict(
    report: Report, traced: TracedConv, target: str, chosen: Sequence[Selected]
) -> Iterator[Block]:
    """Compare the convolution's terms with the equations', and say how far that went."""
    compared = terms = 0
    for equation in _equations(report, chosen):
        if not routes.agrees(traced, target, equation.index):
            yield sentence(f"The two ways DIFFER in {equation.name}: this is a bug in convgrad.")
            return
        compared += 1
        terms += sum(1 for _ in equation.terms)
        if terms > MOST_CHECKED:
            yield sentence(
                f"Checked in the first {compared} elements: both ways multiply the same."
            )
            return
    elements = "this element" if compared == 1 else f"all {compared} elements"
    yield sentence(
        f"Checked: the convolution multiplies exactly the terms of the equations, in {elements}."
    )


def _equations(report: Report, chosen: Sequence[Selected]) -> Iterator[Equation]:
    for selected in chosen:
        yield from islice(report.derivation.equations(selected), MOST_CHECKED)


def _cell_of(
    source: Callable[[Index], Index | None], cell: Callable[[Index], str]
) -> Callable[[Index], str]:
    def text(place: Index) -> str:
        found = source(place)
        return "0" if found is None else cell(found)

    return text


def _crossed(along: list[list[int]]) -> frozenset[Index]:
    from itertools import product

    return frozenset(product(*along))
