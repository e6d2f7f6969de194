"""Markdown: pipe tables of inline code, nothing a host could read otherwise."""

import re

import pytest

from convgrad_cli import derive
from convgrad_cli.render.derivation import Written, render_derivation
from tests.render.derivations import EVERY_NOTATION, NAMES, example, shapes_alone


def markdown(derivation: object, *steps: str) -> str:
    written = Written(derivation, steps) if steps else Written(derivation)  # type: ignore[arg-type]
    return render_derivation(written, "markdown")


def test_a_table_an_element_a_row() -> None:
    assert markdown(example("slides", "X21", "F11"), "substituted", "numbers") == (
        "### Gradient with respect to the input: `∂L/∂X`\n\n"
        "| element | substituted | numbers | value |\n"
        "| --- | --- | --- | --- |\n"
        "| `∂L/∂X21` | `∂L/∂O11·F21 + ∂L/∂O21·F11` | `1·3 + (-3)·2` | `-3` |\n\n"
        "### Gradient with respect to the filter: `∂L/∂F`\n\n"
        "| element | substituted | numbers | value |\n"
        "| --- | --- | --- | --- |\n"
        "| `∂L/∂F11` | `∂L/∂O11·X11 + ∂L/∂O12·X12 + ∂L/∂O21·X21`<br>`+ ∂L/∂O22·X22` "
        "| `1·1 + 2·5 + (-3)·7 + 4·3` | `2` |\n"
    )


@pytest.mark.parametrize("notation", EVERY_NOTATION)
@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_whole_and_every_symbol_is_code(name: str, notation: str) -> None:
    text = markdown(example(name, notation=notation))
    outside = re.sub(r"```text\n.*?\n```", "", text, flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n?)+", outside, flags=re.MULTILINE):
        assert len({row.count("|") for row in table.strip().splitlines()}) == 1
    bare = re.sub(r"`[^`]*`", "", outside)
    assert not re.search(r"[∂Σ_*\[\]]", bare.replace("\\_", "").replace("\\*", ""))
    assert bare.count("`") == 0


def test_the_cap_is_said() -> None:
    text = markdown(derive("dX", input_shape=(9, 9), filter_shape=(2, 2)), "substituted")
    assert text.endswith("… and 21 more elements, `--all` shows them.\n")


def test_matrices_are_fenced() -> None:
    text = markdown(shapes_alone("dX"), "convolution")
    assert "```text\nrot180(F) = | F22  F21 |\n            | F12  F11 |\n```" in text
