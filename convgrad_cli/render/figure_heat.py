"""Heat maps: large arrays by colour, centred on 0, the planes of one array on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.render.figure_sheet import INK, MARGIN, SOFT, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from convgrad_cli.render.figure_scene import Scene

PLANES_SHOWN = 6
COLOURS = ("#8a3c00", "#d55e00", "#f2b48a", "#f7f7f7", "#86bbdc", "#0072b2", "#00395c")
"""From Okabe and Ito's vermillion through white to their blue."""


def heat_figure(figure: Figure, scene: Scene, top: float, bottom: float) -> None:
    """A panel per array: its planes on one scale, with one colour bar.

    ``top`` and ``bottom`` bound the panels, in fractions of the figure.
    """
    names = [name for name in ("X", "W", "dY", "Y", "dX", "dW") if name in scene.values]
    columns = -(-len(names) // 2)
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        width = (1 - 2 * MARGIN / WIDTH) / columns
        height = (top - bottom) / 2
        box = (MARGIN / WIDTH + column * width, top - (row + 1) * height, width, height)
        _panel(figure, name, scene.values[name], box)


def _panel(figure: Figure, name: str, array: Any, box: tuple[float, float, float, float]) -> None:
    """The first planes of one array in a grid, and the bar of their common scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shape = array.shape if array.ndim > 3 else (*array.shape[:2], 1, *array.shape[2:])
    planes = array.reshape(-1, *shape[-2:])
    shown = planes[:PLANES_SHOWN]
    finite = [float(v) for v in (abs(array).max(),) if v == v and v != float("inf")]
    limit = (finite[0] if finite else 1.0) or 1.0
    norm = Normalize(-limit, limit)
    colours = LinearSegmentedColormap.from_list("signed", COLOURS)
    x, y, width, height = box
    more = f", {len(shown)} of {len(planes)} planes" if len(planes) > len(shown) else ""
    title = f"{name}   {'×'.join(map(str, array.shape))}{more}"
    figure.text(
        x, y + height - 0.012, title, fontsize=12, color=INK, fontweight="bold", va="top",
        parse_math=False,
    )  # fmt: skip
    columns = min(len(shown), 3 if len(shown) != 4 else 2)
    rows = -(-len(shown) // columns)
    inner_w, inner_h = width * 0.8 / columns, height * 0.82 / rows
    for number, plane in enumerate(shown):
        r, c = divmod(number, columns)
        spot = (
            x + c * inner_w,
            y + height * 0.9 - (r + 1) * inner_h,
            inner_w * 0.92,
            inner_h * 0.9,
        )
        axes = figure.add_axes(spot)
        axes.imshow(plane.astype(float), cmap=colours, norm=norm, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_anchor("NW")
        for side in axes.spines.values():
            side.set_color("#c9ccd1")
    bar = figure.add_axes((x + width * 0.82, y + height * 0.14, 0.008, height * 0.7))
    colour_bar = figure.colorbar(ScalarMappable(norm, colours), cax=bar)
    colour_bar.ax.tick_params(labelsize=8.5, colors=SOFT)
    colour_bar.outline.set_visible(False)
