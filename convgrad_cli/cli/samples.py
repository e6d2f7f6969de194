"""``convgrad samples``: list the built-in examples, save them as files, or make a random layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.options import ConvOptions, DimsOption, OutputOptions
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "samples", example="convgrad samples --save samples/")(samples)


def samples(
    options: ConvOptions,
    output: OutputOptions,
    save: Annotated[
        str | None, Option("--save", help="Write every example as files.", metavar="DIR")
    ] = None,
    random: Annotated[
        int | None,
        Option("--random", help="Make a layer of small distinct integers.", metavar="SEED"),
    ] = None,
    input_shape: Annotated[
        str | None, Option("--input-shape", help="Shape of X, with --random.", metavar="N,…")
    ] = None,
    filter_shape: Annotated[
        str | None, Option("--filter-shape", help="Shape of W, with --random.", metavar="N,…")
    ] = None,
    dims: DimsOption = None,
) -> None:
    """List or save the built-in examples.

    --save writes them as files; --random makes a layer of small distinct integers, a bundle.
    """
    from convgrad_cli.errors import UsageError

    if save is not None and random is not None:
        raise UsageError("--save and --random are both given.", remedy="give one of them")
    if random is not None:
        _write_random(random, input_shape, filter_shape, dims, options, output)
        return
    shapes = {"input_shape": input_shape, "filter_shape": filter_shape, "dims": dims}
    _refuse_what_random_takes(vars(options) | shapes | {"output": output.output})
    if save is not None:
        _save_all(save, output)
    else:
        _list(output)


def _refuse_what_random_takes(options: dict[str, Any]) -> None:
    from convgrad_cli.errors import UsageError

    for name, value in options.items():
        if value is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} goes with --random, which is not given.",
                remedy="--save DIR writes the built-in examples, --random SEED makes a layer",
            )


def _list(output: OutputOptions) -> None:
    from convgrad_cli.cli.output import chosen_format, display, write_stdout
    from convgrad_cli.lecture_chains import CHAINS, TITLES
    from convgrad_cli.lectures import EXAMPLES
    from convgrad_cli.render.plain_text import plain_ascii

    if chosen_format(output) == "json":
        import orjson

        rows = [
            {
                "name": example.name,
                "title": example.title,
                "source": example.source,
                "layer": example.layer,
                "notation": example.notation,
                "options": example.options,
                "arrays": example.arrays,
            }
            for example in EXAMPLES.values()
        ]
        rows += [
            {"name": name, "title": title, "layer": "chain", "chain": CHAINS[name]}
            for name, title in TITLES.items()
        ]
        write_stdout(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    lines = {example.name: example.title for example in EXAMPLES.values()} | TITLES
    width = max(map(len, lines))
    listed = "\n".join(f"{name:<{width}}  {title}" for name, title in lines.items())
    write_stdout(plain_ascii(listed) if display()["ascii_only"] else listed)


def _save_all(directory: str, output: OutputOptions) -> None:
    from convgrad_cli.cli.output import tell
    from convgrad_cli.cli.sample_files import save_examples

    written = save_examples(directory)
    tell([f"Wrote {len(written)} files to {directory}."], output)


def _write_random(
    seed: int,
    input_shape: str | None,
    filter_shape: str | None,
    dims: int | None,
    options: ConvOptions,
    output: OutputOptions,
) -> None:
    """A bundle of X, W, b, dY with its options, to stdout as JSON or to a file."""
    from convgrad_cli.cli import words
    from convgrad_cli.cli.inputs import typed_options
    from convgrad_cli.cli.sample_files import bundle_text, random_layer
    from convgrad_cli.errors import UsageError
    from convgrad_cli.geometry import plan_conv
    from convgrad_cli.geometry.kinds import conv_keywords

    if seed < 0:
        raise UsageError("--random takes a seed of 0 or more.", found=str(seed))
    if input_shape is None or filter_shape is None:
        raise UsageError(
            "--random needs the shapes of the layer.",
            expected="--input-shape and --filter-shape, e.g. 2,3,7,8 and 4,3,3,3",
        )
    typed = typed_options(options) | ({"dims": dims} if dims is not None else {})
    plan = plan_conv(
        words.whole_numbers(input_shape, "--input-shape"),
        words.whole_numbers(filter_shape, "--filter-shape"),
        **conv_keywords(typed),
    )
    arrays = random_layer(plan, seed)
    chosen: dict[str, Any] = {"operation": "conv_backward", **plan.geometry.as_dict()}
    del chosen["kernel"]  # the filter's own shape
    _put_bundle(arrays, bundle_text(arrays, chosen), chosen, output)


def _put_bundle(
    arrays: dict[str, Any], text: str, options: dict[str, Any], output: OutputOptions
) -> None:
    from convgrad_cli.cli.bundles import option_arrays
    from convgrad_cli.cli.output import write_stdout

    if output.output is None:
        write_stdout(text)
        return
    from convgrad_cli.arrays import write_results

    write_results(
        output.output, {**arrays, **option_arrays(options)}, lambda _suffix: text, inputs=()
    )
