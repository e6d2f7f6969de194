"""Text: one equation a line, everything else a comment, whole or refused."""

import pytest

from convgrad_cli import derive
from convgrad_cli.errors import UsageError
from convgrad_cli.render.derivation import Written, render_derivation
from tests.render.derivations import NAMES, example, shapes_alone


def text(derivation: object, *steps: str, **options: object) -> str:
    written = Written(derivation, steps) if steps else Written(derivation)  # type: ignore[arg-type]
    return render_derivation(written, "text", **options)  # type: ignore[arg-type]


def test_one_equation_a_line() -> None:
    assert text(shapes_alone("dX[1,0]"), "chain", "local", "substituted") == (
        "# Gradient with respect to the input: ∂L/∂X\n"
        "# ∂L/∂X_mn = Σ_{i=1..2} Σ_{j=1..2} ∂L/∂O_ij·∂O_ij/∂X_mn"
        " = Σ_{i=1..2} Σ_{j=1..2} ∂L/∂O_ij·F_{m−i+1,n−j+1}\n"
        "# An index outside F (or not whole) gives no term.\n"
        "∂L/∂X21 = ∂L/∂O11·∂O11/∂X21 + ∂L/∂O21·∂O21/∂X21\n"
        "∂O11/∂X21 = F21\n"
        "∂O21/∂X21 = F11\n"
        "∂L/∂X21 = ∂L/∂O11·F21 + ∂L/∂O21·F11\n"
    )


def test_numbers_follow_the_symbols() -> None:
    assert text(example("slides", "F11"), "substituted", "numbers").splitlines()[1:] == [
        "∂L/∂F11 = ∂L/∂O11·X11 + ∂L/∂O12·X12 + ∂L/∂O21·X21 + ∂L/∂O22·X22",
        "∂L/∂F11 = 1·1 + 2·5 + (-3)·7 + 4·3 = 2",
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_line_is_a_comment_or_an_equation(name: str, ascii_only: bool) -> None:
    lines = text(example(name), ascii_only=ascii_only).splitlines()
    bare = [line for line in lines if line and not line.startswith("#")]
    assert all(" = " in line for line in bare)
    assert len(bare) > 10
    if ascii_only:
        assert all(line.isascii() and "?" not in line for line in lines)


def test_text_is_never_cut() -> None:
    found = text(derive("dX", input_shape=(70, 40), filter_shape=(2, 2)), "substituted")
    assert found.count("\n") == 2801
    assert "more" not in found


@pytest.mark.parametrize("form", ["text", "table", "json"])
def test_what_is_too_much_is_refused_at_once(form: str) -> None:
    derivation = derive("dW", input_shape=(8, 64, 224, 224), filter_shape=(64, 64, 3, 3), padding=1)
    written = Written(derivation, everything=form == "table")
    with pytest.raises(UsageError) as caught:
        written.as_json() if form == "json" else render_derivation(written, form)
    shown = {"text": "text", "table": "--all", "json": "JSON"}[form]
    assert str(caught.value) == (
        f"The derivation has too many terms for {shown}, which is whole or refused.\n"
        "  expected  at most 10,000,000 terms\n"
        "  found     14,709,555,200\n"  # 8·64·64·(3·224 − 2)²
        "  remedy    ask for single elements, such as 'dX[0,0]', or use a smaller layer"
    )


def test_full_precision_unless_asked() -> None:
    derivation = derive("dX", X=[1.0], W=[0.1], dY=[1 / 3])
    assert "= 0.3333333333333333·0.1 = 0.03333333333333333" in text(derivation)
    assert "= 0.333·0.1 = 0.0333" in text(derivation, precision=3)
