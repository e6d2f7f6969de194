"""A bundle: one file or text with several arrays and, in JSON, the options of the layer.

Every result of ours is a bundle, so that results pipe on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from convgrad_cli.arrays import names, options
from convgrad_cli.arrays.sources import open_source, reading
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from convgrad_cli.arrays.document import Document
    from convgrad_cli.arrays.loaded import Loaded
    from convgrad_cli.arrays.stdin import Stdin

_SUBJECT: Final = "The bundle"


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds.

    arrays: by their one name (X W b dY Y dX dW db switches A dA). options: stride, padding, … with
    ``geometry`` spread into them, and ``operation`` where the bundle is a result of ours.
    """

    arrays: dict[str, Loaded]
    options: dict[str, object]
    source: str
    path: str | None = None


def read_bundle(spec: str, stdin: Stdin, *, allow_nonfinite: bool = False) -> Bundle:
    """The bundle that ``spec`` gives: a .npz, .json or .safetensors file, "-", or a JSON object.

    Raises UsageError for a key without a meaning, two names of one array, an option of a wrong
    type, or a source that is one nameless array; FileError and DataError as ``read_array``.
    """
    opened = open_source(spec, _SUBJECT, "the bundle", stdin)
    document = opened.document
    try:
        with reading(_SUBJECT, opened.source):
            if not document.named or opened.key is not None:
                raise _nameless()
            keys = _array_keys(document)
            given = _options(document)
        arrays = {
            name: opened.load(key, name, allow_nonfinite=allow_nonfinite)
            for name, key in keys.items()
        }
    finally:
        document.close()
    return Bundle(arrays, given, opened.source, opened.path)


def _array_keys(document: Document) -> dict[str, str]:
    """Each array in the bundle by its one name, and the key it stands under; null is not given."""
    found: dict[str, str] = {}
    for key in document.keys():  # noqa: SIM118
        name = names.ARRAY_OF_KEY.get(key)
        if name is None:
            if key not in names.OPTIONS | names.METADATA | names.STRUCTURE:
                raise names.unknown_key(key)
        elif document.is_null(key):
            continue
        elif name in found:
            raise names.two_names(name, found[name], key)
        else:
            found[name] = key
    return found


def _options(document: Document) -> dict[str, object]:
    """The options, flat: those of ``geometry`` and those given by themselves."""
    keys = document.keys()
    flat = options.checked({key: document.value(key) for key in keys if key in names.OPTIONS})
    operation = document.value("operation") if "operation" in keys else None
    if operation is not None and not isinstance(operation, str):
        raise UsageError(
            "The bundle's operation is not text.",
            expected='"conv_forward", "conv_backward", …',
            found=options.shown_value(operation),
        )
    if "geometry" in keys and (geometry := document.value("geometry")) is not None:
        for key, value in options.checked(options.from_geometry(geometry, operation)).items():
            if flat.setdefault(key, value) != value:
                raise UsageError(
                    f"The bundle gives {key} twice, in geometry and by itself.",
                    expected="one value",
                    found=f"{options.shown_value(value)} and {options.shown_value(flat[key])}",
                    remedy="take one of them out",
                )
    return flat if operation is None else {**flat, "operation": operation}


def _nameless() -> UsageError:
    return UsageError(
        "The bundle is one array without a name.",
        expected='a .npz file or a JSON object: {"input": …, "filter": …}',
        found="an array",
        remedy="pass it with --input, --filter, --bias or --upstream",
    )
