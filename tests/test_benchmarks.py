"""The benchmarks' own sums: what is printed as a ratio, a target, a peak or an exponent is one."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks import memory, processes, scaling
from tests.benchmarks.__main__ import FILES, SUITES, judged, suite_of, table


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_can_be_run(name: str) -> None:
    suite = suite_of(name)
    assert (suite.__doc__ or "").splitlines()[0].endswith(".")
    taken = set(inspect.signature(suite.run).parameters)
    assert taken <= {"peer_python", "rounds", "only", "huge"}


def test_every_file_is_a_suite_or_serves_one() -> None:
    files = {path.stem for path in Path(memory.__file__).parent.glob("*.py")}
    assert files == {*(FILES.get(name, name) for name in SUITES), "__main__", "peer", "processes"}


@pytest.mark.parametrize(
    ("ratio", "target", "met"),
    [
        (1.6, "<= 1.6", True),
        (1.61, "<= 1.6", False),
        (4.0, ">= 4", True),
        (3.9, ">= 4", False),
        (None, ">= 4", None),
        (1.0, None, None),
    ],
)
def test_a_target_is_met_or_not(ratio: float | None, target: str | None, met: bool | None) -> None:
    assert judged({"ratio": ratio, "target": target})["met"] is met


def test_a_table() -> None:
    rows = [{"suite": "s", "case": "a", "ratio": 1.5, "met": True}]
    rows += [{"suite": "s", "case": "long", "ratio": None, "met": False}]
    assert table(rows) == "case  ratio  met\na      1.50  yes\nlong      -   NO"
    assert table([]) == "(no rows)"


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power(power: float) -> None:
    work = [10, 20, 40, 80]
    assert scaling.exponent(work, [3 * n**power for n in work]) == pytest.approx(power)


def test_multiply_adds_are_those_of_the_sum() -> None:
    layer = scaling.Layer((2, 3, 5, 5), (4, 3, 3, 3))
    assert scaling._multiply_adds(layer) == 2 * 4 * 5 * 5 * 3 * 3 * 3


def test_the_median_of_ratios_is_turn_by_turn() -> None:
    assert processes.median_ratio([2.0, 9.0, 40.0], [1.0, 3.0, 10.0]) == 3.0


@pytest.fixture
def here(tmp_path: Path) -> processes.Installed:
    return processes.Installed(tmp_path)


def test_a_command_is_timed_to_its_end(here: processes.Installed) -> None:
    slow = [sys.executable, "-S", "-c", "import time; time.sleep(0.3)"]
    assert 0.3 <= here.seconds(slow) < 30


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_is_one(here: processes.Installed) -> None:
    assertion = [sys.executable, "-S", "-c", "import os; assert os.isatty(1) and os.isatty(2)"]
    here.seconds(assertion, terminal=True)
    with pytest.raises(processes.Failed, match="AssertionError"):
        here.seconds(assertion)


def test_a_failing_command_is_no_measurement(here: processes.Installed) -> None:
    with pytest.raises(processes.Failed, match="ended with 3"):
        here.seconds([sys.executable, "-S", "-c", "import sys; sys.exit(3)"])


def test_the_peak_is_the_commands_own(here: processes.Installed) -> None:
    """And not that of this process, which is larger by an array."""
    ballast = np.ones(60_000_000, np.int8)
    small = [sys.executable, "-S", "-c", "pass"]
    large = [sys.executable, "-S", "-c", "b'x' * 40_000_000"]
    peak = here.peak(small)
    assert 10**6 < peak < ballast.nbytes
    assert here.peak(large) - peak > 30_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_anonymous_memory_leaves_files_out(tmp_path: Path) -> None:
    before = memory.anonymous_memory(os.getpid())
    assert before > 0
    memory._sparse(tmp_path / "X.npy", (50_000_000,))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert (mapped.shape, mapped.dtype, int(mapped.sum())) == ((50_000_000,), np.float32, 0)
    assert memory.anonymous_memory(os.getpid()) - before < 50_000_000
    assert (tmp_path / "X.npy").stat().st_blocks * 512 < 1_000_000
    assert memory.anonymous_memory(2**30) == 0


def test_the_environment_has_nothing_of_python(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    given = processes.environment(tmp_path)
    assert {name for name in given if name.startswith("PYTHON")} == {"PYTHONPATH"}
    assert given["PYTHONPATH"] == str(tmp_path)
