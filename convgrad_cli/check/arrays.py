"""``check arrays``: are these gradients right, and if not, which mistake is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check.compare import Rule, choose_rule
from convgrad_cli.check.kinds import KINDS, kind_named, refuse_others
from convgrad_cli.check.report import ArraysReport
from convgrad_cli.check.verdict import check_one
from convgrad_cli.errors import UsageError
from convgrad_cli.layers.numbers import numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.geometry import Padding


def check_arrays(
    X: ArrayLike,
    W: ArrayLike | None = None,
    dY: ArrayLike | None = None,
    dX: ArrayLike | None = None,
    dW: ArrayLike | None = None,
    db: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    *,
    b: ArrayLike | None = None,
    dA: ArrayLike | None = None,
    A: ArrayLike | None = None,
    dZ: ArrayLike | None = None,
    depthwise: ArrayLike | None = None,
    pointwise: ArrayLike | None = None,
    dDepthwise: ArrayLike | None = None,
    dPointwise: ArrayLike | None = None,
    layer: str = "conv",
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    dims: int | None = None,
    layout: str = "nchw",
    filter_layout: str = "oihw",
    output_size: int | Sequence[int] | None = None,
    output_padding: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
    ties: str = "first",
    count_include_pad: bool = False,
    activation: str | None = None,
    slope: float | None = None,
    upsample: str | None = None,
    transforms: str | Sequence[str] | None = None,
    rule: str | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    symbolic: bool = False,
) -> ArraysReport:
    """Check your own arrays of a layer against the right ones; true when all is right.

    layer          given as for                checked          upstream
    conv           conv_backward               dX dW db Y       dY; with ``activation`` dA, and
                                                                then dZ (∂L/∂Y) and A too;
                                                with ``transforms`` dY (N, S, K, oH, oW)
    maxpool, avgpool   max_pool_backward       dX Y             dY
    transposed     ``output_padding`` too      dX dW db Y       dY
    activation     X is z; ``activation``, ``slope``   A dZ     dA
    upsample       ``upsample`` nearest or zeros, by ``stride``   dX Y   dY
    separable      ``depthwise``, ``pointwise``   dX dDepthwise dPointwise db Y   dY

    Raises UsageError when there is nothing to check, and what the layer's own functions raise.

    >>> bool(check_arrays([[1, 2], [3, 4]], [[1]], [[1, 2], [3, 4]], dX=[[1, 2], [3, 4]]))
    True
    """
    given = {"X": X, "W": W, "dY": dY, "b": b, "dA": dA}
    given |= {"depthwise": depthwise, "pointwise": pointwise}
    arrays = {name: numeric(a, name) for name, a in given.items() if a is not None}
    named = {"dX": dX, "dW": dW, "db": db, "Y": Y, "A": A, "dZ": dZ}
    named |= {"dDepthwise": dDepthwise, "dPointwise": dPointwise}
    answers = {name: numeric(a, name) for name, a in named.items() if a is not None}
    shared: dict[str, Any] = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "dims": dims,
    }
    shared |= {"layout": layout, "groups": groups, "filter_layout": filter_layout}
    shared |= {"window": window, "ceil_mode": ceil_mode, "ties": ties}
    shared |= {"count_include_pad": count_include_pad}
    own: dict[str, Any] = {
        "output_size": output_size,
        "output_padding": output_padding,
        "mode": upsample,
    }
    own |= {"activation": activation, "slope": slope, "transforms": transforms}
    problem = problem_for(layer, arrays, answers, {**shared, **own})
    notation = "slides" if symbolic else None
    return check_problem(problem, answers, choose_rule(rule, rtol, atol), notation=notation)


def problem_for(
    layer: str, arrays: Mapping[str, Array], answers: Mapping[str, Array], options: dict[str, Any]
) -> Problem:
    """The layer with its data. Raises UsageError for options that are another layer's."""
    kind = kind_named(layer, options)
    refuse_others(kind, options)
    return kind.problem(kind.plan(arrays, options), arrays, answers, options)


def conv_problem(plan: Any, arrays: Mapping[str, Array], answers: Mapping[str, Array]) -> Problem:
    """The convolution of a plan made elsewhere."""
    return KINDS["conv"].problem(plan, arrays, answers, {})


def pool_problem(
    plan: Any,
    arrays: Mapping[str, Array],
    answers: Mapping[str, Array],
    layer: str,
    ties: str = "first",
    count_include_pad: bool = False,
) -> Problem:
    """The pool of a plan made elsewhere."""
    options = {"ties": ties, "count_include_pad": count_include_pad}
    return kind_named(layer).problem(plan, arrays, answers, options)


def check_problem(
    problem: Problem, answers: Mapping[str, Array], rule: Rule, *, notation: str | None = None
) -> ArraysReport:
    """Hold every answer against the right array and explain those that differ.

    With a ``notation``, the worst element's equation is written out in it, right and as the
    mistake has it.
    """
    if not answers:
        raise UsageError(
            "There is nothing to check.",
            expected=f"your {_either(problem.targets)}",
            remedy=f"give it with {_flags(problem.targets)}, or in the bundle",
        )
    unknown = [name for name in answers if name not in problem.targets]
    if unknown:
        raise UsageError(
            f"{problem.article} has no {unknown[0]}.",
            expected=_either(problem.targets),
            array=unknown[0],
        )
    reports = {
        name: check_one(problem, name, answers[name], rule, notation=notation, blind=True)
        for name in problem.targets
        if name in answers
    }
    geometry, settings = problem.geometry_dict(), problem.settings()
    return ArraysReport(problem.layer, geometry, problem.shapes(), reports, settings=settings)


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _flags(names: Sequence[str]) -> str:
    return _either([f"--{name} FILE" for name in names])
