"""``convgrad check power``: which mistakes could this data not have shown, and why?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.check_layer import (
    CheckedArrays,
    LayerOption,
    LongOption,
)
from convgrad_cli.cli.lecture_options import LayerOptions, TransformsOption
from convgrad_cli.cli.options import OnlyOption, OutputOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

SuggestOption = Annotated[
    str | None,
    Option(
        "--suggest",
        help="Write a bundle (.json or .npz) of the same geometry that shows all it can.",
        metavar="FILE",
    ),
]


def register(check: typer.Typer) -> None:
    """Add the command."""
    command(check, "power", example="convgrad check power layer.json --suggest better.json")(power)


def power(
    arrays: CheckedArrays,
    options: LayerOptions,
    output: OutputOptions,
    layer: LayerOption = None,
    transforms: TransformsOption = None,
    only: OnlyOption = None,
    suggest: SuggestOption = None,
    long: LongOption = False,
) -> None:
    """Which mistakes this data could not show, and why.

    Exit code 0: it shows all that its geometry can show; 1: other data would show more.
    """
    from convgrad_cli.check.power import check_power
    from convgrad_cli.cli import words
    from convgrad_cli.cli.check_layer import finish_check, gather_layer, problem_of

    given, kind = gather_layer(arrays, options, layer, transforms)
    problem = problem_of(given, kind, {"dX": None})
    wanted = words.names(only, problem.targets, "--only") if only else None
    report = check_power(problem, wanted)
    if suggest is not None:
        save_suggestion(problem, suggest, given.sources)
        given.notes.append(f"Data that shows more was written to {suggest}.")
    finish_check(report, output, long=long, inputs=given.sources, notes=given.notes)


def save_suggestion(problem: Any, path: str, inputs: list[str]) -> None:
    """Write the suggested layer as a bundle."""
    from convgrad_cli.check.suggest import bundle_of, suggested

    save_bundle(bundle_of(suggested(problem)), path, inputs)


def save_bundle(bundle: dict[str, Any], path: str, inputs: list[str]) -> None:
    """Write a bundle as .json or .npz; the options of a word are left out of .npz."""
    import numpy as np

    from convgrad_cli.arrays import write_results
    from convgrad_cli.cli.bundles import option_arrays
    from convgrad_cli.cli.sample_files import bundle_text

    arrays = {key: value for key, value in bundle.items() if isinstance(value, np.ndarray)}
    settings = {key: value for key, value in bundle.items() if key not in arrays}
    stored = {**option_arrays(settings), **arrays} if path.lower().endswith(".npz") else arrays
    write_results(path, stored, lambda _: bundle_text(arrays, settings), inputs=inputs)
