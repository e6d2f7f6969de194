"""convgrad's commands as processes forked off one that has other people's libraries in memory.

Loading numpy, SymPy or matplotlib takes most of a small command's time, and the suite runs hundreds
of commands. A forked one is a process like any other, with its own directory, environment, pipes
and end; convgrad itself is imported afresh in each, by ``python -m convgrad_cli``'s own road. What
an interpreter reads when it starts (``PYTHON…``, the locale) cannot be changed by forking: where
a test changes that, it starts an interpreter of its own.

Run as a program, this file is the server: requests come over the socket whose number is given.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_READ_AT_START = ("PYTHON", "LC_", "LANG", "OMP_", "OPENBLAS_", "MKL_", "MPL")


class Forks:
    """A server for commands in one environment; close it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._start = _read_at_start(environment)
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def close(self) -> None:
        """End the server."""
        self._ours.close()
        self._server.wait(timeout=60)

    def can_run_in(self, environment: Mapping[str, str]) -> bool:
        """Whether nothing that an interpreter reads when it starts is different."""
        return _read_at_start(environment) == self._start

    def run(
        self,
        arguments: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes | None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[bytes]:
        """One command to its end; no ``stdin`` is the null device."""
        into = os.pipe() if stdin is not None else (os.open(os.devnull, os.O_RDONLY), -1)
        out, err = os.pipe(), os.pipe()
        theirs = (into[0], out[1], err[1])
        request = json.dumps([arguments, str(cwd), dict(env)]).encode()
        socket.send_fds(self._ours, [len(request).to_bytes(8, "big")], theirs)
        self._ours.sendall(request)
        for descriptor in theirs:
            os.close(descriptor)
        pid = _received(self._ours)
        with ThreadPoolExecutor(3) as threads:
            if stdin is not None:
                threads.submit(_write, into[1], stdin)
            reading = [threads.submit(_read, pipe[0]) for pipe in (out, err)]
            try:
                stdout, stderr = (part.result(timeout) for part in reading)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
        return subprocess.CompletedProcess(arguments, _received(self._ours), stdout, stderr)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _received(connection: socket.socket) -> int:
    return int.from_bytes(_exactly(connection, 8), "big", signed=True)


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise EOFError("the server of forked commands has ended")
        found += part
    return found


def _write(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as pipe:
        pipe.write(data)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as pipe:
        return pipe.read()


def _serve(connection: socket.socket) -> None:
    """Fork a command for every request: its pid is the first answer, its exit code the second."""
    _load()
    while True:
        size, descriptors, _, _ = socket.recv_fds(connection, 8, 3)
        if not size:
            return
        arguments, cwd, environment = json.loads(_exactly(connection, int.from_bytes(size, "big")))
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(arguments, cwd, environment, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(pid.to_bytes(8, "big", signed=True))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(code.to_bytes(8, "big", signed=True))


def _load() -> None:
    """The libraries, none of which looks at what a request brings along."""
    import matplotlib.figure
    import matplotlib.mathtext
    import numpy
    import orjson
    import sympy
    import typer

    del matplotlib, numpy, orjson, sympy, typer


def _become(
    arguments: list[str], cwd: str, environment: dict[str, str], descriptors: list[int]
) -> NoReturn:
    """The command, as ``python -m convgrad_cli`` would be it in that directory."""
    atexit._clear()
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = ["convgrad_cli", *arguments]
    sys.path[0] = cwd
    runpy.run_module("convgrad_cli", run_name="__main__", alter_sys=True)
    raise SystemExit("convgrad came back")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # from 3.12 on, forking beside numpy's threads warns
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # at once, its memory goes anyway
