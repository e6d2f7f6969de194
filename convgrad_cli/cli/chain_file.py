"""A chain file: JSON with arrays in it, or paths to arrays, which are looked for beside it."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import ConvgradError, FileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.arrays import Stdin
    from convgrad_cli.layers.chain_spec import Chain

_LONG_INTEGER = re.compile(rb"\d{19,}")


@dataclass
class OpenedChain:
    """A chain, where it came from, the files it named, and what to say about it."""

    chain: Chain
    source: str
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def locating(self, make: Callable[[], Any]) -> Any:
        """``make()``, with the chain's file added to its errors."""
        try:
            return make()
        except ConvgradError as error:
            raise error.located(self.source) from None


def read_net(net: str | None, sample: str | None, *, allow_nonfinite: bool) -> OpenedChain:
    """The chain of a file, of standard input, of JSON text, or a built-in one."""
    from convgrad_cli.arrays import Stdin
    from convgrad_cli.layers.chain_spec import read_chain

    if net is not None and sample is not None:
        raise UsageError("A chain and --sample are both given.", remedy="give one of them")
    stdin = Stdin(getattr(sys.stdin, "buffer", None))
    files: list[str] = []
    notes: list[str] = []
    if net is None:
        document, source, home = _example(sample, notes)
    else:
        document, source, home = _document(net, stdin, files)

    def read(value: object, name: str) -> Any:
        return _array(value, name, home, stdin, files, allow_nonfinite=allow_nonfinite)

    try:
        return OpenedChain(read_chain(document, read), source, files, notes)
    except ConvgradError as error:
        raise error.located(source) from None


def _example(sample: str | None, notes: list[str]) -> tuple[object, str, str]:
    from convgrad_cli.lecture_chains import CHAINS

    name = sample or "cnn"
    if name not in CHAINS:
        raise UsageError(f"There is no built-in chain {name!r}.", expected=", ".join(CHAINS))
    if sample is None:
        notes.append(f"No chain was given: this is the built-in chain {name}.")
    return CHAINS[name], f"the built-in chain {name}", "."


def _document(net: str, stdin: Stdin, files: list[str]) -> tuple[object, str, str]:
    """The parsed file with its name and its directory."""
    from convgrad_cli.arrays.json_text import JsonText
    from convgrad_cli.arrays.sources import reading

    subject = "The chain"
    if net == "-":
        data, source, home = stdin.take("the chain").read(), "stdin", "."
    elif net.lstrip().startswith("{"):
        data, source, home = net.encode(), "the command line", "."
    else:
        with reading(subject, net), open(net, "rb") as stream:
            data = stream.read()
        files.append(net)
        source, home = net, os.path.dirname(net) or "."
    with reading(subject, source):
        text = JsonText(data, subject)
        if not text.named:
            raise FileError(
                "The chain is not a JSON object.", expected='{"input": …, "layers": […]}'
            )
        if _LONG_INTEGER.search(data):
            # The fast parser would round what does not fit 64 bits; it is to be refused by name.
            # Forty digits are as much beyond as four thousand, which int() would not read.
            exact = json.loads(data.decode("utf-8-sig"), parse_int=lambda text: int(text[:40]))
            return exact, source, home
    return {key: text.value(key) for key in text.keys()}, source, home  # noqa: SIM118


def _dumped(value: object) -> bytes:
    import orjson

    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value).encode()


def _array(
    value: object,
    name: str,
    home: str,
    stdin: Stdin,
    files: list[str],
    *,
    allow_nonfinite: bool,
) -> Any:
    """Nested lists as they stand, text as a path beside the chain's file."""
    from convgrad_cli.arrays import read_array
    from convgrad_cli.arrays.json_text import JsonText
    from convgrad_cli.arrays.numeric import as_numbers

    if not isinstance(value, str):
        array = JsonText(_dumped(value), name).array(None, name, allow_nonfinite=allow_nonfinite)
        return as_numbers(array, name, allow_nonfinite=allow_nonfinite)
    path, colon, key = value.rpartition(":")
    path, colon, key = (value, "", "") if not colon or os.sep in key else (path, colon, key)
    spec = value if os.path.isabs(path) else os.path.join(home, path) + colon + key
    loaded = read_array(spec, name, stdin, allow_nonfinite=allow_nonfinite)
    if loaded.path is not None:
        files.append(loaded.path)
    return loaded.array
