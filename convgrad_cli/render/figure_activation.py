"""The figure of an activation: z → A, dA ∘ σ′(z) = dz, and the curves that the numbers lie on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from convgrad_cli.render.figure_ink import INK, LINE, PAIRS, SOFT
from convgrad_cli.render.figure_layout import Column, Row, Table
from convgrad_cli.render.figure_roles import plane_words
from convgrad_cli.render.figure_sheet import HEIGHT, WIDTH, Arrow, Box, Sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from convgrad_cli.layers.activation import Activation
    from convgrad_cli.render.figure_scene import Scene

VALUE, SLOPE = PAIRS[0], PAIRS[5]
"""The colours of σ and σ′."""
TITLES = {"Y": "z", "A": "A = σ(z)", "derivative": "σ′(z)", "dA": "dA", "dY": "dz"}


def activation_figure(scene: Scene) -> list[list[Box]]:
    """The planes, forward above and backward below, beside the curves or above them; where there
    is no room for those, the planes alone, perhaps all below each other."""
    lead = scene.index[:2]
    Y, A, slope, dA, dY = (
        scene.block(name, lead, title=title, about=plane_words(scene, name, lead))
        for name, title in TITLES.items()
    )
    nothing = Sign("")
    forward: list[Box] = [Y, Arrow("σ"), A, nothing, nothing]
    backward: list[Box] = [dA, Sign("∘"), slope, Sign("="), dY]
    planes = Table([forward, backward], gap=(0.22, 0.4))
    stack: list[list[Box]] = [
        [nothing, Y], [Sign("σ"), A], [nothing, dA], [Sign("∘"), slope], [Sign("="), dY]
    ]  # fmt: skip
    curve = _curve(scene)
    above = Column([planes, replace(curve, height=2.7)], centred=True)
    return [[Row([planes, curve], gap=0.8), above], [planes, Table(stack, gap=(0.22, 0.15))]]


def _curve(scene: Scene) -> Curve:
    activation = scene.layer.activation
    assert activation is not None
    lead = scene.index[:2]
    z, slopes = (scene.values[name] for name in ("Y", "derivative"))
    points = [z[lead].ravel(), scene.values["A"][lead].ravel(), slopes[lead].ravel()]
    return Curve(activation, points, (z[scene.index], slopes[scene.index]))


@dataclass
class Curve:
    """σ and σ′, with the data's points on them; the chosen element's slope is ringed."""

    activation: Activation
    points: list[Any]
    """z, σ(z) and σ′(z) of the plane."""
    chosen: tuple[Any, Any]
    height: float = 3.6

    def size(self, unit: float) -> tuple[float, float]:
        """The same whatever the cells' size."""
        return 3.9, self.height

    def axis(self, unit: float) -> float:
        """The middle."""
        return 1.2

    def draw(self, axes: Axes, x: float, y: float, unit: float) -> None:
        """A small chart, its zero lines drawn and nothing else."""
        import numpy as np

        width, height = self.size(unit)
        chart: Any = axes.figure.add_axes(
            ((x + 0.3) / WIDTH, 1 - (y + height - 0.3) / HEIGHT,
             (width - 0.4) / WIDTH, (height - 0.7) / HEIGHT)
        )  # fmt: skip
        z, values, slopes = (np.asarray(part, float) for part in self.points)
        finite = z[np.isfinite(z)]
        reach = max(2.5, 1.15 * float(np.abs(finite).max(initial=0.0)))
        along = np.linspace(-reach, reach, 801)
        for curve, colour, name in (
            (self.activation.value, VALUE, "σ(z)"),
            (self.activation.slope, SLOPE, "σ′(z)"),
        ):
            chart.plot(along, curve(along), color=colour, linewidth=2, label=name, zorder=3)
        for found, colour in ((values, VALUE), (slopes, SLOPE)):
            chart.plot(z, found, "o", color=colour, ms=6, mec="white", mew=0.8, zorder=4)
        chart.plot(*self.chosen, "o", color="none", ms=11, mec=INK, mew=1.6, zorder=5)
        _quiet(chart)


def _quiet(chart: Any) -> None:
    """Zero lines instead of a box, small figures, the names above."""
    for side in chart.spines.values():
        side.set_visible(False)
    chart.axhline(0, color=LINE, linewidth=1, zorder=1)
    chart.axvline(0, color=LINE, linewidth=1, zorder=1)
    chart.tick_params(labelsize=9, colors=SOFT, length=0)
    chart.set_xlabel("z", fontsize=10, color=SOFT)
    chart.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, frameon=False, fontsize=11,
        handlelength=1.2,
    )  # fmt: skip
