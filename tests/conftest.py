"""What several rooms' tests share: the command line, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

# The same examples on every machine, and no test that fails because the machine was busy.
settings.register_profile("convgrad", deadline=None, derandomize=True)
settings.load_profile("convgrad")


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


@pytest.fixture
def convgrad(tmp_path: Path) -> Convgrad:
    """Run the command in a subprocess, in ``tmp_path``, with no terminal."""

    def run(
        *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(
            [sys.executable, "-m", "convgrad_cli", *arguments],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "80", **(env or {})},
            timeout=60,
            check=False,
            **given,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run
