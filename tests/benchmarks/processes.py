"""Whole processes, timed in turn: wall time, and peak memory as the operating system counts it.

convgrad runs from a copy of the package with its bytecode compiled, as an installation has it, by
the entry point of its console script.
"""

from __future__ import annotations

import compileall
import os
import pty
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent.parent.parent / "convgrad_cli"
ENTRY = "from convgrad_cli.cli.console import run; run()"
# A process inherits the peak of the one that starts it, so a small one starts it.
WAITER = (
    "import resource, subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
    "sys.exit(code)"
)


class Failed(Exception):
    """A command that should have worked."""


class Installed(NamedTuple):
    """A directory with a compiled copy of convgrad, for commands to run in."""

    folder: Path

    def convgrad(self, *arguments: str) -> list[str]:
        """The command line of a convgrad command."""
        return [sys.executable, "-c", ENTRY, *arguments]

    def seconds(self, command: Sequence[str], *, terminal: bool = False) -> float:
        """How long a command takes in the directory; what it prints is read and dropped.

        Raises Failed, with what it said on stderr, where it does not end with 0.
        """
        start = time.perf_counter()
        if terminal:
            code, said = _in_terminal(command, self.folder)
        else:
            code, said = self._run(command)
        took = time.perf_counter() - start
        _succeeded(command, code, said)
        return took

    def peak(self, command: Sequence[str]) -> int:
        """The most resident memory that a command has had, in bytes. Raises Failed."""
        code, said = self._run([sys.executable, "-S", "-c", WAITER, *command])
        _succeeded(command, code, said)
        return int(said.split()[-1]) * (1 if sys.platform == "darwin" else 1024)

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        """Exit code and what was said on stderr."""
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=environment(self.folder),
            check=False,
        )
        return done.returncode, done.stderr.decode(errors="replace")


@contextmanager
def installed(beside: str | None = None) -> Iterator[Installed]:
    """A compiled copy in a temporary directory (made in ``beside`` where it must be large)."""
    with tempfile.TemporaryDirectory(dir=beside) as name:
        folder = Path(name)
        shutil.copytree(
            PACKAGE, folder / "convgrad_cli", ignore=shutil.ignore_patterns("__pycache__")
        )
        compileall.compile_dir(folder / "convgrad_cli", quiet=1)
        yield Installed(folder)


def environment(folder: Path) -> dict[str, str]:
    """The user's, with nothing that slows Python down, and the copy first on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(folder), "TERM": kept.get("TERM", "xterm-256color")}


def alternately(
    here: Installed, commands: Mapping[str, Sequence[str]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of every command, ``rounds`` times in turn, after one run each that does not count.

    A name that ends in "terminal" runs in one.
    """
    took: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            seconds = here.seconds(command, terminal=name.endswith("terminal"))
            if turn:
                took[name].append(seconds)
    return took


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios turn by turn."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _in_terminal(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run with a pseudo-terminal on every stream: exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment(folder)
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    return process.wait(), shown.decode(errors="replace")


def _succeeded(command: Sequence[str], code: int, said: str) -> None:
    if code:
        raise Failed(f"{' '.join(command)} ended with {code}:\n{said}")
