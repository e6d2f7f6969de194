"""Runs a user's function on prepared calls; started as a script by the interpreter of choice.

    python function_runner.py probe FOLDER FILE NAME
    python function_runner.py run   FOLDER FILE NAME FIRST

Assumes nothing but numpy, and nothing of convgrad. Each call N of the folder is N.json (what to
pass) and N.npz (the arrays); its outcome is written as N.out.npz and then N.done.json, so that the
parent can see which call hangs or kills the process. Runs on older Pythons than convgrad itself.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBERS = "iufb"
LARGEST = 20_000_000


class Unusable(Exception):
    """What the function returned cannot be compared."""


def build(tree: Any, arrays: Any) -> Any:
    """The Python value a call's JSON describes: {"array": name}, {"tuple": […]}, {"dict": {…}}."""
    if isinstance(tree, dict):
        if "array" in tree:
            return arrays[tree["array"]]
        if "tuple" in tree:
            return tuple(build(part, arrays) for part in tree["tuple"])
        return {key: build(part, arrays) for key, part in tree["dict"].items()}
    return tree


def call(function: Callable[..., Any], spec: Any, arrays: Any) -> Any:
    """Call the function as ``spec`` says; returns (arrays by name, names of modified inputs)."""
    given = {name: array.copy() for name, array in arrays.items()}
    args = [build(part, given) for part in spec["args"]]
    kwargs = {name: build(part, given) for name, part in spec["kwargs"].items()}
    outcome = named(function(*args, **kwargs), spec["returns"])
    modified = [name for name in arrays if not same(arrays[name], given[name])]
    return outcome, modified


def same(one: Any, other: Any) -> bool:
    """Whether an input is as it was."""
    import numpy as np

    alike = one.shape == other.shape and one.dtype == other.dtype
    return bool(alike and np.array_equal(one, other))


def named(outcome: Any, names: Any) -> Any:
    """The returned arrays under the names expected; None where an entry is None."""
    if isinstance(outcome, dict):
        parts = {name: outcome[name] for name in names if name in outcome}
        if not parts:
            raise Unusable("returned a dict without any of " + ", ".join(names))
    elif len(names) == 1:
        alone = isinstance(outcome, (tuple, list)) and len(outcome) == 1
        parts = {names[0]: outcome[0] if alone else outcome}
    elif isinstance(outcome, (tuple, list)) and 2 <= len(outcome) <= len(names):
        parts = dict(zip(names, outcome))  # noqa: B905 (older Pythons)
    else:
        raise Unusable(f"returned {described(outcome)}; expected ({', '.join(names)})")
    found = {name: as_numbers(name, part) for name, part in parts.items() if part is not None}
    if not found:
        raise Unusable("returned None")
    return found


def described(outcome: Any) -> str:
    """What a return value is, in a few words."""
    kind = type(outcome).__name__
    return f"{kind} of {len(outcome)}" if isinstance(outcome, (tuple, list)) else kind


def as_numbers(name: str, part: Any) -> Any:
    """The part as an array of real numbers."""
    import numpy as np

    try:
        array = np.asarray(part)
    except Exception as error:
        raise Unusable(f"{name} is no array ({error})")  # noqa: B904
    if array.dtype.kind not in NUMBERS:
        what = type(part).__name__
        raise Unusable(f"{name} holds no real numbers ({what}, dtype {array.dtype})")
    if array.size > LARGEST:
        raise Unusable(f"{name} has {array.size} elements")
    return array.astype(float) if array.dtype.kind == "b" else array


def parameters_of(function: Callable[..., Any]) -> Any:
    """The parameters' names and kinds; None where they cannot be read (built-in code)."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, str(p.kind.name)] for p in found]


def told(error: BaseException, file: str) -> Any:
    """An exception as type, message and the last place in the user's own file."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.realpath(frame.filename) == os.path.realpath(file)
    ]
    text = str(error).strip()[:500]
    return {"error": type(error).__name__, "message": text, "line": lines[-1] if lines else None}


def load(file: str, name: str) -> Any:
    """The function NAME of FILE; its folder comes first on the path, as when it is run."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    spec: Any = importlib.util.spec_from_file_location("user_function", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["user_function"] = module
    spec.loader.exec_module(module)
    target: Any = module
    for part in name.split("."):
        target = getattr(target, part)
    return target


def put(path: str, content: Any) -> None:
    """Write JSON so that it is there whole or not at all."""
    with open(path + ".part", "w") as stream:
        json.dump(content, stream)
    os.replace(path + ".part", path)


def run_one(function: Callable[..., Any], folder: str, number: int, file: str) -> None:
    """One call; whatever happens is written down."""
    import numpy as np

    base = os.path.join(folder, str(number))
    with open(base + ".json") as stream:
        spec = json.load(stream)
    with np.load(base + ".npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    try:
        outcome, modified = call(function, spec, arrays)
        np.savez(base + ".out.npz", **outcome)
        report = {"names": list(outcome), "modified": modified}
    except Unusable as error:
        report = {"unusable": str(error)}
    except BaseException as error:
        report = told(error, file)
    put(base + ".done.json", report)


def main() -> None:
    """The script."""
    mode, folder, file, name = sys.argv[1:5]
    # Python puts this script's folder first on the path; its modules are none of the user's.
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != here]
    try:
        function = load(file, name)
        if not callable(function):
            raise TypeError(f"{name} is not callable")
    except BaseException as error:
        put(os.path.join(folder, "loaded.json"), told(error, file))
        return
    put(os.path.join(folder, "loaded.json"), {"parameters": parameters_of(function)})
    if mode == "run":
        number = int(sys.argv[5])
        while os.path.exists(os.path.join(folder, f"{number}.json")):
            run_one(function, folder, number, file)
            number += 1


if __name__ == "__main__":
    main()
