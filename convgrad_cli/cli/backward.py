"""``convgrad backward``: dX, dW and db of a convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_options import LectureOptions
from convgrad_cli.cli.options import (
    ConvArrays,
    ConvOptions,
    OnlyOption,
    OutputOptions,
    RateOption,
    SymbolicOptions,
    VerifyOption,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.geometry import ConvPlan

GRADIENTS = ("dX", "dW", "db")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "backward", example="convgrad backward --stride 2 --symbolic")(backward)


def backward(
    arrays: ConvArrays,
    options: ConvOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    lecture: LectureOptions,
    only: OnlyOption = None,
    learning_rate: RateOption = None,
    verify: VerifyOption = False,
) -> None:
    """The gradients dX, dW and db of a convolution.

    From X, W and the upstream gradient dY = ∂L/∂Y (1 everywhere where none is given).
    """
    from convgrad_cli.cli.inputs import gather, only_bundles_of
    from convgrad_cli.cli.lecture import backward_with
    from convgrad_cli.cli.lecture_layer import asked_of

    given = gather(arrays, options, {})
    only_bundles_of(given, "conv")
    _refuse_idle_rate(learning_rate, only)
    asked = asked_of(lecture, given)
    wanted = _wanted(only, activated=asked is not None and asked.activation is not None)
    settings: dict[str, Any] = {
        "wanted": wanted,
        "learning_rate": learning_rate,
        "verify": verify,
    }
    if asked is None:
        _plain(given, output, symbolic, **settings)
    else:
        backward_with(asked, given, output, symbolic, **settings)


def _plain(
    given: Given,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    *,
    wanted: tuple[str, ...],
    learning_rate: float | None,
    verify: bool,
) -> None:
    """The gradients of the layer as it is; large files are streamed through it."""
    from convgrad_cli.cli.inputs import conv_plan, upstream
    from convgrad_cli.cli.results import conv_result, finish
    from convgrad_cli.cli.streams import is_streamed, stream_backward

    plan = conv_plan(given)
    dY = upstream(given, plan)
    _note_unreached(given.notes, plan, wanted)
    whole = verify or symbolic.symbolic or learning_rate is not None
    if not whole and is_streamed(given, output, given["X"].size if "dX" in wanted else 0):
        stream_backward(plan, given, dY, wanted, output, given.notes)
        return
    found = _gradients(plan, given, dY, wanted)
    result = conv_result("conv_backward", plan, given, found, upstream=dY)
    if learning_rate is not None:
        result.updated = updated(given, found, learning_rate)
    if verify:
        result.verify = _verified(plan, given["X"], given["W"], dY, found)
    finish(result, given, plan, output, symbolic, targets=wanted, upstream=dY)


def _gradients(plan: ConvPlan, given: Given, dY: Any, wanted: tuple[str, ...]) -> dict[str, Any]:
    from convgrad_cli.cli.progress import progress_bar
    from convgrad_cli.layers.stream import backward_into

    X, W = given["X"], given["W"]
    with progress_bar("gradients") as progress:
        gradients = given.locating(
            lambda: backward_into(plan, X, W, dY, only=wanted, progress=progress)
        )
    return {name: getattr(gradients, name) for name in wanted}


def _wanted(only: str | None, *, activated: bool) -> tuple[str, ...]:
    """The gradients asked for; an activation has its own result and upstream gradient too."""
    from convgrad_cli.cli import words

    every = ("A", "dY", *GRADIENTS) if activated else GRADIENTS
    return words.names(only, every, "--only") if only else every


def _refuse_idle_rate(learning_rate: float | None, only: str | None) -> None:
    """A learning rate that would update nothing is a mistake."""
    from convgrad_cli.errors import UsageError

    if learning_rate is not None and only is not None and not {"dW", "db"} & set(only.split(",")):
        raise UsageError(
            "--learning-rate updates W and b, and --only leaves out their gradients.",
            remedy="add dW or db to --only",
        )


def _note_unreached(notes: list[str], plan: ConvPlan, wanted: tuple[str, ...]) -> None:
    """Say which rows and columns no window reaches: their gradient is 0."""
    from convgrad_cli.cli.results import unreached_note

    if "dX" in wanted and (note := unreached_note(plan.geometry)):
        notes.append(note)


def updated(given: Given, found: dict[str, Any], rate: float) -> dict[str, Any]:
    """One step of gradient descent: W − α·dW and b − α·db (course slides, update rule)."""
    from convgrad_cli.layers.update import descend

    updated = {}
    if "dW" in found:
        updated["W"] = descend(given["W"], found["dW"], rate)
    if "db" in found and "b" in given:
        b = given["b"]
        updated["b"] = descend(b, found["db"].reshape(b.shape), rate)
    return updated


def _verified(plan: ConvPlan, X: Any, W: Any, dY: Any, found: dict[str, Any]) -> dict[str, Any]:
    from convgrad_cli.check.verify import verify_conv

    return verify_conv(
        plan.X.to_canonical(X),
        plan.W.to_canonical(W),
        plan.canonical_upstream(dY),
        {name: _canonical(plan, name, array) for name, array in found.items()},
        plan.geometry,
    ).as_dict()


def _canonical(plan: ConvPlan, name: str, gradient: Any) -> Any:
    layouts = {"dX": plan.X, "dW": plan.W}
    return layouts[name].to_canonical(gradient) if name in layouts else gradient
