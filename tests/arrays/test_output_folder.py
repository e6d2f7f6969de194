"""Arrays written while they are computed: there when all is well, and not otherwise."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli.arrays.folder import output_arrays
from convgrad_cli.errors import FileError


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_the_arrays_appear_at_the_end_with_their_contents(tmp_path: Path) -> None:
    with output_arrays(tmp_path / "out", []) as folder:
        dX = folder.array("dX", (2, 3), np.float32)
        assert isinstance(dX, np.memmap)
        assert not dX.any()
        dX[1, 2] = 7.5
        folder.array("db", (4,), np.int64)[:] = [1, -2, 3, 4]
        assert not (tmp_path / "out" / "dX.npy").exists()
    assert names(tmp_path / "out") == ["dX.npy", "db.npy"]
    saved = np.load(tmp_path / "out" / "dX.npy")
    assert saved.dtype == np.float32
    assert saved.tolist() == [[0, 0, 0], [0, 0, 7.5]]
    assert np.load(tmp_path / "out" / "db.npy").tolist() == [1, -2, 3, 4]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), output_arrays(tmp_path / "out", []) as folder:
        folder.array("dX", (2, 3), np.float64)
        raise error
    assert names(tmp_path) == []


def test_an_existing_result_survives_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "dX.npy", np.arange(3))
    with pytest.raises(ValueError, match="midway"), output_arrays(tmp_path, []) as folder:
        folder.array("dX", (2, 3), np.float64)[:] = 1
        raise ValueError("midway")
    assert names(tmp_path) == ["dX.npy"]
    assert np.load(tmp_path / "dX.npy").tolist() == [0, 1, 2]


def test_an_input_is_never_the_target(tmp_path: Path) -> None:
    np.save(tmp_path / "dX.npy", np.arange(3))
    with (
        pytest.raises(FileError, match="overwrite an input"),
        output_arrays(tmp_path, [tmp_path / "dX.npy"]) as folder,
    ):
        folder.array("dX", (3,), np.int64)
    assert np.load(tmp_path / "dX.npy").tolist() == [0, 1, 2]


def test_a_full_disk_is_told_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(FileError, match="no space left"), output_arrays(tmp_path / "o", []) as out:
        out.array("dX", (3,), np.int64)
    assert names(tmp_path) == []


def test_a_missing_parent_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(FileError, match="does not exist"),
        output_arrays(tmp_path / "no" / "where", []),
    ):
        pass


def test_one_file_alone(tmp_path: Path) -> None:
    with output_arrays(tmp_path / "grad.npy", []) as out:
        out.array("dX", (2,), np.float32)[:] = [3, 4]
    assert np.load(tmp_path / "grad.npy").tolist() == [3, 4]
    assert names(tmp_path) == ["grad.npy"]
