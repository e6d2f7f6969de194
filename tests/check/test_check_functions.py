"""``check function``: users' functions, right, wrong and hostile, in each signature."""

from __future__ import annotations

import hashlib
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgrad_cli.check import check_arrays, check_function
from convgrad_cli.check.function import bundle_of_case, check_function_file
from convgrad_cli.check.function_process import Limits, Target, read_target
from convgrad_cli.errors import FileError, UsageError
from tests import reference

ROOMY = Limits(call=60.0, total=300.0)


def conv(X, W, dY, stride=1, padding=0, dilation=1, groups=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return reference.conv_backward(X, W, dY, **options)


def loops(X, W, dY, stride, pad, flip=False, keep=False, assign=False, short=False):
    """A student's 2-D backward pass, with a few mistakes to choose from."""
    N, _C, H, width = X.shape
    K, _, kh, kw = W.shape
    Xp = np.pad(X, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dXp, dW = np.zeros_like(Xp), np.zeros_like(W)
    V = W[:, :, ::-1, ::-1] if flip else W
    for n in range(N):
        for i in range(dY.shape[2]):
            for j in range(dY.shape[3]):
                a, b = i * stride, j * stride
                part = np.tensordot(dY[n, :, i, j], V, (0, 0))
                if assign:
                    dXp[n, :, a : a + kh, b : b + kw] = part
                else:
                    dXp[n, :, a : a + kh, b : b + kw] += part
                for o in range(K):
                    dW[o] += dY[n, o, i, j] * Xp[n, :, a : a + kh, b : b + kw]
    start = 0 if keep else pad
    dX = dXp[:, :, start : start + H, start : start + width]
    return dX, dW, dY.sum(axis=(0, 2, 3))


def test_a_right_function_passes_every_layer_in_any_number_of_dimensions() -> None:
    for dims in (1, 2, 3):
        report = check_function(conv, dims=dims)
        assert report, str(report)
        assert report.passed == len(report.cases) == 15
        assert report.smallest is None


def test_the_signature_decides_what_is_tried() -> None:
    def plain(X, W, dY):
        return conv(X, W, dY)

    def strided(X, W, dY, s=1, pad=0):
        return conv(X, W, dY, s, pad)

    def anything(X, W, dY, **options):
        return conv(X, W, dY, **options)

    tried = {f.__name__: check_function(f) for f in (plain, strided, anything)}
    assert all(tried.values())
    assert [len(report.cases) for report in tried.values()] == [3, 9, 15]
    assert "stride, padding, dilation, groups" in tried["plain"].notes[0]
    assert "dilation, groups" in tried["strided"].notes[0]
    assert tried["anything"].notes == []


MISTAKES = [
    ("flip", {"flip": True}, "one channel, one filter", ("X1",)),
    ("crop", {"keep": True}, "padding 1", ("X8",)),
    ("assign", {"assign": True}, "one channel, one filter", ("X9",)),
]


@pytest.mark.parametrize(
    ("name", "mistake", "first", "ids"), MISTAKES, ids=[m[0] for m in MISTAKES]
)
def test_the_smallest_failing_layer_and_the_mistake_are_named(name, mistake, first, ids) -> None:
    def mine(X, W, dY, stride=1, padding=0):
        return loops(X, W, dY, stride, padding, **mistake)

    report = check_function(mine)
    smallest = report.smallest
    assert report.verdict == "wrong"
    assert smallest is not None
    assert smallest.case.name == first
    assert smallest.wrong == ["dX"]
    assert ids in [d.mistakes for d in smallest.gradients["dX"].diagnosis]
    assert report.as_dict()["smallest_failure"]["gradient"] == "dX"
    assert report.passed + len(report.failures) == 9


def test_explanations_that_other_layers_contradict_are_dropped() -> None:
    """With one sample and one filter a forgotten sum over the batch looks like a wrong shape."""

    def unsummed(X, W, dY, stride=1, padding=0):
        dX, dW, _ = conv(X, W, dY, stride, padding)
        return dX, dW, dY.sum(axis=(2, 3))

    smallest = check_function(unsummed).smallest
    assert smallest is not None
    assert smallest.case.name == "one channel, one filter"
    db = smallest.gradients["db"]
    assert {d.mistakes for d in db.diagnosis} == {("B2",)}
    assert "would contradict the other layers" in db.notes[0]


def test_a_mean_over_the_batch_is_named_on_the_first_layer_that_has_one() -> None:
    def mean(X, W, dY, stride=1, padding=0):
        dX, dW, db = conv(X, W, dY, stride, padding)
        return dX, dW / X.shape[0], db

    report = check_function(mean)
    assert report.smallest is not None
    assert report.smallest.case.name == "a batch of 2"
    assert [d.mistakes for d in report.smallest.gradients["dW"].diagnosis] == [("W2",)]
    assert "the mean over the batch" in report.smallest.gradients["dW"].diagnosis[0].text


def test_the_saved_layer_shows_the_mistake_again() -> None:
    def mine(X, W, dY, stride=1, padding=0):
        return loops(X, W, dY, stride, padding, keep=True)

    smallest = check_function(mine).smallest
    assert smallest is not None
    bundle = bundle_of_case(smallest)
    X, W, dY = (np.array(bundle[key]) for key in ("input", "filter", "upstream"))
    again = check_arrays(X, W, dY, dX=mine(X, W, dY, 1, 1)[0], padding=bundle["padding"])
    assert not again


def cs231n(dout, cache):
    x, w, b, conv_param = cache
    assert b.shape == (w.shape[0],)
    return conv(x, w, dout, conv_param["stride"], conv_param["pad"])


def cs231n_flipped(dout, cache):
    x, w, _, conv_param = cache
    return loops(x, w, dout, conv_param["stride"], conv_param["pad"], flip=True)


def cs231n_pool(dout, cache):
    x, pool = cache
    window = (pool["pool_height"], pool["pool_width"])
    return reference.max_pool_backward(x, dout, window, stride=pool["stride"])


def dlai(dZ, cache):
    A_prev, W, b, hparameters = cache
    assert b.shape == (1, 1, 1, W.shape[3])
    dX, dW, db = conv(
        A_prev.transpose(0, 3, 1, 2),
        W.transpose(3, 2, 0, 1),
        dZ.transpose(0, 3, 1, 2),
        hparameters["stride"],
        hparameters["pad"],
    )
    return dX.transpose(0, 2, 3, 1), dW.transpose(2, 3, 1, 0), db.reshape(1, 1, 1, -1)


def dlai_mean(dZ, cache):
    dA, dW, db = dlai(dZ, cache)
    return dA, dW / dZ.shape[0], db


def dlai_pool(dA, cache, mode="max"):
    """The course's own: every tied maximum gets the whole gradient."""
    A_prev, hparameters = cache
    f, stride = hparameters["f"], hparameters["stride"]
    dA_prev = np.zeros_like(A_prev)
    for n, i, j, c in np.ndindex(*dA.shape):
        place = (n, slice(i * stride, i * stride + f), slice(j * stride, j * stride + f), c)
        if mode == "max":
            dA_prev[place] += (A_prev[place] == A_prev[place].max()) * dA[n, i, j, c]
        else:
            dA_prev[place] += dA[n, i, j, c] / (f * f)
    return dA_prev


def test_the_courses_signatures() -> None:
    assert check_function(cs231n, signature="cs231n")
    assert check_function(cs231n_pool, signature="cs231n", layer="maxpool")
    assert check_function(dlai, signature="dlai")
    assert check_function(dlai_pool, signature="dlai", layer="avgpool")
    wrong = check_function(cs231n_flipped, signature="cs231n").smallest
    assert wrong is not None
    assert [d.mistakes for d in wrong.gradients["dX"].diagnosis] == [("X1",)]
    mean = check_function(dlai_mean, signature="dlai").smallest
    assert mean is not None
    assert ("W2",) in [d.mistakes for d in mean.gradients["dW"].diagnosis]


def test_a_pool_that_differs_at_ties_only_fails_there_only() -> None:
    report = check_function(dlai_pool, signature="dlai", layer="maxpool")
    assert [case.case.name for case in report.failures] == ["ties", "ties in overlapping windows"]
    smallest = report.smallest
    assert smallest is not None
    assert [d.mistakes for d in smallest.gradients["dX"].diagnosis] == [("P2",)]


def test_pools_by_arrays_with_a_window_of_one_or_two_numbers() -> None:
    def pair(X, dY, window, stride=1, padding=0):
        return reference.max_pool_backward(X, dY, window, stride=stride, padding=padding)

    def single(X, dY, kernel_size: int, stride=1):
        assert isinstance(kernel_size, int)
        return reference.avg_pool_backward(X, dY, kernel_size, stride=stride)

    def unstrided(X, dY, size):
        return reference.max_pool_backward(X, dY, size)

    assert check_function(pair, layer="maxpool")
    assert check_function(single, layer="avgpool")
    assert check_function(unstrided, layer="maxpool")


def test_an_exception_is_a_failure_and_an_interruption_is_not_swallowed() -> None:
    def crashes(X, W, dY):
        raise RuntimeError("boom")

    report = check_function(crashes)
    assert report.smallest is not None
    assert report.smallest.problem == "RuntimeError: boom"

    def interrupted(X, W, dY):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_function(interrupted)


def test_partial_and_named_results() -> None:
    def two(X, W, dY, stride=1, padding=0):
        return conv(X, W, dY, stride, padding)[:2]

    def by_name(X, W, dY, stride=1, padding=0):
        dX, _, db = conv(X, W, dY, stride, padding)
        return {"db": db, "dX": dX}

    report = check_function(two)
    assert report
    assert "not checked, as the function does not return it: db" in report.notes
    report = check_function(by_name)
    assert report
    assert "not checked, as the function does not return it: dW" in report.notes


HOSTILE = """
    import os, sys, time
    import numpy as np

    def right(X, W, dY):
        N, C = X.shape[:2]
        dX, dW = np.zeros_like(X), np.zeros_like(W)
        kh, kw = W.shape[2:]
        for n in range(N):
            for i in range(dY.shape[2]):
                for j in range(dY.shape[3]):
                    for o in range(len(W)):
                        dX[n, :, i:i + kh, j:j + kw] += dY[n, o, i, j] * W[o]
                        dW[o] += dY[n, o, i, j] * X[n, :, i:i + kh, j:j + kw]
        return dX, dW, dY.sum((0, 2, 3))

    def prints(X, W, dY):
        print("noise" * 1000, flush=True)
        print("noise", file=sys.stderr)
        return right(X, W, dY)

    def hangs(X, W, dY):
        while True:
            pass

    def hangs_on_batches(X, W, dY):
        while len(X) > 1:
            time.sleep(0.1)
        return right(X, W, dY)

    def hangs_on_one_channel(X, W, dY):
        while X.shape[1] == 1:
            time.sleep(0.1)
        return right(X, W, dY)

    def dies(X, W, dY):
        os._exit(7)

    def is_killed(X, W, dY):
        os.kill(os.getpid(), 9)

    def exits(X, W, dY):
        sys.exit(0)

    def asks(X, W, dY):
        return input("your name? ")

    def word(X, W, dY):
        return "dX"

    def none(X, W, dY):
        return None

    def objects(X, W, dY):
        return np.array([None, {}]), dW, 1

    def ragged(X, W, dY):
        return [[1, 2], [3]], W, dY

    def pickles(X, W, dY):
        class Bomb:
            def __reduce__(self):
                return (os.mkdir, (os.path.join(os.path.dirname(__file__), "owned"),))
        return np.array([Bomb()], dtype=object), W, dY

    def imaginary(X, W, dY):
        return X * 1j, W, dY

    def shapes(X, W, dY):
        return X[:, :, :-1], W, dY.sum((0, 2, 3))

    def nans(X, W, dY):
        dX, dW, db = right(X, W, dY)
        dX[0, 0, 0, 0] = np.nan
        return dX, dW, db

    def modifies(X, W, dY):
        answer = right(X, W, dY)
        X[...] = 0
        W *= 2
        return answer

    def too_few():
        return 1

    number = 5
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent(HOSTILE), encoding="utf-8")
    return path


def run(path: Path, name: str, limits: Limits = ROOMY, **keywords: Any) -> Any:
    return check_function_file(read_target(f"{path}:{name}", None), limits=limits, **keywords)


def test_a_file_with_a_right_function_passes_and_is_left_alone(hostile: Path) -> None:
    before = hashlib.sha256(hostile.read_bytes()).digest()
    for name in ("right", "prints"):
        report = run(hostile, name)
        assert report, str(report)
        assert report.passed == 3
    assert hashlib.sha256(hostile.read_bytes()).digest() == before
    assert [entry.name for entry in hostile.parent.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("dies", "died", "exit code 7"),
        ("is_killed", "died", "SIGKILL"),
        ("exits", "raised", "SystemExit: 0"),
        ("asks", "raised", "EOFError"),
        ("word", "unusable", "returned str"),
        ("none", "unusable", "returned NoneType"),
        ("objects", "raised", "NameError"),
        ("ragged", "unusable", "dX is no array"),
        ("pickles", "unusable", "holds no real numbers"),
        ("imaginary", "unusable", "complex"),
        ("too_few", "raised", "TypeError"),
    ],
)
def test_what_goes_wrong_is_told(hostile: Path, name, kind, words) -> None:
    report = run(hostile, name)
    smallest = report.smallest
    assert report.verdict == "wrong"
    assert smallest is not None
    assert (smallest.verdict, smallest.kind) == ("failed", kind)
    assert words in smallest.problem
    assert not (hostile.parent / "owned").exists()


def test_a_raised_error_says_its_line(hostile: Path) -> None:
    line = 1 + hostile.read_text().splitlines().index("    sys.exit(0)")
    smallest = run(hostile, "exits").smallest
    assert smallest.problem == f"SystemExit: 0, line {line}"


def test_a_function_that_hangs_is_ended_and_the_layers_before_count(hostile: Path) -> None:
    limits = Limits(call=2.0, total=300.0)
    target = read_target(f"{hostile}:hangs_on_batches", None)
    report = check_function_file(target, limits=limits)
    assert [case.verdict for case in report.cases] == ["right", "right", "failed"]
    assert report.cases[2].kind == "hung"
    target = read_target(f"{hostile}:hangs_on_one_channel", None)
    report = check_function_file(target, limits=limits)
    assert [case.verdict for case in report.cases] == ["failed", "right", "right"]
    report = check_function_file(read_target(f"{hostile}:hangs", None), limits=limits)
    assert "did not return within 2 s" in report.cases[0].problem
    short = check_function_file(
        read_target(f"{hostile}:hangs", None), limits=Limits(call=2.0, total=2.0)
    )
    assert "not run" in [case.verdict for case in short.cases]
    assert not short


def test_wrong_values_and_modified_inputs(hostile: Path) -> None:
    shapes = run(hostile, "shapes").smallest
    assert shapes.gradients["dX"].expected_shape != shapes.gradients["dX"].found_shape
    nans = run(hostile, "nans").smallest
    assert nans.gradients["dX"].nonfinite == 1
    modifies = run(hostile, "modifies")
    assert modifies
    assert modifies.notes[0] == "the function changes its inputs: W, X"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("def f(:", "f", "SyntaxError"),
        ("import no_such_module_here", "f", "ModuleNotFoundError"),
        ("x = 1", "f", "AttributeError"),
        ("f = 5", "f", "not callable"),
        ("import time\nwhile True: time.sleep(1)", "f", "no end after"),
        ("import os\nos._exit(4)", "f", "exit code 4"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_not_checkable(tmp_path, content, name, words) -> None:
    path = tmp_path / "broken.py"
    path.write_text(content)
    with pytest.raises(UsageError) as error:
        run(path, name, Limits(start=4.0) if "while" in content else ROOMY)
    assert words in str(error.value)
    assert error.value.exit_code == 2


def test_a_target_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"FILE\.py:NAME"):
        read_target("mine.py", None)
    with pytest.raises(FileError):
        read_target("/no/such/file.py:f", None)


def test_an_interpreter_that_is_none(hostile: Path) -> None:
    with pytest.raises(UsageError, match="interpreter"):
        check_function_file(Target(hostile, "right", "/no/such/python"), limits=ROOMY)
    assert check_function_file(Target(hostile, "right", sys.executable), limits=ROOMY)


def test_a_file_that_cannot_even_be_looked_for_is_one_sentence() -> None:
    with pytest.raises(FileError, match="cannot be read: file name too long"):
        read_target("x" * 300 + ".py:f", None)


def test_modules_beside_the_users_file_are_found_and_ours_are_not(tmp_path: Path) -> None:
    (tmp_path / "report.py").write_text("from numpy import sum as mine\n")
    (tmp_path / "user.py").write_text(
        textwrap.dedent(
            """
            import report
            try:
                import diagnose
            except ImportError:
                diagnose = None

            def f(X, W, dY):
                assert diagnose is None
                return {"db": report.mine(dY, axis=(0, 2, 3))}
            """
        )
    )
    assert run(tmp_path / "user.py", "f")
