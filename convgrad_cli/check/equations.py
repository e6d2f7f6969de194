"""Is this hand derivation right, and if not, which term is wrong?

    check_equations("dL/dX21 = dL/dO12*F21 + dL/dO21*F11", input_shape=(3, 3), filter_shape=(2, 2))

Every equation is read as a polynomial in the layer's symbols and compared with the tracer's: the
order of terms and factors, brackets and the way of writing do not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.equations_judge import Judge
from convgrad_cli.check.equations_notation import choose
from convgrad_cli.check.equations_report import (
    RIGHT,
    UNREADABLE,
    Coverage,
    EquationReport,
    EquationsReport,
)
from convgrad_cli.check.equations_text import statements
from convgrad_cli.errors import UsageError
from convgrad_cli.tracing.api import ARRAYS, SHAPES, traced_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convgrad_cli.check.equations_truth import Truth
    from convgrad_cli.derivation.stages import Stage

MOST_EQUATIONS = 100_000


def check_equations(
    text: str,
    *,
    layer: str = "conv",
    notation: str | None = None,
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
    **given: Any,
) -> EquationsReport:
    """The verdict on the equations in ``text``, one a line.

    The layer is given as for :func:`convgrad_cli.derive`: its name, arrays (X, W, b, dY …) or
    ``input_shape`` and ``filter_shape``, and its options. Where it has several steps (with an
    activation, separable) the text may speak of all of them. The notation is found out from the
    text unless it is named. Raises UsageError for a text without any equation, and a ConvgradError
    for what describes no layer.
    """
    arrays = {name: given.pop(name, None) for name in ARRAYS}
    shapes = {name: given.pop(option, None) for name, option in SHAPES.items()}
    given["mode"] = given.pop("upsample", None)
    given.pop("with_bias", None)  # a forward equation may have its bias or leave it out
    stages = traced_stages(layer, arrays, shapes, given)
    return check_stages(text, stages, layer, notation=notation, symbols=symbols, base=base)


def check_stages(
    text: str,
    stages: Sequence[Stage],
    layer: str,
    *,
    notation: str | None = None,
    preferred: str | None = None,
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
) -> EquationsReport:
    """The same for the stages of any layer that can be derived, called ``layer``."""
    found = statements(text)
    if not found:
        raise UsageError(
            "There is no equation in the text.",
            expected="one equation a line, such as dL/dX21 = dL/dO11*F21 + dL/dO21*F11",
        )
    if len(found) > MOST_EQUATIONS:
        raise UsageError(
            "The text has too many equations.",
            expected=f"at most {MOST_EQUATIONS}",
            found=str(len(found)),
        )
    truth = choose(
        found,
        stages,
        notation=notation,
        preferred=preferred,
        symbols=symbols,
        base=base,
    )
    judge = Judge(truth, found)
    reports = [judge.judge(statement) for statement in found]
    return EquationsReport(
        layer if len(stages) > 1 else stages[0].traced.operation,
        truth.layer.notation.name,
        reports,
        _coverage(truth, reports),
        tuple(text.splitlines()),
        _notes(truth, notation, reports),
    )


def _coverage(truth: Truth, reports: Iterable[EquationReport]) -> dict[str, Coverage]:
    """Per target, the elements that an equation was given for."""
    written: dict[str, dict[tuple[int, ...], bool]] = {name: {} for name in truth.layer.targets}
    for report in reports:
        if report.element is not None:
            target, index = report.element
            right = report.verdict == RIGHT
            written[target][index] = right and written[target].get(index, True)
    return {
        target: Coverage(
            len(found),
            sum(found.values()),
            truth.layer.frames[truth.layer.targets[target]].size,
        )
        for target, found in written.items()
    }


def _notes(truth: Truth, notation: str | None, reports: Iterable[EquationReport]) -> list[str]:
    chosen = truth.layer.notation
    if notation is not None or all(report.verdict == UNREADABLE for report in reports):
        return []
    first = f", indices counted from {chosen.base}"
    return [f"Notation: {chosen.name}{first} (found out from the text)."]
