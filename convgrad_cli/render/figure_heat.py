"""Heat maps: large arrays by colour, centred on 0, the planes of one array on one scale.

Every gradient stands below its array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convgrad_cli.render.figure_activation import TITLES
from convgrad_cli.render.figure_ink import INK, LINE, SOFT, text_width
from convgrad_cli.render.figure_sheet import HEIGHT, MARGIN, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convgrad_cli.render.figure_scene import Scene

PLANES_SHOWN = 6
COLOURS = ("#8a3c00", "#d55e00", "#f2b48a", "#f7f7f7", "#86bbdc", "#0072b2", "#00395c")
"""From Okabe and Ito's vermillion through white to their blue."""
NO_NUMBER = "#b9bdc4"
"""The colour of NaN."""
ROWS = (("X", "W", "Y", "A", "derivative"), ("dX", "dW", "dY", "dA"))
GAP, TITLE, BAR, LABELS = 0.08, 0.34, 0.11, 0.62
"""Inches between planes, of a title, of a bar, and of the figures beside it."""
SLIMMEST = 6.0
"""A plane that is longer than this many times its other side is drawn thicker than to scale."""


class Area(NamedTuple):
    """A part of the figure in inches, y downward."""

    x: float
    y: float
    width: float
    height: float

    def add_axes(self, figure: Figure) -> Any:
        """Axes that fill it."""
        bottom = 1 - (self.y + self.height) / HEIGHT
        return figure.add_axes((self.x / WIDTH, bottom, self.width / WIDTH, self.height / HEIGHT))


def heat_figure(figure: Figure, scene: Scene, top: float, bottom: float) -> None:
    """A panel per array: its planes on one scale, with one colour bar.

    ``top`` and ``bottom`` bound the panels, in inches from above.
    """
    shown = set(scene.values)
    if scene.layer.kind != "activation":
        shown.discard("derivative")  # of a convolution's own, five in a row would be too small
    rows = [[name for name in row if name in shown] for row in ROWS]
    columns = max(map(len, rows))
    width = (WIDTH - 2 * MARGIN + 0.3) / columns
    height = (bottom - top + 0.3) / len(rows)
    for r, row in enumerate(rows):
        for c, name in enumerate(row):
            area = Area(MARGIN + c * width, top + r * height, width - 0.3, height - 0.3)
            _panel(figure, scene, name, area)


def _panel(figure: Figure, scene: Scene, name: str, area: Area) -> None:
    """The first planes of one array in a grid, and the bar of their common scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    array = scene.values[name]
    spatial = array.shape[-min(2, scene.layer.plan.geometry.dims) :]
    planes = array.reshape(-1, *((1,) * (2 - len(spatial))), *spatial)
    shown = planes[:PLANES_SHOWN]
    _title(figure, scene, name, area, len(shown), len(planes))
    norm = Normalize(-_limit(array), _limit(array))
    colours = LinearSegmentedColormap.from_list("signed", COLOURS).with_extremes(bad=NO_NUMBER)
    room = Area(area.x, area.y + TITLE, area.width - BAR - LABELS, area.height - TITLE)
    spots = _spots(room, len(shown), planes.shape[-2:])
    for plane, spot in zip(shown, spots, strict=True):
        _image(spot.add_axes(figure), plane, colours, norm)
    right, low = (max(s.x + s.width for s in spots), max(s.y + s.height for s in spots))
    bar = Area(right + 0.12, room.y, BAR, max(low - room.y, 0.9)).add_axes(figure)
    colour_bar = figure.colorbar(ScalarMappable(norm, colours), cax=bar)
    colour_bar.ax.tick_params(labelsize=9, colors=SOFT, length=2)
    colour_bar.locator = _few_ticks()
    colour_bar.update_ticks()
    colour_bar.outline.set_visible(False)


def _title(figure: Figure, scene: Scene, name: str, area: Area, shown: int, count: int) -> None:
    called = TITLES[name] if scene.layer.kind == "activation" else name
    title = f"{called}   {'×'.join(map(str, scene.layer.arrays[name].shape))}"
    top = 1 - area.y / HEIGHT
    figure.text(
        area.x / WIDTH, top, title, fontsize=12, color=INK, fontweight="bold", va="top",
        parse_math=False,
    )  # fmt: skip
    if count == shown:
        return
    more = f"{shown} of {count} planes"
    if text_width(title, 12, bold=True) + text_width(more, 10) + 0.1 > area.width:
        more = f"{shown} of {count}"
    right = (area.x + area.width) / WIDTH
    figure.text(right, top, more, fontsize=10, color=SOFT, va="top", ha="right")


def _limit(array: Any) -> float:
    """The largest finite magnitude, and 1 where all is 0."""
    import numpy as np

    sizes = np.abs(array.astype(float))
    return float(sizes[np.isfinite(sizes)].max(initial=0.0)) or 1.0


def _spots(room: Area, count: int, shape: tuple[int, ...]) -> list[Area]:
    """Where the planes stand, as large as they may be."""
    ratio = min(max(shape[1] / shape[0], 1 / SLIMMEST), SLIMMEST)

    def height(columns: int) -> float:
        rows = -(-count // columns)
        across = (room.width - GAP * (columns - 1)) / columns / ratio
        return min(across, (room.height - GAP * (rows - 1)) / rows)

    columns = max(range(1, count + 1), key=height)
    tall = height(columns)
    wide = tall * ratio
    return [
        Area(room.x + c * (wide + GAP), room.y + r * (tall + GAP), wide, tall)
        for r, c in (divmod(number, columns) for number in range(count))
    ]


def _image(axes: Any, plane: Any, colours: Any, norm: Any) -> None:
    import numpy as np

    data = plane.astype(float)
    ends = np.clip(data, norm.vmin, norm.vmax)  # an infinity has the last colour of its side
    axes.imshow(
        np.where(np.isinf(data), ends, data), cmap=colours, norm=norm, interpolation="nearest",
        aspect="auto",
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(LINE)


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=5, symmetric=True)
