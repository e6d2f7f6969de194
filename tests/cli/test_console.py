"""The process around a command: every end of it, and what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli import arrays
from tests.conftest import Convgrad

COMMAND = f"{sys.executable} -m convgrad_cli"
BUFFERED = {**os.environ, "PYTHONUNBUFFERED": ""}
COMMANDS = ["--help", "--version", "backward --help", "samples", "backward -q", "backward --json"]


def shell(line: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        cwd=directory,
        env=BUFFERED,
        check=False,
    )


def run_with(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The process as the console script makes it, ``program`` having run first."""
    start = "from convgrad_cli.cli.console import run\nrun()"
    return subprocess.run(
        [sys.executable, "-c", f"{program}\n{start}", *arguments],
        capture_output=True,
        text=True,
        env=BUFFERED,
        check=False,
    )


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_reader_that_has_gone(tmp_path: Path, arguments: str) -> None:
    # Opening a pipe for reading and writing lets the writer start before the reader goes.
    os.mkfifo(tmp_path / "pipe")
    line = f"exec 3<>pipe 4>pipe 3<&-; {COMMAND} {arguments} >&4 4>&-"
    done = shell(line, tmp_path)
    assert (done.returncode, done.stdout) == (141, "")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_full_disk(tmp_path: Path, arguments: str) -> None:
    done = shell(f"{COMMAND} {arguments} >/dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("Cannot write the result: No space left on device.\n")
    assert "Exception" not in done.stderr


def test_notes_with_stderr_closed_are_lost_and_nothing_else(
    convgrad: Convgrad, tmp_path: Path
) -> None:
    """And they do not turn up on stdout."""
    done = shell(f"{COMMAND} backward --json 2>&-", tmp_path)
    assert (done.returncode, done.stdout) == (0, convgrad("backward", "--json").stdout)
    assert shell(f"{COMMAND} backward --stride 9 2>&-", tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code"), [("backward -q", 0), ("backward -q --stride 9", 2), ("nonsense", 2)]
)
def test_exit_codes(convgrad: Convgrad, arguments: str, code: int) -> None:
    assert convgrad(*arguments.split()).returncode == code


def test_what_was_put_off_to_the_end_is_done() -> None:
    """And what it prints still comes out, though the result was flushed before."""
    done = run_with("import atexit; atexit.register(print, 'the last line')", "backward", "-q")
    assert done.returncode == 0
    assert done.stdout.startswith("# ")
    assert done.stdout.endswith("the last line\n")


def test_ctrl_c_before_a_command_has_begun() -> None:
    program = (
        "import convgrad_cli.cli.main as module\n"
        "def stopped(): raise KeyboardInterrupt\n"
        "module.main = stopped"
    )
    done = run_with(program, "backward")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_bug_keeps_its_traceback() -> None:
    program = (
        "import convgrad_cli.cli.main as main\n"
        "def broken(): raise ZeroDivisionError('planted')\n"
        "main.app = broken"
    )
    done = run_with(program, "backward")
    assert done.returncode == 1
    assert "ZeroDivisionError: planted" in done.stderr


def test_an_exit_with_a_text_prints_it() -> None:
    """``sys.exit("text")`` prints the text and ends with 1, as Python has it."""
    program = (
        "import sys, convgrad_cli.cli.main as main\n"
        "def broken(): sys.exit('planted')\n"
        "main.app = broken"
    )
    done = run_with(program)
    assert (done.returncode, done.stderr) == (1, "planted\n")


def readers_loaded(*arguments: str) -> set[str]:
    """Which modules of ``arrays/`` a command has loaded by its end."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*(name for name in sys.modules if '.arrays.' in name),"
        " file=sys.stderr))"
    )
    done = run_with(program, "backward", "-q", *arguments)
    assert done.returncode == 0, done.stderr
    return {name.rpartition(".")[2] for name in done.stderr.split()}


def test_a_command_pays_for_the_formats_it_uses(tmp_path: Path) -> None:
    assert readers_loaded() == {"loaded", "stdin"}
    np.save(tmp_path / "a.npy", np.ones((3, 3)))
    given = readers_loaded("-x", str(tmp_path / "a.npy"), "-w", str(tmp_path / "a.npy"))
    assert "npy" in given
    assert not given & {"json_text", "npz", "table_text", "write", "safetensors"}
    assert "json_text" in readers_loaded("-x", "[[1]]", "-w", "[[2]]")


def test_every_name_of_the_room_is_there() -> None:
    for name in arrays.__all__:
        assert getattr(arrays, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = arrays.nothing_like_it
