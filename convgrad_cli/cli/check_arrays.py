"""``convgrad check arrays``: are these gradients right, and if not, which mistake is it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.check_layer import (
    CheckedArrays,
    LayerOption,
    LongOption,
    RuleOptions,
)
from convgrad_cli.cli.lecture_options import LayerOptions, TransformsOption
from convgrad_cli.cli.options import OutputOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given

ANSWERS = ("dX", "dW", "db", "Y", "A", "dZ", "dDepthwise", "dPointwise")
SOURCES = ("input", "filter", "bias", "upstream", "depthwise", "pointwise")


@dataclass(eq=False, repr=False)
class AnswerOptions:
    """The user's own arrays."""

    dX: Annotated[str | None, Option("--dX", help="Your dX.", metavar="ARRAY")] = None
    dW: Annotated[str | None, Option("--dW", help="Your dW.", metavar="ARRAY")] = None
    db: Annotated[str | None, Option("--db", help="Your db.", metavar="ARRAY")] = None
    Y: Annotated[str | None, Option("--Y", help="Your Y.", metavar="ARRAY")] = None
    A: Annotated[str | None, Option("--A", help="Your A, of an activation.", metavar="ARRAY")] = (
        None
    )
    dZ: Annotated[
        str | None, Option("--dZ", help="Your dZ, before an activation.", metavar="ARRAY")
    ] = None
    dDepthwise: Annotated[
        str | None,
        Option("--dDepthwise", "--dD", help="Yours, of a separable layer.", metavar="ARRAY"),
    ] = None
    dPointwise: Annotated[
        str | None,
        Option("--dPointwise", "--dP", help="Yours, of a separable layer.", metavar="ARRAY"),
    ] = None


SymbolicOption = Annotated[
    bool,
    Option("--symbolic", help="The worst element's equation, right and as the mistake has it."),
]


def register(check: typer.Typer) -> None:
    """Add the command."""
    command(check, "arrays", example="convgrad check arrays --stride 2 --dX mine.npy")(arrays)


def arrays(
    arrays: CheckedArrays,
    options: LayerOptions,
    answers: AnswerOptions,
    rule: RuleOptions,
    output: OutputOptions,
    layer: LayerOption = None,
    transforms: TransformsOption = None,
    symbolic: SymbolicOption = False,
    long: LongOption = False,
) -> None:
    """Your dX, dW, db or Y (of an activation A or dZ, of a separable layer dD or dP).

    Where yours is wrong: the mistake that gives exactly your numbers, and the fix. Exit code 0
    right, 1 wrong, 2 not checkable.
    """
    from convgrad_cli.check.arrays import check_problem
    from convgrad_cli.check.compare import choose_rule
    from convgrad_cli.cli.check_layer import finish_check, gather_layer, problem_of

    chosen = choose_rule(rule.rule, rule.rtol, rule.atol)
    one_reader_of_stdin(arrays, answers)
    given, kind = gather_layer(arrays, options, layer, transforms)
    found = gathered_answers(given, answers)
    problem = problem_of(given, kind, found)
    notation = (given.notation or "slides") if symbolic else None
    report = check_problem(problem, found, chosen, notation=notation)
    finish_check(report, output, long=long, inputs=given.sources, notes=given.notes)


def one_reader_of_stdin(arrays: CheckedArrays, answers: AnswerOptions) -> None:
    """Refuse standard input given twice, to the layer and to an answer."""
    from convgrad_cli.errors import UsageError

    named = {
        **{f"--{name}": getattr(arrays, name) for name in SOURCES},
        "the bundle": arrays.bundle,
        **{f"--{name}": getattr(answers, name) for name in ANSWERS},
    }
    readers = [name for name, spec in named.items() if spec == "-"]
    if len(readers) > 1:
        raise UsageError(
            f"{readers[0]} and {readers[1]} both read standard input.",
            remedy="give one of them as a file, or both in one bundle",
        )


def gathered_answers(given: Given, answers: AnswerOptions) -> dict[str, Any]:
    """The user's arrays by name: the options', else the bundle's."""
    from convgrad_cli.arrays import Stdin, read_array

    stdin = Stdin()
    for name in ANSWERS:
        spec = getattr(answers, name)
        if spec is not None:
            given.arrays[name] = read_array(spec, name, stdin, allow_nonfinite=True)
    return {name: given.arrays[name].array for name in ANSWERS if name in given.arrays}
