"""The line that shows that a command is at work: when, where, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli.cli import progress

pty = pytest.importorskip("pty")

# A command that takes its time: a block an image, each with a rest.
SLOWLY = (
    "import os, signal, sys, time\n"
    # A shell ignores Ctrl-C for what it starts in the background, and its children inherit that.
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "import convgrad_cli.cli.progress as progress\n"
    "import convgrad_cli.cli.streams as streams\n"
    "import convgrad_cli.layers.stream as layer\n"
    "progress.PATIENCE, progress.EVERY = float(os.environ.get('PATIENCE', '0.1')), 0.02\n"
    "streams.LARGE, layer.BLOCK_BYTES = 0, 1\n"
    "right = layer.kernels.backward\n"
    "def slow(*a, **k):\n"
    "    time.sleep(0.05)\n"
    "    return right(*a, **k)\n"
    "layer.kernels.backward = slow\n"
    "from convgrad_cli.cli.console import run\n"
    "run()"
)
ARRAYS = ("backward", "-x", "X.npy", "-w", "W.npy", "-g", "dY.npy")


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    chance = np.random.default_rng(3)
    for name, shape in {"X": (16, 2, 5, 5), "W": (3, 2, 3, 3), "dY": (16, 3, 3, 3)}.items():
        np.save(tmp_path / f"{name}.npy", chance.normal(size=shape))
    return tmp_path


class Terminal:
    """A command with its stderr in a terminal, and its stdout too unless it goes to a file."""

    def __init__(self, directory: Path, *arguments: str, stdout: object = None, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SLOWLY, *arguments],
            stdin=theirs,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            cwd=directory,
            env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1", **env},
        )
        os.close(theirs)
        self.shown = ""

    def read_to(self, pattern: str | None) -> bool:
        """Read until the pattern stands on the screen, or to the end."""
        while pattern is None or not re.search(pattern, self.shown):
            try:
                part = os.read(self._ours, 4096)
            except OSError:  # how Linux says that the other side is closed
                part = b""
            if not part:
                return False
            self.shown += part.decode()
        return True

    def end(self) -> int:
        self.read_to(None)
        os.close(self._ours)
        return self.process.wait(timeout=60)


def screen_after(shown: str) -> list[str]:
    """The lines that stay, as a terminal has them: a carriage return and ESC [K empty a line."""
    lines = [line.rpartition("\x1b[K")[2].rstrip("\r") for line in shown.split("\n")]
    return [line for line in lines if line]


def test_a_bar_comes_moves_and_goes(layer: Path) -> None:
    terminal = Terminal(layer, *ARRAYS, "-o", "out/")
    assert terminal.end() == 0
    found = [int(part) for part in re.findall(r"gradients ━+─* (\d+)%, \d+ s left", terminal.shown)]
    assert len(set(found)) > 3
    assert found == sorted(found)
    assert screen_after(terminal.shown) == []
    assert sorted(path.name for path in (layer / "out").iterdir()) == ["dW.npy", "dX.npy", "db.npy"]


def test_the_result_stands_on_a_line_of_its_own(layer: Path) -> None:
    terminal = Terminal(layer, *ARRAYS, "--only", "db", "-f", "text")
    assert terminal.end() == 0
    assert "━" in terminal.shown
    assert screen_after(terminal.shown)[0].startswith("# db")


def test_nothing_before_its_time_nor_when_told_to_be_quiet(layer: Path) -> None:
    for options, env in (((), {"PATIENCE": "60"}), (("--quiet",), {}), ((), {"TERM": "dumb"})):
        terminal = Terminal(layer, *ARRAYS, *options, "-o", "out/", **env)
        assert terminal.end() == 0
        assert terminal.shown == ""


def test_nothing_where_there_is_no_terminal(layer: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOWLY, *ARRAYS, "-o", "out/"],
        capture_output=True,
        cwd=layer,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("output", ["out/", "out.npz", "out.json", "-"])
def test_ctrl_c_leaves_the_screen_and_the_directory_clean(layer: Path, output: str) -> None:
    before = sorted(layer.iterdir())
    where = ("--json",) if output == "-" else ("-o", output)
    terminal = Terminal(layer, *ARRAYS, *where)
    assert terminal.read_to(r"gradients .* \d+%")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert screen_after(terminal.shown) == []
    assert sorted(layer.iterdir()) == before


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> progress._Line:
    monkeypatch.setattr(progress, "PATIENCE", 60)
    monkeypatch.setattr(progress, "_takes_unicode", lambda: False)
    monkeypatch.setattr(progress, "_columns", lambda: 60)
    made = progress._Line()
    made.close()
    return made


def test_what_the_line_says(line: progress._Line, monkeypatch: pytest.MonkeyPatch) -> None:
    start = line._start
    monkeypatch.setattr(time, "monotonic", lambda: start + 7)
    assert line._text() == "working, 7 s"
    line.about("gradients")
    monkeypatch.setattr(time, "monotonic", lambda: start + 10)
    assert line._text() == "gradients, 10 s"  # of the whole command
    line.report(15, 60)
    assert line._text() == "gradients #######----------------------- 25%, 9 s left"
    line.report(60, 60)
    assert line._text() == "gradients ############################## 100%, 0 s left"
    monkeypatch.setattr(progress, "_columns", lambda: 20)
    assert line._text() == "gradients #########"


def test_ctrl_c_while_the_line_is_being_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it came while a library held the interpreter: the line goes all the same."""
    monkeypatch.setattr(progress, "_in_terminal", lambda: True)
    monkeypatch.setattr(progress, "PATIENCE", 60)
    join, calls = progress.Thread.join, []

    def interrupted(thread: progress.Thread) -> None:
        calls.append(thread)
        if len(calls) == 1:
            raise KeyboardInterrupt
        join(thread)

    monkeypatch.setattr(progress.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt), progress.watched(quiet=False):
        pass
    assert len(calls) == 2
    assert not calls[0].is_alive()


def test_what_a_layer_says_is_over_with_it(line: progress._Line, monkeypatch) -> None:
    monkeypatch.setattr(progress, "_line", line)
    with progress.progress_bar("gradients") as report:
        report(1, 2)
        assert line._text().startswith("gradients ###")
    assert line._text() == "working, 0 s"
