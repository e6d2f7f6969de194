"""A user's function in a process of its own: started, watched, and ended when it hangs.

The user's side is trusted with nothing: its output goes nowhere, what it returns is read without
unpickling and only up to a size, and each call has a time limit, as have all together.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check import function_runner
from convgrad_cli.errors import FileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.check.planes import Array

LONGEST_REPORT = 100_000
LARGEST_RESULT = 400_000_000
POLL = 0.01
#: After so many calls that hang or kill the process the rest is not tried.
GIVE_UP = 3


@dataclass
class Outcome:
    """What came of one call: arrays, or what went wrong in words."""

    arrays: dict[str, Array] = field(default_factory=dict)
    modified: list[str] = field(default_factory=list)
    problem: str | None = None
    kind: str = "returned"  # returned | raised | unusable | hung | died


@dataclass(frozen=True)
class Limits:
    """Seconds for one call, for all, and for importing the file."""

    call: float = 10.0
    total: float = 120.0
    start: float = 60.0


@dataclass(frozen=True)
class Target:
    """The function to run: FILE.py:NAME, and the interpreter."""

    file: Path
    name: str
    python: str = sys.executable


def read_target(spec: str, python: str | None) -> Target:
    """``FILE.py:NAME`` as a target. Raises UsageError or FileError."""
    file, _, name = spec.rpartition(":")
    if not file or not name:
        raise UsageError(
            "The function is given as FILE.py:NAME.",
            found=spec,
            remedy="e.g. mine.py:conv_backward",
        )
    path = Path(file)
    try:
        there = path.is_file()
    except OSError as error:  # no way into its directory, or a name too long
        reason = (error.strerror or "no file").lower()
        raise FileError(
            f"The file of the function cannot be read: {reason}.", source=file
        ) from None
    if not there:
        raise FileError("The file of the function cannot be read.", found=f"no file {file}")
    return Target(path, name, python or sys.executable)


def probe(target: Target, limits: Limits) -> list[tuple[str, str]] | None:
    """The function's parameters (name, kind), or None where they cannot be read.

    Raises UsageError when the file cannot be imported or has no such function.
    """
    with _folder() as folder, _started(target, folder, "probe") as process:
        loaded = _wait_for(folder / "loaded.json", process, limits.start)
    if loaded is None:
        raise UsageError(
            "The file of the function could not be imported.",
            found=f"no end after {limits.start:g} s"
            if process.returncode in (None, -signal.SIGTERM, -getattr(signal, "SIGKILL", 9))
            else _died(process.returncode),
            source=str(target.file),
        )
    if "error" in loaded:
        raise UsageError(
            f"The function {target.name} could not be loaded.",
            found=_raised(loaded),
            source=str(target.file),
        )
    parameters = loaded.get("parameters")
    return None if parameters is None else [(str(name), str(kind)) for name, kind in parameters]


def run_all(
    target: Target,
    calls: Sequence[tuple[Mapping[str, Any], Mapping[str, Array]]],
    limits: Limits,
) -> list[Outcome]:
    """The outcome of every call, in order; shorter when too many hang or the time is over."""
    end = time.monotonic() + limits.total
    outcomes: list[Outcome] = []
    with _folder() as folder:
        for number, (spec, arrays) in enumerate(calls):
            (folder / f"{number}.json").write_text(json.dumps(spec), encoding="utf-8")
            np.savez(folder / f"{number}.npz", **arrays)  # type: ignore[arg-type]
        lost = 0
        while len(outcomes) < len(calls) and lost < GIVE_UP and time.monotonic() < end:
            outcomes += _run_from(target, folder, len(outcomes), len(calls), limits, end)
            lost += bool(outcomes) and outcomes[-1].kind in ("hung", "died")
    return outcomes


def _run_from(
    target: Target, folder: Path, first: int, count: int, limits: Limits, end: float
) -> list[Outcome]:
    """Run calls in one process until all are done or one hangs or kills it."""
    found = []
    with _started(target, folder, "run", str(first)) as process:
        if _wait_for(folder / "loaded.json", process, limits.start) is None:
            return [Outcome(problem="the file could not be imported again", kind="died")]
        for number in range(first, count):
            room = min(limits.call, end - time.monotonic())
            done = _wait_for(folder / f"{number}.done.json", process, room)
            if done is None:
                found.append(_lost(process, limits))
                break
            found.append(_outcome(folder, number, done))
    (folder / "loaded.json").unlink(missing_ok=True)
    return found


def _lost(process: subprocess.Popen[bytes], limits: Limits) -> Outcome:
    code = process.poll()
    if code is None:
        return Outcome(problem=f"did not return within {limits.call:g} s", kind="hung")
    return Outcome(problem=_died(code), kind="died")


def _died(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"the process was killed by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"


def _outcome(folder: Path, number: int, done: dict[str, Any]) -> Outcome:
    if "unusable" in done:
        return Outcome(problem=str(done["unusable"]), kind="unusable")
    if "error" in done:
        return Outcome(problem=_raised(done), kind="raised")
    path = folder / f"{number}.out.npz"
    try:
        if path.stat().st_size > LARGEST_RESULT:
            return Outcome(problem="returned arrays too large to compare", kind="unusable")
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError) as error:
        return Outcome(problem=f"its result could not be read ({error})", kind="unusable")
    return Outcome(arrays, [str(name) for name in done.get("modified", [])])


def _raised(told: Mapping[str, Any]) -> str:
    where = f", line {told['line']}" if told.get("line") else ""
    message = str(told.get("message", ""))
    return f"{told['error']}: {message}{where}" if message else f"{told['error']}{where}"


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="convgrad-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def _started(target: Target, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The runner's process; ended, with its children, whatever happens."""
    script = Path(function_runner.__file__)
    mode, *rest = arguments
    command = [target.python, str(script), mode, str(folder), str(target.file), target.name, *rest]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
    except OSError as error:
        raise UsageError(
            "The Python interpreter cannot be started.",
            found=f"{target.python}: {os.strerror(error.errno or 0)}",
            remedy="name another with --python",
        ) from None
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started: its group is its own, by its id."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):
        process.kill()
    process.wait()


def _wait_for(
    path: Path, process: subprocess.Popen[bytes], seconds: float
) -> dict[str, Any] | None:
    """The JSON object at ``path`` as soon as it is there; None if it does not come."""
    end = time.monotonic() + seconds
    while not path.exists():
        if process.poll() is not None and not path.exists():
            return None
        if time.monotonic() > end:
            return None
        time.sleep(POLL)
    if path.stat().st_size > LONGEST_REPORT:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
