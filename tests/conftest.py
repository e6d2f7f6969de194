"""What several rooms' tests share: the command line, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from tests.forked import Forks

ROOT = str(Path(__file__).parent.parent)

# The same examples on every machine, and no test that fails because the machine was busy.
settings.register_profile("convgrad", deadline=None, derandomize=True)
settings.load_profile("convgrad")


def pytest_xdist_auto_num_workers() -> int | None:
    """One process more than there are cores: the page's tests wait for a browser to draw."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (cores or 1) + 1


class Done(Protocol):
    """A finished command."""

    returncode: int
    stdout: str
    stderr: str


class Convgrad(Protocol):
    """``convgrad(*arguments)`` in a directory of its own."""

    def __call__(
        self, *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None
    ) -> Done: ...


# The package of this tree, whatever is installed.
ENVIRONMENT = {
    "PYTHONUTF8": "1",
    "COLUMNS": "80",
    "PYTHONPATH": os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")])),
}


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks | None]:
    """The server of commands for a process's tests; it starts with the first of them."""
    made = Forks(os.environ | ENVIRONMENT) if hasattr(os, "fork") else None
    yield made
    if made is not None:
        made.close()


@pytest.fixture
def convgrad(tmp_path: Path, forks: Forks | None) -> Convgrad:
    """Run the command in a process of its own, in ``tmp_path``, with no terminal."""

    def run(
        *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | ENVIRONMENT | (env or {})
        if forks is not None and forks.can_run_in(environment):
            done = forks.run([*arguments], cwd=tmp_path, env=environment, stdin=stdin)
        else:
            done = _started(arguments, tmp_path, environment, stdin)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run


def _started(
    arguments: Sequence[str], cwd: Path, environment: dict[str, str], stdin: bytes | None
) -> subprocess.CompletedProcess[bytes]:
    given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(
        [sys.executable, "-m", "convgrad_cli", *arguments],
        capture_output=True,
        cwd=cwd,
        env=environment,
        timeout=60,
        check=False,
        **given,
    )
