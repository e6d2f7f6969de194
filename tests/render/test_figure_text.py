"""Texts of a figure: titles of any kind, long numbers, letters that the font lacks."""

from __future__ import annotations

import re

import pytest

from convgrad_cli.render.figure import figure, missing_letters
from convgrad_cli.render.figure_ink import cut, text_width
from convgrad_cli.render.figure_scene import number, typeset
from tests.render.page_layers import LAYERS, with_results
from tests.render.test_figure import drawn, texts

pytest.importorskip("matplotlib")


@pytest.mark.parametrize(
    "hostile",
    [
        "</text><script>alert(1)</script> $x$ & {}",
        r"\frac{1}{0} $\nothing$ ]]> <!-- --> &amp; %s",
        "'\"`;--",
    ],
)
def test_titles_stay_text(hostile: str) -> None:
    svg = drawn(LAYERS["slides"], "dX", title=hostile)
    assert hostile in texts(svg)
    assert b"<script" not in svg


def test_a_title_holds_no_character_that_an_svg_may_not() -> None:
    svg = drawn(LAYERS["slides"], "dX", title="a\x00b\x1b[31m\n\tc\udcff\ufffe")
    assert texts(svg)[0] == "ab[31m c"


def test_a_long_title_is_set_smaller_then_in_two_lines_then_cut() -> None:
    sizes = []
    for words in (3, 7, 13, 90):
        sheet = figure(with_results(LAYERS["slides"]), "dX", title="several words " * words)
        lines = [t for t in sheet.axes[0].texts if "words" in t.get_text()]
        sizes.append((lines[0].get_fontsize(), len(lines), lines[-1].get_text()[-1]))
    assert sizes[0][:2] == (20.0, 1)
    assert 14.0 <= sizes[1][0] < 20.0
    assert sizes[2] == (14.0, 2, "s")
    assert sizes[3] == (14.0, 2, "…")


def test_a_text_is_cut_where_it_no_longer_fits() -> None:
    text = "several words and more"
    for width in (0.5, 1.0, 1.5):
        short = cut(text, width, 12)
        assert short[-1] == "…"
        assert text.startswith(short[:-1])
        longer = text[: len(short)] + "…"
        assert text_width(short, 12) <= width < text_width(longer, 12)
    assert cut(text, 9.0, 12) == text


def test_a_letter_that_the_font_lacks_is_no_warning() -> None:
    assert drawn(LAYERS["slides"], "dX", "png", title="日本").startswith(b"\x89PNG")
    assert missing_letters("日a本日é") == "日本"


def test_large_and_strange_numbers_in_cells_and_equations() -> None:
    shown = {
        7: "7", 1234567: "1234567", -98765432109876: "-9.877e13", 2.0: "2", -0.04164: "-0.0416",
        1e20: "1e20", 120000000000: "1.2e11", float("nan"): "NaN", float("-inf"): "-∞",
    }  # fmt: skip
    assert {value: number(value) for value in shown} == shown
    assert typeset(1e20) == r"1 \times 10^{20}"
    assert typeset(-98765432109876) == r"-9.877 \times 10^{13}"
    assert typeset(float("-inf")) == r"-\infty"


def test_an_svg_names_fonts_of_the_same_widths_after_its_own() -> None:
    svg = drawn(LAYERS["slides"], "dX", title="in 'STIXGeneral' and 'DejaVu Sans'").decode()
    styles = re.findall(r'style="([^"]*font[^"]*)"', svg)
    assert {style.count("Times New Roman") for style in styles if "STIX" in style} == {1}
    assert {style.count("Verdana") for style in styles if "DejaVu" in style} == {1}
    assert "in 'STIXGeneral' and 'DejaVu Sans'" in texts(svg.encode())
