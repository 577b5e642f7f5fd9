"""Files and folders are written whole or not at all, and a full disk is told at the start."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from finesweep.disk import commit, is_committed, require_space, write_json, written_aside
from finesweep.errors import ConfigError


def write(folder: Path) -> None:
    (folder / "rng").mkdir()
    (folder / "state.bin").write_bytes(b"weights")
    (folder / "rng" / "numpy.bin").write_bytes(b"random")


def test_what_is_written_aside_gets_its_name_at_the_end(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    with written_aside(page) as aside:
        aside.write_text("new")
        assert (aside.parent, aside.name) == (tmp_path, f".page.html.{os.getpid()}.new")
        assert page.read_text() == "old"
    assert page.read_text() == "new"
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("error", [OSError("no space"), KeyboardInterrupt("no space")])
def test_an_error_leaves_what_was_there_and_nothing_aside(
    tmp_path: Path, error: BaseException
) -> None:
    def torn(path: Path, make: Callable[[Path], object]) -> None:
        with written_aside(path) as aside:
            make(aside)
            raise error

    page = tmp_path / "page.html"
    page.write_text("old")
    for path, make in ((page, Path.touch), (tmp_path / "folder", Path.mkdir)):
        with pytest.raises(type(error), match="no space"):
            torn(path, make)
    assert list(tmp_path.iterdir()) == [page]
    assert page.read_text() == "old"


def test_a_folder_that_holds_something_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "there").touch()
    with pytest.raises(OSError, match=r"not empty|exists"), written_aside(folder) as aside:
        aside.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (folder / "there").exists()


def test_what_a_killed_process_of_the_same_number_left_is_gone(tmp_path: Path) -> None:
    stale = tmp_path / f".folder.{os.getpid()}.new"
    stale.mkdir()
    (stale / "stale.bin").touch()
    with written_aside(tmp_path / "folder") as aside:
        aside.mkdir()
    assert not list((tmp_path / "folder").iterdir())


def test_a_committed_folder_is_whole_and_all_there_is(tmp_path: Path) -> None:
    commit(tmp_path / "step-1", write)
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"]
    assert is_committed(tmp_path / "step-1")
    assert (tmp_path / "step-1" / "state.bin").read_bytes() == b"weights"


def test_a_write_that_raises_leaves_what_was_there(tmp_path: Path) -> None:
    def torn(folder: Path) -> None:
        write(folder)
        raise ValueError("half way")

    commit(tmp_path / "step-1", write)
    for name in ("step-1", "step-2"):
        with pytest.raises(ValueError, match="half way"):
            commit(tmp_path / name, torn)
    assert is_committed(tmp_path / "step-1")
    assert not (tmp_path / "step-2").exists()


def test_a_commit_replaces_what_was_there(tmp_path: Path) -> None:
    for stale in (tmp_path / "step-1", tmp_path / f".step-1.{os.getpid()}.new"):
        stale.mkdir()
        (stale / "stale.bin").write_bytes(b"of an earlier attempt")
    commit(tmp_path / "step-1", write)
    assert not list(tmp_path.rglob("stale.bin"))
    assert is_committed(tmp_path / "step-1")


def test_a_disk_with_room_is_taken_and_its_folder_made(tmp_path: Path) -> None:
    require_space(str(tmp_path / "new" / "weights"), min_bytes=1)
    assert (tmp_path / "new" / "weights").is_dir()


def test_a_disk_that_is_too_full_is_refused_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(2**40, 0, 100 * 1024**2))
    expected = rf"^storage\.checkpoints: no disk space: 100 MiB free at {tmp_path}, 512 needed$"
    with pytest.raises(ConfigError, match=expected):
        require_space(str(tmp_path))


def test_more_than_any_disk_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no disk space: .* MiB free at .*, 1,099,511,627,776 n"):
        require_space(str(tmp_path), min_bytes=2**60)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    root = tmp_path / "file" / below
    with pytest.raises(ConfigError, match=rf"^storage\.checkpoints: {root}: (File exists|Not a d)"):
        require_space(str(root))


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
    message = rf"^storage\.checkpoints: {tmp_path}: cannot be written$"
    with pytest.raises(ConfigError, match=message):
        require_space(str(tmp_path))


def test_json_is_replaced_whole_or_left(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    write_json(path, {"line": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(path, {"line": 2, "what": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"line": 1}
    assert list(tmp_path.iterdir()) == [path]
