"""Figures: valid files, the same bytes each time, the right labels as text in the SVG."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import zlib
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from convgrad_cli.errors import UsageError
from convgrad_cli.render.facts import facts
from convgrad_cli.render.figure import CONV_KINDS, figure, kinds_of, save
from convgrad_cli.render.layer import Layer
from tests.render.figure_layers import EVERY
from tests.render.page_layers import LAYERS, conv_layer, integers, with_results

pytest.importorskip("matplotlib")

DRAWN = [
    (name, kind)
    for name, layer in EVERY.items()
    for kind in kinds_of(layer)
    if kind == "heatmap" or name not in ("space", "channels")
]


def drawn(layer: Layer, kind: str, form: str = "svg", **options: Any) -> bytes:
    layer = layer if {"Y", "derivative"} & layer.arrays.keys() else with_results(layer)
    stream = io.BytesIO()
    save(figure(layer, kind, **options), stream, form)
    return stream.getvalue()


def texts(svg: bytes) -> list[str]:
    """Every piece of text in an SVG; matplotlib's own minus sign as a hyphen."""
    root = ElementTree.fromstring(svg)
    found = ["".join(e.itertext()).strip() for e in root.iter("{http://www.w3.org/2000/svg}text")]
    return [text.replace("−", "-") for text in found if text]


def cells(array: Any) -> Counter[str]:
    """The numbers of a plane as cells show them."""
    return Counter(
        f"{v:.3g}" if isinstance(v, float) and not v.is_integer() else str(int(v))
        for v in np.asarray(array).ravel().tolist()
    )


@pytest.mark.parametrize(("name", "kind"), DRAWN, ids=str)
def test_every_kind_of_every_layer_is_a_readable_svg(name: str, kind: str) -> None:
    """No path stands in for a letter: text is text."""
    svg = drawn(EVERY[name], kind, title="A title", facts=facts(EVERY[name]))
    assert "A title" in texts(svg)
    assert facts(EVERY[name]).replace("−", "-") in texts(svg)
    assert b"#DejaVu" not in svg


SAME = [("recitation-2", kind, "svg") for kind in CONV_KINDS] + [
    ("recitation-2", "dX", "png"),
    ("recitation-2", "dX", "pdf"),
    ("conv-tanh", "activation", "svg"),
    ("conv-tanh", "activation", "pdf"),
    ("nearest", "upsample", "svg"),
    ("ties", "maxpool", "svg"),
    ("space", "heatmap", "pdf"),
]


@pytest.mark.parametrize(("name", "kind", "form"), SAME)
def test_equal_figures_are_equal_bytes(name: str, kind: str, form: str) -> None:
    one, two = (drawn(EVERY[name], kind, form, title="t") for _ in range(2))
    assert one == two
    assert b"Date" not in one


def test_files_are_what_their_suffix_says() -> None:
    layer = LAYERS["slides"]
    png = drawn(layer, "dX", "png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert width * 9 == height * 16
    pdf = drawn(layer, "dX", "pdf")
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Type3" not in pdf  # Type 42 keeps text selectable


def without(found: Counter[str], *parts: Counter[str]) -> Counter[str]:
    left = Counter(found)
    for part in parts:
        assert part <= left, part - left
        left -= part
    return left


def test_the_figure_of_dX_holds_its_numbers() -> None:
    layer = with_results(LAYERS["recitation-2"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["recitation-2"], "dX", element=("dX", (0, 0, 2, 2)))))
    left = without(found, cells(a["dX"]), cells(a["W"]), cells(a["dY"]))
    assert left["0"] == 7 * 7 - 4  # the zeros between and around dY
    assert {"dY, dilated and padded", "W, turned by 180°", "dX", "2 zeros around"} <= set(left)
    assert [left[tag] for tag in "1234"] == [2, 2, 2, 2]  # four pairs, each numbered twice


def test_the_figure_of_dW_holds_its_numbers() -> None:
    layer = with_results(LAYERS["recitation-2"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["recitation-2"], "dW")))
    left = without(found, cells(a["X"]), cells(a["dW"]), cells(a["dY"]))
    assert left["0"] == 5
    assert {"X", "dY, dilated", "dW"} <= set(left)


def test_the_forward_figure_adds_the_bias() -> None:
    layer = with_results(LAYERS["slides"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["slides"], "forward")))
    left = without(found, cells(a["X"]), cells(a["W"]), cells(a["b"]), cells(a["Y"]))
    assert left["0"] == 0
    assert "b" in left


def test_dilate_and_flip_hold_the_arrays_at_each_stage() -> None:
    a = LAYERS["recitation-2"].arrays
    found = Counter(texts(drawn(LAYERS["recitation-2"], "dilate")))
    left = without(found, cells(a["dY"]), cells(a["dY"]), cells(a["dY"]))
    assert left["0"] == 5 + 45
    found = Counter(texts(drawn(LAYERS["recitation-2"], "flip")))
    without(found, cells(a["W"]), cells(a["W"]))
    assert {"W", "W, turned by 180°"} <= set(found)


def test_the_summary_holds_all_three_convolutions() -> None:
    layer = with_results(LAYERS["recitation-2"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["recitation-2"], "summary")))
    parts = [a["X"], a["W"], a["Y"], a["X"], a["dY"], a["dW"], a["dY"], a["W"], a["dX"]]
    without(found, *map(cells, parts))


def test_the_pools_figure_holds_argmax_and_gradient() -> None:
    layer = with_results(LAYERS["tutorial-pool"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["tutorial-pool"], "maxpool")))
    without(found, *(cells(a[name]) for name in ("X", "Y", "switches", "dX")))
    assert found["-0.2"] == 1
    assert found["-0.0833"] == 2  # in dY and in dX


def test_several_channels_show_every_plane_that_is_summed() -> None:
    layer = with_results(LAYERS["line"])
    a = layer.arrays
    found = Counter(texts(drawn(LAYERS["line"], "dX", element=("dX", (0, 1, 4)))))
    without(found, cells(a["dY"]), cells(a["W"][:, 1]), cells(a["dX"][1]))
    assert {"filter 0; 2 zeros around", "filter 1; 2 zeros around"} <= set(found)


def test_what_does_not_fit_is_counted() -> None:
    found = " ".join(texts(drawn(LAYERS["channels"], "dX", element=("dX", (0, 5, 1, 1)))))
    assert re.search(r"and \d+ more filters", found)


def test_what_is_cropped_lies_outside_of_the_window() -> None:
    """With padding of X the outer zeros are hatched; the count of plain zeros says so."""
    from matplotlib.patches import FancyBboxPatch

    sheet = figure(with_results(LAYERS["groups"]), "dX")
    patches = [p for p in sheet.axes[0].patches if isinstance(p, FancyBboxPatch)]
    hatched = [p for p in patches if p.get_hatch()]
    frames = [p for p in patches if p.get_zorder() == 4]
    assert hatched
    assert frames
    for frame in frames:
        box = frame.get_bbox()
        inside = [
            p for p in hatched
            if box.x0 < p.get_bbox().x0 < box.x1 and box.y0 < p.get_bbox().y0 < box.y1
        ]  # fmt: skip
        assert inside == []


def test_symbols_stand_in_the_cells() -> None:
    layer = LAYERS["recitation-2"]
    written = figure(with_results(layer), "dW", symbols=True).axes[0].texts
    in_cells = Counter(text.get_text() for text in written if "=" not in text.get_text())
    for r in range(5):
        for c in range(5):
            assert in_cells[f"$x_{{{r}{c}}}$"] == 1
    for r in range(2):
        for c in range(2):
            assert in_cells[rf"$\dfrac{{\partial L}}{{\partial y_{{{r}{c}}}}}$"] == 1
    letters = Counter("".join(texts(drawn(layer, "dW", symbols=True))))
    equation = Counter("".join(texts(drawn(layer, "dW"))))
    assert letters["x"] - equation["x"] == 25
    assert letters["f"] - equation["f"] == 9


def test_an_element_is_highlighted_with_its_equation() -> None:
    layer = LAYERS["recitation-2"]
    one = figure(with_results(layer), "dX", element=("dX", (0, 0, 2, 2)))
    equations = [
        t.get_text() for t in one.axes[0].texts if "=" in t.get_text() and "$" in t.get_text()
    ]
    assert equations == [
        r"$\dfrac{\partial L}{\partial x_{22}} = \dfrac{\partial L}{\partial y_{00}} \cdot f_{22}"
        r" + \dfrac{\partial L}{\partial y_{01}} \cdot f_{20}"
        r" + \dfrac{\partial L}{\partial y_{10}} \cdot f_{02}"
        r" + \dfrac{\partial L}{\partial y_{11}} \cdot f_{00}$",
        r"$= 1 \cdot (-3) + 2 \cdot 5 + 3 \cdot 3 + 4 \cdot 1 = 20$",
    ]


@pytest.mark.parametrize("name", ["large", "space"])
def test_heat_maps_draw_what_has_no_room_for_numbers(name: str) -> None:
    rng = np.random.default_rng(3)
    large = conv_layer(rng.normal(size=(2, 3, 40, 48)), rng.normal(size=(4, 3, 3, 3)), dY=None)
    layer = with_results(large if name == "large" else LAYERS["space"])
    sheet = figure(layer, "heatmap")
    images = [image for axes in sheet.axes for image in axes.get_images()]
    assert len(images) >= 6
    for image in images:
        low, high = image.get_clim()
        assert low == -high
    scales = {image.get_clim() for image in images}
    assert len(scales) == 6 or name == "space"  # one scale for all planes of an array
    dX = canonical_dX(layer)
    planes = dX.reshape(-1, *dX.shape[-2:])
    limit = float(abs(dX).max())
    shown = [image.get_array() for image in images if image.get_clim()[1] == limit]
    assert shown
    assert all(any(np.array_equal(data, plane) for plane in planes) for data in shown)


def canonical_dX(layer: Layer) -> Any:
    return layer.plan.X.to_canonical(layer.arrays["dX"])


def test_a_layer_too_large_for_cells_points_to_the_heat_map() -> None:
    with pytest.raises(UsageError, match="too large for a figure") as caught:
        drawn(conv_layer(integers(60, 60), integers(3, 3)), "dX")
    assert "--kind heatmap" in str(caught.value)


def test_three_dimensions_point_to_the_page() -> None:
    with pytest.raises(UsageError, match="one or two dimensions") as caught:
        drawn(LAYERS["space"], "dX")
    assert "convgrad explore" in str(caught.value)


def test_a_missing_matplotlib_is_one_sentence() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from convgrad_cli.cli.main import main\n"
        "sys.argv = ['convgrad', 'figure', '--sample', 'slides', '-o', 'x.svg']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "Figures are drawn by matplotlib, which is not installed.\n"
        "  remedy    pip install 'convgrad[figures]'\n"
    )


def test_png_pixels_are_not_blank() -> None:
    png = drawn(LAYERS["slides"], "dX", "png")
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    assert len(set(zlib.decompress(data))) > 50
