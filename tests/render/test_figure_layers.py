"""Figures of the lectures' further layers: what stands in them, and that nothing overlaps."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from convgrad_cli.lectures import EXAMPLES
from convgrad_cli.render.facts import facts
from convgrad_cli.render.figure import figure, kinds_of
from convgrad_cli.render.figure_ink import ACCENT, CELL, PAIRS, text_width, wrapped
from convgrad_cli.render.layer import Layer
from tests.render.figure_layers import EVERY, FURTHER, activated, completed, transposed
from tests.render.page_layers import LAYERS, with_results

pytest.importorskip("matplotlib")


def written(layer: Layer, kind: str, **options: Any) -> list[str]:
    """Every text of a figure that is set as it is (no mathematics)."""
    sheet = figure(layer, kind, **options)
    found = [text.get_text() for axes in sheet.axes for text in axes.texts]
    return [text.replace("−", "-") for text in found if text and not text.startswith("$")]


def equation(layer: Layer, kind: str, **options: Any) -> list[str]:
    """The lines at the foot of a figure."""
    found = [text.get_text() for text in figure(layer, kind, **options).axes[0].texts]
    return [text for text in found if text.startswith("$") and "=" in text]


def digits(texts: list[str]) -> Counter[str]:
    return Counter(text for text in texts if text.lstrip("-").isdigit())


@pytest.mark.parametrize(("kind", "of_conv"), [("forward", "dX"), ("dX", "forward"), ("dW", "dW")])
def test_a_transposed_convolution_is_its_convolutions_figure(kind: str, of_conv: str) -> None:
    """The same numbers in the same cells, with the letters X and Y exchanged (lecture 12)."""
    a = EXAMPLES["recitation-2"].arrays
    there = with_results(LAYERS["recitation-2"])
    here = transposed((2, 2), (3, 3), stride=2)
    arrays = {"X": np.array(a["dY"]), "W": np.array(a["W"]), "dY": np.array(a["X"])}
    here = completed(Layer("transposed", here.plan, arrays, there.notation))
    assert digits(written(here, kind)) == digits(written(there, of_conv))
    exchanged = {"dY": "X", "X": "dY", "Y": "dX", "dX": "Y"}
    titles = {text for text in written(there, of_conv) if text[0] in "dXYW"}
    for title in titles:
        name, comma, rest = title.partition(",")
        assert f"{exchanged.get(name, name)}{comma}{rest}" in written(here, kind)


def test_a_transposed_forward_pass_says_what_is_cut_off_and_adds_its_bias() -> None:
    found = written(FURTHER["transposed-cropped"], "forward")
    assert "output channel 0" in found
    assert "b" in found
    assert any("the padding cut off" in " ".join(found[at : at + 3]) for at in range(len(found)))
    lines = equation(FURTHER["transposed-cropped"], "forward")
    assert lines[0].endswith("+ B_{1}$")


def test_an_element_that_no_window_reaches_has_no_frame() -> None:
    layer = FURTHER["transposed-surplus"]
    sheet = figure(layer, "forward", element=("Y", (0, 0, 6, 6)))
    assert not [patch for patch in sheet.axes[0].patches if patch.get_zorder() == 4]
    assert equation(layer, "forward", element=("Y", (0, 0, 6, 6))) == ["$O_{77} = 0$"]


def test_an_activation_shows_its_planes_and_its_equation() -> None:
    layer = activated("relu", [[1, -2], [3, 4]], [[5, 6], [7, -8]])
    found = Counter(written(layer, "activation", element=("dY", (0, 0, 1, 1))))
    assert {"z", "A = σ(z)", "σ′(z)", "dA", "dz", "∘", "="} <= set(found)
    cells = [1, -2, 3, 4, 1, 0, 3, 4, 1, 0, 1, 1, 5, 6, 7, -8, 5, 0, 7, -8]
    assert digits(list(found.elements())) == Counter(map(str, cells))
    assert (
        equation(layer, "activation", element=("dY", (0, 0, 1, 1)))[1] == r"$= (-8) \cdot 1 = -8$"
    )


def test_the_curves_are_the_activation_and_its_slope_and_the_data_lies_on_them() -> None:
    layer = FURTHER["gelu"]
    chart = figure(layer, "activation", element=("dY", (0, 0, 0, 1))).axes[1]
    value, slope, on_value, on_slope, chosen = (line.get_xydata() for line in chart.lines[:5])
    assert layer.activation is not None
    assert np.array_equal(value[:, 1], layer.activation.value(value[:, 0]))
    assert np.array_equal(slope[:, 1], layer.activation.slope(slope[:, 0]))
    z = layer.arrays["Y"].ravel()
    assert np.array_equal(on_value, np.stack([z, layer.arrays["A"].ravel()], axis=1))
    assert np.array_equal(on_slope[:, 0], z)
    assert chosen.tolist() == [[-2.0, layer.arrays["derivative"][0, 1]]]
    assert min(value[:, 0]) < -2.0 < 3.0 < max(value[:, 0])


def test_a_convolution_with_an_activation_shows_both() -> None:
    layer = FURTHER["conv-tanh"]
    assert kinds_of(layer)[-1] == "activation"
    assert "activation" not in kinds_of(with_results(LAYERS["slides"]))
    assert "dA" in written(layer, "activation")
    assert facts(layer).endswith("· then tanh")


def test_upsampling_frames_the_block_that_is_summed() -> None:
    layer = FURTHER["nearest"]
    sheet = figure(layer, "upsample", element=("dX", (0, 0, 1, 2)))
    frames = [p for p in sheet.axes[0].patches if p.get_zorder() == 4]
    assert len(frames) == 2
    sizes = {(round(p.get_width(), 3), round(p.get_height(), 3)) for p in frames}
    assert len(sizes) == 1
    (width, height), *_ = sizes
    assert width - 0.04 == pytest.approx((height - 0.04) * 3 / 2, abs=0.002)
    block = layer.arrays["dY"][2:4, 6:9].ravel().tolist()
    terms = " + ".join(f"({v})" if v < 0 else str(v) for v in block)
    lines = equation(layer, "upsample", element=("dX", (0, 0, 1, 2)))
    assert lines[-1] == f"$= {terms} = {sum(block)}$"


def test_inserted_zeros_are_gaps_and_what_is_dropped_is_hatched() -> None:
    axes = figure(FURTHER["zeros-line"], "upsample").axes[0]
    assert len([p for p in axes.patches if p.get_hatch()]) == 3
    assert {"insert zeros", "take every", "s-th"} <= set(written(FURTHER["zeros-line"], "upsample"))


def test_an_average_pool_speaks_of_averages() -> None:
    found = written(with_results(LAYERS["average"]), "avgpool")
    assert "average of" in found
    assert not any("max" in text for text in found)
    assert kinds_of(LAYERS["average"]) == ("avgpool", "heatmap")


def test_gradients_stand_below_their_arrays_in_a_heat_map() -> None:
    sheet = figure(with_results(LAYERS["batch"]), "heatmap")
    at = {text.get_text().split()[0]: text.get_position() for text in sheet.texts}
    for name in ("X", "W", "Y"):
        assert at[name][0] == at[f"d{name}"][0]
        assert at[name][1] > at[f"d{name}"][1]


def test_a_heat_map_marks_what_is_no_number() -> None:
    layer = activated("identity", [[np.nan, 1.0], [np.inf, -np.inf]], [[1.0, 1.0], [1.0, 1.0]])
    images = [i for axes in figure(layer, "heatmap").axes for i in axes.get_images()]
    data = images[0].get_array()
    assert np.isnan(data[0, 0]) or np.ma.getmaskarray(data)[0, 0]
    assert [data[1, 0], data[1, 1]] == list(images[0].get_clim())[::-1]


LEVEL = [("recitation-2", "dX"), ("batch", "forward"), ("transposed", "dW"), ("line", "forward")]


@pytest.mark.parametrize(("name", "kind"), LEVEL)
def test_signs_stand_level_with_the_grids(name: str, kind: str) -> None:
    """The sign of equality and the cells of the result share one middle line."""
    axes = figure(EVERY[name], kind).axes[0]
    (equal,) = [text for text in axes.texts if text.get_text() == "="]
    x, y = equal.get_position()
    grounds = [p.get_bbox() for p in axes.patches if p.get_zorder() == 2 and p.get_x() > x]
    assert grounds
    middle = (min(b.y0 for b in grounds) + max(b.y1 for b in grounds)) / 2
    assert y == pytest.approx(middle, abs=0.01)


def test_products_in_one_line_have_all_their_signs_on_one_level() -> None:
    axes = figure(EVERY["batch"], "forward").axes[0]
    signs = [text for text in axes.texts if text.get_text() in ("∗", "+", "=")]
    assert Counter(text.get_text() for text in signs) == {"∗": 2, "+": 2, "=": 1}
    assert {round(text.get_position()[1], 6) for text in signs} == {
        round(signs[0].get_position()[1], 6)
    }


def test_the_colours_are_the_pages() -> None:
    css = files("convgrad_cli.render.page").joinpath("page.css").read_text(encoding="utf-8")
    light = css.partition("}")[0]
    for number, colour in enumerate(PAIRS):
        assert f"--p{number}: {colour};" in light
    assert f"--accent: {ACCENT};" in light
    assert f"--cell: {CELL};" in light


APART = [
    ("slides", "summary"), ("leftover", "dX"), ("groups", "dW"), ("floats", "summary"),
    ("channels", "forward"), ("ties", "maxpool"), ("average-pad", "avgpool"),
    ("transposed-cropped", "forward"), ("transposed-line", "summary"), ("gelu", "activation"),
    ("sigmoid-line", "activation"), ("nearest", "upsample"), ("conv-tanh", "heatmap"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), APART)
def test_texts_neither_overlap_nor_leave_the_page(name: str, kind: str) -> None:
    sheet = figure(EVERY[name], kind, title="A title " * 30, facts=facts(EVERY[name]))
    sheet.draw_without_rendering()
    texts = [t for axes in sheet.axes for t in axes.texts if t.get_text()] + list(sheet.texts)
    # The small numbers of the pairs stand in the corners of their cells.
    texts = [t for t in texts if not (t.get_fontsize() <= 8.5 and t.get_text().isdigit())]
    boxes = np.array([text.get_window_extent().extents for text in texts])
    assert boxes[:, :2].min() >= 0
    assert boxes[:, 2].max() <= sheet.bbox.width
    assert boxes[:, 3].max() <= sheet.bbox.height
    low, high = boxes[:, None], boxes[None]
    shared = np.minimum(low[..., 2:], high[..., 2:]) - np.maximum(low[..., :2], high[..., :2])
    overlap = np.triu((shared > 1).all(axis=-1), 1)
    assert [(texts[i].get_text(), texts[j].get_text()) for i, j in np.argwhere(overlap)] == []


@pytest.mark.parametrize("name", ["floats", "gelu", "average-pad"])
def test_long_numbers_widen_the_cells_and_stay_inside(name: str) -> None:
    axes = figure(EVERY[name], kinds_of(EVERY[name])[0]).axes[0]
    cells = [p for p in axes.patches if p.get_zorder() == 2]
    assert min(cell.get_width() / cell.get_height() for cell in cells) > 1.2
    for text in axes.texts:
        x, y = text.get_position()
        inside = [p for p in cells if p.get_bbox().contains(x, y)]
        if inside and text.get_fontsize() > 8.5:
            assert text_width(text.get_text(), text.get_fontsize()) < inside[0].get_width()


def test_wrapped_text_keeps_its_words_and_its_width() -> None:
    text = "dY, dilated and padded, more for what is left over"
    lines = wrapped(text, 1.5, 10)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(text_width(line, 10) <= 1.5 for line in lines)
    assert wrapped("", 1.0, 10) == []


def test_the_accent_marks_the_window_alone() -> None:
    axes = figure(with_results(LAYERS["recitation-2"]), "dX").axes[0]
    framed = [p for p in axes.patches if p.get_zorder() == 4]
    assert len(framed) == 1
    assert (
        "#{:02x}{:02x}{:02x}".format(*(round(c * 255) for c in framed[0].get_edgecolor()[:3]))
        == ACCENT
    )


def test_the_planes_of_a_transposed_convolution_are_called_what_they_are() -> None:
    layer = FURTHER["transposed-groups"]
    backward = written(layer, "dX", element=("dX", (0, 0, 0, 0)))
    assert {"output channel 0", "output channel 1", "sample 0, channel 0"} <= set(backward)
    forward = " ".join(written(layer, "forward", element=("Y", (1, 3, 0, 0))))
    assert "channel 2; 2 zeros around" in forward
    assert "sample 1, output channel 3" in forward
