"""Which notation a text is written in: the one in which most of it can be read, and is right.

The lectures' notations are tried in turn; one that counts from 0 is tried counting from 1 too, and
the other way round, where the indices of the text give reason to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.check.equations_judge import Judge
from convgrad_cli.check.equations_layer import Layer
from convgrad_cli.check.equations_report import RIGHT, UNREADABLE
from convgrad_cli.check.equations_truth import Truth
from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.errors import ConvgradError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.equations_text import Statement
    from convgrad_cli.derivation.stages import Stage

TRIED = 40
"""Equations by which the notation is chosen."""


def choose(
    statements: Sequence[Statement],
    stages: Sequence[Stage],
    *,
    notation: str | None = None,
    preferred: str | None = None,
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
) -> Truth:
    """The layer in the notation of the text; ``preferred`` is the one to take in doubt.

    Raises UsageError for an unknown notation and for symbols that clash.
    """
    if notation is not None:
        return Truth(Layer(stages, notation, symbols, base))
    sample = statements[:: max(1, len(statements) // TRIED)][:TRIED]
    best: Truth | None = None
    best_score: tuple[int, ...] = (-1,)
    for layer in _candidates(stages, preferred, symbols, base):
        judge = Judge(Truth(layer), sample)
        score = _score(judge, sample)
        if score > best_score:
            best, best_score = judge.truth, score
        if score[1] == len(sample):
            break
        if base is None and _counts_otherwise(judge):
            other = Layer(stages, layer.notation.name, symbols, 1 - layer.notation.base)
            judge = Judge(Truth(other), sample)
            score = _score(judge, sample)
            if score > best_score:
                best, best_score = judge.truth, score
    assert best is not None
    return best


def _counts_otherwise(judge: Judge) -> bool:
    """Whether the indices that were read speak for counting from the other base."""
    seen = judge.symbols.indices.seen
    if judge.truth.layer.notation.base == 1:
        return "below" in seen
    return "beyond" in seen and "first" not in seen


def _candidates(
    stages: Sequence[Stage],
    preferred: str | None,
    symbols: Mapping[str, str] | None,
    base: int | None,
) -> Iterator[Layer]:
    """The layer in the preferred notation, then in the others."""
    names = list(dict.fromkeys([preferred or "slides", *NOTATIONS]))
    readable, refusal = False, None
    for name in names:
        try:
            layer = Layer(stages, name, symbols, base)
        except ConvgradError as error:
            refusal = refusal or error
            continue
        readable = True
        yield layer
    if not readable and refusal is not None:
        raise refusal


def _score(judge: Judge, sample: Sequence[Statement]) -> tuple[int, ...]:
    """How many equations can be read and are right, then how many sides; then fewer problems."""
    reports = [judge.judge(statement) for statement in sample]
    readable = sum(bool(r.subject) and r.verdict != UNREADABLE for r in reports)
    right = sum(report.verdict == RIGHT for report in reports)
    return readable, right, judge.sides, -sum(len(report.problems) for report in reports)
